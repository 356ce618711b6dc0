"""The same scenario files on a FreeSWITCH: the conformance suite, and the examples."""

from __future__ import annotations

from pathlib import Path

from scenario_runner.language.target import Target
from scenario_runner.loading.targets import read_targets
from scenario_runner.masking import Mask
from scenario_runner.pbx import drivers
from tests.asterisk.running_there import finished, run, told
from tests.asterisk.test_asterisk_scenarios import assert_run_or_left_out

ROOT = Path(__file__).parents[2]


def target(settings: str, folder: Path) -> Target:
    """Return a target of ends without phones, whose calls stay parked for a moment only."""
    file = folder / "scenario-targets.yaml"
    file.write_text(
        f"targets:\n  freeswitch:\n    driver: freeswitch\n    {settings}\n"
        "    slots: 1-20\n    park_timeout: 1s\n    return_rings: 1s\n    extensions: 341-360\n"
    )
    return read_targets(str(file), drivers).target("freeswitch", {}, Mask())


def test_the_conformance_suite_holds(freeswitch: str, tmp_path: Path) -> None:
    events = run(target(freeswitch, tmp_path), ROOT / "tests" / "conformance")
    ends = finished(events)
    assert len(ends) > 15
    assert {end.verdict for end in ends} == {"passed"}, told(events)


def test_the_examples_run(freeswitch: str, tmp_path: Path) -> None:
    files = sorted((ROOT / "examples").glob("*.scenario.yaml"))
    events = run(target(freeswitch, tmp_path), *files)
    assert_run_or_left_out(events)
