"""Load from several machines: each worker of a Dask cluster is a generator, figures are merged.

    share ──part, own slots, extensions and calls──▶ each worker ──figures──▶ added here

A worker that is lost is never replaced: nobody knows what it had placed by then. What it left is
found when the PBX is looked at afterwards.
"""

from __future__ import annotations

import asyncio
import pickle
from contextlib import suppress
from typing import TYPE_CHECKING

from scenario_runner.errors import ScenarioRunnerError, TargetError, UsageError
from scenario_runner.loadtest.cluster_worker import look_at_part, open_part, run_part
from scenario_runner.loadtest.measuring import Measured
from scenario_runner.loadtest.meter import Gauges, Meter
from scenario_runner.reporters.text import count_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scenario_runner.execution.cluster import Cluster
    from scenario_runner.language.target import Target
    from scenario_runner.loadtest.figures import Interval
    from scenario_runner.loadtest.measuring import Share
    from scenario_runner.pbx.protocol import Connection


_EVERY = 1.0
"""How often generators are asked how it goes, in seconds."""


class ClusterGenerators:
    """The workers of a cluster as generators; `measured` is what those found out that ended."""

    def __init__(
        self,
        cluster: Cluster,
        share: Share,
        target: Target,
        live: Callable[[int, Meter], None],
    ) -> None:
        self._cluster = cluster
        self._schedule = share.schedule
        self._live = live
        workers = cluster.workers()
        self._shares = {
            worker: share.part(number, len(workers)) for number, worker in enumerate(workers)
        }
        for part in self._shares.values():
            _refuse_unshareable(part, target)
        self.measured = Measured(Meter(share.schedule).figures)

    @property
    def parts(self) -> int:
        """How many generators there are."""
        return len(self._shares)

    async def run(self, connection: Connection) -> None:
        """Let the scenarios arrive on all workers; cancelled, it ends after their cleanups."""
        del connection
        await asyncio.to_thread(self._open)
        running = asyncio.ensure_future(asyncio.to_thread(self._run))
        looking = asyncio.ensure_future(self._look())
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.to_thread(self._cluster.stop)
            await running
            raise
        finally:
            looking.cancel()

    def _open(self) -> None:
        opened = self._cluster.each(open_part, pickle.dumps(self._shares))
        for worker in self._shares:
            problem = opened.get(worker, "it was lost")
            if problem:
                raise TargetError(f"the generator on {worker} can't begin: {problem}")

    def _run(self) -> None:
        done = self._cluster.each(run_part)
        for worker in self._shares:
            match done.get(worker):
                case Measured() as found:
                    self.measured.add(found)
                case _:
                    self.measured.aborted = f"the generator on {worker} was lost"

    async def _look(self) -> None:
        """Show how it goes, and let the generators know that somebody still wants it."""
        while True:
            await asyncio.sleep(_EVERY)
            with suppress(ScenarioRunnerError):  # what runs says what became of it
                answers = await asyncio.to_thread(self._cluster.each, look_at_part)
                seen = [one for one in answers.values() if isinstance(one, bytes) and one]
                if seen:
                    now, meter = self._together(pickle.loads(one) for one in seen)
                    self._live(now, meter)

    def _together(self, seen: Iterable[tuple[int, Gauges, list[Interval]]]) -> tuple[int, Meter]:
        meter, latest = Meter(self._schedule), 0
        intervals: dict[int, Interval] = {}
        for now, gauges, recent in seen:
            latest = max(latest, now)
            meter.gauges.add(gauges)
            for interval in recent:
                if interval.at in intervals:
                    intervals[interval.at].add(interval)
                else:
                    intervals[interval.at] = interval
        meter.figures.intervals = [intervals[at] for at in sorted(intervals)]
        return latest, meter


def _refuse_unshareable(share: Share, target: Target) -> None:
    """Raise UsageError for a scenario that one of several generators can't run on its own."""
    parts = count_text(share.options.parts, "generator")
    hint = "give the target more slots, extensions and max_calls, or the cluster fewer workers"
    if not share.options.max_calls:
        raise UsageError(f"max_calls is less than one call for each of {parts}", hint=hint)
    for scenario in share.suite.templates():
        needs, lacks = scenario.needs, share.pool(target).lacks(scenario.needs)
        if lacks is not None:
            raise UsageError(f"'{scenario.name}' can't run on each of {parts}: {lacks}", hint=hint)
        named = needs.literal_slots or needs.literal_extensions
        if share.options.parts > 1 and (named or needs.alone):
            why = "it wants the target alone" if needs.alone else "it names what it uses"
            raise UsageError(
                f"'{scenario.name}' can't run on {parts} at once: {why}",
                hint="let it reserve slots and extensions: needs: {slots: [slot]}",
            )
