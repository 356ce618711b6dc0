"""Parking lots: the names of slots in them, and who is listed there.

FreeSWITCH forgets a slot late: for up to five seconds after a call left it alive, whoever is
parked there is joined with that call, wherever it is by then (seen on a running one). In a lot of
the driver's own such a slot gets a new name; in a lot that is named in the targets file, where
people dial the numbers, the driver waits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.model.vocabulary import Reason
from scenario_runner.pbx.protocol import LONGEST_SLOT
from scenario_runner.references import Json, as_text

if TYPE_CHECKING:
    from scenario_runner.pbx.freeswitch.board import Place
    from scenario_runner.pbx.freeswitch.hub import Hub

SPOILED_S = 6
"""How long a slot is not to be used again: five seconds by a clock of whole seconds."""

_LOT = re.compile(r'^  <lot name="(.*)">$')
_EXTENSION = re.compile(r'^    <extension uuid="([^"]*)">(.*)</extension>$')


def listed(text: str) -> dict[Place, str]:
    """Read the answer to valet_info: the channel in each slot of each lot.

    Read line by line: it looks like XML, but names stand in it as they are, unescaped.
    """
    found: dict[Place, str] = {}
    lot = ""
    for line in text.split("\n"):
        if begins := _LOT.match(line):
            lot = begins[1]
        elif holds := _EXTENSION.match(line):
            found[lot, holds[2]] = holds[1]
    return found


@dataclass(slots=True)
class Lot:
    """The lot of one scenario; `own` where it was made up for it."""

    hub: Hub
    name: str
    own: bool
    _names: dict[int, int] = field(default_factory=dict)

    def number(self, slot: Json) -> int | Reason:
        """Return the number of a slot as a scenario says it, or why there is none.

        FreeSWITCH would take any text as a slot.
        """
        if slot is None:
            return Reason.SLOT_REQUIRED
        text = as_text(slot)
        if isinstance(slot, bool) or not (text.isascii() and text.isdecimal()):
            return Reason.SLOT_INVALID
        known = len(text) <= LONGEST_SLOT and self.has(int(text))
        return int(text) if known else Reason.SLOT_UNKNOWN

    def has(self, number: int) -> bool:
        """Tell whether this is one of the target's slots."""
        first, last = self.hub.target.slots
        return first <= number <= last

    def place(self, number: int) -> Place:
        """Return where the slot is now."""
        again = self._names.get(number, 0)
        return (self.name, f"{number}-{again}" if again else str(number))

    def number_of(self, name: str) -> int | None:
        """Return the number of the slot of this name, None where it has none."""
        text = name.partition("-")[0] if self.own else name
        short = text.isascii() and text.isdecimal() and len(text) <= LONGEST_SLOT
        return int(text) if short else None

    def fresh(self, number: int) -> float:
        """Make the slot fit to park in, and return the seconds to wait before it is."""
        left = self.hub.board.spoiled.pop(self.place(number), None)
        if left is None:
            return 0
        if self.own:
            self._names[number] = self._names.get(number, 0) + 1
            return 0
        return max(0, left + SPOILED_S - self.hub.time())
