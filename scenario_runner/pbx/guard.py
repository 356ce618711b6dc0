"""Keeps a run within what its target allows, and writes down what it places first."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.errors import NotPossible, PbxError
from scenario_runner.language.vocabulary import CallState, Capability, Party
from scenario_runner.matching import AsText, describe, matches
from scenario_runner.pbx.commands import (
    AnySlot,
    BridgeCall,
    CallAddress,
    HangUp,
    PlaceCall,
    ShowCall,
    require,
)
from scenario_runner.pbx.protocol import Done
from scenario_runner.references import Literal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scenario_runner.clock import Clock
    from scenario_runner.language.target import Allow, Target
    from scenario_runner.pbx.commands import Command
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.protocol import (
        CallIds,
        Connection,
        Holding,
        Leftover,
        Outcome,
        Plan,
        Session,
        Traits,
        Watcher,
    )
    from scenario_runner.references import Expression, Json


_ANYBODY = "any"
_HANGING_UP = 10 * SECOND


@dataclass(slots=True)
class Guard:
    """What a target allows, and the calls of the run that are up or coming up now."""

    target: Target
    context: Context
    up: set[object] = field(default_factory=set)

    @property
    def allow(self) -> Allow:
        """What the targets file says."""
        return self.target.allow

    @property
    def random_bridge(self) -> bool:
        """Whether a bridge may take anybody's call: on a protected target only if it says so."""
        told = self.allow.random_bridge
        return not self.target.protected if told is None else told

    def refuse(self, command: Command) -> None:
        """Raise NotPossible for a command that is not allowed on this target."""
        match command:
            case PlaceCall(party=number):
                self._refuse_number(number)
            case BridgeCall(slot=AnySlot()) if not self.random_bridge:
                hint = "name a slot, or let the target say allow: {random_bridge: true}"
                raise self._forbidden("a bridge without a slot may take anybody's call", hint)

    def _refuse_number(self, number: str) -> None:
        numbers = self.allow.numbers
        if numbers is None or number == _ANYBODY:
            return
        if not any(matches(one, number, _plain, AsText) for one in numbers):
            known = ", ".join(describe(one, _plain, AsText) for one in numbers) or "none"
            raise self._forbidden(f"the number {number} is not allowed", f"allowed are: {known}")

    def refuse_more(self) -> None:
        """Raise NotPossible where as many calls are up as are allowed."""
        most = self.allow.max_calls
        if most is not None and len(self.up) >= most:
            hint = "hang calls up first, run fewer scenarios at once (--jobs), or raise max_calls"
            raise self._forbidden(f"{most} calls are up, and max_calls is {most}", hint)

    def _forbidden(self, what: str, hint: str) -> NotPossible:
        return NotPossible(f"target {self.target.name} does not allow it: {what}", hint=hint)


def _plain(expression: Expression) -> Json:
    return expression.value if isinstance(expression, Literal) else None


class GuardedConnection:
    """A connection whose sessions stay within what the target allows."""

    def __init__(self, inner: Connection, guard: Guard) -> None:
        self._inner = inner
        self._guard = guard

    @property
    def traits(self) -> Traits:
        """What the target is like, less what is not allowed."""
        traits = self._inner.traits
        if self._guard.random_bridge:
            return traits
        return replace(traits, capabilities=traits.capabilities - {Capability.RANDOM_BRIDGE})

    @asynccontextmanager
    async def session(self, plan: Plan, watcher: Watcher, clock: Clock) -> AsyncIterator[Session]:
        """Open one scenario's session."""
        async with self._inner.session(plan, watcher, clock) as inner:
            session = GuardedSession(inner, self._inner.traits, self._guard)
            try:
                yield session
            finally:
                await session.let_go()


class GuardedSession:
    """A session that refuses what is not allowed, or not possible, before anything is dialled.

    Each call is noted in the journal before it is placed; one that lasts longer than is allowed
    is hung up, which is told as a notice. Commands that place and end no call are passed on.
    """

    def __init__(self, inner: Session, traits: Traits, guard: Guard) -> None:
        self._inner = inner
        self._traits = traits
        self._guard = guard
        self._placing: set[str] = set()
        self._own: dict[str, object] = {}
        self._limits: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def do(self, command: Command, within: int) -> Outcome:
        """Do what is asked, if the target allows it and is able to."""
        self._guard.refuse(command)
        require(command, self._traits)
        if isinstance(command, PlaceCall):
            return await self._place(command, within)
        outcome = await self._inner.do(command, within)
        if isinstance(command, HangUp | ShowCall) and _is_over(command, outcome):
            self._ended(command.call)
        return outcome

    async def _place(self, call: PlaceCall, within: int) -> Outcome:
        guard = self._guard
        await self._forget_ended(within)
        guard.refuse_more()
        token = object()
        guard.up.add(token)
        placing = guard.context.journal.calling(call)
        self._placing.add(placing)
        try:
            outcome = await self._inner.do(replace(call, placing=placing), within)
        except BaseException:
            # It may be up all the same: the session's end finds out, and until then it counts.
            self._own[f"placing {placing}"] = token
            raise
        if isinstance(outcome, Done) and outcome.ids is not None:
            self._came_up(placing, outcome.ids, token)
        else:
            guard.context.journal.refused(placing)
            self._placing.discard(placing)
            guard.up.discard(token)
        return outcome

    def _came_up(self, placing: str, ids: CallIds, token: object) -> None:
        self._guard.context.journal.called(placing, ids)
        self._placing.discard(placing)
        self._own[ids.uuid] = token
        longest = self._guard.allow.max_duration
        if longest is not None:
            limit = asyncio.create_task(self._end_in_time(ids, longest))
            self._limits[ids.uuid] = limit
            self._tasks.append(limit)

    async def _end_in_time(self, ids: CallIds, longest: int) -> None:
        await self._guard.context.sleep(longest / SECOND)
        limit = duration_text(longest)
        what = f"the call at {ids.extension} ({ids.uuid}) lasted longer than max_duration {limit}"
        try:
            await self.do(HangUp(call=self._address(ids), by=Party.EXTENSION), _HANGING_UP)
        except PbxError as error:
            self._guard.context.notice("max-duration", f"{what}; hanging up failed", error.message)
        else:
            hint = "let the scenario hang up sooner, or raise max_duration of the target"
            self._guard.context.notice("max-duration", f"{what} and was hung up", hint)

    def _address(self, ids: CallIds) -> CallAddress:
        now = self._inner.ids(ids.uuid) or ids
        return CallAddress(call_api_id=now.call_api_id, extension=now.extension)

    async def _forget_ended(self, within: int) -> None:
        """Look which of the own calls ended by themselves, where the limit is reached."""
        most = self._guard.allow.max_calls
        if most is None or len(self._guard.up) < most:
            return
        for uuid in list(self._own):
            ids = self._inner.ids(uuid)
            if ids is not None:
                await self.do(ShowCall(call=self._address(ids)), within)

    def _ended(self, call: CallAddress) -> None:
        for uuid in list(self._own):
            ids = self._inner.ids(uuid)
            if ids is not None and ids.call_api_id == call.call_api_id:
                self._forget(uuid)

    def _forget(self, uuid: str) -> None:
        self._guard.up.discard(self._own.pop(uuid, None))
        self._guard.context.journal.ended(uuid)
        limit = self._limits.pop(uuid, None)
        if limit is not None and limit is not asyncio.current_task():
            limit.cancel()

    async def let_go(self) -> None:
        """Count the calls of this session no longer: it is over, and so are their time limits."""
        self._guard.up.difference_update(self._own.values())
        for limit in self._limits.values():
            limit.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    def ids(self, uuid: str) -> CallIds | None:
        """Return the ids of a call as last known."""
        return self._inner.ids(uuid)

    async def close(self) -> tuple[Leftover, ...]:
        """Hang up what was placed; what is not left behind needs no undoing any more."""
        left = await self._inner.close()
        if not left:
            for placing in self._placing:
                self._guard.context.journal.refused(placing)
            for uuid in list(self._own):
                self._forget(uuid)
        return left

    async def holding(self) -> Holding:
        """Look at what the PBX holds now."""
        return await self._inner.holding()


def _is_over(command: HangUp | ShowCall, outcome: Outcome) -> bool:
    if not isinstance(outcome, Done):
        return False
    return isinstance(command, HangUp) or outcome.state is CallState.ENDED
