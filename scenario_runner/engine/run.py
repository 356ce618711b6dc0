"""Runs one scenario from its first step to the search for residue: the engine's way in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from scenario_runner.clock import Clock
from scenario_runner.durations import SECOND, duration_text
from scenario_runner.engine.context import (
    CURRENT_STEP,
    Frame,
    Listener,
    Scope,
    Shared,
    Surroundings,
    target_fields,
)
from scenario_runner.engine.event_log import EventLog
from scenario_runner.engine.steps import holds, take_steps
from scenario_runner.engine.verdict import Counts, Ending, finish
from scenario_runner.errors import PbxError
from scenario_runner.events import Event, PbxSnapshot, ScenarioStarted, Verdict
from scenario_runner.language.scenario import Scenario
from scenario_runner.masking import Mask
from scenario_runner.pbx.protocol import Plan

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from scenario_runner.engine.context import NamedCallValue
    from scenario_runner.pbx.protocol import Connection, Leftover, Listed, Session


CLEANUP_LIMIT = 60 * SECOND
"""What a PBX that does not answer may keep a scenario from ending."""


class RunContext(Struct, frozen=True, kw_only=True):
    """How a scenario is run: what it may read from outside, and how its report is told apart.

    `leased` are the values that `needs` binds; `order` tells the choices made between waiting
    commands; `attempt` counts from 1 where failures are retried. `pause` gives the seconds that
    pass between two steps, as a person thinks. Once `stopping`, no further step is taken.
    """

    environment: Mapping[str, str]
    mask: Mask
    seed: int = 0
    attempt: int = 1
    leased: tuple[tuple[str, str], ...] = ()
    pause: Callable[[], float] | None = None
    stopping: Callable[[], bool] = bool
    order: Callable[[], tuple[tuple[int, int], ...]] = tuple


async def execute(
    scenario: Scenario,
    connection: Connection,
    clock: Clock,
    emit: Callable[[Event], None],
    conditions: RunContext,
) -> Verdict:
    """Run a scenario and return its verdict; every event goes to `emit` as it happens.

    Cleanup runs whatever happens, also when the task is cancelled, within limits of its own; then
    what was placed is hung up and residue is looked for. Cancellation is raised again afterwards.
    """
    mask = conditions.mask
    run = _Run(
        scenario=scenario,
        clock=clock,
        emit=lambda event: emit(mask.event(event)),
        conditions=conditions,
        begin=clock.now(),
    )
    run.emit(_started(scenario, conditions))
    try:
        await run.whole(connection)
    except Exception as error:  # noqa: BLE001 -- it ends this scenario, and no other one
        run.ending.error(error, scenario.span)
    except asyncio.CancelledError:
        run.ending.interrupted = True
        raise
    finally:
        verdict = finish(scenario, run.ending, run.counts)
        finished = run.ending.event(scenario.id, verdict, run.counts, run.begin, clock.now())
        run.emit(replace(finished, order=conditions.order()))
    return verdict


def _started(scenario: Scenario, conditions: RunContext) -> ScenarioStarted:
    return ScenarioStarted(
        scenario=scenario.id,
        name=scenario.name,
        span=scenario.span,
        description=scenario.description,
        tags=scenario.tags,
        row=scenario.row,
        steps=len(scenario.steps) + len(scenario.cleanup),
        seed=conditions.seed,
        attempt=conditions.attempt,
        leased=conditions.leased,
    )


def _state_text(call: Listed) -> str:
    if call.listed_as is None:
        return call.state.value
    return f"{call.state} (listed as {call.listed_as})"


class _Run(Struct, kw_only=True):
    """One run of one scenario."""

    scenario: Scenario
    clock: Clock
    emit: Callable[[Event], None]
    conditions: RunContext
    begin: int
    counts: Counts = field(default_factory=Counts)
    log: EventLog = field(default_factory=EventLog)
    ending: Ending = field(default_factory=Ending)

    async def whole(self, connection: Connection) -> None:
        """Open the session, take the steps, clean up, close the session."""
        CURRENT_STEP.set("")  # the task may have run another scenario before
        calls: dict[str, NamedCallValue] = {}
        listener = Listener(self.scenario.id, self.emit, self.log, calls)
        async with connection.session(self._plan(), listener, self.clock) as session:
            frame = self._frame(connection, session, calls)
            if self.scenario.when is not None and not holds(self.scenario.when, frame):
                return
            try:
                await self._steps(frame)
            finally:
                await self._shielded(self._clean(frame))

    def _plan(self) -> Plan:
        needs = self.scenario.needs
        leased = dict(self.conditions.leased)
        return Plan(
            scenario=self.scenario.id,
            events=self.scenario.uses_events,
            extensions=needs.literal_extensions
            + tuple(leased[name] for name in needs.extensions if name in leased),
            slots=needs.literal_slots
            + tuple(leased[name] for name in needs.slots if name in leased),
        )

    def _frame(
        self, connection: Connection, session: Session, calls: dict[str, NamedCallValue]
    ) -> Frame:
        world = Surroundings(
            environment=self.conditions.environment,
            mask=self.conditions.mask,
            target=target_fields(connection.traits),
            session=session,
        )
        scope = Scope(world)
        scope.declare(self.scenario.vars)
        for name, value in self.conditions.leased:
            scope.bind(name, int(value) if value.isdecimal() else value)
        shared = Shared(
            scenario=self.scenario.id,
            session=session,
            traits=connection.traits,
            clock=self.clock,
            emit=self.emit,
            log=self.log,
            counts=self.counts,
            calls=calls,
            pause=self.conditions.pause,
            stopping=self.conditions.stopping,
        )
        return Frame(shared=shared, scope=scope, moments={})

    async def _steps(self, frame: Frame) -> None:
        limit, stopped = frame.scope.duration(self.scenario.timeout), True
        try:
            async with asyncio.timeout(limit / SECOND):
                reports = await take_steps(self.scenario.steps, frame)
        except TimeoutError:
            text = f"the scenario took longer than its time-out of {duration_text(limit)}"
            hint = "a longer one is said by: timeout: 20m"
            self.ending.fail("timeout", self.scenario.span, text, hint)
            self.ending.verdicts.append(Verdict.ERRORED)
        else:
            self.ending.verdicts += [report.verdict for report in reports]
            stopped = any(report.stops for report in reports)
        if stopped:  # after a soft failure the PBX went on
            self.ending.snapshot = await self._snapshot(frame)

    async def _snapshot(self, frame: Frame) -> PbxSnapshot | None:
        CURRENT_STEP.set("")
        if not frame.shared.calls:
            return None  # without a call of its own a scenario can't ask, so nothing is known
        try:
            holding = await frame.session.holding()
        except PbxError:
            return None
        own = [call for call in holding.calls if call.uuid in frame.shared.calls]
        return PbxSnapshot(
            slots=tuple((slot, frame.who(uuid)) for slot, uuid in holding.slots),
            calls=tuple(
                (f"{frame.who(call.uuid)} at {call.extension}", _state_text(call)) for call in own
            ),
            others=len(holding.calls) - len(own),
            unasked=holding.unasked,
        )

    async def _shielded(self, cleaning: Coroutine[None, None, None]) -> None:
        """Let the cleanup run to its end, even when this task is cancelled meanwhile."""
        task = asyncio.ensure_future(cleaning)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await task  # unshielded: who interrupts a second time ends the cleanup, too
            raise

    async def _clean(self, frame: Frame) -> None:
        try:
            async with asyncio.timeout(CLEANUP_LIMIT / SECOND):
                reports = await take_steps(
                    self.scenario.cleanup, frame.for_cleanup(), keep_going=True
                )
                self.ending.verdicts += [report.verdict for report in reports]
                CURRENT_STEP.set("")
                self._left(await frame.session.close(), frame)
        except TimeoutError:
            text = f"the cleanup took longer than {duration_text(CLEANUP_LIMIT)} and was cut short"
            self.ending.fail("cleanup", self.scenario.span, text)
            self.ending.verdicts.append(Verdict.ERRORED)
        except asyncio.CancelledError:
            text = "the cleanup was interrupted, too: calls of this scenario may still be up"
            self.ending.fail("cleanup", self.scenario.span, text)
            raise
        except Exception as error:  # noqa: BLE001 -- it ends this scenario, and no other one
            lead = "the cleanup did not come to its end: "
            self.ending.error(error, self.scenario.span, "cleanup", lead)

    def _left(self, leftovers: tuple[Leftover, ...], frame: Frame) -> None:
        for leftover in leftovers:
            who = f": {frame.who(leftover.uuid)}" if leftover.uuid else ""
            self.ending.residue = True
            self.ending.fail("residue", self.scenario.span, f"left behind: {leftover.what}{who}")
