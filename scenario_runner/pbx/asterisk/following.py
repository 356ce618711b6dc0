"""Follows Asterisk's events: keeps the board up to date and tells the four events of a call.

The events of one transition come in any order (they are of different topics inside Asterisk), so
each is read for itself, by the Uniqueids in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.language.vocabulary import CallState, EventType
from scenario_runner.pbx.asterisk.board import Board, Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.asterisk.dialling import Dialling
    from scenario_runner.pbx.asterisk.frames import Fields, Message


class CallEvent(NamedTuple):
    """One of the four events, at the extension it is about, with Asterisk's own fields."""

    type: EventType
    call: Call
    extension: str
    fields: Fields


class Follower:
    """Reads events into a board; `tell` is given what they mean for calls."""

    def __init__(self, board: Board, dialling: Dialling, tell: Callable[[CallEvent], None]) -> None:
        self._board = board
        self._dialling = dialling
        self._tell = tell
        self._readers: dict[str, Callable[[Message], None]] = {
            "Newchannel": self._new_channel,
            "Rename": self._renamed,
            "Hangup": self._hung_up,
            "DialBegin": self._dial_begins,
            "DialEnd": self._dial_ends,
            "BridgeEnter": self._enters,
            "BridgeLeave": self._leaves,
            "ParkedCall": self._parked,
            "ParkedCallSwap": self._swapped,
            "UnParkedCall": self._retrieved,
            "ParkedCallTimeOut": self._timed_out,
            "ParkedCallGiveUp": self._left_space,
        }

    def read(self, message: Message) -> None:
        """Take one event in; those that say nothing about calls are passed over."""
        reader = self._readers.get(message.event)
        if reader is not None:
            reader(message)

    def _report(self, kind: EventType, call: Call, message: Message) -> None:
        self._tell(CallEvent(kind, call, call.extension, message.pairs))

    def _new_channel(self, message: Message) -> None:
        uid = message.get("Uniqueid")
        self._board.names[uid] = message.get("Channel")
        self._board.family[uid] = message.get("Linkedid")

    def _renamed(self, message: Message) -> None:
        self._board.names[message.get("Uniqueid")] = message.get("Newname")

    def _enters(self, message: Message) -> None:
        self._board.bridges[message.get("Uniqueid")] = message.get("BridgeUniqueid")

    def _leaves(self, message: Message) -> None:
        uid = message.get("Uniqueid")
        if self._board.bridges.get(uid) == message.get("BridgeUniqueid"):
            del self._board.bridges[uid]

    def _dial_begins(self, message: Message) -> None:
        caller, dialled = message.get("Uniqueid"), message.get("DestUniqueid")
        if not caller:
            return
        for call in self._board.of(caller) or self._discovered(message):
            if call.remote == caller:
                self._board.set_desk(call, dialled)
                rung = self._dialling.number_of(message.get("DestChannel"))
                call.extension = rung or call.extension
                call.state = CallState.RINGING
                self._report(EventType.DIAL_IN, call, message)
            elif not call.remote:
                self._board.set_remote(call, dialled)
                self._board.name(call, call.uuid or dialled)
                self._report(EventType.DIAL_OUT, call, message)

    def _discovered(self, message: Message) -> tuple[Call, ...]:
        """Return the call that somebody else begins here, if it has to do with an extension."""
        caller, dialled = message.get("Uniqueid"), message.get("DestUniqueid")
        rung = self._dialling.number_of(message.get("DestChannel"))
        calling = self._dialling.number_of(message.get("Channel"))
        if rung is not None:
            party = message.get("CallerIDNum")
            call = Call(uuid=caller, extension=rung, flow="in", party=party, remote=caller)
        elif calling is not None:
            party = message.get("DestCallerIDNum") or message.get("Exten")
            call = Call(uuid=dialled, extension=calling, flow="out", party=party, desk=caller)
        else:
            return ()
        return (self._board.add(call),)

    def _dial_ends(self, message: Message) -> None:
        caller, dialled = message.get("Uniqueid"), message.get("DestUniqueid")
        if message.get("DialStatus") != "ANSWER" or not caller:
            return
        for call in self._board.of(caller):
            if call.remote == caller:
                self._board.set_desk(call, dialled)
                answered = self._dialling.number_of(message.get("DestChannel"))
                call.extension = answered or call.extension
            else:
                self._board.set_remote(call, dialled)
            call.state = CallState.UP
            self._report(EventType.ANSWER, call, message)

    def _hung_up(self, message: Message) -> None:
        uid = message.get("Uniqueid")
        for call in self._board.of(uid):
            if uid == call.desk:
                self._board.set_desk(call, "")
                self._report(EventType.HANGUP, call, message)
                if not call.remote:
                    self._end(call)
            else:
                self._board.set_remote(call, "")
                self._remote_gone(call, message)
            if not call.alive and not call.legs and not call.owned:
                self._board.forget(call)
        self._board.names.pop(uid, None)
        self._board.family.pop(uid, None)
        self._board.bridges.pop(uid, None)

    def _remote_gone(self, call: Call, message: Message) -> None:
        if call.retrieving:
            return
        if call.state is CallState.PARKED:
            self._report(EventType.HANGUP, call, message)
        self._end(call)

    def _end(self, call: Call) -> None:
        partner = call.partner
        call.part()
        call.retrieving = False
        call.state = CallState.ENDED
        if partner is not None and partner.state is CallState.BRIDGED:
            partner.state = CallState.ENDED if not partner.remote else CallState.UP

    def _parked(self, message: Message) -> None:
        call = self._board.owner(message.get("ParkeeUniqueid"))
        if call is None:
            return
        self._board.occupy(*_place(message), call)
        partner = call.partner
        call.part()
        if partner is not None and not partner.remote:
            partner.state = CallState.ENDED
        call.state = CallState.PARKED

    def _swapped(self, message: Message) -> None:
        """A Local channel was optimised away: another one stands in its space now."""
        call = self._board.in_space(*_place(message))
        if call is not None:
            self._board.set_remote(call, message.get("ParkeeUniqueid"))
            call.state = CallState.PARKED
            call.space = message.get("ParkingSpace")

    def _retrieved(self, message: Message) -> None:
        self._board.vacate(*_place(message))
        call = self._board.owner(message.get("ParkeeUniqueid"))
        if call is None:
            return
        retriever = message.get("RetrieverUniqueid")
        bridging = next((c for c in self._board.of(retriever) if c.desk == retriever), None)
        self._board.set_desk(call, retriever)
        if bridging is not None and bridging is not call:
            call.extension = bridging.extension
            self._board.set_remote(bridging, "")
            call.partner, bridging.partner = bridging, call
            call.state = bridging.state = CallState.BRIDGED
            bridging.retrieving = False
        else:
            name = message.get("RetrieverChannel")
            call.extension = self._dialling.number_of(name) or call.extension
            call.state = CallState.UP

    def _timed_out(self, message: Message) -> None:
        """The call goes back to its parker, who is dialled next, or on in the dialplan."""
        self._board.vacate(*_place(message))
        call = self._board.owner(message.get("ParkeeUniqueid"))
        if call is not None and call.state is CallState.PARKED:
            call.state = CallState.UP

    def _left_space(self, message: Message) -> None:
        """Take a call that was not retrieved out of its space; only a Hangup means that it ended.

        Being parked elsewhere, bridged or redirected are told by this event, too.
        """
        self._board.vacate(*_place(message))


def _place(message: Message) -> tuple[str, str]:
    return message.get("Parkinglot"), message.get("ParkingSpace")
