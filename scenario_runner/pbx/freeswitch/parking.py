"""Parks calls and asks who is parked, with the rules that FreeSWITCH itself does not keep.

FreeSWITCH has one command for parking and for retrieving: whoever is sent to an occupied slot is
joined with the call in it. So the driver looks first, acts, and looks at what became of the call;
one command at a time for each slot, since two within a few milliseconds confuse FreeSWITCH.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from scenario_runner.durations import SECOND
from scenario_runner.errors import BadAnswer, NotPossible
from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.freeswitch.dialling import return_to
from scenario_runner.pbx.freeswitch.following import VALET
from scenario_runner.pbx.freeswitch.reaching import reach, reach_talking, refuse
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.pbx.tracked.waiters import outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.commands import CallAddress
    from scenario_runner.pbx.freeswitch.board import Call, Place
    from scenario_runner.pbx.freeswitch.frames import Message
    from scenario_runner.pbx.freeswitch.line import Line, Watch
    from scenario_runner.pbx.protocol import Outcome
    from scenario_runner.references import Json

_FASTER = (
    "somebody else was faster: FreeSWITCH joined the call with the one that is parked there "
    "instead of refusing, and they talk to each other now"
)
_LEFT = "the driver's reading of events: the call ended before it was parked"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What became of a call that was to be parked."""

    what: Literal["parked", "joined", "gone"]
    message: Message


class Parking:
    """Parks for one scenario."""

    def __init__(self, line: Line, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._line = line
        self._hub = line.hub
        self._lot = line.lot
        self._sleep = sleep

    def lock(self, number: int) -> asyncio.Lock:
        """Return what lets one command at a time deal with a slot."""
        return self._hub.locks.setdefault((self._lot.name, str(number)), asyncio.Lock())

    def name_of(self, uid: str | None) -> str | None:
        """Return the name of the call whose remote party this channel is."""
        call = None if uid is None else self._hub.board.owner(uid)
        return uid if call is None else call.uuid

    async def slots(self, address: CallAddress, slot: Json, within: int) -> Outcome:
        """Say who is in the slot; FreeSWITCH only lists the whole lot."""
        watch = self._line.start()
        await self._line.connect()
        call, number = reach(self._hub.board, address), self._lot.number(slot)
        if isinstance(call, Reason):
            return refuse(call, self._line.raw(watch))
        if isinstance(number, Reason):
            return refuse(number, self._line.raw(watch))
        uid = await self._line.parked_in(self._lot.place(number), within)
        raw = self._line.raw(watch, uid or "")
        return Done(raw=raw, slot=str(number), uuid=self.name_of(uid))

    async def park(self, address: CallAddress, slot: Json, within: int) -> Outcome:
        """Park the call in the slot, or refuse where somebody is there."""
        watch = self._line.start()
        await self._line.connect()
        number = self._lot.number(slot)
        call = reach_talking(self._hub.board, address)
        if isinstance(call, Reason):
            return refuse(call, self._line.raw(watch))
        if isinstance(number, Reason):
            return refuse(number, self._line.raw(watch))
        async with self.lock(number):
            occupied = await self._line.parked_in(self._lot.place(number), within)
            if occupied is not None:
                return refuse(Reason.SLOT_FULL, self._line.raw(watch, occupied))
            wait = self._lot.fresh(number)
            if wait:
                await self._sleep(wait)
            return await self._parked(call, number, watch, within)

    async def _parked(self, call: Call, number: int, watch: Watch, within: int) -> Outcome:
        """Send the call to its slot and wait for what becomes of it: "+OK" alone proves nothing."""
        uid = self._take_remote(call)
        place = self._lot.place(number)
        lot, name = place
        said = await self._line.api(self._wishes(call, uid), within)
        if said.startswith("+OK"):
            with self._hub.expectations.of((uid,), _Became(uid, place)) as became:
                said = await self._line.api(
                    f"uuid_transfer {uid} 'valet_park:{lot} {name}' inline", within
                )
                if said.startswith("+OK"):
                    what = "FreeSWITCH did not tell what became of the call"
                    seen = await outcome(became, within, what)
                    return self._judged(call, number, seen, watch)
        if "No such channel" not in said:
            raise BadAnswer(f"FreeSWITCH does not park the call: {said}")
        raw, message = self._line.raw(watch, said), said.partition("\n")[0]
        return Refused(raw=raw, reason=Reason.NO_SUCH_CALL, message=message)

    def _wishes(self, call: Call, uid: str) -> str:
        """Say before parking when and where the call is to return: later would be too late."""
        settings = self._hub.settings
        seconds = self._hub.target.park_timeout // SECOND
        if settings.return_context:
            to, dialplan = call.extension, "XML"
        else:
            call.coming = str(uuid4())
            dialled = self._hub.dialling.extension(call.extension)
            to, dialplan = return_to(call.coming, dialled, settings.return_rings), "inline"
        values = {
            "valet_parking_timeout": str(seconds),
            "valet_parking_orbit_exten": to,
            "valet_parking_orbit_dialplan": dialplan,
            "valet_parking_orbit_context": settings.return_context or "default",
        }
        return f"uuid_setvar_multi {uid} " + ";".join(f"{k}={v}" for k, v in values.items())

    def _take_remote(self, call: Call) -> str:
        """Return the remote party's channel; a joined call's is that of the call it is joined with.

        Parking under the name of the bridging call takes the parked party over; the other name's
        call has ended then.
        """
        partner = call.partner
        if not call.remote and partner is not None and partner.remote:
            call.part()
            call.remote, partner.remote = partner.remote, ""
            partner.state = CallState.ENDED
        if not call.remote:
            raise NotPossible("the call has no remote party any more that could be parked")
        return call.remote

    def _judged(self, call: Call, number: int, seen: _Seen, watch: Watch) -> Outcome:
        raw = self._line.raw(watch, seen.message)
        match seen.what:
            case "parked":
                return Done(raw=raw, slot=str(number), uuid=call.uuid)
            case "joined":
                message = refuse(Reason.SLOT_FULL, raw).message
                return Refused(
                    raw=raw, reason=Reason.SLOT_FULL, message=message, driver_word=_FASTER
                )
            case "gone":
                message = f"the call ended: {seen.message.get('Hangup-Cause')}"
                return Refused(
                    raw=raw, reason=Reason.NO_SUCH_CALL, message=message, driver_word=_LEFT
                )


@dataclass(frozen=True, slots=True)
class _Became:
    """Judges the events about a channel that is being parked."""

    uid: str
    place: Place

    def __call__(self, message: Message) -> _Seen | None:
        if message.event == "CHANNEL_HANGUP" and message.uid == self.uid:
            return _Seen("gone", message)
        if message.event != VALET or self.place != (
            message.get("Valet-Lot-Name"),
            message.get("Valet-Extension"),
        ):
            return None
        match message.get("Action"):
            case "hold" if message.uid == self.uid:
                return _Seen("parked", message)
            case "bridge" if message.get("Bridge-To-UUID") == self.uid:
                return _Seen("joined", message)
            case _:
                return None
