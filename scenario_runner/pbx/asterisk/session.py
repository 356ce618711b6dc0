"""One scenario's dealings with an Asterisk."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, assert_never

from scenario_runner.durations import SECOND
from scenario_runner.errors import NotPossible
from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.asterisk.bridging import Bridging
from scenario_runner.pbx.asterisk.closing import Closing
from scenario_runner.pbx.asterisk.hanging_up import hang_up
from scenario_runner.pbx.asterisk.hub import Spaces
from scenario_runner.pbx.asterisk.parking import Parking
from scenario_runner.pbx.asterisk.picking_up import pick_up
from scenario_runner.pbx.asterisk.placing import Awaiting, Originating, Placing
from scenario_runner.pbx.asterisk.reaching import refuse
from scenario_runner.pbx.commands import (
    AnswerCall,
    AskSlot,
    BridgeCall,
    HangUp,
    ParkCall,
    PlaceCall,
    SendRequest,
    ShowCall,
    ShowCalls,
    Unsubscribe,
)
from scenario_runner.pbx.protocol import (
    CallIds,
    Done,
    Holding,
    Leftover,
    Listed,
    PbxEvent,
)

if TYPE_CHECKING:
    from scenario_runner.pbx.asterisk.board import Call
    from scenario_runner.pbx.asterisk.following import CallEvent
    from scenario_runner.pbx.asterisk.line import Line
    from scenario_runner.pbx.commands import CallAddress, Command, Question
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.protocol import Outcome, Plan

CLOSING = 10 * SECOND
"""The longest that one exchange of the cleanup may take, in microseconds."""


class AsteriskSession:
    """Speaks to an Asterisk for one scenario; see `pbx.protocol.Session`."""

    def __init__(self, line: Line, plan: Plan, context: Context) -> None:
        self._line = line
        self._board = line.hub.board
        self._plan = plan
        self._context = context
        self._before: frozenset[Call] = frozenset()
        self._closing = Closing(line, plan)
        self._parking = Parking(line)
        self._bridging = Bridging(line, self._parking, Random(f"{context.seed}:{plan.scenario}"))

    def begin(self) -> None:
        """Remember the calls that are none of this scenario's."""
        self._before = frozenset(self._board.alive())

    def heard(self, event: CallEvent) -> None:
        """Pass an event on where it is this scenario's."""
        call = event.call
        if self._closing.owns(call) or event.extension in self._plan.extensions:
            self._line.watcher.reported(
                PbxEvent(
                    type=event.type,
                    uuid=call.uuid,
                    extension=event.extension,
                    at=self._line.clock.now(),
                    fields=event.fields,
                )
            )

    async def do(self, command: Command, within: int) -> Outcome:
        """Do what is asked; see `pbx.protocol.Session`."""
        line = self._line
        match command:
            case PlaceCall():
                outcome = await self._place(command, within)
            case AnswerCall(call=call):
                outcome = await pick_up(line, call, within)
            case ParkCall(call=call, slot=slot):
                outcome = await self._parking.park(call, slot, within)
            case BridgeCall(call=call, slot=wanted):
                outcome = await self._bridging.bridge(call, wanted, within)
            case HangUp(call=call, by=by):
                outcome = await hang_up(line, call, by, within)
            case SendRequest() | Unsubscribe():
                raise NotPossible(
                    "this target speaks AMI, so there are no raw requests",
                    hint="leave such steps out here: when: {target_can: raw-requests}",
                )
            case _:
                outcome = await self._ask(command, within)
        return outcome

    async def _ask(self, question: Question, within: int) -> Outcome:
        match question:
            case AskSlot(call=call, slot=slot):
                return await self._parking.slots(call, slot, within)
            case ShowCalls(extension=extension):
                return await self._list_calls(extension, within)
            case ShowCall(call=call):
                return await self._call_status(call, within)
            case _:
                assert_never(question)

    async def _place(self, request: PlaceCall, within: int) -> Outcome:
        watch = self._line.start()
        placing: Placing = Originating(self._line, self._closing.own)
        if self._line.hub.settings.calls == "wait":
            announce = self._context.announce
            placing = Awaiting(self._line, self._closing.own, announce, self._before)
        call, message = await placing(request, within)
        return Done(raw=self._line.raw(watch, message), ids=_ids(call), state=self._state(call))

    async def _list_calls(self, extension: str, within: int) -> Outcome:
        """List the extension's current calls: those whose channels Asterisk still has."""
        watch = self._line.start()
        reply = await self._line.must("CoreShowChannels", (), within)
        there = {item.get("Uniqueid") for item in reply.items}
        listed = [
            self._listed(call)
            for call in self._board.alive()
            if call.extension == extension and there.intersection(call.legs)
        ]
        return Done(raw=self._line.raw(watch, reply.first), listed=tuple(listed))

    async def _call_status(self, call: CallAddress, within: int) -> Outcome:
        """Ask about one call: the PBX tells whether it is there, its events what it does."""
        watch = self._line.start()
        await self._line.connect()
        known = self._board.find(call.call_api_id)
        if known is None or (known.alive and known.extension != call.extension):
            return refuse(Reason.NO_SUCH_CALL, self._line.raw(watch))
        leg = known.remote or known.desk
        if not known.alive or not leg:
            return Done(raw=self._line.raw(watch), state=CallState.ENDED, ids=_ids(known))
        reply = await self._line.ask("Status", (("Channel", leg),), within)
        state = CallState.ENDED if reply.refused else self._state(known)
        seen = reply.items[0] if reply.items else reply.first
        return Done(raw=self._line.raw(watch, seen), state=state, ids=_ids(known))

    def ids(self, uuid: str) -> CallIds | None:
        """Return the ids of a call as last known."""
        call = self._board.find(uuid)
        return None if call is None else _ids(call)

    async def close(self) -> tuple[Leftover, ...]:
        """Hang up what was placed and look for residue."""
        return await self._closing.close(CLOSING)

    async def holding(self) -> Holding:
        """Look at the lot and at the calls that are known."""
        parked = await self._line.parked(CLOSING)
        spaces = Spaces(self._line.hub.target, self._line.hub.settings)
        slots = [
            (spaces.to_slot(space), self._parking.uuid_of(item) or "")
            for space, item in parked.items()
        ]
        return Holding(
            slots=tuple(slots), calls=tuple(self._listed(call) for call in self._board.alive())
        )

    def _listed(self, call: Call) -> Listed:
        state = self._state(call)
        return Listed(uuid=call.uuid, extension=call.extension, state=state, party=call.party)

    def _state(self, call: Call) -> CallState:
        if call.state is CallState.PARKED and not call.space:
            return CallState.UP
        return call.state


def _ids(call: Call) -> CallIds:
    return CallIds(
        uuid=call.uuid, call_api_id=call.uuid, extension=call.extension, call_id=call.uuid
    )
