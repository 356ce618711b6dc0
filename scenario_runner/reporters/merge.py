"""Reads events back from JSON lines, and makes one run of several: shards and retries."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.errors import UsageError
from scenario_runner.events import (
    Event,
    InvalidFile,
    NoJson,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    SourceRead,
    Verdict,
    Warned,
    decode,
)
from scenario_runner.exit_code import Exit, gravest
from scenario_runner.reporters.balance import Balance, balance
from scenario_runner.reporters.output import file_identity
from scenario_runner.reporters.results import ResultCollector

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_PLAN = (b'"RunStarted"', b'"ScenarioStarted"', b'"RunFinished"')


def read_events(paths: Sequence[str]) -> Iterator[Event]:
    """Give the events of all files as those of one run, in the order of the files.

    Counts are summed and the gravest exit code stays. A scenario that ran against the same target
    before is a later attempt at it, and flaky where it passes after one that did not; against
    another target it is a scenario of its own. What was cut off is finished as `errored`; without
    one of its shards a run was interrupted. The files are read twice. Raises UsageError for a file
    that is named twice, and with file and line for what can't be read; only a file's last line may
    be cut off.
    """
    _refuse_doubles(paths)
    plan = _Plan()
    for path in paths:
        for event in events_of(path, _PLAN):
            plan.add(event)
    yield plan.run(paths)
    yield from plan.notes()
    merger = _Merger(plan)
    for path in paths:
        for event in events_of(path):
            yield from merger.next(event)
    yield from merger.end()


def _refuse_doubles(paths: Sequence[str]) -> None:
    named: set[object] = set()
    for path in paths:
        identity = file_identity(path)
        if identity in named:
            hint = "name each file once: a run is not a retry of itself"
            raise UsageError(f"{path} is named twice", hint=hint)
        named.add(identity)


class _Names:
    """Gives each scenario of the current run its name and attempt among all runs."""

    def __init__(self) -> None:
        self._targets: list[tuple[str, str]] = []
        self._suffix = ""
        self._before: Counter[str] = Counter()
        self._attempts: Counter[str] = Counter()

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


class _Plan:
    """What all runs were to do, from how runs and scenarios begin."""

    def __init__(self) -> None:
        self.attempts: dict[str, int] = {}
        self._runs: list[RunStarted] = []
        self._ends: list[RunFinished | None] = []
        self._names = _Names()
        self._again = 0

    def add(self, event: Event) -> None:
        """Take in the beginning of a run or of a scenario, or the end of a run."""
        if isinstance(event, RunFinished):
            self._ends[-1:] = [event]
        elif isinstance(event, RunStarted):
            self._runs.append(event)
            self._ends.append(None)
            self._names.begin(event)
        elif isinstance(event, ScenarioStarted):
            begun = self._names.begun(event)
            self._again += event.attempt == 1 and begun.attempt > 1
            self.attempts[begun.scenario] = begun.attempt

    def run(self, paths: Sequence[str]) -> RunStarted:
        """Return how all runs begin as one."""
        if not self._runs:
            hint = "name a file that was written with --events"
            raise UsageError(f"there is no run in {', '.join(paths)}", hint=hint)
        return replace(
            self._runs[0],
            target=", ".join(dict.fromkeys(run.target for run in self._runs)),
            host=", ".join(dict.fromkeys(run.host for run in self._runs)),
            started_at=min(run.started_at for run in self._runs),
            total=sum(run.total for run in self._runs) - self._again,
            shard="",
        )

    @property
    def lacks_shards(self) -> bool:
        """Whether one of the shards of a run was not read."""
        shards = self._balance()
        return shards is not None and bool(shards.missing)

    def notes(self) -> Iterator[Warned]:
        """Give what is worth saying of the shards, where there are any."""
        shards = self._balance()
        return iter(()) if shards is None else shards.notes()

    def _balance(self) -> Balance | None:
        return balance(zip(self._runs, self._ends, strict=True))


class _Merger:
    """Passes events on as those of one run, and remembers each scenario's last verdict."""

    def __init__(self, plan: _Plan) -> None:
        self._most_attempts = plan.attempts
        self._lacking = plan.lacks_shards
        self._names = _Names()
        self._current = ResultCollector()
        self._verdicts: dict[str, Verdict] = {}
        self._red: set[str] = set()
        self._told: set[Event] = set()
        self._ends: list[RunFinished] = []
        self._begun = 0

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
            case SourceRead() | Warned() | InvalidFile():
                if event not in self._told:  # shards of one run say the same of files
                    self._told.add(event)
                    yield event
            case ScenarioStarted():
                yield self._passed_on(self._names.begun(event))
            case _:
                named = replace(event, scenario=self._names.of(event.scenario))
                yield self._passed_on(named)

    def _passed_on(self, event: Event) -> Event:
        result = self._current.handle(event)
        if result is None:
            return event
        return self._among_attempts(result.finished, result.started.attempt)

    def _cut_off(self) -> Iterator[ScenarioFinished]:
        for result in self._current.unfinished():
            yield self._among_attempts(result.finished, result.started.attempt)

    def _among_attempts(self, finished: ScenarioFinished, attempt: int) -> ScenarioFinished:
        """Say of the end of a scenario what follows from its other attempts."""
        name = finished.scenario
        if finished.verdict is Verdict.PASSED and name in self._red:
            finished = replace(finished, verdict=Verdict.FLAKY, reason="passed only when run again")
        if finished.verdict.bad:
            self._red.add(name)
        self._verdicts[name] = finished.verdict
        return replace(finished, final=attempt == self._most_attempts[name])

    def end(self) -> Iterator[Event]:
        """Finish what was cut off, and the run."""
        yield from self._cut_off()
        cut_off = self._lacking or len(self._ends) < self._begun
        interrupted = cut_off or any(end.interrupted for end in self._ends)
        codes = [end.exit_code for end in self._ends] + [Exit.INTERRUPTED] * interrupted
        yield RunFinished(
            counts=tuple(Counter(self._verdicts.values()).items()),
            exit_code=gravest(codes),
            took=sum(end.took for end in self._ends),
            interrupted=interrupted,
        )


def events_of(path: str, wanted: tuple[bytes, ...] = ()) -> Iterator[Event]:
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
        return decode(line)
    except NoJson as error:
        if not line.endswith(b"\n"):
            return None
        raise UsageError(f"{place}: this is not a line of JSON: {error}") from error
    except ValueError as error:
        text = f"{place}: this is not an event: {error}"
        hint = "was the file written with --events, by the same version?"
        raise UsageError(text, hint=hint) from error
