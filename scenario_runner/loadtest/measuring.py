"""One generator at work: its share of a load run, and what it finds out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND
from scenario_runner.execution.leases import Pool
from scenario_runner.loadtest.arrivals import Mix
from scenario_runner.loadtest.generator import Generator
from scenario_runner.loadtest.ledger import Ledger, WatchedConnection
from scenario_runner.loadtest.meter import Meter
from scenario_runner.loadtest.outcome import Checks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenario_runner.language.target import Target
    from scenario_runner.loading.suite import Suite
    from scenario_runner.loadtest.arrivals import Schedule
    from scenario_runner.loadtest.figures import Figures
    from scenario_runner.loadtest.generator import GeneratorOptions
    from scenario_runner.masking import Mask
    from scenario_runner.pbx.protocol import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a generator is to do; its options say which part of how many that is."""

    suite: Suite
    schedule: Schedule
    weights: Mapping[str, float]
    options: GeneratorOptions

    def part(self, number: int, parts: int) -> Share:
        """Return a part, to be sent to another machine: without variables of the environment."""
        calls = self.options.max_calls // parts
        options = replace(self.options, environment={}, max_calls=calls, part=number, parts=parts)
        return replace(self, suite=self.suite.parcel(range(len(self.suite))), options=options)

    def pool(self, target: Target) -> Pool:
        """Return the slots and extensions that no other generator uses."""
        whole, options = Pool.of(target), self.options
        return Pool(
            slots=whole.slots[options.part :: options.parts],
            extensions=whole.extensions[options.part :: options.parts],
        )


@dataclass(slots=True)
class Measured:
    """What generators found out."""

    figures: Figures
    checks: Checks = field(default_factory=Checks)
    warnings: list[str] = field(default_factory=list)
    aborted: str = ""

    def add(self, other: Measured) -> None:
        """Add what another generator found out, which began at the same moment."""
        self.figures.add(other.figures)
        self.checks.placed += other.checks.placed
        self.checks.violated += other.checks.violated
        self.checks.violations += other.checks.violations
        self.checks.leaks += other.checks.leaks
        self.warnings += [one for one in other.warnings if one not in self.warnings]
        self.aborted = self.aborted or other.aborted


class Measurement:
    """A generator in this process, and what it has found out so far."""

    def __init__(self, share: Share) -> None:
        options, schedule = share.options, share.schedule
        self._share = share
        self._mix = Mix(share.suite, share.weights, schedule.seed, (options.part, options.parts))
        self.meter = Meter(schedule)
        self.measured = Measured(self.meter.figures)

    async def run(
        self, connection: Connection, target: Target, mask: Mask, tick: Callable[[int], None]
    ) -> None:
        """Let the scenarios arrive; `tick` is called as `Generator.run` does."""
        loop, measured = asyncio.get_running_loop(), self.measured
        ledger = Ledger(connection.traits.park_timeout, lambda: int(loop.time() * SECOND))
        generator = Generator(
            connection=WatchedConnection(connection, ledger),
            pool=self._share.pool(target),
            mix=self._mix,
            meter=self.meter,
            options=self._share.options,
            mask=mask,
        )
        try:
            await generator.run(tick)
        finally:
            measured.aborted = generator.aborted
            measured.checks.placed += ledger.placed
            measured.checks.violated += ledger.violated
            measured.checks.violations += ledger.violations
            measured.checks.leaks += self.meter.leaks
