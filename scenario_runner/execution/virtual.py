"""Runs scenarios one after the other on the mock in this process, each in its own virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scenario_runner.clock import LoopClock, Turns, VirtualLoop
from scenario_runner.engine.running import Conditions, execute
from scenario_runner.events import Warned
from scenario_runner.execution.mock_target import MockTarget
from scenario_runner.execution.orders import (
    given,
    in_turn,
    next_order,
    scenario_seed,
    seeded,
)
from scenario_runner.execution.results import Results, as_flaky, is_green
from scenario_runner.execution.skipping import skip, why_not
from scenario_runner.model.vocabulary import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scenario_runner.events import Event
    from scenario_runner.execution.options import RunOptions
    from scenario_runner.masking import Mask
    from scenario_runner.model.scenario import Scenario
    from scenario_runner.model.target import Target


def _bounded(scenario: Scenario, limit: int) -> Warned:
    return Warned(
        code="orders-bounded",
        message=f"more than {limit} orders are possible; only the first {limit} were run",
        span=scenario.span,
        hint="raise the bound: --all-orders --max-orders N",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualRun:
    """A run on the mock in this process."""

    target: Target
    options: RunOptions
    mask: Mask
    emit: Callable[[Event], None]
    preview: Callable[[str], None] | None = None

    def run(self, scenarios: Iterable[Scenario], results: Results) -> None:
        """Run the scenarios; Ctrl-C ends the run after the cleanup of the one that is running."""
        turns = Turns(seeded(0))
        try:
            with asyncio.Runner(loop_factory=lambda: VirtualLoop(turns)) as runner:
                runner.run(self._all(scenarios, results))
        except (KeyboardInterrupt, asyncio.CancelledError):
            results.interrupted = True

    async def _all(self, scenarios: Iterable[Scenario], results: Results) -> None:
        with self.options.stop.heeded():
            await self._in_turn(scenarios, results)

    async def _in_turn(self, scenarios: Iterable[Scenario], results: Results) -> None:
        target = MockTarget(self.target, preview=self.preview)
        for scenario in scenarios:
            for verdict in await self._orders(scenario, target):
                results.add(verdict)
                if self.options.fail_fast and not is_green(verdict):
                    return
            await asyncio.sleep(0)

    async def _orders(self, scenario: Scenario, target: MockTarget) -> list[Verdict]:
        """Run the scenario in every order that is wanted, mostly one."""
        reason = why_not(scenario, target.pool, target.capabilities)
        if reason is not None:
            return [skip(scenario, reason, self.emit)]
        limit = self.options.all_orders
        if not limit:
            return [(await self._retried(scenario, target))[1]]
        verdicts: list[Verdict] = []
        choices: tuple[int, ...] | None = ()
        while choices is not None and len(verdicts) < limit:
            named = replace(scenario, name=in_turn(scenario.name, "order", len(verdicts) + 1))
            turns, verdict = await self._once(named, target, choices, 1)
            verdicts.append(verdict)
            choices = next_order(tuple(turns.order))
        if choices is not None:
            self.emit(_bounded(scenario, limit))
        return verdicts

    async def _retried(self, scenario: Scenario, target: MockTarget) -> tuple[Turns, Verdict]:
        """Run the scenario, again where it fails and retries are allowed; then it is flaky."""
        turns, verdict = await self._once(scenario, target, self.options.order, 1)
        for attempt in range(2, 2 + self.options.retry_failed):
            if is_green(verdict):
                break
            turns, verdict = await self._once(scenario, target, self.options.order, attempt)
            if verdict is Verdict.PASSED:
                return turns, Verdict.FLAKY
        return turns, verdict

    async def _once(
        self,
        scenario: Scenario,
        target: MockTarget,
        order: tuple[int, ...] | None,
        attempt: int,
    ) -> tuple[Turns, Verdict]:
        run_seed = self.options.seed + attempt - 1
        seed = scenario_seed(run_seed, scenario.id)
        turns = Turns(seeded(seed) if order is None else given(order))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.begin(turns)
        clock = LoopClock(loop)
        lease = target.pool.lease(scenario.needs)
        connection, wire = target.open(clock, turns, seed)
        conditions = Conditions(
            environment=self.options.environment,
            mask=self.mask,
            seed=run_seed,
            attempt=attempt,
            leased=lease.bound if lease is not None else (),
            order=lambda: tuple(turns.order),
        )
        try:
            emit = self.emit if attempt == 1 else as_flaky(self.emit)
            verdict = await execute(scenario, connection, clock, emit, conditions)
        finally:
            wire.close()
        return turns, verdict
