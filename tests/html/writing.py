"""Writes HTML reports of many scenarios for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.events import (
    CallChanged,
    Exchange,
    PbxReported,
    ScenarioFinished,
    ScenarioStarted,
    SourceRead,
    StepFinished,
    StepStarted,
    Verdict,
)
from scenario_runner.reporters.html.report import HtmlReport, to_file
from tests.ladder.telling import END, RUN, SOURCE, failed, finished, started, walk_through

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scenario_runner.events import Event

_PASSED = tuple(walk_through())
_FAILED = tuple(failed())


def scenario(
    number: int, verdict: Verdict = Verdict.PASSED, *, attempt: int = 1
) -> Iterator[Event]:
    """Give the events of one scenario in a file of its own."""
    file = f"cases/park-{number}.scenario.yaml"
    name = f"{file}::Park a caller in slot {number}"
    begin, end = started(f"Park a caller in slot {number}", attempt=attempt), finished(verdict)
    assert isinstance(begin, ScenarioStarted)
    assert isinstance(end, ScenarioFinished)
    tags = ("smoke",) if number % 2 else ("parking", "slow")
    yield SourceRead(file=file, text=SOURCE.text)
    yield replace(begin, scenario=name, tags=tags, span=replace(begin.span, file=file))
    for event in _FAILED if verdict is Verdict.FAILED else _PASSED:
        match event:
            case StepStarted():
                yield replace(event, scenario=name, span=replace(event.span, file=file))
            case StepFinished():
                failures = tuple(
                    replace(one, span=replace(one.span, file=file)) for one in event.failures
                )
                yield replace(event, scenario=name, failures=failures)
            case Exchange() | CallChanged() | PbxReported():
                yield replace(event, scenario=name)
            case _:
                yield event
    yield replace(end, scenario=name)


def run_of(*verdicts: Verdict) -> Iterator[Event]:
    """Give the events of a run with a scenario of each verdict."""
    yield replace(RUN, total=len(verdicts), base_url="https://pbx.example.com/")
    for number, verdict in enumerate(verdicts):
        yield from scenario(number, verdict)
    yield END


def written(path: Path, events: Iterator[Event]) -> HtmlReport:
    """Write a report and return the reporter."""
    report = to_file(str(path))
    for event in events:
        report.handle(event)
    report.close()
    return report
