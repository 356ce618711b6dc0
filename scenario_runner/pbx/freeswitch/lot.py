"""The parking lot of one scenario on a FreeSWITCH: which name a slot has now, who is listed there.

For up to five seconds after a call left a slot alive, FreeSWITCH joins the next one parked there
with it, wherever it is by then.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.pbx.protocol import LONGEST_SLOT
from scenario_runner.pbx.tracked.lookup import is_number

if TYPE_CHECKING:
    from scenario_runner.pbx.tracked.calls import Place

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


class Spoilage:
    """The places that a call left alive, and for how long they are not to be used again."""

    def __init__(self) -> None:
        self._since: dict[Place, float] = {}

    def add(self, place: Place) -> None:
        """A call has left this place alive, now."""
        self._since[place] = _now()

    def take(self, place: Place) -> float:
        """Return the seconds for which a place is still spoiled, and forget about it."""
        since = self._since.pop(place, None)
        return 0 if since is None else max(0, since + SPOILED_S - _now())


def _now() -> float:
    return asyncio.get_running_loop().time()


class SlotNames(NamedTuple):
    """What the slots of a lot are called there: `{slot}` in the template is the number."""

    template: str

    def name_of(self, number: int) -> str:
        """Return what the slot of this number is called."""
        return self.template.replace("{slot}", str(number))

    def number_of(self, name: str) -> int | None:
        """Return the number of the slot of this name, None where it has none."""
        before, _, after = self.template.partition("{slot}")
        text = name.removeprefix(before).removesuffix(after)
        if not (is_number(text) and len(text) <= LONGEST_SLOT and self.name_of(int(text)) == name):
            return None
        return int(text)


@dataclass(slots=True)
class Lot:
    """The lot of one scenario; `own` where it was made up for it."""

    name: str
    own: bool
    slots: tuple[int, int]
    names: SlotNames
    spoilage: Spoilage
    _again: dict[int, int] = field(default_factory=dict)

    def place(self, number: int) -> Place:
        """Return where the slot is now."""
        again = self._again.get(number, 0)
        name = self.names.name_of(number)
        return (self.name, f"{name}-{again}" if again else name)

    def number_of(self, name: str) -> int | None:
        """Return the number of the slot of this name, None where it has none."""
        number = self.names.number_of(name)
        if number is None and self.own:
            return self.names.number_of(name.rpartition("-")[0])
        return number

    def has(self, number: int | None) -> bool:
        """Tell whether this is one of the target's slots."""
        first, last = self.slots
        return number is not None and first <= number <= last

    def fresh(self, number: int) -> float:
        """Make the slot fit to park in, and return the seconds to wait before it is."""
        wait = self.spoilage.take(self.place(number))
        if wait and self.own:
            self._again[number] = self._again.get(number, 0) + 1
            return 0
        return wait
