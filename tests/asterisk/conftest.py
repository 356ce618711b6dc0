"""Starts one Asterisk for the tests in this folder; skips where there is none to be had."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .instance import DidNotStart, Instance, free_ports
from .packages import NotToBeHad, fetched
from .sip_phones import Phones

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUIRED = "SCENARIO_ASTERISK_REQUIRED"


@pytest.fixture
def asterisk(installed: Instance) -> Instance:
    """Give a running Asterisk: started anew where it died under the test before."""
    if installed.died:
        installed.start()
    return installed


@pytest.fixture(scope="session")
def installed() -> Iterator[Instance]:
    """Give an Asterisk for all tests; skip where Debian's packages are not to be had.

    With SCENARIO_ASTERISK_REQUIRED in the environment that is a failure.
    """
    folder = Path(tempfile.mkdtemp(prefix="asterisk-"))
    try:
        instance = Instance(fetched(), folder, free_ports())
        instance.start()
    except (NotToBeHad, DidNotStart) as error:
        if os.environ.get(REQUIRED):
            pytest.fail(f"no Asterisk to test against: {error}")
        pytest.skip(f"no Asterisk to test against: {error}")
    else:
        yield instance
        instance.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def phones(asterisk: Instance) -> Iterator[Phones]:
    """Give SIP phones at the Asterisk."""
    with Phones(asterisk) as phones:
        yield phones
