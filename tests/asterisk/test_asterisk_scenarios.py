"""The same scenario files on a real Asterisk: the conformance suite, and the examples."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .running_there import finished, run, target, told

if TYPE_CHECKING:
    from scenario_runner.events import Event

    from .instance import Instance

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]


def test_the_conformance_suite_holds_on_a_real_asterisk(asterisk: Instance, tmp_path: Path) -> None:
    events = run(target(asterisk, tmp_path, "asterisk"), ROOT / "tests" / "conformance")
    ends = finished(events)
    assert len(ends) > 15
    assert {end.verdict for end in ends} == {"passed"}, told(events)


def test_the_examples_run_on_a_real_asterisk(asterisk: Instance, tmp_path: Path) -> None:
    examples = sorted((ROOT / "examples").glob("*.scenario.yaml"))
    events = run(target(asterisk, tmp_path, "asterisk"), *examples)
    if asterisk.died:  # its fault, and not that of what is tested: once more
        asterisk.start()
        events = run(target(asterisk, tmp_path, "asterisk"), *examples)
    assert_run_or_left_out(events)
    assert asterisk.console("core", "show", "channels", "count").startswith("0 active channels")


def assert_run_or_left_out(events: list[Event]) -> None:
    """Each example is green, or says by `when` that this target is none for it."""
    verdicts = Counter(str(end.verdict) for end in finished(events))
    assert verdicts.keys() <= {"passed", "xfailed", "not applicable"}, told(events)
    assert verdicts["passed"] > 15
