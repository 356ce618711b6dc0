"""Follows FreeSWITCH's events, and looks at what is there after connecting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.language.vocabulary import CallState
from scenario_runner.pbx.freeswitch.lot import listed
from scenario_runner.pbx.tracked.calls import Call
from scenario_runner.pbx.tracked.tracker import CallTracker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.freeswitch.lot import Spoilage
    from scenario_runner.pbx.tracked.calls import CallTable, Place
    from scenario_runner.pbx.tracked.tracker import CallEvent
    from scenario_runner.pbx.tracked.wire import WireMessage

VALET = "valet_parking::info"
SUBSCRIBED = (
    "CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER CHANNEL_BRIDGE "
    f"CHANNEL_HANGUP BACKGROUND_JOB CUSTOM {VALET}"
)
CHANNELS = ("Unique-ID", "Bridge-To-UUID", "Bridge-A-Unique-ID", "Bridge-B-Unique-ID")
"""The fields that name the channels an event is about."""

_HANGS_UP = "10"


class FreeSwitchTracker(CallTracker):
    """Reads FreeSWITCH's events.

    `numbers` are the extensions whose calls are of interest where other people dial them;
    `spoilage` is given the places that a call leaves alive.
    """

    def __init__(
        self,
        calls: CallTable,
        report: Callable[[CallEvent], None],
        numbers: frozenset[str],
        spoilage: Spoilage,
    ) -> None:
        super().__init__(calls, report)
        self._numbers = numbers
        self._spoilage = spoilage

    def readers(self) -> dict[str, Callable[[WireMessage], None]]:
        """Return what reads each event, by its name."""
        return {
            "CHANNEL_CREATE": self._created,
            "CHANNEL_ANSWER": self._answered,
            "CHANNEL_BRIDGE": self._bridged,
            "CHANNEL_HANGUP": self._hung_up,
            VALET: self._valet,
        }

    def _created(self, event: WireMessage) -> None:
        uid = uid_of(event)
        self.calls.channels[uid] = event.get("Channel-Name")
        call = self.calls.expecting(uid) or self._returning(event) or self._discovered(event)
        if call is None:
            return
        call.coming, call.rings = "", uid
        if call.remote and call.remote != uid:
            self.rings_desk(call, uid, event)
        else:
            self.rings_remote(call, uid, event)

    def _returning(self, event: WireMessage) -> Call | None:
        """Return the call that was parked and for which the dialplan dials its extension now."""
        call = self.calls.owner(event.get("Other-Leg-Unique-ID"))
        if call is None or call.desk or call.state is not CallState.UP:
            return None
        return call

    def _discovered(self, event: WireMessage) -> Call | None:
        """Return the call that somebody else begins here, if it has to do with an extension."""
        first, second = event.get("Other-Leg-Unique-ID"), uid_of(event)
        if event.get("Call-Direction") != "outbound" or not first or self.calls.of(first):
            return None
        caller = event.get("Caller-Caller-ID-Number")
        dialled = event.get("Caller-Destination-Number")
        if dialled in self._numbers:
            call = Call(uuid=first, extension=dialled, flow="in", party=caller, remote=first)
        elif caller in self._numbers:
            call = Call(uuid=second, extension=caller, flow="out", party=dialled, desk=first)
        else:
            return None
        return self.calls.add(call)

    def _answered(self, event: WireMessage) -> None:
        for call in self.calls.of(uid_of(event)):
            if call.rings == uid_of(event):
                call.rings = ""
                self.answered(call, event)

    def _bridged(self, event: WireMessage) -> None:
        one, other = event.get("Bridge-A-Unique-ID"), event.get("Bridge-B-Unique-ID")
        self._separate(one)
        self._separate(other)
        self.calls.bridges |= {one: one, other: one}
        for remote, desk in ((one, other), (other, one)):
            taken = self.calls.owner(remote)
            if taken is not None and taken.desk != desk:
                self.calls.retrieve(taken, desk)

    def _separate(self, uid: str) -> None:
        """Let a channel, and whoever it talks to, talk to nobody: a bridge is of two here."""
        bridge = self.calls.bridges.get(uid)
        for other in [one for one, its in self.calls.bridges.items() if its == bridge]:
            del self.calls.bridges[other]

    def _hung_up(self, event: WireMessage) -> None:
        self._separate(uid_of(event))
        self.channel_gone(uid_of(event), event)

    def _valet(self, event: WireMessage) -> None:
        place = place_in(event)
        call = self.calls.owner(uid_of(event))
        match event.get("Action"):
            case "exit":
                if event.get("Channel-State-Number") != _HANGS_UP:
                    self._spoilage.add(place)
                if call is not None and call.place == place:
                    self.calls.leave(call)
            case "hold" if call is not None:
                self.calls.park(call, place)

    async def resync(self, ask: Callable[[str], Awaitable[str]]) -> None:
        """Bring the table up to date by asking for each channel that is known.

        `ask` sends a command of the API and returns its answer.
        """
        calls = list(self.calls.alive())
        for call in calls:
            for uid in (*call.legs, call.coming):
                if uid:
                    await self._look_for(uid, ask)
            await self._take_coming(call, ask)
            self.calls.drop_missing(call)
        parked = [call for call in calls if call.place is not None]
        if parked:
            places = listed(await ask("valet_info"))
            for call in parked:
                if call.place is not None and places.get(call.place) != call.remote:
                    self.calls.leave(call)

    async def _look_for(self, uid: str, ask: Callable[[str], Awaitable[str]]) -> None:
        if await ask(f"uuid_exists {uid}") == "true":
            self.calls.channels.setdefault(uid, "")
        else:
            self._separate(uid)
            self.calls.drop(uid)

    async def _take_coming(self, call: Call, ask: Callable[[str], Awaitable[str]]) -> None:
        """Take in a channel of a call that came up unheard of, and whether it still rings."""
        uid = call.coming
        if uid not in self.calls.channels:
            return
        join = self.calls.set_desk if call.remote else self.calls.set_remote
        join(call, uid)
        call.coming = ""
        if await ask(f"uuid_getvar {uid} endpoint_disposition") != "ANSWER":
            call.state, call.rings = CallState.RINGING, uid


def uid_of(event: WireMessage) -> str:
    """Return the channel that an event is about."""
    return event.get("Unique-ID")


def place_in(event: WireMessage) -> Place:
    """Return the place that an event of parking names."""
    return event.get("Valet-Lot-Name"), event.get("Valet-Extension")
