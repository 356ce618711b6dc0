"""What is known of the calls on a PBX: their channels, what each is doing, who is joined.

A table holds it for all scenarios of a run; the tracker of the PBX keeps it up to date.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from scenario_runner.language.vocabulary import CallState

if TYPE_CHECKING:
    from collections.abc import Iterator

Flow: TypeAlias = Literal["in", "out"]
Place: TypeAlias = tuple[str, str]
"""A parking lot, and the name of one of its slots."""


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """A call: the channel of the person outside, and that of the extension's phone.

    `uuid` names the call for the runner: the channel that the remote party had when the call came
    up (empty until it is known). `remote` and `desk` are the two channels now, empty where there
    is none; `coming` is a channel that will be there as soon as the PBX dials it, `rings` one that
    does not answer yet. `place` is where the call is parked. `retrieving` says that the call is
    about to give up its remote party for a parked one; `partner` is the call it is joined with;
    `owned` says that a scenario placed it.
    """

    uuid: str
    extension: str
    flow: Flow
    party: str
    remote: str = ""
    desk: str = ""
    coming: str = ""
    rings: str = ""
    state: CallState = CallState.RINGING
    place: Place | None = None
    retrieving: bool = False
    owned: bool = False
    partner: Call | None = field(default=None, repr=False)

    @property
    def legs(self) -> tuple[str, ...]:
        """Its channels."""
        return tuple(uid for uid in (self.remote, self.desk) if uid)

    @property
    def conversation(self) -> set[str]:
        """Its channels, and those of the call that it is joined with."""
        return {*self.legs, *(self.partner.legs if self.partner is not None else ())}

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.state is not CallState.ENDED

    @property
    def parked(self) -> bool:
        """Whether it is in a slot."""
        return self.state is CallState.PARKED and self.place is not None

    @property
    def reported_state(self) -> CallState:
        """What a scenario is told: a call that has left its slot alive is up."""
        left = self.state is CallState.PARKED and self.place is None
        return CallState.UP if left else self.state

    def part(self) -> Call | None:
        """Let go of the call that this one is joined with, and return that."""
        partner, self.partner = self.partner, None
        if partner is not None:
            partner.partner = None
        return partner


class CallTable:
    """The calls on a PBX. `channels` are those that are there, with their names.

    `roots` says which channel each one came of, `bridges` in which bridge it is.
    """

    def __init__(self) -> None:
        self.channels: dict[str, str] = {}
        self.roots: dict[str, str] = {}
        self.bridges: dict[str, str] = {}
        self._calls: dict[Call, None] = {}
        self._by_uuid: dict[str, Call] = {}
        self._by_leg: dict[str, list[Call]] = {}
        self._by_place: dict[Place, Call] = {}

    def add(self, call: Call) -> Call:
        """Take in a call whose legs may come later."""
        self._calls[call] = None
        self.name(call, call.uuid)
        for uid in call.legs:
            self._link(call, uid)
        return call

    def name(self, call: Call, uuid: str) -> None:
        """Let the call be known by this name; an empty one is none."""
        call.uuid = uuid
        if uuid:
            self._by_uuid[uuid] = call

    def forget(self, call: Call) -> None:
        """Drop a call that nobody will ask about again."""
        self.set_remote(call, "")
        self.set_desk(call, "")
        self._by_uuid.pop(call.uuid, None)
        self._calls.pop(call, None)

    def find(self, uuid: str) -> Call | None:
        """Return the call of this name, alive or ended, or else the one with this channel."""
        return self._by_uuid.get(uuid) or next(iter(self.of(uuid)), None)

    def of(self, uid: str) -> tuple[Call, ...]:
        """Return the calls that a channel belongs to: two, for the desk of a joined call."""
        return tuple(self._by_leg.get(uid, ()))

    def owner(self, uid: str) -> Call | None:
        """Return the call whose remote party this channel is."""
        return next((call for call in self.of(uid) if call.remote == uid), None)

    def name_of(self, uid: str) -> str:
        """Return the name of the call whose remote party this channel is, or the channel's own."""
        call = self.owner(uid)
        return uid if call is None else call.uuid

    def at_desk(self, uid: str) -> Call | None:
        """Return the call that an extension has on this channel of its phone."""
        return next((call for call in self.of(uid) if call.desk == uid), None)

    def expecting(self, uid: str) -> Call | None:
        """Return the call that this channel is to be a part of."""
        return next((call for call in self._calls if uid and call.coming == uid), None)

    def in_place(self, place: Place) -> Call | None:
        """Return the call that is parked in a place."""
        return self._by_place.get(place)

    def alive(self) -> Iterator[Call]:
        """Give the calls that have not ended, in the order they came."""
        return (call for call in list(self._calls) if call.alive)

    def talking(self, call: Call) -> bool:
        """Tell whether both channels of the call are in one bridge."""
        bridge = self.bridges.get(call.remote)
        return bridge is not None and bridge == self.bridges.get(call.desk)

    def relatives(self, roots: set[str]) -> set[str]:
        """Return the channels that are there and came of these, themselves included."""
        return {uid for uid in self.channels if uid in roots or self.roots.get(uid) in roots}

    def set_remote(self, call: Call, uid: str) -> None:
        """Say which channel the remote party's is."""
        self._unlink(call, call.remote, keep=call.desk)
        call.remote = uid
        self._link(call, uid)

    def set_desk(self, call: Call, uid: str) -> None:
        """Say which channel the extension's is."""
        self._unlink(call, call.desk, keep=call.remote)
        call.desk = uid
        self._link(call, uid)

    def drop_missing(self, call: Call) -> None:
        """Take a call's channels from it that are not there; without any it has ended."""
        if call.remote not in self.channels:
            self.set_remote(call, "")
        if call.desk not in self.channels:
            self.set_desk(call, "")
        if not call.remote and not (call.desk and call.partner is not None):
            self.end(call)

    def drop(self, uid: str) -> None:
        """Take out a channel that is gone; the calls it belongs to are left as they are."""
        for known in (self.channels, self.roots, self.bridges):
            known.pop(uid, None)

    def park(self, call: Call, place: Place) -> None:
        """Put a call into a place; what is left of the call it was joined with has ended."""
        partner = call.part()
        if partner is not None and not partner.remote:
            partner.state = CallState.ENDED
        self.occupy(call, place)

    def occupy(self, call: Call, place: Place) -> None:
        """Say that a call is parked in a place."""
        call.state = CallState.PARKED
        call.place = place
        self._by_place[place] = call

    def vacate(self, place: Place) -> Call | None:
        """Take whoever is parked in a place out of it, and return that call."""
        call = self._by_place.pop(place, None)
        if call is not None and call.place == place:
            call.place = None
        return call

    def leave(self, call: Call) -> None:
        """Take a call out of its place alive: it goes on elsewhere."""
        if call.place is not None:
            self.vacate(call.place)
        if call.state is CallState.PARKED:
            call.state = CallState.UP

    def retrieve(self, call: Call, desk: str) -> None:
        """Let a desk have a parked call; the call that it has already is joined with this one."""
        taker = self.at_desk(desk)
        call.part()
        self.set_desk(call, desk)
        if call.place is not None:
            self.vacate(call.place)
        if taker is None or taker is call:
            call.state = CallState.UP
            return
        taker.part()
        self.set_remote(taker, "")
        taker.retrieving = False
        call.extension = taker.extension
        call.partner, taker.partner = taker, call
        call.state = taker.state = CallState.BRIDGED

    def let_partner_go(self, call: Call) -> None:
        """Part a joined call from its partner, which the desk leaves."""
        partner = call.part()
        if partner is not None:
            self.set_desk(partner, "")
            partner.state = CallState.UP if partner.remote else CallState.ENDED

    def take_over_remote(self, call: Call) -> str:
        """Return the remote party's channel: a joined call without one takes its partner's over.

        Parking under the name of the bridging call takes the parked party along; the other name's
        call has ended then.
        """
        partner = call.partner
        if not call.remote and partner is not None and partner.remote:
            uid = partner.remote
            call.part()
            self.set_remote(partner, "")
            partner.state = CallState.ENDED
            self.set_remote(call, uid)
        return call.remote

    def end(self, call: Call) -> None:
        """Say that a call is over; what is left of a joined call is a call of its own."""
        partner = call.part()
        call.retrieving = False
        call.state = CallState.ENDED
        if partner is not None and partner.state is CallState.BRIDGED:
            partner.state = CallState.UP if partner.remote else CallState.ENDED

    def _link(self, call: Call, uid: str) -> None:
        if uid and call not in self._by_leg.setdefault(uid, []):
            self._by_leg[uid].append(call)

    def _unlink(self, call: Call, uid: str, *, keep: str) -> None:
        if not uid or uid == keep:
            return
        left = [other for other in self._by_leg.get(uid, ()) if other is not call]
        if left:
            self._by_leg[uid] = left
        else:
            self._by_leg.pop(uid, None)
