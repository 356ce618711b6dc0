"""Runs scenarios side by side against one target in real time, never two on one resource."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from scenario_runner.clock import LoopClock
from scenario_runner.engine.run import RunContext, execute
from scenario_runner.engine.verdict import INTERRUPTED
from scenario_runner.events import Event, ScenarioFinished, Verdict
from scenario_runner.execution.leases import Lease, LeaseManager, Pool
from scenario_runner.execution.results import Results, as_attempt, masked, timed
from scenario_runner.execution.selection import skip, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractAsyncContextManager

    from scenario_runner.execution.options import RunOptions
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.masking import Mask
    from scenario_runner.pbx.protocol import Connection


class InOrder:
    """Passes events on in the order of the scenarios, although they run side by side.

    The first scenario that is not done speaks at once; what the others say is kept until then.
    `live` hears everything at once.
    """

    def __init__(self, emit: Callable[[Event], None], live: Callable[[Event], None]) -> None:
        self._emit = emit
        self._live = live
        self._head = 0
        self._kept: dict[int, list[Event]] = {}
        self._done: set[int] = set()

    def voice(self, index: int) -> Callable[[Event], None]:
        """Return the `emit` of the scenario with this index."""

        def emit(event: Event) -> None:
            self._live(event)
            if index == self._head:
                self._emit(event)
            else:
                self._kept.setdefault(index, []).append(event)

        return emit

    def done(self, index: int) -> None:
        """Say that the scenario with this index is over."""
        self._done.add(index)
        while self._head in self._done:
            self._done.remove(self._head)
            self._head += 1
            for event in self._kept.pop(self._head, []):
                self._emit(event)

    def flush(self) -> None:
        """Pass on what is still kept, when no more will come."""
        for index in sorted(self._kept):
            for event in self._kept[index]:
                self._emit(event)
        self._kept.clear()


class Execute(Protocol):
    """Runs one scenario, here or elsewhere."""

    async def __call__(
        self,
        scenario: Scenario,
        connection: Connection,
        conditions: RunContext,
        emit: Callable[[Event], None],
    ) -> Verdict:
        """Run it; cancelled, it cleans up first."""
        ...


async def execute_here(
    scenario: Scenario,
    connection: Connection,
    conditions: RunContext,
    emit: Callable[[Event], None],
) -> Verdict:
    """Run a scenario in this process."""
    clock = LoopClock(asyncio.get_running_loop())
    return await execute(scenario, connection, clock, emit, conditions)


@dataclass(slots=True, kw_only=True)
class NetworkRun:
    """A run against a target in real time; `connect` opens it once for all scenarios."""

    target: Target
    options: RunOptions
    mask: Mask
    emit: Callable[[Event], None]
    connect: Callable[[], AbstractAsyncContextManager[Connection]]
    execute: Execute = execute_here
    _stopping: bool = field(default=False)
    _stopped: int = field(default=0)

    def run(self, scenarios: Iterable[Scenario], results: Results) -> None:
        """Run the scenarios; Ctrl-C ends the run after the cleanups of those that are running."""
        try:
            asyncio.run(self._all(list(scenarios), results))
        except (KeyboardInterrupt, asyncio.CancelledError):
            results.interrupted = True

    async def _all(self, scenarios: list[Scenario], results: Results) -> None:
        with self.options.stop.heeded():
            await self._side_by_side(scenarios, results)

    async def _side_by_side(self, scenarios: list[Scenario], results: Results) -> None:
        ordered = InOrder(self.emit, self.options.live)
        jobs = self.options.jobs or min(len(scenarios), self.target.settings.most_at_once)
        desk = LeaseManager(Pool.of(self.target), places=jobs)
        tasks: list[asyncio.Task[None]] = []

        async def one(index: int, scenario: Scenario) -> None:
            verdict = await self._leased(scenario, connection, desk, ordered.voice(index))
            results.add(verdict)
            ordered.done(index)
            if self.options.fail_fast and not verdict.green:
                self._stop(tasks)

        try:
            async with self.connect() as connection, asyncio.TaskGroup() as group:
                tasks += [group.create_task(one(i, s)) for i, s in enumerate(scenarios)]
        finally:
            ordered.flush()
            results.counts.update([Verdict.SKIPPED] * self._stopped)

    def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        """Stop the other scenarios; those that are running clean up first."""
        self._stopping = True
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()

    async def _leased(
        self,
        scenario: Scenario,
        connection: Connection,
        desk: LeaseManager,
        emit: Callable[[Event], None],
    ) -> Verdict:
        reason = why_not(scenario, desk.pool, connection.traits.capabilities)
        if reason is not None:
            return skip(scenario, reason, masked(emit, self.mask))
        async with desk.leased(scenario.needs) as lease:
            verdict = await self._once(scenario, connection, lease, emit, 1)
            for attempt in range(2, 2 + self.options.retry_failed):
                if verdict.green:
                    break
                verdict = await self._once(scenario, connection, lease, emit, attempt)
                if verdict is Verdict.PASSED:
                    return Verdict.FLAKY
            return verdict

    async def _once(
        self,
        scenario: Scenario,
        connection: Connection,
        lease: Lease,
        emit: Callable[[Event], None],
        attempt: int,
    ) -> Verdict:
        conditions = RunContext(
            environment=self.options.environment,
            mask=self.mask,
            seed=self.options.replay(scenario.id).seed + attempt - 1,
            attempt=attempt,
            stopping=self.options.stop.wished,
            leased=lease.bound,
        )
        emit = self._unless_stopped(as_attempt(emit, attempt, self.options.retry_failed))
        emit = timed(emit, self.options.stopwatch)
        return await self.execute(scenario, connection, conditions, emit)

    def _unless_stopped(self, emit: Callable[[Event], None]) -> Callable[[Event], None]:
        """Tell a scenario that was stopped because of another one from one that errored."""

        def emit_stopped(event: Event) -> None:
            if isinstance(event, ScenarioFinished):
                event = self._as_stopped(event)
            emit(event)

        return emit_stopped

    def _as_stopped(self, event: ScenarioFinished) -> ScenarioFinished:
        if not self._stopping or event.reason != INTERRUPTED:
            return event
        self._stopped += 1
        reason = "stopped, since another scenario did not pass"
        return replace(event, verdict=Verdict.SKIPPED, reason=reason)
