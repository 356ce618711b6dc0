"""A mock PBX driven by hand, one command after the other: for tests written in Python."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from scenario_runner.clock import LoopClock, Turns, VirtualLoop
from scenario_runner.durations import SECOND
from scenario_runner.errors import PbxError
from scenario_runner.execution.interleavings import seeded
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import MockTarget
from scenario_runner.language.vocabulary import CallState, Party
from scenario_runner.pbx.commands import (
    AnswerCall,
    AnySlot,
    AskSlot,
    BridgeCall,
    CallAddress,
    HangUp,
    ParkCall,
    PlaceCall,
    ShowCall,
    ShowCalls,
)
from scenario_runner.pbx.protocol import CallIds, Done, Plan, Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine
    from types import TracebackType

    from scenario_runner.language.target import Target
    from scenario_runner.pbx.commands import BridgeSlot, Command
    from scenario_runner.pbx.protocol import Leftover, Outcome, PbxEvent, Trace
    from scenario_runner.references import Json


_T = TypeVar("_T")
_WITHIN = 30 * SECOND


class SyncPbx:
    """A mock PBX of your own in this process, in virtual time; use it in a `with` block.

    Commands return `Done` or `Refused`. `traces` are the exchanges so far, `events` what the PBX
    reported by itself. Leaving the block hangs up every call that was placed.
    """

    def __init__(self, target: Target = MOCK, *, seed: int = 0) -> None:
        turns = Turns(seeded(seed))
        self.traces: list[Trace] = []
        self.events: list[PbxEvent] = []
        self.leftovers: tuple[Leftover, ...] = ()
        self._loop = VirtualLoop(turns)
        self._runner = asyncio.Runner(loop_factory=lambda: self._loop)
        self._clock = LoopClock(self._loop)
        self._connection, self._wire = MockTarget(target).open(self._clock, turns, seed)

    def traced(self, trace: Trace) -> None:
        """Keep an exchange; called by the driver."""
        self.traces.append(trace)

    def reported(self, event: PbxEvent) -> None:
        """Keep an event; called by the driver."""
        self.events.append(event)

    def deaf(self, at: int) -> None:
        """Pass over it: the mock is always heard; called by the driver."""

    def hearing(self, at: int) -> None:
        """Pass over it; called by the driver."""

    def __enter__(self) -> SyncPbx:
        plan = Plan(scenario="by hand", events=True)
        self._opened = self._connection.session(plan, self, self._clock)
        self._session = self._run(_awaited(self._opened.__aenter__()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.leftovers = self._run(self._session.close())
            self._run(_awaited(self._opened.__aexit__(None, None, None)))
        finally:
            self._wire.close()
            self._runner.close()

    def do(self, command: Command) -> Outcome:
        """Do a command, also one that has no method of its own here."""
        return self._run(self._session.do(command, _WITHIN))

    def call(
        self,
        extension: str,
        *,
        caller: str | None = None,
        callee: str | None = None,
        answered: bool = True,
    ) -> CallIds:
        """Bring a call up at the extension: from `caller`, or to `callee`; return its ids.

        Raises ValueError unless one of both is given, and PbxError where the PBX refuses.
        """
        if (caller is None) == (callee is None):
            raise ValueError("a call has either a caller or a callee")
        request = PlaceCall(
            extension=extension,
            flow="out" if caller is None else "in",
            party=caller or callee or "",
            answered=answered,
        )
        outcome = self.do(request)
        if isinstance(outcome, Refused):
            raise PbxError(f"the call did not come up: {outcome.message}")
        assert outcome.ids is not None
        return outcome.ids

    def answer(self, call: CallIds) -> Outcome:
        """Answer a ringing call."""
        return self.do(AnswerCall(call=self._address(call)))

    def park(self, call: CallIds, slot: Json) -> Outcome:
        """Park the call in the slot."""
        return self.do(ParkCall(call=self._address(call), slot=slot))

    def slots(self, call: CallIds, slot: Json) -> Outcome:
        """Ask who is parked in the slot: `Done.uuid`, which is None where nobody is."""
        return self.do(AskSlot(call=self._address(call), slot=slot))

    def bridge(self, call: CallIds, slot: BridgeSlot | None = None) -> Outcome:
        """Join the call with the one in the slot, or with any parked one."""
        wanted = AnySlot() if slot is None else slot
        return self.do(BridgeCall(call=self._address(call), slot=wanted))

    def hangup(self, call: CallIds, by: Party = Party.REMOTE) -> Outcome:
        """End the call as the party at the other end, or as the extension."""
        return self.do(HangUp(call=self._address(call), by=by))

    def calls(self, extension: str) -> Outcome:
        """List the extension's current calls: `Done.listed`."""
        return self.do(ShowCalls(extension=extension))

    def state(self, call: CallIds) -> CallState | None:
        """Return what the call is doing now."""
        outcome = self.do(ShowCall(call=self._address(call)))
        return outcome.state if isinstance(outcome, Done) else None

    def wait(self, seconds: float) -> None:
        """Let virtual time pass; it costs none."""
        self._run(_awaited(asyncio.sleep(seconds)))

    def _address(self, call: CallIds) -> CallAddress:
        """Return where the call is now: its ids follow it through parking and bridging."""
        now = self._session.ids(call.uuid) or call
        return CallAddress(call_api_id=now.call_api_id, extension=now.extension)

    def _run(self, command: Coroutine[None, None, _T]) -> _T:
        return self._runner.run(command)


async def _awaited(one: Awaitable[_T]) -> _T:
    """Make a coroutine of anything that can be awaited: a runner takes nothing else."""
    return await one
