"""Slots as scenarios number them, and the spaces of Asterisk's parking lot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.model.vocabulary import Reason
from scenario_runner.pbx.protocol import LONGEST_SLOT
from scenario_runner.references import Json, as_text

if TYPE_CHECKING:
    from scenario_runner.model.target import AsteriskSettings, Target


@dataclass(frozen=True, slots=True)
class Spaces:
    """The range of spaces that a target's slots are."""

    target: Target
    settings: AsteriskSettings

    @property
    def first(self) -> int:
        """The space of the first slot."""
        own = self.settings.first_space
        return self.target.slots[0] if own is None else own

    @property
    def last(self) -> int:
        """The space of the last slot."""
        return self.first + self.target.slots[1] - self.target.slots[0]

    def of_slot(self, slot: Json) -> str | Reason:
        """Return the space of a slot as a scenario says it, or why there is none.

        Asterisk would put the call into the first free space instead, or hang it up where the
        space is no number (measured): so it is never asked for such.
        """
        if slot is None:
            return Reason.SLOT_REQUIRED
        text = as_text(slot)
        if isinstance(slot, bool) or not (text.isascii() and text.isdecimal()):
            return Reason.SLOT_INVALID
        if len(text) > LONGEST_SLOT:
            return Reason.SLOT_UNKNOWN
        space = int(text) - self.target.slots[0] + self.first
        return str(space) if self.first <= space <= self.last else Reason.SLOT_UNKNOWN

    def to_slot(self, space: str) -> str:
        """Return the slot of a space; a space outside the target's range keeps its number."""
        if not self.has(space):
            return space
        return str(int(space) - self.first + self.target.slots[0])

    def has(self, space: str) -> bool:
        """Tell whether a space is one of the target's slots."""
        short = space.isdecimal() and len(space) <= LONGEST_SLOT
        return short and self.first <= int(space) <= self.last
