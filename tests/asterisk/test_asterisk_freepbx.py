"""The preset `freepbx`, on a dialplan that parks and brings back as FreePBX's does."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scenario_runner.loading.targets import read_targets
from scenario_runner.masking import Mask
from scenario_runner.pbx import drivers

from .instance import CONF, SECRET, USER, Instance, discard, free_ports
from .running_there import finished, run_text, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.language.target import Target

pytestmark = pytest.mark.real

SCENARIOS = """
scenario: a call is parked in a space and picked up by dialling it
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 71}
  - call: {as: agent, extension: 342, to: "+78120000555"}
  - bridge: {call: agent, slot: 71}
---
scenario: the last space
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 79}
    expect: {refused: slot-unknown}
  - park: {call: customer, slot: 78}
---
scenario: a call that nobody takes comes back to who parked it
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 72}
  - event: {type: dial-in, extension: 341}
    within: 10s
"""


@pytest.fixture
def freepbx(asterisk: Instance) -> Iterator[Instance]:
    """Give an Asterisk with a dialplan that imitates FreePBX's."""
    folder = Path(tempfile.mkdtemp(prefix="freepbx-"))
    overlay = CONF.with_name("conf-freepbx")
    instance = Instance(asterisk.unpacked, folder, free_ports(), overlay=overlay)
    instance.start()
    yield instance
    discard(instance)
    shutil.rmtree(folder, ignore_errors=True)


def target(instance: Instance, folder: Path) -> Target:
    file = folder / "scenario-targets.yaml"
    file.write_text(
        "targets:\n  office:\n    driver: asterisk\n    preset: freepbx\n"
        f"    port: {instance.ports.ami}\n    username: {USER}\n    password: {SECRET}\n"
        "    park_timeout: 1s\n    extensions: 341-360\n"
        "    extension: Local/{number}@phones/n\n"
    )
    return read_targets(str(file), drivers).target("office", {}, Mask())


def test_the_preset_parks_on_a_dialplan_like_freepbx(freepbx: Instance, tmp_path: Path) -> None:
    events = run_text(target(freepbx, tmp_path), tmp_path, SCENARIOS)
    assert [end.verdict for end in finished(events)] == ["passed"] * 3, told(events)
    seen = freepbx.console("core", "show", "channels", "count")
    assert seen.startswith("0 active channels")
