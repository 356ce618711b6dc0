"""What a session remembers of the calls it dealt with, since the PBX's API does not tell."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenario_runner.pbx.protocol import CallIds, CallRequest


@dataclass(frozen=True, slots=True)
class Parked:
    """Where a call was parked, and until when it can be there, in microseconds."""

    slot: str
    until: int


@dataclass(slots=True)
class Memory:
    """The calls a session placed or met: their ids, slots and partners.

    `placing` are the calls that were asked for and whose ids are not known, or not yet;
    `strangers` are the UUIDs of calls that were there before.
    """

    park_timeout: int
    placing: list[CallRequest] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)
    own: dict[str, CallIds] = field(default_factory=dict)
    ids: dict[str, CallIds] = field(default_factory=dict)
    slots: dict[str, None] = field(default_factory=dict)
    _parked: dict[str, Parked] = field(default_factory=dict)
    _partners: dict[str, str] = field(default_factory=dict)

    def placed(self, ids: CallIds) -> None:
        """Remember a call that this session owns and will hang up."""
        self.own[ids.uuid] = ids
        self.ids[ids.uuid] = ids

    def came_up(self, request: CallRequest, ids: CallIds) -> None:
        """Remember the ids of a call that was asked for."""
        if request in self.placing:
            self.placing.remove(request)
        self.placed(ids)

    def parked(self, uuid: str, slot: str, at: int) -> None:
        """Remember that a call went into a slot, and let its partner go."""
        self.slots[slot] = None
        self._part(uuid)
        self._parked = {u: p for u, p in self._parked.items() if p.slot != slot}
        self._parked[uuid] = Parked(slot, at + self.park_timeout)

    def bridged(self, uuid: str, slot: str | None, extension: str, extension_id: str) -> str | None:
        """Remember that a call was joined with the one in `slot`; return that one's UUID.

        None where this session does not know who was there. The parked call is at the bridging
        call's extension from now on (assumed).
        """
        other = next((u for u, p in self._parked.items() if p.slot == slot), None)
        if other is None:
            return None
        del self._parked[other]
        self._part(uuid)
        self._partners |= {uuid: other, other: uuid}
        if other in self.ids:
            moved = replace(self.ids[other], extension=extension, extension_id=extension_id)
            self.ids[other] = moved
        return other

    def slot_of(self, uuid: str, now: int) -> str | None:
        """Return the slot that the call was parked in, unless its time there is over."""
        parked = self._parked.get(uuid)
        return parked.slot if parked is not None and now < parked.until else None

    def parked_in(self, slot: str, now: int) -> str | None:
        """Return the UUID of the call that this session parked in the slot."""
        return next((u for u, p in self._parked.items() if p.slot == slot and now < p.until), None)

    def partner_of(self, uuid: str) -> str | None:
        """Return the UUID of the call that this one is joined with."""
        return self._partners.get(uuid)

    def ended(self, uuid: str) -> None:
        """Remember that a call is over; the one it is joined with is, too (assumed)."""
        partner = self._partners.get(uuid)
        for gone in (uuid, partner):
            if gone is not None:
                self.own.pop(gone, None)
                self._parked.pop(gone, None)
        self._part(uuid)

    def _part(self, uuid: str) -> None:
        partner = self._partners.pop(uuid, None)
        if partner is not None:
            self._partners.pop(partner, None)
