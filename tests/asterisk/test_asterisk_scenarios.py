"""The same scenario files on a real Asterisk: the conformance suite, and the examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .running_there import finished, run, target, told

if TYPE_CHECKING:
    from .instance import Instance

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]

ONLY_ELSEWHERE = {
    "07-the-call-comes-back": "it names the three minutes of the mock's parking lot",
    "10-stays-parked": "it stays parked for longer than this target's time-out",
    "12-events": "it looks at a field that only RingMe's events have",
    "13-missing-slot": "it sends raw requests",
    "14-unknown-call": "it looks at the status of an HTTP answer",
    "15-slot-as-text-and-number": "it looks at the body of an HTTP answer",
    "16-capacity": "Asterisk sets no limit to calls",
    "17-cleanup": "it sends raw requests",
    "27-environment": "it sends raw requests",
}
"""The examples that an Asterisk with a lot of four seconds can't run, and why."""


def test_the_conformance_suite_holds_on_a_real_asterisk(asterisk: Instance, tmp_path: Path) -> None:
    events = run(target(asterisk, tmp_path, "asterisk"), ROOT / "tests" / "conformance")
    ends = finished(events)
    assert len(ends) > 15
    assert {end.verdict for end in ends} == {"passed"}, told(events)


def test_the_examples_run_on_a_real_asterisk(asterisk: Instance, tmp_path: Path) -> None:
    files = sorted((ROOT / "examples").glob("*.scenario.yaml"))
    names = {file.name.partition(".")[0] for file in files}
    there = [file for file in files if file.name.partition(".")[0] not in ONLY_ELSEWHERE]
    events = run(target(asterisk, tmp_path, "asterisk"), *there)
    ends = finished(events)
    assert len(ends) >= len(there) > 15
    assert {end.verdict for end in ends} <= {"passed", "xfailed"}, told(events)
    assert set(ONLY_ELSEWHERE) <= names | {"27-environment"}
    assert asterisk.console("core", "show", "channels", "count").startswith("0 active channels")
