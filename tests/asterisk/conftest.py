"""Starts one Asterisk for the tests in this folder; says aloud where there is none to be had."""

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
_why_not: list[str] = []


@pytest.fixture(scope="session")
def asterisk() -> Iterator[Instance]:
    """Give a running Asterisk; skip where Debian's packages are not to be had.

    With SCENARIO_ASTERISK_REQUIRED in the environment that is a failure.
    """
    folder = Path(tempfile.mkdtemp(prefix="asterisk-"))
    try:
        instance = Instance(fetched(), folder, free_ports())
        instance.start()
    except (NotToBeHad, DidNotStart) as error:
        _why_not.append(str(error))
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud what was not tested."""
    if _why_not:
        terminalreporter.section("NOT TESTED: a real Asterisk", red=True, bold=True)
        terminalreporter.line(_why_not[0])
