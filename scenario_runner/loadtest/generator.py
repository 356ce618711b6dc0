"""Lets scenarios arrive when the schedule says so, whatever became of those before.

Nothing is ever made to wait: an arrival that finds its slots, extensions or calls taken is blocked,
and one that begins late says by how much the generator was late.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from scenario_runner.clock import LoopClock
from scenario_runner.durations import SECOND
from scenario_runner.engine.run import RunContext, execute
from scenario_runner.events import Verdict
from scenario_runner.execution.leases import Holdings, Pool
from scenario_runner.language.actions import Call, Repeat
from scenario_runner.references import Items, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenario_runner.execution.leases import Lease
    from scenario_runner.language.actions import Action, Step
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.loadtest.arrivals import Mix
    from scenario_runner.loadtest.meter import ArrivalMeter, Meter
    from scenario_runner.masking import Mask
    from scenario_runner.pbx.protocol import Connection


LOOK = SECOND // 20
"""How often the gauges are read, and the event loop is found to be late."""

MOST_RUNNING = 10_000
"""How many scenarios may run at once; more would say of the generator what is asked of the PBX."""

_RECENT, _FEWEST = 100, 20


@dataclass(frozen=True, slots=True)
class Think:
    """The pause between two steps: between `least` and `most` microseconds."""

    least: int = 0
    most: int = 0

    def pause(self, chance: random.Random) -> Callable[[], float]:
        """Return what gives the next pause in seconds."""
        return lambda: chance.uniform(self.least, self.most) / SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorOptions:
    """How scenarios are run.

    `max_calls` is how many calls may be up at once. `abort_errors` is the share of errored ones
    among the last hundred at which the run breaks off (more than 1: never). `drain` is how long
    scenarios may go on after the last arrival, in microseconds. `part` of `parts` generators.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    think: Think = Think()
    max_calls: int = MOST_RUNNING
    abort_errors: float = 2.0
    drain: int = 60 * SECOND
    part: int = 0
    parts: int = 1


def calls_of(steps: tuple[Step, ...]) -> int:
    """Return how many calls the steps place at most; a repeat of unknown length counts once."""
    total = 0
    for step in steps:
        inside = calls_of(step.action.steps_inside())
        total += _rounds(step.action) * inside + isinstance(step.action, Call)
    return total


def _rounds(action: Action) -> int:
    match action:
        case Repeat(times=Literal(value=int() as times)):
            return times
        case Repeat(each=Items(items=items)):
            return len(items)
        case _:
            return 1


@dataclass(slots=True)
class _Capacity:
    """What is taken now: slots and extensions by leases, and how many calls may be up."""

    pool: Pool
    most_calls: int
    held: Holdings = field(default_factory=Holdings)
    calls: int = 0

    def take(self, scenario: Scenario, calls: int) -> Lease | str:
        """Take what a scenario needs, or say what is not free."""
        if self.held.leases >= MOST_RUNNING:
            return "generator"
        if self.calls + calls > self.most_calls:
            return "max_calls"
        lease = self.pool.lease(scenario.needs, self.held)
        if lease is None:
            return _taken(scenario, self.held)
        self.held.take(lease)
        self.calls += calls
        return lease

    def give_back(self, lease: Lease, calls: int) -> None:
        """Give back what a scenario had."""
        self.held.give_back(lease)
        self.calls -= calls


def _taken(scenario: Scenario, held: Holdings) -> str:
    """Say which of the things that a scenario needs is taken."""
    needs = scenario.needs
    if held.alone or needs.alone:
        return "alone"
    slots = bool(needs.slots or needs.literal_slots or needs.read_slots)
    extensions = bool(needs.extensions or needs.literal_extensions or needs.read_extensions)
    return " or ".join(["slots"] * slots + ["extensions"] * extensions)


@dataclass(slots=True, kw_only=True)
class Generator:
    """Runs the arrivals of a schedule against one connection.

    `aborted` says why it broke off, if it did.
    """

    connection: Connection
    pool: Pool
    mix: Mix
    meter: Meter
    options: GeneratorOptions
    mask: Mask
    aborted: str = ""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _calls: dict[str, int] = field(default_factory=dict)

    async def run(self, tick: Callable[[int], None]) -> None:
        """Let all scenarios arrive, and wait until they are over, or `drain` is.

        `tick` is called whenever the gauges were read, with the microseconds since the beginning.
        Cancelled, it stops what is running, which cleans up first.
        """
        clock = LoopClock(asyncio.get_running_loop())
        looking = asyncio.create_task(self._look(clock, tick))
        try:
            await self._arrive(clock, _Capacity(self.pool, self.options.max_calls))
            if self._tasks and not self.aborted:
                await asyncio.wait(self._tasks, timeout=self.options.drain / SECOND)
        finally:
            looking.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(looking, *self._tasks, return_exceptions=True)

    async def _arrive(self, clock: LoopClock, capacity: _Capacity) -> None:
        options = self.options
        arrivals = self.meter.schedule.arrivals(options.part, options.parts)
        for number, moment in arrivals:
            await asyncio.sleep(max(0, moment - clock.now()) / SECOND)
            if self.aborted:
                return
            self._begin(number, moment, clock.now() - moment, capacity)

    def _begin(self, number: int, moment: int, lag: int, capacity: _Capacity) -> None:
        """Begin the arrival that is due, or count it as blocked."""
        name, scenario = self.mix.next()
        calls = self._calls_of(name, scenario)
        lease = capacity.take(scenario, calls)
        if isinstance(lease, str):
            self.meter.blocked(name, moment, lease)
            return
        arrival = self.meter.begun(name, moment, lag)
        task = asyncio.create_task(self._run(number, scenario, lease, arrival))
        self._tasks.add(task)

        def over(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            capacity.give_back(lease, calls)

        task.add_done_callback(over)

    def _calls_of(self, name: str, scenario: Scenario) -> int:
        if name not in self._calls:
            self._calls[name] = calls_of((*scenario.steps, *scenario.cleanup))
        return self._calls[name]

    async def _run(
        self, number: int, scenario: Scenario, lease: Lease, arrival: ArrivalMeter
    ) -> None:
        options = self.options
        conditions = RunContext(
            environment=options.environment,
            mask=self.mask,
            seed=number,
            leased=lease.bound,
            pause=options.think.pause(random.Random(number)) if options.think.most else None,
        )
        clock = LoopClock(asyncio.get_running_loop())
        verdict = await execute(scenario, self.connection, clock, arrival.handle, conditions)
        self._recent.append(verdict is Verdict.ERRORED)
        errored = sum(self._recent)
        if len(self._recent) >= _FEWEST and errored >= options.abort_errors * len(self._recent):
            self.aborted = f"{errored} of the last {len(self._recent)} scenarios errored"

    async def _look(self, clock: LoopClock, tick: Callable[[int], None]) -> None:
        """Read the gauges again and again; how late that is tells of the event loop."""
        for due in count(LOOK, LOOK):
            await asyncio.sleep(max(0, due - clock.now()) / SECOND)
            now = clock.now()
            self.meter.look(now, now - due)
            tick(now)
