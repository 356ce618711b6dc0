"""Load in virtual time, on a mock in this process: exact, and over at once."""

from __future__ import annotations

import asyncio
import textwrap
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from msgspec import structs

from scenario_runner.clock import LoopClock, Turns, VirtualLoop
from scenario_runner.durations import SECOND
from scenario_runner.execution.interleavings import seeded
from scenario_runner.execution.leases import Pool
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import MockTarget
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.loading.suite import Suite
from scenario_runner.loadtest.arrivals import Mix, Process, Rate, Schedule
from scenario_runner.loadtest.generator import Generator, GeneratorOptions
from scenario_runner.loadtest.ledger import Ledger, WatchedConnection
from scenario_runner.loadtest.meter import Meter
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenario_runner.language.target import Target
    from scenario_runner.loadtest.figures import Figures

PARK = """
scenario: Park
needs: {slots: [slot], extensions: [desk]}
steps:
  - call: {as: customer, extension: $desk, from: "+78120000443"}
  - name: 341 parks
    park: {call: customer, slot: $slot}
  - slots: {call: customer, slot: $slot}
    expect: {holds: customer}
  - wait: 10s
  - hangup: {call: customer}
"""


def suite_of(*texts: str) -> Suite:
    parts: list[Any] = []
    for number, text in enumerate(texts):
        loaded = load_text(textwrap.dedent(text), f"{number}.scenario.yaml", LoadOptions())
        assert [one for one in loaded.problems if not one.warning] == []
        parts += loaded.scenarios.parts
    return Suite(tuple(parts))


@dataclass
class Loaded:
    """What a load in virtual time came to."""

    meter: Meter
    ledger: Ledger
    generator: Generator
    ticks: list[int] = field(default_factory=list)

    @property
    def figures(self) -> Figures:
        return self.meter.figures


@dataclass(kw_only=True)
class Setting:
    """A load in virtual time; durations in seconds."""

    texts: tuple[str, ...] = (PARK,)
    rate: str = "1/s"
    duration: float = 20
    warm_up: float = 0
    process: Process = Process.CONSTANT
    seed: int = 0
    target: Target = MOCK
    faults: tuple[Fault, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    options: GeneratorOptions = field(default_factory=GeneratorOptions)
    wrap: Callable[[Any], Any] = lambda connection: connection
    loop: Callable[[Turns], VirtualLoop] = VirtualLoop
    cancel_at: float | None = None

    def run(self) -> Loaded:
        turns = Turns(seeded(self.seed))
        with asyncio.Runner(loop_factory=lambda: self.loop(turns)) as runner:
            return runner.run(self._whole(turns))

    def schedule(self) -> Schedule:
        return Schedule(
            rate=Rate.parse(self.rate),
            duration=int(self.duration * SECOND),
            warm_up=int(self.warm_up * SECOND),
            process=self.process,
            seed=self.seed,
        )

    async def _whole(self, turns: Turns) -> Loaded:
        loop = asyncio.get_running_loop()
        target = MockTarget(self.target, self.faults)
        target._settings = replace(target._settings, shared=True)
        connection, wire = target.open(LoopClock(loop), turns, self.seed)
        ledger = Ledger(self.target.park_timeout, lambda: int(loop.time() * SECOND))
        meter = Meter(self.schedule())
        numbers = tuple((str(number), "") for number in range(341, 361))
        generator = Generator(
            connection=WatchedConnection(self.wrap(connection), ledger),
            pool=Pool.of(
                structs.replace(self.target, extensions=self.target.extensions or numbers)
            ),
            mix=Mix(suite_of(*self.texts), self.weights, self.seed),
            meter=meter,
            options=self.options,
            mask=Mask(),
        )
        loaded = Loaded(meter, ledger, generator)
        running = asyncio.ensure_future(generator.run(loaded.ticks.append))
        if self.cancel_at is not None:
            loop.call_at(self.cancel_at, running.cancel)
        try:
            await asyncio.gather(running, return_exceptions=self.cancel_at is not None)
        finally:
            wire.close()
        return loaded
