"""What is known of the calls on an Asterisk, kept up to date by the events it sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from scenario_runner.language.vocabulary import CallState

if TYPE_CHECKING:
    from collections.abc import Iterator

Flow: TypeAlias = Literal["in", "out"]


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """A call: the channel of the person outside, and that of the extension's phone.

    `uuid` names the call for the runner: the Uniqueid that the remote party's channel had when the
    call came up (empty until it is known). `remote` and `desk` are the Uniqueids of the two
    channels now, empty where there is none. `retrieving` says that the call is about to give up
    its remote party for a parked one; `partner` is the call it is joined with; `owned` says that a
    scenario placed it.
    """

    uuid: str
    extension: str
    flow: Flow
    party: str
    remote: str = ""
    desk: str = ""
    state: CallState = CallState.RINGING
    space: str = ""
    retrieving: bool = False
    owned: bool = False
    partner: Call | None = field(default=None, repr=False)

    @property
    def legs(self) -> tuple[str, ...]:
        """The Uniqueids of its channels."""
        return tuple(uid for uid in (self.remote, self.desk) if uid)

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.state is not CallState.ENDED

    @property
    def parked(self) -> bool:
        """Whether it is in a space."""
        return self.state is CallState.PARKED and bool(self.space)

    def part(self) -> None:
        """Let go of the call that this one is joined with."""
        if self.partner is not None:
            self.partner.partner = None
            self.partner = None


class Board:
    """The channels of an Asterisk and the calls they make up."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.family: dict[str, str] = {}
        self.bridges: dict[str, str] = {}
        self._calls: list[Call] = []
        self._by_uuid: dict[str, Call] = {}
        self._by_leg: dict[str, list[Call]] = {}
        self._by_space: dict[tuple[str, str], Call] = {}

    def add(self, call: Call) -> Call:
        """Take in a call whose legs may come later."""
        self._calls.append(call)
        self.name(call, call.uuid)
        for uid in call.legs:
            self._by_leg.setdefault(uid, []).append(call)
        return call

    def name(self, call: Call, uuid: str) -> None:
        """Let the call be known by this name; an empty one is none."""
        call.uuid = uuid
        if uuid:
            self._by_uuid[uuid] = call

    def find(self, uuid: str) -> Call | None:
        """Return the call of this name, alive or ended, or else the one with this channel."""
        return self._by_uuid.get(uuid) or next(iter(self.of(uuid)), None)

    def of(self, uid: str) -> tuple[Call, ...]:
        """Return the calls that a channel belongs to: two, for the desk of a joined call."""
        return tuple(self._by_leg.get(uid, ()))

    def owner(self, uid: str) -> Call | None:
        """Return the call whose remote party this channel is."""
        return next((call for call in self.of(uid) if call.remote == uid), None)

    def alive(self) -> Iterator[Call]:
        """Give the calls that have not ended, in the order they came."""
        return (call for call in list(self._calls) if call.alive)

    def forget(self, call: Call) -> None:
        """Drop a call that nobody will ask about again."""
        self.set_remote(call, "")
        self.set_desk(call, "")
        self._by_uuid.pop(call.uuid, None)
        if call in self._calls:
            self._calls.remove(call)

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

    def talking(self, call: Call) -> bool:
        """Tell whether both channels of the call are in one bridge."""
        bridge = self.bridges.get(call.remote)
        return bridge is not None and bridge == self.bridges.get(call.desk)

    def occupy(self, lot: str, space: str, call: Call) -> None:
        """Put a call into a space."""
        call.space = space
        self._by_space[lot, space] = call

    def vacate(self, lot: str, space: str) -> Call | None:
        """Take whoever is there out of a space."""
        call = self._by_space.pop((lot, space), None)
        if call is not None and call.space == space:
            call.space = ""
        return call

    def in_space(self, lot: str, space: str) -> Call | None:
        """Return the call in a space."""
        return self._by_space.get((lot, space))

    def clear_spaces(self) -> None:
        """Forget who is in which space."""
        self._by_space.clear()
        for call in self._calls:
            call.space = ""

    def relatives(self, roots: set[str]) -> set[str]:
        """Return the live channels that came of these, themselves included."""
        return {uid for uid, root in self.family.items() if root in roots or uid in roots}

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
