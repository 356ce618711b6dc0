"""Parks calls and asks who is parked, with the rules that Asterisk itself does not keep.

Asterisk answers `Park successful` whatever happens: it takes another space where the one asked for
is occupied, and hangs a call up where the lot is full. So the driver looks first, acts, and looks
at what became of the call.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scenario_runner.durations import SECOND
from scenario_runner.errors import BadAnswer, NotPossible
from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.asterisk.hub import Spaces
from scenario_runner.pbx.asterisk.reaching import reach, reach_talking, refuse
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.pbx.tracked.waiters import outcome

if TYPE_CHECKING:
    from scenario_runner.pbx.asterisk.ami import Reply
    from scenario_runner.pbx.asterisk.board import Call
    from scenario_runner.pbx.asterisk.frames import Message
    from scenario_runner.pbx.asterisk.line import Line, Watch
    from scenario_runner.pbx.commands import CallAddress
    from scenario_runner.pbx.protocol import Outcome
    from scenario_runner.references import Json


@dataclass(frozen=True, slots=True)
class _Seen:
    """What became of a call that was to be parked."""

    what: Literal["parked", "gone", "back"]
    message: Message


class Parking:
    """Parks for one scenario."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._hub = line.hub
        self._board = line.hub.board
        self._spaces = Spaces(line.hub.target, line.hub.settings)

    async def slots(self, address: CallAddress, slot: Json, within: int) -> Outcome:
        """Say who is in the slot; Asterisk only lists the whole lot."""
        watch = self._line.start()
        await self._line.connect()
        call, space = reach(self._board, address), self._spaces.of_slot(slot)
        for reason in (call, space):
            if isinstance(reason, Reason):
                return refuse(reason, self._line.raw(watch))
        item = (await self._line.parked(within)).get(str(space))
        raw = self._line.raw(watch, item)
        return Done(raw=raw, slot=self._spaces.to_slot(str(space)), uuid=self.uuid_of(item))

    def uuid_of(self, item: Message | None) -> str | None:
        """Return the name of the parked call in an item of a list."""
        if item is None:
            return None
        uid = item.get("ParkeeUniqueid")
        call = self._board.owner(uid)
        return uid if call is None else call.uuid

    async def park(self, address: CallAddress, slot: Json, within: int) -> Outcome:
        """Park the call in the slot, or refuse where somebody is there."""
        watch = self._line.start()
        await self._line.connect()
        call, space = reach_talking(self._board, address), self._spaces.of_slot(slot)
        if isinstance(call, Reason):
            return refuse(call, self._line.raw(watch))
        if isinstance(space, Reason):
            return refuse(space, self._line.raw(watch))
        async with self._hub.space_locks.setdefault(space, asyncio.Lock()):
            occupied = (await self._line.parked(within)).get(space)
            if occupied is not None:
                return refuse(Reason.SLOT_FULL, self._line.raw(watch, occupied))
            return await self._parked(call, space, watch, within)

    async def _parked(self, call: Call, space: str, watch: Watch, within: int) -> Outcome:
        """Send Park and wait for what becomes of the call: the reply alone proves nothing."""
        uid = self._take_remote(call)
        seconds = self._hub.target.park_timeout // SECOND
        fields = (
            ("Channel", uid),
            ("Parkinglot", self._hub.settings.lot),
            ("Timeout", str(seconds * 1000)),
            ("TimeoutChannel", self._hub.dialling.origin(call.extension)),
        )
        # A variable serves in all versions; the header ParkingSpace is ignored by older ones.
        await self._wish(uid, space, within)
        with self._hub.expectations.of((uid,), _Became(uid)) as became:
            reply = await self._line.ask("Park", fields, within)
            if reply.refused:
                return await self._not_parked(space, reply, watch, within)
            seen = await outcome(became, within, "Asterisk did not tell what became of the call")
        if seen.what != "gone":
            # The wish stays with the channel and would decide where others park it later.
            await self._wish(uid, "", within)
        return await self._judged(call, space, seen, watch, within)

    async def _not_parked(self, space: str, reply: Reply, watch: Watch, within: int) -> Outcome:
        """Say why Asterisk did not park, which its words do not tell: look again."""
        raw = self._line.raw(watch, reply.first)
        if reply.message.startswith("Channel does not exist"):
            return Refused(raw=raw, reason=Reason.NO_SUCH_CALL, message=reply.message)
        if space not in await self._line.parked(within):
            raise BadAnswer(f"Asterisk does not park the call: {reply.message}")
        word = "full, as the driver saw by looking again"
        return Refused(raw=raw, reason=Reason.SLOT_FULL, message=reply.message, driver_word=word)

    def _take_remote(self, call: Call) -> str:
        """Return the remote party's channel; a joined call's is that of the call it is joined with.

        Parking under the name of the bridging call takes the parked party over; the other name's
        call has ended then.
        """
        partner = call.partner
        if not call.remote and partner is not None and partner.remote:
            uid = partner.remote
            call.part()
            self._board.set_remote(partner, "")
            partner.state = CallState.ENDED
            self._board.set_remote(call, uid)
        if not call.remote:
            raise NotPossible("the call has no remote party any more that could be parked")
        return call.remote

    async def _wish(self, uid: str, space: str, within: int) -> None:
        fields = (("Channel", uid), ("Variable", "PARKINGEXTEN"), ("Value", space))
        await self._line.ask("Setvar", fields, within)

    async def _judged(
        self, call: Call, space: str, seen: _Seen, watch: Watch, within: int
    ) -> Outcome:
        raw = self._line.raw(watch, seen.message)
        match seen.what:
            case "gone":
                raise BadAnswer(
                    "Asterisk hung the call up instead of parking it",
                    hint="it does so where the lot is full, or when the caller hangs up meanwhile",
                )
            case "back":
                word = "Asterisk put the call back into its conversation: the lot is full"
                message = "the parking lot is full"
                return Refused(raw=raw, reason=Reason.SLOT_FULL, message=message, driver_word=word)
            case "parked":
                landed = seen.message.get("ParkingSpace")
                if landed != space:
                    return await self._taken_back(call, landed, watch, within)
                return Done(raw=raw, slot=self._spaces.to_slot(space), uuid=call.uuid)

    async def _taken_back(self, call: Call, landed: str, watch: Watch, within: int) -> Outcome:
        """Bring a call back to its extension that somebody else's was faster than."""
        dialled = self._hub.dialling.extension(call.extension)
        variable = (("Variable", "SCENARIO_DIAL"), ("Value", dialled))
        await self._line.must("Setvar", (("Channel", call.remote), *variable), within)
        where = (("Context", self._hub.settings.dial_context), ("Exten", "dial"), ("Priority", "1"))

        def talking(_: Message) -> bool | None:
            return self._board.talking(call) or None

        with self._hub.expectations.of((call.remote,), talking) as back:
            await self._line.must("Redirect", (("Channel", call.remote), *where), within)
            await outcome(
                back, within, f"the extension {call.extension} did not take the call back"
            )
        refused = refuse(Reason.SLOT_FULL, self._line.raw(watch))
        word = (
            f"somebody else was faster: Asterisk parked the call in {landed}, and the driver "
            "brought it back to its extension"
        )
        return Refused(
            raw=refused.raw, reason=refused.reason, message=refused.message, driver_word=word
        )


class _Became:
    """Judges the events about a channel that is being parked."""

    def __init__(self, uid: str) -> None:
        self._uid = uid

    def __call__(self, message: Message) -> _Seen | None:
        match message.event:
            case "ParkedCall" if message.get("ParkeeUniqueid") == self._uid:
                return _Seen("parked", message)
            case "Hangup" if message.get("Uniqueid") == self._uid:
                return _Seen("gone", message)
            case "BridgeEnter" if self._is_back(message):
                return _Seen("back", message)
            case _:
                return None

    def _is_back(self, message: Message) -> bool:
        """Being in a bridge again that is no lot's is the end of a parking that failed."""
        return message.get("Uniqueid") == self._uid and message.get("BridgeType") != "parking"
