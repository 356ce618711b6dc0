"""The parking lot of an Asterisk: which space is which slot, and whether all of it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.errors import TargetError, did_you_mean
from scenario_runner.pbx.asterisk.ami import Ami, permitted
from scenario_runner.pbx.protocol import LONGEST_SLOT
from scenario_runner.pbx.tracked.hub import CONNECTING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.language.target import Target
    from scenario_runner.pbx.asterisk.ami import Reply
    from scenario_runner.pbx.asterisk.settings import AsteriskSettings


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

    def space_of(self, number: int) -> str:
        """Return the space of a slot."""
        return str(number - self.target.slots[0] + self.first)

    def number_of(self, space: str) -> int | None:
        """Return the number of the slot that a space is, None for a space of no slot."""
        short = space.isdecimal() and len(space) <= LONGEST_SLOT
        if not short or not self.first <= int(space) <= self.last:
            return None
        return int(space) - self.first + self.target.slots[0]


_DYNAMIC = "is it made when a call is parked there? lot_dynamic: true"


def _always_there(name: str, lots: Iterable[str]) -> str | None:
    """Say that Asterisk has a lot of this name in any case, where others may be meant."""
    others = [lot for lot in lots if lot != name]
    if name != "default" or not others:
        return None
    return (
        "Asterisk always has a lot 'default', whether anybody set it up or not; it also has: "
        f"{', '.join(others)} (lot: {others[0]})"
    )


async def check(ami: Ami, spaces: Spaces) -> None:
    """Raise TargetError where Asterisk lacks what the target says it has."""
    if not spaces.settings.lot_dynamic:
        await _check_lot(ami, spaces)
    await _check_dialplan(ami, spaces)


async def _check_lot(ami: Ami, spaces: Spaces) -> None:
    target, name = spaces.target, spaces.settings.lot
    reply = await _asked(ami, "Parkinglots")
    lots = {lot.get("Name"): lot for lot in reply.items}
    if name not in lots:
        raise TargetError(
            f"the target {target.name} names the parking lot '{name}', which Asterisk "
            f"does not have; it has: {', '.join(lots) or 'none'}",
            hint=did_you_mean(name, lots) or _DYNAMIC,
        )
    lot = lots[name]
    first, last = int(lot.get("StartSpace") or 0), int(lot.get("StopSpace") or 0)
    if spaces.first < first or spaces.last > last:
        raise TargetError(
            f"the target {target.name} has slots in the spaces {spaces.first}-{spaces.last}, but "
            f"the parking lot '{name}' has {first}-{last}",
            hint=_always_there(name, lots)
            or f"slots: {first}-{last}, or first_space: {first} with as many slots as it has",
        )


async def _check_dialplan(ami: Ami, spaces: Spaces) -> None:
    """Look for the extensions of the dialplan that the driver sends calls to."""
    settings = spaces.settings
    wanted = [] if settings.lot_dynamic else [(settings.retrieve_context, str(spaces.first))]
    if settings.calls == "originate":
        wanted.append((settings.dial_context, settings.dial_extension))
    for context, extension in wanted:
        reply = await _asked(ami, "ShowDialPlan", ("Context", context), ("Extension", extension))
        if reply.refused:
            raise TargetError(
                f"Asterisk's dialplan has no extension '{extension}' in the context '{context}': "
                f"{reply.words}",
                hint="see docs/asterisk.md for the few lines of dialplan that the driver needs",
            )


async def _asked(ami: Ami, action: str, *fields: tuple[str, str]) -> Reply:
    return permitted(action, await ami.send(action, fields, CONNECTING))
