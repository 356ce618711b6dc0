"""Follows Asterisk's events, and looks at what is there after connecting.

The events of one transition come in any order (they are of different topics inside Asterisk), so
each is read for itself, by the Uniqueids in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.language.vocabulary import CallState
from scenario_runner.pbx.tracked.calls import Call
from scenario_runner.pbx.tracked.tracker import CallTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scenario_runner.pbx.asterisk.ami import Message
    from scenario_runner.pbx.asterisk.dialling import AsteriskDialling
    from scenario_runner.pbx.tracked.calls import CallTable, Place
    from scenario_runner.pbx.tracked.tracker import CallEvent
    from scenario_runner.pbx.tracked.wire import WireMessage

CHANNELS = ("Uniqueid", "DestUniqueid", "ParkeeUniqueid", "RetrieverUniqueid")
"""The fields that name the channels an event is about."""


class AsteriskTracker(CallTracker):
    """Reads Asterisk's events."""

    def __init__(
        self, calls: CallTable, dialling: AsteriskDialling, report: Callable[[CallEvent], None]
    ) -> None:
        super().__init__(calls, report)
        self._dialling = dialling

    def readers(self) -> dict[str, Callable[[WireMessage], None]]:
        """Return what reads each event, by its name."""
        return {
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

    def _new_channel(self, event: WireMessage) -> None:
        uid = event.get("Uniqueid")
        self.calls.channels[uid] = event.get("Channel")
        self.calls.roots[uid] = event.get("Linkedid")

    def _renamed(self, event: WireMessage) -> None:
        self.calls.channels[event.get("Uniqueid")] = event.get("Newname")

    def _hung_up(self, event: WireMessage) -> None:
        self.channel_gone(event.get("Uniqueid"), event)

    def _enters(self, event: WireMessage) -> None:
        self.calls.bridges[event.get("Uniqueid")] = event.get("BridgeUniqueid")

    def _leaves(self, event: WireMessage) -> None:
        uid = event.get("Uniqueid")
        if self.calls.bridges.get(uid) == event.get("BridgeUniqueid"):
            del self.calls.bridges[uid]

    def _dial_begins(self, event: WireMessage) -> None:
        caller, dialled = event.get("Uniqueid"), event.get("DestUniqueid")
        if not caller:
            return
        for call in self.calls.of(caller) or self._discovered(event):
            if call.remote == caller:
                if not _comes_up(call):
                    name = self._dialling.name_of(event.get("DestChannel"))
                    call.extension = self._dialled_extension(event) or name
                self.rings_desk(call, dialled, event)
            elif not call.remote:
                self.rings_remote(call, dialled, event)

    def _dialled_extension(self, event: WireMessage) -> str | None:
        """Return the extension that is dialled; all channels of a trunk have one name."""
        channel = event.get("DestChannel")
        dialled = f"{channel.partition('/')[0]}/{event.get('DialString')}"
        return self._dialling.number_dialled(dialled) or self._dialling.number_of(channel)

    def _discovered(self, event: WireMessage) -> tuple[Call, ...]:
        """Return the call that somebody else begins here, if it has to do with an extension."""
        caller, dialled = event.get("Uniqueid"), event.get("DestUniqueid")
        rung = self._dialled_extension(event)
        calling = self._dialling.number_of(event.get("Channel"))
        if rung is not None:
            party = event.get("CallerIDNum")
            call = Call(uuid=caller, extension=rung, flow="in", party=party, remote=caller)
        elif calling is not None:
            party = event.get("DestCallerIDNum") or event.get("Exten")
            call = Call(uuid=dialled, extension=calling, flow="out", party=party, desk=caller)
        else:
            return ()
        return (self.calls.add(call),)

    def _dial_ends(self, event: WireMessage) -> None:
        caller, dialled = event.get("Uniqueid"), event.get("DestUniqueid")
        if event.get("DialStatus") != "ANSWER" or not caller:
            return
        for call in self.calls.of(caller):
            if call.remote == caller:
                self.calls.set_desk(call, dialled)
                call.extension = self._dialled_extension(event) or call.extension
            else:
                self.calls.set_remote(call, dialled)
            self.answered(call, event)

    def _parked(self, event: WireMessage) -> None:
        call = self.calls.owner(event.get("ParkeeUniqueid"))
        if call is not None:
            self.calls.park(call, place_in(event))

    def _swapped(self, event: WireMessage) -> None:
        """A Local channel was optimised away: another one stands in its space now."""
        call = self.calls.in_place(place_in(event))
        if call is not None:
            self.calls.set_remote(call, event.get("ParkeeUniqueid"))
            self.calls.occupy(call, place_in(event))

    def _retrieved(self, event: WireMessage) -> None:
        self.calls.vacate(place_in(event))
        call = self.calls.owner(event.get("ParkeeUniqueid"))
        if call is None:
            return
        self.calls.retrieve(call, event.get("RetrieverUniqueid"))
        if call.partner is None:
            call.extension = self._dialling.name_of(event.get("RetrieverChannel"))

    def _timed_out(self, event: WireMessage) -> None:
        """The call goes back to its parker, who is dialled next, or on in the dialplan."""
        self.calls.vacate(place_in(event))
        call = self.calls.owner(event.get("ParkeeUniqueid"))
        if call is not None and call.state is CallState.PARKED:
            call.state = CallState.UP

    def _left_space(self, event: WireMessage) -> None:
        """Take a call that was not retrieved out of its space; only a Hangup means that it ended.

        Being parked elsewhere, bridged or redirected are told by this event, too.
        """
        self.calls.vacate(place_in(event))

    def resync(self, channels: Iterable[Message], parked: Iterable[Message]) -> None:
        """Bring the table up to date by a list of all channels, and of who is in the lot."""
        listed = tuple(channels)
        self._take_channels(listed)
        for call in list(self.calls.alive()):
            self.calls.drop_missing(call)
            self.calls.leave(call)
        for pair in _bridged(listed).values():
            self._take_pair(pair)
        for item in parked:
            self._take_parked(item)

    def _take_channels(self, listed: tuple[Message, ...]) -> None:
        for known in (self.calls.channels, self.calls.roots, self.calls.bridges):
            known.clear()
        for item in listed:
            uid = item.get("Uniqueid")
            self.calls.channels[uid] = item.get("Channel")
            self.calls.roots[uid] = item.get("Linkedid")
            if item.get("BridgeId"):
                self.calls.bridges[uid] = item.get("BridgeId")

    def _take_pair(self, pair: list[Message]) -> None:
        """Take in a call that somebody else placed: an extension's channel and one other."""
        if len(pair) != 2 or any(self.calls.of(item.get("Uniqueid")) for item in pair):
            return
        for desk, remote in (pair, pair[::-1]):
            number = self._dialling.number_of(desk.get("Channel"))
            if number is not None:
                uid = remote.get("Uniqueid")
                call = Call(
                    uuid=uid,
                    extension=number,
                    flow="in",
                    party=remote.get("CallerIDNum"),
                    remote=uid,
                    desk=desk.get("Uniqueid"),
                    state=CallState.UP,
                )
                self.calls.add(call)
                return

    def _take_parked(self, item: Message) -> None:
        uid = item.get("ParkeeUniqueid")
        parker = self._dialling.number_dialled(item.get("ParkerDialString"))
        call = self.calls.owner(uid)
        if call is None and parker is not None:
            party = item.get("ParkeeCallerIDNum")
            call = Call(uuid=uid, extension=parker, flow="in", party=party, remote=uid)
            self.calls.add(call)
        if call is not None:
            self.calls.occupy(call, place_in(item))


def _comes_up(call: Call) -> bool:
    """Tell whether a call is being placed for a scenario, which knows whom it dials."""
    return call.owned and not call.desk and call.state is CallState.RINGING


def place_in(event: WireMessage) -> Place:
    """Return the place that an event of parking names."""
    return event.get("Parkinglot"), event.get("ParkingSpace")


def _bridged(channels: Iterable[Message]) -> dict[str, list[Message]]:
    bridges: dict[str, list[Message]] = {}
    for item in channels:
        if item.get("BridgeId"):
            bridges.setdefault(item.get("BridgeId"), []).append(item)
    return bridges
