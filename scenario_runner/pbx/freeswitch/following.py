"""Follows FreeSWITCH's events: keeps the board up to date and tells the four events of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.language.vocabulary import CallState, EventType
from scenario_runner.pbx.freeswitch.board import Board, Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.freeswitch.frames import Message

VALET = "valet_parking::info"
SUBSCRIBED = (
    "CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER CHANNEL_BRIDGE "
    f"CHANNEL_HANGUP BACKGROUND_JOB CUSTOM {VALET}"
)
CHANNELS = ("Unique-ID", "Bridge-To-UUID", "Bridge-A-Unique-ID", "Bridge-B-Unique-ID")
"""The fields that name the channels an event is about."""

_HANGS_UP = "10"


class CallEvent(NamedTuple):
    """One of the four events, at the extension it is about, with FreeSWITCH's own fields."""

    type: EventType
    call: Call
    extension: str
    fields: tuple[tuple[str, str], ...]


class Follower:
    """Reads events into a board; `tell` is given what they mean for calls.

    `numbers` are the extensions whose calls are of interest where other people dial them; `time`
    tells the seconds.
    """

    def __init__(
        self,
        board: Board,
        numbers: frozenset[str],
        tell: Callable[[CallEvent], None],
        time: Callable[[], float],
    ) -> None:
        self._board = board
        self._numbers = numbers
        self._tell = tell
        self._time = time
        self._readers: dict[str, Callable[[Message], None]] = {
            "CHANNEL_CREATE": self._created,
            "CHANNEL_ANSWER": self._answered,
            "CHANNEL_BRIDGE": self._bridged,
            "CHANNEL_HANGUP": self._hung_up,
            VALET: self._valet,
        }

    def read(self, message: Message) -> None:
        """Take one event in; those that say nothing about calls are passed over."""
        reader = self._readers.get(message.event)
        if reader is not None:
            reader(message)

    def _report(self, kind: EventType, call: Call, message: Message) -> None:
        self._tell(CallEvent(kind, call, call.extension, tuple(message.fields.items())))

    def _created(self, message: Message) -> None:
        uid = message.uid
        self._board.live.add(uid)
        call = self._board.expecting(uid) or self._returning(message) or self._discovered(message)
        if call is None:
            return
        call.coming, call.rings = "", uid
        call.state = CallState.RINGING
        if call.remote and call.remote != uid:
            call.desk = uid
            self._report(EventType.DIAL_IN, call, message)
        else:
            call.remote = uid
            self._report(EventType.DIAL_OUT, call, message)

    def _returning(self, message: Message) -> Call | None:
        """Return the call that was parked and for which the dialplan dials its extension now."""
        call = self._board.owner(message.get("Other-Leg-Unique-ID"))
        if call is None or call.desk or call.state is not CallState.UP:
            return None
        return call

    def _discovered(self, message: Message) -> Call | None:
        """Return the call that somebody else begins here, if it has to do with an extension."""
        first, second = message.get("Other-Leg-Unique-ID"), message.uid
        if message.get("Call-Direction") != "outbound" or not first or self._board.of(first):
            return None
        caller, dialled = (
            message.get("Caller-Caller-ID-Number"),
            message.get("Caller-Destination-Number"),
        )
        if dialled in self._numbers:
            call = Call(uuid=first, extension=dialled, flow="in", party=caller, remote=first)
        elif caller in self._numbers:
            call = Call(uuid=second, extension=caller, flow="out", party=dialled, desk=first)
        else:
            return None
        return self._board.add(call)

    def _answered(self, message: Message) -> None:
        for call in self._board.of(message.uid):
            if call.rings == message.uid:
                call.rings = ""
                call.state = CallState.UP
                self._report(EventType.ANSWER, call, message)

    def _bridged(self, message: Message) -> None:
        one, other = message.get("Bridge-A-Unique-ID"), message.get("Bridge-B-Unique-ID")
        self._board.join(one, other)
        for remote, desk in ((one, other), (other, one)):
            taken = self._board.owner(remote)
            if taken is not None and taken.desk != desk:
                self._taken(taken, desk)

    def _taken(self, taken: Call, desk: str) -> None:
        """A call goes to another desk, whose own call is joined with it."""
        taker = next((call for call in self._board.of(desk) if call.desk == desk), None)
        taken.part()
        taken.desk = desk
        taken.leave()
        if taker is None:
            taken.state = CallState.UP
            return
        taker.part()
        taken.extension = taker.extension
        taker.remote = ""
        taker.retrieving = False
        taken.partner, taker.partner = taker, taken
        taken.state = taker.state = CallState.BRIDGED

    def _hung_up(self, message: Message) -> None:
        uid = message.uid
        self._board.live.discard(uid)
        self._board.separate(uid)
        for call in self._board.of(uid):
            if uid == call.desk:
                call.desk = ""
                self._report(EventType.HANGUP, call, message)
            else:
                call.remote = ""
                self._remote_gone(call, message)
            if not call.legs:
                call.end()
                if not call.owned:
                    self._board.forget(call)

    def _remote_gone(self, call: Call, message: Message) -> None:
        if call.retrieving:
            return
        if call.state is CallState.PARKED:
            self._report(EventType.HANGUP, call, message)
        call.end()

    def _valet(self, message: Message) -> None:
        place = (message.get("Valet-Lot-Name"), message.get("Valet-Extension"))
        call = self._board.owner(message.uid)
        if message.get("Action") == "exit":
            if message.get("Channel-State-Number") != _HANGS_UP:
                self._board.spoiled[place] = self._time()
            if call is not None and call.place == place:
                call.leave()
        elif message.get("Action") == "hold" and call is not None:
            call.park(place)
