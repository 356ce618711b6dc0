"""How commands are said to a FreeSWITCH, and what becomes of them.

FreeSWITCH has one command for parking and for retrieving: whoever is sent to an occupied slot is
joined with the call in it, and two commands for one slot within a few milliseconds confuse it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias
from uuid import uuid4

from scenario_runner.durations import MINUTE, SECOND, duration_text
from scenario_runner.errors import BadAnswer, TimedOut
from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.freeswitch.dialling import endpoint, return_to, ringing
from scenario_runner.pbx.freeswitch.lot import listed
from scenario_runner.pbx.freeswitch.tracker import VALET, place_in, uid_of
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.pbx.tracked.dialect import (
    Coming,
    Dialect,
    End,
    NoCapacity,
    Occupant,
    no_call,
)
from scenario_runner.pbx.tracked.lookup import Refusals
from scenario_runner.pbx.tracked.waiters import Seen, outcome

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.commands import PlaceCall
    from scenario_runner.pbx.freeswitch.dialling import FreeSwitchDialling
    from scenario_runner.pbx.freeswitch.esl import Message, TracedEsl
    from scenario_runner.pbx.freeswitch.lot import Lot
    from scenario_runner.pbx.freeswitch.pace import Pace
    from scenario_runner.pbx.freeswitch.settings import FreeSwitchSettings
    from scenario_runner.pbx.journal import Journaling
    from scenario_runner.pbx.tracked.calls import Call, CallTable, Place
    from scenario_runner.pbx.tracked.client import Stopwatch
    from scenario_runner.pbx.tracked.dialect import NoCall
    from scenario_runner.pbx.tracked.wire import WireMessage

_RINGS_ON = 10 * MINUTE
"""How long a call rings that nobody is to answer yet, in microseconds."""

_FASTER = (
    "somebody else was faster: FreeSWITCH joined the call with the one that is parked there "
    "instead of refusing, and they talk to each other now"
)
_LEFT = "the driver's reading of events: the call ended before it was parked"
_JOINED = "who is in the slot was looked up, and the two were joined, by the driver"
_TOO_LATE = "the parked call left after the driver had looked"


@dataclass(frozen=True, slots=True)
class _Listed:
    """What shows who is in a slot: the channel that is listed there."""

    evidence: str


class _Coming(Coming):
    made = False
    """Whether the second end's channel was made, which FreeSWITCH refuses beyond its limits."""

    def judge(self, event: WireMessage) -> None:
        if event.event == "CHANNEL_HANGUP":
            cause, end = event.get("Hangup-Cause"), self.ended(uid_of(event))
            raise _no_capacity(end) if cause == _NO_ROOM and not self.made else _no_call(end, cause)
        self.made = self.made or uid_of(event) == self.second.uid
        if event.event == "CHANNEL_ANSWER" and uid_of(event) == self.first.uid:
            self.first_up = True

    def rings(self, call: Call, event: WireMessage) -> bool:
        del call
        return event.event in _RINGING and uid_of(event) == self.second.uid


_RINGING = ("CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA", "CHANNEL_ANSWER")
_CAUSES = {
    "USER_BUSY": "it is busy",
    "NO_ANSWER": "it did not answer",
    "NO_USER_RESPONSE": "it did not respond",
    "CALL_REJECTED": "it refused the call",
    "USER_NOT_REGISTERED": "no phone is registered there",
    "SUBSCRIBER_ABSENT": "there is no such user",
    "UNALLOCATED_NUMBER": "there is no such number",
    "NO_ROUTE_DESTINATION": "there is no way to it",
    "CHAN_NOT_IMPLEMENTED": "FreeSWITCH has no such kind of channel",
}


_NO_ROOM = "DESTINATION_OUT_OF_ORDER"
"""What FreeSWITCH gives for a cause where it makes no channel because of its limits."""


def _no_capacity(end: str) -> NoCapacity:
    return NoCapacity(
        f"FreeSWITCH made no channel for {end}: {_NO_ROOM}, which it says where "
        "`sessions-per-second` or `max-sessions` is reached"
    )


def _no_call(end: str, cause: str) -> NoCall:
    why = _CAUSES.get(cause)
    return no_call(end, cause + (f" ({why})" if why else ""))


class FreeSwitchDialect(Dialect):
    """Speaks to a FreeSWITCH for one scenario; `sleep` takes seconds."""

    client: TracedEsl
    hangup = ("CHANNEL_HANGUP", "Hangup-Cause")
    coming = _Coming
    refusals: ClassVar[Refusals] = Refusals(
        "FreeSWITCH",
        {
            Reason.CALL_NOT_ANSWERED: "park it all the same",
            Reason.CALL_ALREADY_PARKED: "move it, or join it with itself where the slot is its own",
            Reason.SLOT_REQUIRED: "park nobody and hang up",
            Reason.SLOT_INVALID: "take any text for a slot",
            Reason.SLOT_UNKNOWN: "make one",
            Reason.SLOT_FULL: "join the two",
            Reason.SLOT_EMPTY: "park whoever dials it",
        },
    )
    remembered: ClassVar[str] = (
        "what the call does is read from FreeSWITCH's events, that it is there is asked"
    )

    def __init__(
        self,
        client: TracedEsl,
        lot: Lot,
        plan: ReturnPlan,
        pace: Pace,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        super().__init__(client, lot.slots)
        self._lot = lot
        self._plan = plan
        self._dialling = plan.dialling
        self._pace = pace
        self._sleep = sleep

    @property
    def lot(self) -> str:
        """The name of the lot to park in."""
        return self._lot.name

    def ends(self, request: PlaceCall) -> tuple[End, End]:
        """Choose the names of both channels, so that the call is known before it exists."""
        party = End(self._dialling.party(request.party), str(uuid4()))
        extension = End(self._dialling.extension(request.extension), str(uuid4()))
        return (party, extension) if request.flow == "in" else (extension, party)

    async def originate(self, request: PlaceCall, first: End, second: End, within: int) -> None:
        """Let FreeSWITCH dial one end and, once that is up, the other.

        In the background, since it takes until the first end answers.
        """
        command = _originate(request, first, second, within)
        for again in (True, False):
            await self._pace.turn(2)
            with self.hub.waiters.of((first.uid,), _created) as made:
                try:
                    result = await self.client.background(command, within)
                except TimedOut:
                    if not made.done():
                        raise
                    late = f"it did not answer within {duration_text(within)}"
                    raise no_call(first.dialled, late) from None
                cause = result.text.removeprefix("-ERR").strip()
                if result.granted:
                    return
                if cause != _NO_ROOM or made.done():
                    raise _no_call(first.dialled, cause)
            if again:
                # Nothing was made, so nothing can be there twice.
                await self._sleep(1)
        raise _no_capacity(first.dialled)

    async def answer(self, call: Call, within: int) -> None:
        """Answer for the channel that rings, which FreeSWITCH dialled itself.

        `uuid_answer` is for channels that were dialled in: here it would do nothing and say +OK.
        """
        answer = await self.client.api(f"uuid_outgoing_answer {call.rings}", within)
        if not answer.granted:
            raise BadAnswer(f"FreeSWITCH does not answer the call: {answer.text}")

    async def hang_up(self, uid: str, within: int) -> Message:
        """End a channel."""
        return await self.client.api(f"uuid_kill {uid}", within)

    async def exists(self, uid: str, within: int) -> tuple[bool, None]:
        """Ask whether there is such a channel; lists of channels lag behind."""
        return (await self.client.api(f"uuid_exists {uid}", within)).text == "true", None

    def is_over(self, call: Call) -> Callable[[WireMessage], WireMessage | None]:
        """Return what judges whether all channels are gone, and the slot is left.

        FreeSWITCH lists a parked call for some milliseconds after it ended.
        """
        return _Gone(self.calls.channels, call.conversation, parked=call.state is CallState.PARKED)

    async def occupants(self, within: int) -> list[Occupant]:
        """Ask who is in the lot; FreeSWITCH may list channels that are there no more."""
        found = await self._listed(within)
        there, _ = await self.existing(found.values(), within)
        return [self._occupant(name, uid) for name, uid in found.items() if uid in there]

    async def occupant(self, number: int, within: int) -> Occupant | None:
        """Ask who is in a slot."""
        _, name = self._lot.place(number)
        uid = (await self._listed(within)).get(name)
        if uid is None or not (await self.exists(uid, within))[0]:
            return None
        return self._occupant(name, uid)

    async def _listed(self, within: int) -> dict[str, str]:
        """Return the channels that are listed in the lot, by the names of the slots."""
        answer = await self.client.api(f"valet_info {self._lot.name}", within)
        if not answer.text.startswith("<lots>"):
            raise BadAnswer(f"FreeSWITCH does not list its parking lots: {answer.text}")
        # The filter is deaf to upper and lower case, lots are not.
        return {
            name: uid for (lot, name), uid in listed(answer.text).items() if lot == self._lot.name
        }

    def _occupant(self, name: str, uid: str) -> Occupant:
        number = self._lot.number_of(name)
        known = number if self._lot.has(number) else None
        return Occupant(name if number is None else str(number), known, uid, _Listed(uid))

    def slot_lock(self, number: int) -> asyncio.Lock:
        """Return what lets one command at a time deal with a slot of this lot."""
        return self.hub.lock(f"{self._lot.name} {number}")

    async def park(self, call: Call, number: int, watch: Stopwatch, within: int) -> Done | Refused:
        """Send the call to its slot and wait for what becomes of it: "+OK" alone proves nothing."""
        wait = self._lot.fresh(number)
        if wait:
            await self._sleep(wait)
        uid = call.remote
        lot, name = place = self._lot.place(number)
        answer = await self.client.api(self._plan.wishes(call), within)
        if answer.granted:
            with self.hub.waiters.of((uid,), _Parking(uid, place)) as became:
                answer = await self.client.api(
                    f"uuid_transfer {uid} 'valet_park:{lot} {name}' inline", within
                )
                if answer.granted:
                    late = "FreeSWITCH did not tell what became of the call"
                    seen = await outcome(became, within, late)
                    return self._judged(call, number, seen, watch)
        if "No such channel" not in answer.text:
            raise BadAnswer(f"FreeSWITCH does not park the call: {answer.text}")
        raw = self.client.raw(watch, answer)
        return Refused(raw=raw, reason=Reason.NO_SUCH_CALL, message=answer.words)

    def _judged(self, call: Call, number: int, seen: _Fate, watch: Stopwatch) -> Done | Refused:
        raw = self.client.raw(watch, seen.event)
        match seen.what:
            case "parked":
                return Done(raw=raw, slot=str(number), uuid=call.uuid)
            case "joined":
                full = self.refusals.words(Reason.SLOT_FULL)
                return Refused(raw=raw, reason=Reason.SLOT_FULL, message=full, driver_word=_FASTER)
            case "gone":
                return Refused(
                    raw=raw,
                    reason=Reason.NO_SUCH_CALL,
                    message=f"the call ended: {self.hangup_cause(seen.event)}",
                    driver_word=_LEFT,
                )

    async def retrieve(
        self, call: Call, occupant: Occupant, watch: Stopwatch, within: int
    ) -> Done | Refused:
        """Join the two channels past the parking module, which parks whoever comes too late."""
        desk, parked = call.desk, occupant.uid
        uuid = self.calls.name_of(parked)
        try:
            with self.hub.waiters.of((desk, parked), _Joining(self.calls, desk, parked)) as joined:
                answer = await self.client.api(f"uuid_bridge {desk} {parked}", within)
                if not answer.granted:
                    return await self._not_joined(parked, answer, watch, within)
                seen = await outcome(joined, within, "the two channels did not come together")
        finally:
            call.retrieving = False
        raw = self.client.raw(watch, seen)
        cause = self.hangup_cause(seen)
        if cause is not None:
            reason = Reason.SLOT_EMPTY if uid_of(seen) == parked else Reason.NO_SUCH_CALL
            message = f"the call ended: {cause}"
            return Refused(raw=raw, reason=reason, message=message, driver_word=_TOO_LATE)
        return Done(raw=raw, slot=occupant.slot, uuid=uuid, driver_word=_JOINED)

    async def _not_joined(
        self, parked: str, answer: Message, watch: Stopwatch, within: int
    ) -> Refused:
        """Say whose channel is gone, which FreeSWITCH does not tell."""
        raw = self.client.raw(watch, answer)
        if "Invalid uuid" not in answer.text:
            raise BadAnswer(f"FreeSWITCH does not join the two: {answer.text}")
        there, _ = await self.exists(parked, within)
        reason = Reason.NO_SUCH_CALL if there else Reason.SLOT_EMPTY
        word = "whose call was gone, as the driver saw by looking again"
        return Refused(raw=raw, reason=reason, message=answer.text, driver_word=word)


@dataclass(frozen=True, slots=True)
class ReturnPlan:
    """When and where a parked call is to return; said before parking: later would be too late."""

    dialling: FreeSwitchDialling
    settings: FreeSwitchSettings
    park_timeout: int
    journal: Journaling

    def wishes(self, call: Call) -> str:
        """Return the command that says it; a channel that the call will have then is named."""
        settings = self.settings
        if settings.return_context:
            to, dialplan = call.extension, "XML"
        else:
            call.coming = str(uuid4())
            self.journal.chosen(call.uuid, (call.coming,))
            dialled = self.dialling.extension(call.extension)
            to, dialplan = return_to(call.coming, dialled, settings.return_rings), "inline"
        values = {
            "valet_parking_timeout": str(self.park_timeout // SECOND),
            "valet_parking_orbit_exten": to,
            "valet_parking_orbit_dialplan": dialplan,
            "valet_parking_orbit_context": settings.return_context or "default",
        }
        wishes = ";".join(f"{key}={value}" for key, value in values.items())
        return f"uuid_setvar_multi {call.remote} {wishes}"


def _created(event: WireMessage) -> bool | None:
    return event.event == "CHANNEL_CREATE" or None


def _originate(request: PlaceCall, first: End, second: End, within: int) -> str:
    numbers = (request.party, request.extension)
    caller, called = numbers if request.flow == "in" else numbers[::-1]
    ids = (f"origination_caller_id_number={caller}", f"origination_callee_id_number={called}")
    one = endpoint(first.uid, first.dialled, within, *ids)
    other = endpoint(second.uid, second.dialled, within)
    if not request.answered:
        other = endpoint(second.uid, second.dialled, _RINGS_ON, *ringing(second.dialled))
    return f"originate {one} &bridge({other})"


_Fate: TypeAlias = Seen[Literal["parked", "joined", "gone"]]
"""What became of a call that was sent to a slot."""


@dataclass(frozen=True, slots=True)
class _Parking:
    """Judges the events about a channel that is being parked."""

    uid: str
    place: Place

    def __call__(self, event: WireMessage) -> _Fate | None:
        if event.event == "CHANNEL_HANGUP" and uid_of(event) == self.uid:
            return Seen("gone", event)
        if event.event != VALET or place_in(event) != self.place:
            return None
        match event.get("Action"):
            case "hold" if uid_of(event) == self.uid:
                return Seen("parked", event)
            case "bridge" if event.get("Bridge-To-UUID") == self.uid:
                return Seen("joined", event)
            case _:
                return None


class _Joining:
    """Judges whether a parked channel has left its slot and talks to the one that wants it."""

    def __init__(self, calls: CallTable, desk: str, parked: str) -> None:
        self._bridges = calls.bridges
        self._desk = desk
        self._parked = parked
        self._left = False

    def __call__(self, event: WireMessage) -> WireMessage | None:
        if event.event == "CHANNEL_HANGUP":
            return event
        if event.event == VALET and uid_of(event) == self._parked:
            self._left = self._left or event.get("Action") == "exit"
        bridge = self._bridges.get(self._desk)
        together = bridge is not None and bridge == self._bridges.get(self._parked)
        return event if self._left and together else None


class _Gone:
    """Judges whether all channels of a call are gone, and its slot is left."""

    def __init__(self, channels: dict[str, str], legs: set[str], *, parked: bool) -> None:
        self._channels = channels
        self._legs = legs
        self._parked = parked

    def __call__(self, event: WireMessage) -> WireMessage | None:
        if event.get("Action") == "exit":
            self._parked = False
        return None if self._parked or self._legs & self._channels.keys() else event
