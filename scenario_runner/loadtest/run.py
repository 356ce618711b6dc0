"""A whole load run: is it allowed, what arrives, what was measured, what was left behind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from scenario_runner.errors import TargetError, UsageError
from scenario_runner.execution.leases import Pool
from scenario_runner.execution.run import gather_valid, hide_secrets
from scenario_runner.execution.selection import why_not
from scenario_runner.execution.targets import open_target
from scenario_runner.exit_code import Exit
from scenario_runner.loadtest.audit import extensions_used, look
from scenario_runner.loadtest.generator import GeneratorOptions
from scenario_runner.loadtest.measuring import Measured, Measurement, Share
from scenario_runner.loadtest.objectives import Objective, judge, knee
from scenario_runner.loadtest.outcome import MOST_LAG, Finding, exit_code, findings
from scenario_runner.loadtest.report import (
    LoadReport,
    moment_of,
    plan_of,
    refusals_of,
    row_of,
    rows_of,
)
from scenario_runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenario_runner.execution.options import Stop
    from scenario_runner.execution.run import RunRequest
    from scenario_runner.language.target import Target
    from scenario_runner.loading.suite import Suite
    from scenario_runner.loadtest.arrivals import Schedule
    from scenario_runner.loadtest.meter import Meter
    from scenario_runner.pbx.drivers import Notice
    from scenario_runner.pbx.protocol import Connection


def _silent(now: int, meter: Meter) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """What is to arrive, against what, and how.

    `run` says which files, target and context, as for a run. `max_lag` is the lag of the generator
    (99th percentile, microseconds) beyond which the run is invalid. `live` is called about 20 times
    a second, with the microseconds since the beginning and the figures so far.
    """

    run: RunRequest
    schedule: Schedule
    generator: GeneratorOptions = field(default_factory=GeneratorOptions)
    weights: Mapping[str, float] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = ()
    max_lag: int = MOST_LAG
    live: Callable[[int, Meter], None] = _silent


def refuse_load(target: Target) -> int:
    """Return how many calls may be up at once; raise TargetError where load is not allowed."""
    if target.driver == "mock":
        raise TargetError(
            "load needs real time, and the built-in mock has none",
            hint="serve one: scenario-runner mock; then name it in a targets file",
        )
    if not target.allow.load:
        raise TargetError(
            f"the target '{target.name}' does not allow load",
            hint="if it may be put under load, let the target say allow: {load: true}",
        )
    if target.allow.max_calls is None:
        raise TargetError(
            f"the target '{target.name}' does not say how many calls may be up at once",
            hint="say it in the targets file: allow: {load: true, max_calls: 20}",
        )
    return target.allow.max_calls


def run_load(request: LoadRequest, stop: Stop) -> LoadReport:
    """Run it, and return the report; Ctrl-C ends it after the cleanups of what is running.

    Raises TargetError where the target does not allow load, UsageError for scenarios that it can't
    run, and what loading and opening raise.
    """
    most_calls = refuse_load(request.run.target)
    suite = gather_valid(request.run).scenarios
    hide_secrets(suite, request.generator.environment, request.run.context.mask)
    options = replace(request.generator, max_calls=min(most_calls, request.generator.max_calls))
    own = (Objective(slo, one.id) for one in suite.templates() for slo in one.slo)
    request = replace(request, generator=options, objectives=(*request.objectives, *own))
    share = Share(suite=suite, schedule=request.schedule, weights=request.weights, options=options)
    if request.run.cluster is None:
        return _reported(request, suite, _Here(request, share), stop)
    # Imported here, since Dask takes longer to import than a short run takes.
    from scenario_runner.execution.cluster import joined
    from scenario_runner.loadtest.cluster import ClusterGenerators

    with joined(request.run.cluster, request.run.options, request.run.context) as cluster:
        spread = ClusterGenerators(cluster, share, request.run.target, request.live)
        request = replace(request, generator=replace(options, parts=spread.parts))
        return _reported(request, suite, spread, stop)


def _reported(
    request: LoadRequest, suite: Suite, generators: _Generators, stop: Stop
) -> LoadReport:
    run = _LoadRun(request, suite, generators)
    interrupted = False
    try:
        asyncio.run(run.whole(stop))
    except (KeyboardInterrupt, asyncio.CancelledError):
        interrupted = True
    return report_of(request, suite, run.measured, interrupted=interrupted)


class _Generators(Protocol):
    """What lets scenarios arrive; `measured` is what it found out."""

    measured: Measured

    async def run(self, connection: Connection) -> None:
        """Let all arrive; cancelled, it ends after the cleanups of what is running."""
        ...


class _Here:
    """A generator in this process."""

    def __init__(self, request: LoadRequest, share: Share) -> None:
        self._request = request
        self._measurement = Measurement(share)
        self.measured = self._measurement.measured

    async def run(self, connection: Connection) -> None:
        """Let all arrive."""
        run, meter = self._request.run, self._measurement.meter
        await self._measurement.run(
            connection, run.target, run.context.mask, lambda now: self._request.live(now, meter)
        )


class _LoadRun:
    """One load run, and what was found so far."""

    def __init__(self, request: LoadRequest, suite: Suite, generators: _Generators) -> None:
        self._request = request
        self._suite = suite
        self._generators = generators
        self.measured = generators.measured

    async def whole(self, stop: Stop) -> None:
        """Open the target, let scenarios arrive, look at what is left."""
        target = self._request.run.target
        context = replace(self._request.run.context, warn=self._warn)
        with stop.heeded():
            async with open_target(target, context) as connection:
                refuse_impossible(self._suite, target, connection)
                await self._audited(connection)

    def _warn(self, notice: Notice) -> None:
        self.measured.warnings.append(notice.message)

    async def _audited(self, connection: Connection) -> None:
        """Load the target, and say what is there afterwards that was not there before."""
        checks, pool = self.measured.checks, Pool.of(self._request.run.target)
        needs = {scenario.needs for scenario in islice(self._suite, _LOOKED_AT)}
        extensions = extensions_used(needs, pool.extensions)
        before = await look(connection, extensions)
        checks.unknown.append("the run broke off before anything could be asked")
        try:
            await self._generators.run(connection)
        finally:
            after = await asyncio.shield(asyncio.ensure_future(look(connection, extensions)))
            checks.unknown[:] = [*before.unknown, *after.unknown]
            checks.leaks += sorted(after.things - before.things)


_LOOKED_AT = 10_000


def refuse_impossible(suite: Suite, target: Target, connection: Connection) -> None:
    """Raise UsageError for a scenario that the target can't run."""
    pool = Pool.of(target)
    for scenario in suite.templates():
        reason = why_not(scenario, pool, connection.traits.capabilities)
        if reason is not None:
            raise UsageError(
                f"'{scenario.name}' can't run on {target.name}: {reason}",
                hint="leave it out: --skip-tag, -k, or name other files",
            )


def report_of(
    request: LoadRequest, suite: Suite, measured: Measured, *, interrupted: bool
) -> LoadReport:
    """Return the report of what was measured."""
    figures, schedule, target = measured.figures, request.schedule, request.run.target
    objectives = list(request.objectives)
    judged = tuple(judge(one, figures) for one in objectives)
    found = findings(figures, measured.checks, objectives, request.max_lag)
    found += [
        Finding(Exit.FAILED, f"objective not met: {one.objective}: {one.value}")
        for one in judged
        if not one.held
    ]
    if measured.aborted:
        found.insert(0, Finding(Exit.ERRORED, f"broken off: {measured.aborted}"))
    counted = [one for one in figures.intervals if one.at >= schedule.warm_up]
    scenarios = tuple(scenario.id for scenario in suite.templates())
    return LoadReport(
        version=__version__,
        target=target.name,
        host=target.host,
        driver=target.driver,
        started_at=request.run.started_at,
        plan=plan_of(schedule, figures.length, scenarios, request.generator.parts),
        tally=figures.tally,
        late=row_of(figures.late),
        stalls=row_of(figures.stalls),
        latencies=tuple(rows_of(figures)),
        blocked=dict(figures.blocked.most_common()),
        refusals=refusals_of(figures),
        errors=dict(figures.errors.most_common()),
        failures=dict(figures.failures.most_common()),
        moments=tuple(moment_of(interval) for interval in figures.intervals),
        objectives=judged,
        knee=knee(objectives, counted) if schedule.rate.is_ramp else None,
        checks=measured.checks,
        findings=tuple(found),
        exit_code=exit_code(found, interrupted=interrupted),
        interrupted=interrupted,
        aborted=measured.aborted,
        warnings=measured.warnings,
    )
