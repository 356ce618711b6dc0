"""The JSON report: one document of the run, its scenarios, their steps and exchanges.

Its parts are the events themselves, so `events.schema.json` describes it too (`$defs/Report`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from scenario_runner.events import (
    InvalidFile,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    Verdict,
    Warned,
    encode,
)
from scenario_runner.reporters.file_reporter import FileReporter, Format
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.results import StepResult

if TYPE_CHECKING:
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult


def _said(text: str) -> Meta:
    return Meta(description=text)


class ScenarioReport(Struct, frozen=True, kw_only=True):
    """A scenario of the JSON report, by its last attempt."""

    verdict: Annotated[Verdict, _said("What became of it after all attempts.")]
    started: Annotated[ScenarioStarted, _said("How it began.")]
    finished: Annotated[ScenarioFinished, _said("How it ended.")]
    steps: Annotated[tuple[StepResult, ...], _said("Its steps in the order in which they began.")]
    earlier: Annotated[
        tuple[ScenarioReport, ...], _said("The attempts before, the first one first.")
    ]


class Report(Struct, frozen=True, kw_only=True):
    """The document that 'run --json FILE' writes."""

    run: Annotated[RunStarted, _said("How the run began.")]
    scenarios: Annotated[
        tuple[ScenarioReport, ...],
        _said("The scenarios in the order in which they ended."),
    ]
    warnings: Annotated[tuple[Warned, ...], _said("What deserves a look.")]
    invalid: Annotated[tuple[InvalidFile, ...], _said("The files that are invalid.")]
    interrupted: Annotated[bool, _said("Whether the run was broken off.")]
    not_run: Annotated[int, _said("How many of the selected scenarios did not begin.")]
    finished: Annotated[RunFinished | None, _said("How the run ended; null where it was cut off.")]


class Document(Format):
    """Writes a Report piece by piece; nothing is kept but the warnings and the invalid files."""

    def __init__(self) -> None:
        self._warnings: list[str] = []
        self._invalid: list[str] = []
        self._comma = ""

    def begin(self, gathered: ResultCollector) -> str:
        """Open the document."""
        return f'{{"run":{_text(gathered.run)},\n"scenarios":['

    def warning(self, warned: Warned) -> str:
        """Keep the warning until the scenarios are written."""
        self._warnings.append(_text(warned))
        return ""

    def invalid(self, invalid: InvalidFile, gathered: ResultCollector) -> str:
        """Keep the file until the scenarios are written."""
        del gathered
        self._invalid.append(_text(invalid))
        return ""

    def scenario(self, result: ScenarioResult, gathered: ResultCollector) -> str:
        """Write a scenario with its steps."""
        del gathered
        comma, self._comma = self._comma, ","
        return f"{comma}\n{_text(_report(result))}"

    def end(self, gathered: ResultCollector) -> str:
        """Close the document; without a `finished` the run was interrupted."""
        finished = _text(gathered.end) if gathered.end is not None else "null"
        return (
            f'\n],\n"warnings":[{",".join(self._warnings)}],\n'
            f'"invalid":[{",".join(self._invalid)}],\n'
            f'"interrupted":{"true" if gathered.interrupted else "false"},\n'
            f'"not_run":{gathered.missing},\n"finished":{finished}}}\n'
        )


def _report(result: ScenarioResult) -> ScenarioReport:
    return ScenarioReport(
        verdict=result.verdict,
        started=result.started,
        finished=result.finished,
        steps=result.steps(),
        earlier=tuple(_report(before) for before in result.earlier),
    )


def _text(part: Struct) -> str:
    return encode(part).decode()


def to_file(path: str) -> FileReporter:
    """Return the reporter that writes the JSON document to `path`."""
    return FileReporter(Document(), open_output(path))
