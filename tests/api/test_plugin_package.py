"""A package that adds to the runner by entry points, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import scenario_runner
from scenario_runner.reporters import open_reporter, reporter_names

PLUGIN = Path(__file__).parent / "plugin"
RACE = Path(__file__).parents[2] / "examples" / "24-two-agents-one-call.scenario.yaml"


def test_an_added_reporter_is_found_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "verdicts" not in reporter_names()
    monkeypatch.syspath_prepend(PLUGIN)
    assert "verdicts" in reporter_names()
    reporter = open_reporter("verdicts", str(tmp_path / "out.txt"))
    for event in scenario_runner.run(scenario_runner.load(RACE)):
        reporter.handle(event)
    reporter.close()
    text = (tmp_path / "out.txt").read_text()
    assert text == f"passed {RACE}::Two agents grab one parked call, and exactly one gets it\n"
