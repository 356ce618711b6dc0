"""A whole run: files are loaded, scenarios chosen and run, and everything is reported."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from msgspec import structs

from scenario_runner.errors import (
    InvalidFiles,
    NothingSelected,
    TargetError,
    UsageError,
    suggestion,
)
from scenario_runner.events import (
    InvalidFile,
    RunFinished,
    RunStarted,
    ScenarioStarted,
    SourceRead,
    Warned,
)
from scenario_runner.execution.interleavings import in_turn
from scenario_runner.execution.options import RunOptions, unheard
from scenario_runner.execution.results import Results, masked, with_live
from scenario_runner.execution.selection import Selection, select, split_ids
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import Cause, VirtualRun
from scenario_runner.loading.documents import LoadOptions, load
from scenario_runner.loading.files import find_files, run_root
from scenario_runner.loading.suite import Suite
from scenario_runner.pbx.drivers import Context
from scenario_runner.source import NOWHERE, read_source
from scenario_runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from scenario_runner.errors import Problem
    from scenario_runner.events import Event
    from scenario_runner.execution.cluster import Cluster
    from scenario_runner.execution.shards import Shard
    from scenario_runner.execution.targets import ClusterChoice
    from scenario_runner.exit_code import Exit
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.masking import Mask
    from scenario_runner.mock_pbx import MockPbx
    from scenario_runner.pbx.drivers import Notice
    from scenario_runner.source import Source


def _unseen(mock: MockPbx, cause: Cause) -> None:
    """Look at nothing."""


_SECRET = re.compile(r"\$\{?secret\.([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What is to be run, against what, and how.

    `keep_going` runs the valid files although others are invalid. `shard` is the part to be run,
    cut by the durations in the files of events `timings`. `cluster` is where scenarios run, if not
    in this process. `started_at` is the date in
    microseconds since 1970 (UTC); `context` is what a driver is given to open the target with, its
    mask hides the secrets of the whole run. `answered` is given the built-in mock after each of its
    answers and timers, where one process runs the scenarios.
    """

    paths: tuple[str, ...]
    selection: Selection = field(default_factory=Selection)
    loading: LoadOptions = field(default_factory=LoadOptions)
    options: RunOptions = field(default_factory=RunOptions)
    target: Target = MOCK
    context: Context = field(default_factory=Context)
    keep_going: bool = False
    shard: Shard | None = None
    timings: tuple[str, ...] = ()
    cluster: ClusterChoice | None = None
    started_at: int = 0
    answered: Callable[[MockPbx, Cause], None] = _unseen


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the files say: the scenarios that are chosen, and what is wrong.

    `sources` are the texts of all files that were read, fragments included.
    """

    scenarios: Suite
    problems: tuple[Problem, ...] = ()
    sources: tuple[Source, ...] = ()

    @classmethod
    def of(cls, scenarios: Iterable[Scenario]) -> Gathered:
        """Return scenarios that were loaded before."""
        suite = scenarios if isinstance(scenarios, Suite) else Suite((tuple(scenarios),))
        return cls(scenarios=suite)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep a file from being run."""
        return tuple(problem for problem in self.problems if not problem.warning)


def gather(request: RunRequest) -> Gathered:
    """Load the files and choose; raises UsageError, and NothingSelected where all are valid."""
    parts: list[Sequence[Scenario]] = []
    problems: list[Problem] = []
    sources: dict[str, Source] = {}
    declared: set[str] = set()
    paths, ids = split_ids(request.paths)
    loading = replace(request.loading, root=run_root(paths))
    for loaded in load(find_files(paths), loading):
        parts += loaded.scenarios.parts
        problems += loaded.problems
        sources |= {source.file: source for source in loaded.sources}
        declared |= loaded.declared
    all_valid = all(problem.warning for problem in problems)
    if all_valid:
        _refuse_unknown_variables(request.loading, declared)
    chosen = Suite()
    try:
        chosen = select(Suite(tuple(parts)), replace(request.selection, ids=ids))
    except NothingSelected:
        if all_valid:
            raise
    return Gathered(
        scenarios=_sharded(chosen, request),
        problems=tuple(problems),
        sources=tuple(sources.values()),
    )


def gather_valid(request: RunRequest) -> Gathered:
    """Load the files and choose; raises InvalidFiles where one of them is invalid."""
    gathered = gather(request)
    if gathered.errors:
        raise InvalidFiles(gathered.problems)
    return gathered


def _sharded(chosen: Suite, request: RunRequest) -> Suite:
    if request.shard is None:
        return chosen
    from scenario_runner.execution.shards import part, read_durations

    durations = read_durations(request.timings) if request.timings else None
    return part(chosen, request.shard, durations)


def _refuse_unknown_variables(loading: LoadOptions, declared: set[str]) -> None:
    for name, _ in loading.overrides:
        if name not in declared:
            hint = suggestion(name, sorted(declared), "declared are")
            raise UsageError(f"no scenario declares the variable '{name}'", hint=hint)


class Runner(Protocol):
    """Runs scenarios in some way, and counts their verdicts in `results`."""

    def run(self, scenarios: Suite, results: Results) -> None:
        """Run the scenarios; Ctrl-C ends the run after the cleanups of those that are running."""
        ...


def run_whole(request: RunRequest, emit: Callable[[Event], None]) -> Exit:
    """Run everything that is asked for and return the exit code; events go to `emit`."""
    return run_scenarios(request, gather(request), emit)


def run_scenarios(request: RunRequest, gathered: Gathered, emit: Callable[[Event], None]) -> Exit:
    """Run scenarios that are loaded already, as often as is asked for, and return the exit code.

    Where files are invalid nothing is run, unless the others are to be run all the same. Raises
    UsageError for a cluster that can't be used.
    """
    if request.cluster is None:
        return _run_reported(request, gathered, emit, None)
    # Imported here, since Dask takes longer to import than a short run takes.
    from scenario_runner.execution.cluster import joined

    with joined(request.cluster, request.options, request.context) as cluster:
        return _run_reported(request, gathered, emit, cluster)


def _run_reported(
    request: RunRequest,
    gathered: Gathered,
    emit: Callable[[Event], None],
    cluster: Cluster | None,
) -> Exit:
    options, mask = request.options, request.context.mask
    begin = options.stopwatch()
    hide_secrets(gathered.scenarios, options.environment, mask)
    tell = masked(with_live(emit, options.live), mask)
    results = Results(invalid=bool(gathered.errors))
    tell(_started(request, len(gathered.scenarios) * options.repeat))
    telling = _Sources(gathered, emit, tell)
    _tell_problems(gathered.problems, telling, tell)
    if request.shard is not None and not gathered.scenarios and not gathered.errors:
        tell(_empty(request.shard))
    if request.keep_going or not gathered.errors:
        runner = partial(_runner, emit=telling.emit, cluster=cluster)
        _run_all(request, gathered.scenarios, results, runner)
    if results.nothing_applied:
        tell(_nothing_applied(request.target, len(gathered.scenarios)))
    code = results.exit_code(
        allow_skips=options.allow_skips,
        allow_flaky=options.allow_flaky,
        shard=request.shard is not None,
    )
    tell(
        RunFinished(
            counts=tuple(results.counts.items()),
            exit_code=code,
            took=options.stopwatch() - begin,
            interrupted=results.interrupted,
        )
    )
    return code


def _run_all(
    request: RunRequest,
    scenarios: Suite,
    results: Results,
    runner_of: Callable[[RunRequest, int], Runner],
) -> None:
    options = request.options
    for number in range(options.repeat):
        if results.interrupted or (options.fail_fast and not results.green):
            break
        replays = {
            name: structs.replace(run, seed=run.seed + number)
            for name, run in options.replays.items()
        }
        again = replace(options, seed=options.seed + number, replays=replays)
        chosen = arranged(scenarios, again, number + 1 if options.repeat > 1 else 0)
        runner_of(replace(request, options=again), len(chosen)).run(chosen, results)


def report_invalid(error: InvalidFiles, emit: Callable[[Event], None], started_at: int) -> Exit:
    """Report a targets file that keeps a run from being begun."""
    nowhere = structs.replace(MOCK, name="", host="", driver="", base_url="")
    request = RunRequest(paths=(), target=nowhere, started_at=started_at)
    files = dict.fromkeys(problem.span.file for problem in error.problems)
    sources = tuple(source for file in files if (source := read_source(file)) is not None)
    gathered = Gathered(scenarios=Suite(), problems=error.problems, sources=sources)
    return run_scenarios(request, gathered, emit)


def _tell_problems(
    problems: Sequence[Problem], telling: _Sources, tell: Callable[[Event], None]
) -> None:
    """Emit the warnings, and an event for each invalid file with all that is wrong there."""
    invalid: dict[str, list[Problem]] = {}
    for problem in problems:
        for span in (problem.span, *(note.span for note in problem.notes if note.span)):
            telling.tell(span.file)
        if problem.warning:
            tell(
                Warned(
                    code=problem.code,
                    message=problem.message,
                    span=problem.span,
                    hint=problem.hint,
                )
            )
        else:
            invalid.setdefault(problem.span.file, []).append(problem)
    for file, found in invalid.items():
        tell(InvalidFile(file=file, problems=tuple(found)))


def hide_secrets(scenarios: Suite, environment: Mapping[str, str], mask: Mask) -> None:
    """Hide every secret that the files name, before the first event: whatever runs first.

    One that is too short to be hidden is refused when a step reads it.
    """
    texts = {source.file: source.text for one in scenarios.templates() for source in one.sources}
    names = {name for text in texts.values() for name in _SECRET.findall(text)}
    for name in sorted(names & environment.keys()):
        with suppress(TargetError):
            mask.add(environment[name], name=f"$secret.{name}")


def _runner(
    request: RunRequest,
    scenarios: int,
    emit: Callable[[Event], None],
    cluster: Cluster | None,
) -> Runner:
    """Return what runs this many scenarios on the target: in virtual time, or over a network."""
    if request.target.driver == "mock":
        return _virtual(request, scenarios, emit, cluster)
    return _network(request, emit, cluster)


def _virtual(
    request: RunRequest,
    scenarios: int,
    emit: Callable[[Event], None],
    cluster: Cluster | None,
) -> Runner:
    options = request.options
    if cluster is not None or options.workers != 1:
        # Imported here, since a run in one process starts faster without it.
        from scenario_runner.execution.workers import workers_for

        workers = options.workers or workers_for(scenarios)
        if cluster is not None or workers > 1:
            return _shared(request, workers, emit, cluster)
    return VirtualRun(
        target=request.target,
        options=options,
        mask=request.context.mask,
        emit=with_live(emit, options.live),
        preview=request.context.preview,
        answered=request.answered,
    )


def _shared(
    request: RunRequest, workers: int, emit: Callable[[Event], None], cluster: Cluster | None
) -> Runner:
    """Return what shares the scenarios among processes of this machine, or of a cluster."""
    from scenario_runner.execution.workers import WorkersRun

    if cluster is not None:
        workers = cluster.threads()
    options = replace(request.options, workers=workers, live=unheard)
    run = WorkersRun(
        target=request.target,
        options=options,
        mask=request.context.mask,
        emit=with_live(emit, request.options.live),
    )
    if cluster is None:
        return run
    from scenario_runner.execution.cluster import ClusterPool

    return replace(run, start=lambda *_: ClusterPool(cluster, options))


def _network(request: RunRequest, emit: Callable[[Event], None], cluster: Cluster | None) -> Runner:
    target, options, mask = request.target, request.options, request.context.mask
    # Imported here, since a run on the mock in this process starts faster without them.
    from scenario_runner.execution.network import NetworkRun
    from scenario_runner.execution.targets import open_target

    context = replace(
        request.context, seed=options.seed, warn=lambda notice: emit(_noticed(notice, target))
    )
    run = NetworkRun(
        target=target,
        options=options,
        mask=mask,
        emit=emit,
        connect=lambda: open_target(target, context),
    )
    if cluster is None:
        return run
    from scenario_runner.execution.cluster import ClusterRun

    return ClusterRun(network=run, cluster=cluster, target=target, context=context)


def _noticed(notice: Notice, target: Target) -> Warned:
    return Warned(
        code=notice.code,
        message=f"{target.name}: {notice.message}",
        span=NOWHERE,
        hint=notice.hint,
    )


def _empty(shard: Shard) -> Warned:
    return Warned(
        code="empty-shard",
        message=f"no scenario falls to shard {shard}: there is nothing to do",
        span=NOWHERE,
        hint="fewer shards would do; a file stays whole unless --timings is given",
    )


def _nothing_applied(target: Target, scenarios: int) -> Warned:
    return Warned(
        code="nothing-applied",
        message=f"nothing was run: not one of {scenarios} scenarios applies to {target.name}",
        span=NOWHERE,
        hint="the 'when' of a scenario, or of each of its steps, says where it applies",
    )


def _started(request: RunRequest, total: int) -> RunStarted:
    target = request.target
    return RunStarted(
        version=__version__,
        target=target.name,
        host=target.host,
        driver=target.driver,
        base_url="" if target.driver == "mock" else target.base_url,
        seed=request.options.seed,
        started_at=request.started_at,
        total=total,
        rerun=request.options.rerun,
        shard=str(request.shard or ""),
        slots=target.slots,
        park_timeout=target.park_timeout,
    )


def arranged(scenarios: Suite, options: RunOptions, number: int) -> Suite:
    """Return the scenarios in the order in which they run; `number` counts repeated runs from 1."""
    chosen = scenarios.shuffled(options.seed) if options.shuffle else scenarios
    return replace(chosen, turn=in_turn("", "run", number)) if number else chosen


class _Sources:
    """Emits events, and before the first scenario of a file the texts that its spans point into."""

    def __init__(
        self, gathered: Gathered, emit: Callable[[Event], None], tell: Callable[[Event], None]
    ) -> None:
        self._emit = emit
        self._tell = tell
        self._untold = {source.file: source for source in gathered.sources}
        self._files: dict[str, dict[str, None]] = {}
        for scenario in gathered.scenarios.templates():
            self._untold |= {source.file: source for source in scenario.sources}
            files = self._files.setdefault(scenario.file, {})
            files.update(dict.fromkeys(source.file for source in scenario.sources))

    def emit(self, event: Event) -> None:
        """Emit an event."""
        if isinstance(event, ScenarioStarted):
            for file in self._files.pop(event.span.file, ()):
                self.tell(file)
        self._emit(event)

    def tell(self, file: str) -> None:
        """Emit the text of a file, unless that was done already."""
        source = self._untold.pop(file, None)
        if source is not None:
            self._tell(SourceRead(file=source.file, text=source.text))


def rerun_command(
    options: Sequence[tuple[str, str]] = (), *, switches: Sequence[str] = (), seed: int = 0
) -> str:
    """Return the command without its paths; the seed comes last, see `reporters.failures`."""
    words = ["scenario-runner", "run", *switches]
    for option, value in options:
        words += [option, value]
    return shlex.join([*words, "--seed", str(seed)])
