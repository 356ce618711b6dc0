"""How commands are said to an Asterisk, and what becomes of them.

Asterisk answers `Park successful` whatever happens: it takes another space where the one asked for
is occupied, and hangs a call up where the lot is full. So what became of a call is read from the
events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias
from uuid import uuid4

from scenario_runner.durations import MILLISECOND, SECOND
from scenario_runner.errors import BadAnswer, NotPossible
from scenario_runner.language.vocabulary import Reason
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.pbx.tracked.dialect import Coming, Dialect, End, Occupant, no_call
from scenario_runner.pbx.tracked.lookup import Refusals
from scenario_runner.pbx.tracked.waiters import Seen, outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scenario_runner.pbx.asterisk.ami import Fields, Message, Reply, TracedAmi
    from scenario_runner.pbx.asterisk.dialling import AsteriskDialling
    from scenario_runner.pbx.asterisk.lot import Spaces
    from scenario_runner.pbx.commands import PlaceCall
    from scenario_runner.pbx.tracked.calls import Call
    from scenario_runner.pbx.tracked.client import Evidence, Stopwatch
    from scenario_runner.pbx.tracked.wire import WireMessage

_TOO_LATE = "after the driver had looked; the extension had left its conversation by then"


_MARK = "SCENARIO_RUNNER_CALL"
"""A variable that every channel inherits that comes of a call, with the call's first channel.

Its two underlines say so to Asterisk. The Linkedid alone does not tell them from those that were
joined with the call later: a retriever takes over the Linkedid of whom it retrieves (measured).
"""


class _Coming(Coming):
    _status = ""
    """How the latest phone of those that ring for the second end was lost."""

    def judge(self, event: WireMessage) -> None:
        about_first = event.get("Uniqueid") == self.first.uid
        match event.event:
            case "OriginateResponse" if event.get("Response") == "Success":
                self.first_up = True
            case "OriginateResponse":
                why = _REASONS.get(event.get("Reason"), _FAILED)
                raise no_call(self.first.dialled, why)
            case "Hangup" if about_first:
                raise no_call(self.ended(self.first.uid), self._status or event.get("Cause-txt"))
            case "DialEnd" if about_first and event.get("DialStatus") != "ANSWER":
                status = event.get("DialStatus")
                self._status = _STATUSES.get(status, status)
                # Of several phones the others may still ring, or one has answered.
                if "&" not in self.second.dialled:
                    raise no_call(self.second.dialled, self._status)

    def rings(self, call: Call, event: WireMessage) -> bool:
        del event
        return bool(call.remote and call.desk)


_FAILED = "it can't be dialled, or refused the call"
_REASONS = {"3": "it did not answer", "5": "it is busy", "8": "circuits congested"}
_STATUSES = {
    "NOANSWER": "it did not answer",
    "BUSY": "it is busy",
    "CHANUNAVAIL": "it can't be reached",
    "CONGESTION": "circuits congested",
    "CANCEL": "the caller hung up meanwhile",
}


class AsteriskDialect(Dialect):
    """Speaks to an Asterisk for one scenario."""

    client: TracedAmi
    hangup = ("Hangup", "Cause-txt")
    coming = _Coming
    refusals: ClassVar[Refusals] = Refusals(
        "Asterisk",
        {
            Reason.CALL_NOT_ANSWERED: "answer it by parking",
            Reason.CALL_ALREADY_PARKED: "park it anew",
            Reason.SLOT_REQUIRED: "take the first free one",
            Reason.SLOT_INVALID: "hang the call up",
            Reason.SLOT_UNKNOWN: "take the first free one",
            Reason.SLOT_FULL: "take the next",
            Reason.SLOT_EMPTY: "only play a prompt",
        },
    )

    def __init__(self, client: TracedAmi, spaces: Spaces, dialling: AsteriskDialling) -> None:
        super().__init__(client, spaces.target.slots)
        self._spaces = spaces
        self._dialling = dialling
        self._settings = spaces.settings

    @property
    def lot(self) -> str:
        """The name of the lot to park in."""
        return self._settings.lot

    async def originate(self, request: PlaceCall, first: End, second: End, within: int) -> None:
        """Let Asterisk dial one end and, from the dialplan, the other."""
        fields = (
            ("Channel", first.dialled),
            *self._goto(self._settings.dial_context, self._settings.dial_extension),
            ("Async", "true"),
            ("Timeout", str(max(1, within // MILLISECOND))),
            ("CallerID", f"<{request.party if request.flow == 'in' else request.extension}>"),
            ("ChannelId", first.uid),
            ("OtherChannelId", first.half),
            ("Variable", f"__{_MARK}={first.uid}"),
            ("Variable", f"SCENARIO_DIAL={second.dialled}"),
        )
        await self.client.must("Originate", fields, within)

    def ends(self, request: PlaceCall) -> tuple[End, End]:
        """Choose the Uniqueids of the first end, so that the call is known before it exists.

        They are of one length: Asterisk refuses an id that another one begins with (measured).
        """
        dialling, uid = self._dialling, str(uuid4())
        if request.flow == "in":
            rings = dialling.extension if request.answered else dialling.ringing_extension
            caller, called = dialling.party(request.party), rings(request.extension)
        else:
            rings = dialling.party if request.answered else dialling.ringing_party
            caller, called = dialling.extension(request.extension), rings(request.party)
        return End(caller, uid, uid + "-2"), End(called)

    @staticmethod
    def _goto(context: str, extension: str) -> Fields:
        return (("Context", context), ("Exten", extension), ("Priority", "1"))

    async def answer(self, call: Call, within: int) -> None:
        """Send the ringing party's half of a Local channel to where it answers."""
        headless = self._settings.headless
        ringing = call.desk if call.flow == "in" else call.remote
        name = self.calls.channels.get(ringing, "")
        if headless is None or not (name.startswith("Local/") and name.endswith(";1")):
            raise NotPossible(
                f"{name or 'the phone'} is answered by whoever it rings at, not by the runner",
                hint="parties without phones can be answered: `headless` in the targets file",
            )
        half = name[:-1] + "2"
        where = self._goto(name.partition("@")[2].rpartition("-")[0], headless.answer)
        await self.client.must("Redirect", (("Channel", half), *where), within)

    async def hang_up(self, uid: str, within: int) -> Reply:
        """End a channel."""
        return await self.client.ask("Hangup", (("Channel", uid), ("Cause", "16")), within)

    async def exists(self, uid: str, within: int) -> tuple[bool, Evidence]:
        """Ask for the channel's status."""
        reply = await self.client.ask("Status", (("Channel", uid),), within)
        return not reply.refused, reply.items[0] if reply.items else reply

    async def left_of(self, channels: frozenset[str], within: int) -> list[str]:
        """Ask all channels for what they came of: one that joined the call later came of another.

        The chosen channels are first, so that their dialplan dials nobody any more.
        """
        reply = await self.client.must("Status", (("Variables", _MARK),), within)
        marked = {item.get("Uniqueid"): _mark_of(item) for item in reply.items}
        own = [uid for uid in marked if uid in channels]
        return own + [uid for uid in marked if uid not in channels and marked[uid] in channels]

    async def existing(self, uids: Iterable[str], within: int) -> tuple[set[str], Evidence]:
        """Ask for all channels."""
        del uids
        reply = await self.client.must("CoreShowChannels", (), within)
        return {item.get("Uniqueid") for item in reply.items}, reply

    async def occupants(self, within: int) -> list[Occupant]:
        """Ask who is in the lot; there is no question about one space."""
        return [self._occupant(space, item) for space, item in (await self._parked(within)).items()]

    async def _parked(self, within: int) -> dict[str, Message]:
        """Return what is listed of the lot, by space."""
        fields = (("ParkingLot", self._settings.lot),)
        if self._settings.lot_dynamic:
            reply = await self.client.ask("ParkedCalls", fields, within)
            if reply.refused:
                return {}  # nobody was parked yet, so the lot is not made yet
        else:
            reply = await self.client.must("ParkedCalls", fields, within)
        return {item.get("ParkingSpace"): item for item in reply.items}

    def _occupant(self, space: str, item: Message) -> Occupant:
        number = self._spaces.number_of(space)
        slot = space if number is None else str(number)
        return Occupant(slot, number, item.get("ParkeeUniqueid"), item)

    async def park(self, call: Call, number: int, watch: Stopwatch, within: int) -> Done | Refused:
        """Send Park and wait for what becomes of the call: the reply alone proves nothing."""
        uid, space = call.remote, self._spaces.space_of(number)
        seconds = self._spaces.target.park_timeout // SECOND
        fields = (
            ("Channel", uid),
            ("Parkinglot", self._settings.lot),
            ("Timeout", str(seconds * 1000)),
            ("TimeoutChannel", self._dialling.origin(call.extension)),
        )
        # A variable serves in all versions; the header ParkingSpace is ignored by older ones.
        await self._wish(uid, space, within)
        with self.hub.waiters.of((uid,), _Parking(uid)) as became:
            reply = await self.client.ask("Park", fields, within)
            if reply.refused:
                return await self._not_parked(space, reply, watch, within)
            seen = await outcome(became, within, "Asterisk did not tell what became of the call")
        if seen.what != "gone":
            # The wish stays with the channel and would decide where others park it later.
            await self._wish(uid, "", within)
        return await self._judged(call, number, seen, watch, within)

    async def _wish(self, uid: str, space: str, within: int) -> None:
        fields = (("Channel", uid), ("Variable", "PARKINGEXTEN"), ("Value", space))
        await self.client.ask("Setvar", fields, within)

    async def _not_parked(self, space: str, reply: Reply, watch: Stopwatch, within: int) -> Refused:
        """Say why Asterisk did not park, which its words do not tell: look again."""
        raw = self.client.raw(watch, reply)
        if reply.words.startswith("Channel does not exist"):
            return Refused(raw=raw, reason=Reason.NO_SUCH_CALL, message=reply.words)
        if space not in await self._parked(within):
            raise BadAnswer(f"Asterisk does not park the call: {reply.words}")
        word = "full, as the driver saw by looking again"
        return Refused(raw=raw, reason=Reason.SLOT_FULL, message=reply.words, driver_word=word)

    async def _judged(
        self, call: Call, number: int, seen: _Parked, watch: Stopwatch, within: int
    ) -> Done | Refused:
        raw = self.client.raw(watch, seen.event)
        space = self._spaces.space_of(number)
        match seen.what:
            case "gone":
                raise BadAnswer(
                    "Asterisk hung the call up instead of parking it",
                    hint="it does so where the lot is full, or when the caller hangs up meanwhile",
                )
            case "back":
                await self._require_occupied(space, "put the call back", within)
                word = "Asterisk put the call back into its conversation: the lot is full"
                message = "the parking lot is full"
                return Refused(raw=raw, reason=Reason.SLOT_FULL, message=message, driver_word=word)
            case "parked":
                landed = seen.event.get("ParkingSpace")
                if landed != space:
                    refused = await self._taken_back(call, landed, watch, within)
                    await self._require_occupied(space, f"parked the call in {landed}", within)
                    return refused
                return Done(raw=raw, slot=str(number), uuid=call.uuid)

    async def _require_occupied(self, space: str, did: str, within: int) -> None:
        """Raise BadAnswer where nobody is in a space: then it was not full, and all is open."""
        if space not in await self._parked(within):
            raise BadAnswer(
                f"Asterisk {did}, though nobody is in space {space} of the lot "
                f"'{self._settings.lot}'",
                hint="was the lot made smaller, or reloaded, since the run began?",
            )

    async def _taken_back(self, call: Call, landed: str, watch: Stopwatch, within: int) -> Refused:
        """Bring a call back to its extension that somebody else's was faster than."""
        dialled = self._dialling.extension(call.extension)
        variable = (("Variable", "SCENARIO_DIAL"), ("Value", dialled))
        await self.client.must("Setvar", (("Channel", call.remote), *variable), within)
        where = self._goto(self._settings.dial_context, self._settings.dial_extension)

        def talking(_: WireMessage) -> bool | None:
            return self.calls.talking(call) or None

        with self.hub.waiters.of((call.remote,), talking) as back:
            await self.client.must("Redirect", (("Channel", call.remote), *where), within)
            late = f"the extension {call.extension} did not take the call back"
            await outcome(back, within, late)
        word = (
            f"somebody else was faster: Asterisk parked the call in {landed}, and the driver "
            "brought it back to its extension"
        )
        return Refused(
            raw=self.client.raw(watch),
            reason=Reason.SLOT_FULL,
            message=self.refusals.words(Reason.SLOT_FULL),
            driver_word=word,
        )

    async def retrieve(
        self, call: Call, occupant: Occupant, watch: Stopwatch, within: int
    ) -> Done | Refused:
        """Send the extension's channel to the space."""
        desk, parkee = call.desk, occupant.uid
        uuid, number = self.calls.name_of(parkee), occupant.number
        assert number is not None
        space = self._spaces.space_of(number)
        with (
            self.hub.waiters.of((desk, parkee), _Taking(desk, parkee)) as taken,
            self.hub.waiters.of((desk, parkee), self._joined(desk, parkee)) as joined,
        ):
            where = self._goto(self._settings.retrieve_context, space)
            reply = await self.client.ask("Redirect", (("Channel", desk), *where), within)
            if reply.refused:
                call.retrieving = False
                raw = self.client.raw(watch, reply)
                return Refused(raw=raw, reason=Reason.NO_SUCH_CALL, message=reply.words)
            seen = await outcome(taken, within, f"nobody took the call out of space {space}")
            if seen.what == "mine":
                seen = await outcome(joined, within, "the two channels did not come together")
        raw = self.client.raw(watch, seen.event)
        if seen.what == "mine":
            return Done(raw=raw, slot=str(number), uuid=uuid)
        reason, message = _LOST[seen.what]
        return Refused(raw=raw, reason=reason, message=message, driver_word=_TOO_LATE)

    def _joined(self, desk: str, parkee: str) -> Callable[[WireMessage], _Taken | None]:
        """Return what judges whether both are in one bridge, or one has hung up before."""
        bridges = self.calls.bridges

        def joined(event: WireMessage) -> _Taken | None:
            bridge = bridges.get(desk)
            if bridge and bridge == bridges.get(parkee):
                return Seen("mine", event)
            if event.event in _REQUESTS and event.get("Uniqueid") == desk:
                return Seen("given up", event)
            # Whoever is left is hung up, too, and may be the first of whom that is told.
            gone = event.event in (*_REQUESTS, "Hangup")
            return Seen("hung up", event) if gone else None

        return joined


def _mark_of(item: Message) -> str:
    """Read the first channel of the call that a channel came of, "" where it came of none."""
    name, _, value = item.get("Variable").partition("=")
    return value if name == _MARK else ""


_Parked: TypeAlias = Seen[Literal["parked", "gone", "back"]]
"""What became of a call that was to be parked."""


@dataclass(frozen=True, slots=True)
class _Parking:
    """Judges the events about a channel that is being parked."""

    uid: str

    def __call__(self, event: WireMessage) -> _Parked | None:
        match event.event:
            case "ParkedCall" if event.get("ParkeeUniqueid") == self.uid:
                return Seen("parked", event)
            case "Hangup" if event.get("Uniqueid") == self.uid:
                return Seen("gone", event)
            case "BridgeEnter" if self._is_back(event):
                return Seen("back", event)
            case _:
                return None

    def _is_back(self, event: WireMessage) -> bool:
        """Being in a bridge again that is no lot's is the end of a parking that failed."""
        return event.get("Uniqueid") == self.uid and event.get("BridgeType") != "parking"


_Lost: TypeAlias = Literal["taken", "returned", "left", "hung up", "given up"]
"""Why an extension does not get a parked call."""

_Taken: TypeAlias = Seen[Literal["mine"] | _Lost]
"""What became of a parked call that an extension wants: taken by it, or lost to it."""

_LOST: dict[_Lost, tuple[Reason, str]] = {
    "taken": (Reason.SLOT_EMPTY, "somebody else took the parked call"),
    "returned": (Reason.SLOT_EMPTY, "the parked call's time was over: it returned"),
    "left": (Reason.SLOT_EMPTY, "the parked call left its slot"),
    "hung up": (Reason.SLOT_EMPTY, "the parked caller hung up"),
    "given up": (Reason.NO_SUCH_CALL, "the extension hung up"),
}


_REQUESTS = ("HangupRequest", "SoftHangupRequest")
"""The events of a channel that hangs up itself, or is hung up by command."""


def _hung_up(event: WireMessage, desk: str, parkee: str) -> _Taken | None:
    if event.event != "Hangup":
        return None
    if event.get("Uniqueid") == parkee:
        return Seen("hung up", event)
    return Seen("given up", event) if event.get("Uniqueid") == desk else None


@dataclass(frozen=True, slots=True)
class _Taking:
    """Judges what becomes of a parked call that one extension wants."""

    desk: str
    parkee: str

    def __call__(self, event: WireMessage) -> _Taken | None:
        match event.event:
            case "UnParkedCall" if event.get("ParkeeUniqueid") == self.parkee:
                mine = event.get("RetrieverUniqueid") == self.desk
                return Seen("mine" if mine else "taken", event)
            case "ParkedCallTimeOut":
                return Seen("returned", event)
            case "ParkedCallGiveUp":
                return Seen("left", event)
            case _:
                return _hung_up(event, self.desk, self.parkee)
