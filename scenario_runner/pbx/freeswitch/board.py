"""What is known of the calls on a FreeSWITCH, kept up to date by the events it sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from scenario_runner.language.vocabulary import CallState

if TYPE_CHECKING:
    from collections.abc import Iterator

Flow: TypeAlias = Literal["in", "out"]
Place: TypeAlias = tuple[str, str]
"""A lot, and the name of one of its slots."""


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """A call: the channel of the person outside, and that of the extension's phone.

    `uuid` names the call for the runner: it is the channel that the remote party has when the call
    comes up. `remote` and `desk` are the two channels now, empty where there is none; `coming` is
    a channel that will be there as soon as FreeSWITCH dials it, `rings` one that does not answer
    yet. `place` is where the call is parked. `retrieving` says that the call is about to give up
    its remote party for a parked one; `partner` is the call it is joined with; `owned` says that a
    scenario placed it.
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
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.state is not CallState.ENDED

    def part(self) -> None:
        """Let go of the call that this one is joined with."""
        if self.partner is not None:
            self.partner.partner = None
            self.partner = None

    def park(self, place: Place) -> None:
        """Be in a slot."""
        partner = self.partner
        self.part()
        if partner is not None and not partner.remote:
            partner.state = CallState.ENDED
        self.state = CallState.PARKED
        self.place = place

    def leave(self) -> None:
        """Be in no slot any more."""
        self.place = None
        if self.state is CallState.PARKED:
            self.state = CallState.UP

    def end(self) -> None:
        """Be over; what is left of a joined call is a call of its own."""
        partner = self.partner
        self.part()
        self.retrieving = False
        self.place = None
        self.state = CallState.ENDED
        if partner is not None and partner.state is CallState.BRIDGED:
            partner.state = CallState.UP if partner.remote else CallState.ENDED


class Board:
    """The calls on a FreeSWITCH; `live` are the channels that are there.

    `together` says which channel talks to which. `spoiled` are the slots that a call left alive,
    with the time in seconds: for a while FreeSWITCH would join whoever is parked there with it.
    """

    def __init__(self) -> None:
        self.live: set[str] = set()
        self.together: dict[str, str] = {}
        self.spoiled: dict[Place, float] = {}
        self._calls: dict[Call, None] = {}
        self._by_uuid: dict[str, Call] = {}

    def add(self, call: Call) -> Call:
        """Take in a call."""
        self._calls[call] = None
        self._by_uuid[call.uuid] = call
        return call

    def forget(self, call: Call) -> None:
        """Drop a call that nobody will ask about again."""
        self._calls.pop(call, None)
        self._by_uuid.pop(call.uuid, None)

    def find(self, uuid: str) -> Call | None:
        """Return the call of this name, alive or ended, or else the one with this channel."""
        return self._by_uuid.get(uuid) or next(iter(self.of(uuid)), None)

    def of(self, uid: str) -> list[Call]:
        """Return the calls that a channel belongs to: two, for the desk of a joined call."""
        return [call for call in self._calls if uid and uid in (call.remote, call.desk)]

    def owner(self, uid: str) -> Call | None:
        """Return the call whose remote party this channel is."""
        return next((call for call in self._calls if uid and call.remote == uid), None)

    def expecting(self, uid: str) -> Call | None:
        """Return the call that this channel is to be a part of."""
        return next((call for call in self._calls if uid and call.coming == uid), None)

    def alive(self) -> Iterator[Call]:
        """Give the calls that have not ended, in the order they came."""
        return (call for call in list(self._calls) if call.alive)

    def talking(self, call: Call) -> bool:
        """Tell whether both channels of the call talk to each other."""
        return bool(call.remote) and self.together.get(call.remote) == call.desk != ""

    def join(self, one: str, other: str) -> None:
        """Say that two channels talk to each other, and to nobody else."""
        self.separate(one)
        self.separate(other)
        self.together |= {one: other, other: one}

    def separate(self, uid: str) -> None:
        """Say that a channel talks to nobody."""
        other = self.together.pop(uid, "")
        self.together.pop(other, None)
