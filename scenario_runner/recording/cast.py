"""The calls of a recording: the names they go by in the scenario, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Phase = Literal["ringing", "up", "parked", "bridged", "ended"]


@dataclass(slots=True, eq=False)
class Actor:
    """A call as the recording knows it; times are in microseconds."""

    name: str
    call_api_id: str
    uuid: str
    extension_id: str
    phase: Phase
    slot: str = ""
    parked_at: int = 0
    partner: Actor | None = None


@dataclass(slots=True)
class Cast:
    """All calls of a recording, by the UUID in their names."""

    park_timeout: int
    _actors: dict[str, Actor] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Actor]:
        return iter(self._actors.values())

    def find(self, call_api_id: str) -> Actor | None:
        """Return the call of that name in the API, or of that UUID."""
        return self._actors.get(uuid_in(call_api_id)) or self._actors.get(call_api_id)

    def add(self, call_api_id: str, extension_id: str, phase: Phase) -> Actor:
        """Take a call in and name it."""
        uuid = uuid_in(call_api_id)
        name = f"call{len(self._actors) + 1}"
        actor = Actor(name, call_api_id, uuid, extension_id, phase)
        self._actors[uuid] = actor
        return actor

    def parked_in(self, slot: str, at: int) -> Actor | None:
        """Return the call that was parked in the slot, unless its time there is over."""
        return next((one for one in self if one.slot == slot and self.is_parked(one, at)), None)

    def parked(self, at: int) -> list[Actor]:
        """Return the calls in slots."""
        return [one for one in self if self.is_parked(one, at)]

    def is_parked(self, actor: Actor, at: int) -> bool:
        """Tell whether a call is in its slot; it leaves by itself when its time is over."""
        return actor.phase == "parked" and at - actor.parked_at < self.park_timeout

    def park(self, actor: Actor, slot: str, at: int) -> None:
        """Note that a call went into a slot; a partner is let go."""
        self._part(actor)
        actor.phase, actor.slot, actor.parked_at = "parked", slot, at

    def bridge(self, actor: Actor, other: Actor) -> None:
        """Note that a call was joined with a parked one."""
        self._part(actor)
        actor.phase = other.phase = "bridged"
        actor.partner, other.partner = other, actor
        other.extension_id = actor.extension_id

    def end(self, actor: Actor) -> None:
        """Note that a call is over, and with it the one that it was joined with."""
        for one in (actor, actor.partner):
            if one is not None:
                one.phase = "ended"

    def _part(self, actor: Actor) -> None:
        if actor.partner is not None:
            actor.partner.phase = "ended"
            actor.partner.partner = None
            actor.partner = None


def uuid_in(call_api_id: str) -> str:
    """Return what follows the first dash of a `call_api_id`, or the text where it is another id."""
    number, dash, uuid = call_api_id.partition("-")
    return uuid if dash and number.isdecimal() and uuid.count("-") == 4 else call_api_id
