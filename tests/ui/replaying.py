"""Runs a recorded file the way `scenario-runner run` does, and says what it came to."""

from __future__ import annotations

from scenario_runner.api import run
from scenario_runner.errors import render_problem
from scenario_runner.events import ScenarioFinished, StepFinished
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.source import Source

FILE = "recorded.scenario.yaml"


def verdict_of(text: str) -> tuple[str, list[str]]:
    """Load and run a file; return its verdict and every failure."""
    loaded = load_text(text, FILE, LoadOptions())
    sources = {FILE: Source(FILE, text)}
    problems = [render_problem(one, sources) for one in loaded.problems if not one.warning]
    assert not problems, "\n".join(problems) + "\n" + text
    events = list(run(loaded.scenarios, environment={}))
    failures = [
        f"{event.step}: {failure.message}"
        for event in events
        if isinstance(event, StepFinished)
        for failure in event.failures
    ]
    finished = [event for event in events if isinstance(event, ScenarioFinished)]
    failures += [failure.message for event in finished for failure in event.failures]
    return finished[-1].verdict, failures


def assert_passes(text: str) -> None:
    verdict, failures = verdict_of(text)
    assert verdict == "passed", "\n".join(failures) + "\n" + text
