"""Reads events back from JSON lines, and makes one run of several: shards and retries."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.errors import UsageError
from scenario_runner.events import (
    Event,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    SourceRead,
    Warned,
    from_json,
)
from scenario_runner.reporters.results import ResultCollector

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_GRAVEST_FIRST = (5, 130, 4, 2, 3, 1)
_INTERRUPTED = 130
_BEGINNINGS = (b'"RunStarted"', b'"ScenarioStarted"')


def read_events(paths: Sequence[str]) -> Iterator[Event]:
    """Give the events of all files as those of one run, in the order of the files.

    Counts are summed and the gravest exit code stays. A scenario that ran against the same target
    before is a later attempt at it; against another target it is a scenario of its own. What was
    cut off is finished as `errored`. The files are read twice. Raises UsageError with file and
    line for what can't be read; only a file's last line may be cut off.
    """
    yield _one_run(paths)
    merger = _Merger()
    for path in paths:
        for event in _events(path):
            yield from merger.next(event)
    yield from merger.end()


def _one_run(paths: Sequence[str]) -> RunStarted:
    """Read only how runs and scenarios begin, and sum up what all runs were to do."""
    runs: list[RunStarted] = []
    names = _Names()
    again = 0
    for event in (event for path in paths for event in _events(path, _BEGINNINGS)):
        if isinstance(event, RunStarted):
            runs.append(event)
            names.begin(event)
        elif isinstance(event, ScenarioStarted) and event.attempt == 1:
            again += names.begun(event).attempt > 1
    if not runs:
        hint = "name a file that was written with --events"
        raise UsageError(f"there is no run in {', '.join(paths) or 'no file at all'}", hint=hint)
    return replace(
        runs[0],
        target=", ".join(dict.fromkeys(run.target for run in runs)),
        host=", ".join(dict.fromkeys(run.host for run in runs)),
        started_at=min(run.started_at for run in runs),
        total=sum(run.total for run in runs) - again,
    )


@dataclass(slots=True)
class _Names:
    """Gives each scenario of the current run its name and attempt among all runs."""

    _targets: list[tuple[str, str]] = field(default_factory=list)
    _suffix: str = ""
    _before: Counter[str] = field(default_factory=Counter)
    _attempts: Counter[str] = field(default_factory=Counter)

    def begin(self, run: RunStarted) -> None:
        """Begin the next run; scenarios of other targets than the first are told apart."""
        target = (run.target, run.host)
        if target not in self._targets:
            self._targets.append(target)
        number = self._targets.index(target)
        self._suffix = f" @{run.target} {run.host}" if number else ""
        self._before = self._attempts.copy()

    def of(self, scenario: str) -> str:
        """Return the name among all runs."""
        return scenario + self._suffix

    def begun(self, started: ScenarioStarted) -> ScenarioStarted:
        """Return the event with its name and attempt among all runs."""
        name = self.of(started.scenario)
        attempt = self._before[name] + started.attempt
        self._attempts[name] = max(self._attempts[name], attempt)
        return replace(started, scenario=name, attempt=attempt)


@dataclass(slots=True)
class _Merger:
    """Passes events on as those of one run, and remembers each scenario's last verdict."""

    _names: _Names = field(default_factory=_Names)
    _current: ResultCollector = field(default_factory=ResultCollector)
    _verdicts: dict[str, str] = field(default_factory=dict)
    _ends: list[RunFinished] = field(default_factory=list)
    _begun: int = 0

    def next(self, event: Event) -> Iterator[Event]:
        """Give what the event becomes."""
        match event:
            case RunStarted():
                yield from self._cut_off()
                self._current = ResultCollector()
                self._names.begin(event)
                self._begun += 1
            case RunFinished():
                self._ends.append(event)
            case SourceRead() | Warned():
                yield event
            case ScenarioStarted():
                yield self._seen(self._names.begun(event))
            case _:
                yield self._seen(replace(event, scenario=self._names.of(event.scenario)))

    def _seen(self, event: Event) -> Event:
        story = self._current.handle(event)
        if story is not None:
            self._verdicts[story.finished.scenario] = story.verdict
        return event

    def _cut_off(self) -> Iterator[ScenarioFinished]:
        for story in self._current.unfinished():
            self._verdicts[story.finished.scenario] = story.verdict
            yield story.finished

    def end(self) -> Iterator[Event]:
        """Finish what was cut off, and the run."""
        yield from self._cut_off()
        interrupted = len(self._ends) < self._begun or any(end.interrupted for end in self._ends)
        codes = {end.exit_code for end in self._ends} | ({_INTERRUPTED} if interrupted else set())
        yield RunFinished(
            counts=tuple(Counter(self._verdicts.values()).items()),
            exit_code=next((code for code in _GRAVEST_FIRST if code in codes), 0),
            took=sum(end.took for end in self._ends),
            interrupted=interrupted,
        )


def _events(path: str, wanted: tuple[bytes, ...] = ()) -> Iterator[Event]:
    """Give the events of a file; with `wanted` only those whose line contains one of these."""
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip() and (not wanted or any(word in line for word in wanted)):
                    event = _event(line, f"{path}:{number}")
                    if event is not None:
                        yield event
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror or error}") from error


def _event(line: bytes, place: str) -> Event | None:
    """Read an event; None for a line that was cut off, which only a file's last line can be."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        if not line.endswith(b"\n"):
            return None
        raise UsageError(f"{place}: this is no line of JSON: {error}") from error
    try:
        return from_json(data)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        text = f"{place}: this is no event: {error}"
        hint = "was the file written with --events, by the same version?"
        raise UsageError(text, hint=hint) from error
