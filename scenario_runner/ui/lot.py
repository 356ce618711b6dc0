"""What the lot looks like at a moment: slots, extensions as lamps, people, and what can be done."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.events import Exchange
from scenario_runner.ui.gestures import LookIntoSlot, ParkCall, PickUp, PutDown, TakeFromSlot
from scenario_runner.ui.picture import slot_number

if TYPE_CHECKING:
    from scenario_runner.events import RunStarted
    from scenario_runner.ui.gestures import Gesture
    from scenario_runner.ui.picture import CallNow, Picture
    from scenario_runner.ui.timeline import Moment, Timeline

Lamp: TypeAlias = Literal["free", "ringing", "talking", "two calls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LotFacts:
    """What a target's lot is like; `park_timeout` and `ring_timeout` in microseconds."""

    slots: tuple[int, int] = (1, 20)
    extensions: tuple[str, ...] = ()
    park_timeout: int = 0
    ring_timeout: int = 30 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotView:
    """A slot: free (`call` is empty), or who is there. `left` is text, `share` from 1 down to 0."""

    number: str
    call: str = ""
    party: str = ""
    parker: str = ""
    left: str = ""
    share: float = 0.0
    failed: bool = False

    @property
    def label(self) -> str:
        """The slot in one sentence, for those who can't see it."""
        mark = "; a step about it failed" if self.failed else ""
        if not self.call:
            return f"Slot {self.number}: free{mark}"
        left = f", {self.left} left" if self.left else ""
        return f"Slot {self.number}: {self.call}, {self.party}, parked by {self.parker}{left}{mark}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """A call as it can be seen and acted on; of two that are joined this is one for both.

    `where` says what it is doing, `actions` what can be done with it.
    """

    name: str
    party: str
    extension: str
    where: str
    doing: str
    partner: str = ""
    actions: tuple[type[Gesture], ...] = ()
    left: str = ""
    share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionView:
    """An extension: its lamp and the calls that it has on the line."""

    number: str
    lamp: Lamp
    calls: tuple[CallView, ...] = ()

    @property
    def label(self) -> str:
        """The extension in one sentence."""
        calls = "; ".join(f"{call.name}, {call.where}" for call in self.calls)
        return f"Extension {self.number}: {self.lamp}{f': {calls}' if calls else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LotView:
    """The whole lot at a moment."""

    slots: tuple[SlotView, ...]
    extensions: tuple[ExtensionView, ...]
    people: tuple[CallView, ...]


_MOST_SLOTS = 200
"""More slots are not drawn, but for those that are taken."""


def lot_view(picture: Picture, at: int, facts: LotFacts, failed: str = "") -> LotView:
    """Return what the lot looks like at the time `at`, when the PBX holds this.

    `failed` is the slot of a step that failed.
    """
    calls = [_call_view(call, at, facts) for call in picture.calls if not _is_second(call, picture)]
    return LotView(
        slots=tuple(
            replace(_slot_view(number, picture, at, facts), failed=number == failed)
            for number in _numbers(picture, facts)
        ),
        extensions=tuple(_extension_view(number, calls) for number in _extensions(picture, facts)),
        people=tuple(calls),
    )


def _is_second(call: CallNow, picture: Picture) -> bool:
    """Tell whether a call is joined with one that is shown for both: the one that was taken."""
    if not call.partner:
        return False
    names = [one.name for one in picture.calls]
    return call.partner in names and names.index(call.partner) < names.index(call.name)


def _numbers(picture: Picture, facts: LotFacts) -> list[str]:
    first, last = facts.slots
    numbers = [str(number) for number in range(first, min(last, first + _MOST_SLOTS - 1) + 1)]
    return numbers + [call.slot for call in picture.parked() if call.slot not in numbers]


def _extensions(picture: Picture, facts: LotFacts) -> list[str]:
    strange = [call.extension for call in picture.calls if call.extension not in facts.extensions]
    return [*facts.extensions, *dict.fromkeys(strange)]


def _left(call: CallNow, at: int, whole: int) -> tuple[str, float]:
    if call.until is None or not whole:
        return "", 0.0
    left = max(0, call.until - at)
    rounded = -(-left // SECOND) * SECOND  # full seconds, so that 0s is the end and no earlier
    return duration_text(rounded), min(1.0, left / whole)


def _slot_view(number: str, picture: Picture, at: int, facts: LotFacts) -> SlotView:
    call = picture.in_slot(number)
    if call is None:
        return SlotView(number=number)
    left, share = _left(call, at, facts.park_timeout)
    return SlotView(
        number=number,
        call=call.name,
        party=call.party,
        parker=call.extension,
        left=left,
        share=share,
    )


_ACTIONS: dict[str, tuple[type[Gesture], ...]] = {
    "ringing": (PickUp, PutDown),
    "up": (ParkCall, TakeFromSlot, LookIntoSlot, PutDown),
    "bridged": (ParkCall, TakeFromSlot, LookIntoSlot, PutDown),
    "parked": (LookIntoSlot, PutDown),
}


def _call_view(call: CallNow, at: int, facts: LotFacts) -> CallView:
    whole = facts.park_timeout if call.doing == "parked" else facts.ring_timeout
    left, share = _left(call, at, whole)
    return CallView(
        name=call.name,
        party=call.party,
        extension=call.extension,
        where=_where(call),
        doing=call.doing,
        partner=call.partner,
        actions=_ACTIONS[call.doing],
        left=left,
        share=share,
    )


def _where(call: CallNow) -> str:
    match call.doing:
        case "ringing" if call.returned:
            return f"back from its slot, rings {call.extension}"
        case "ringing" if call.flow == "out":
            return f"rung by {call.extension}"
        case "ringing":
            return f"rings {call.extension}"
        case "parked":
            return f"waits in slot {call.slot}"
        case _:
            return f"talks to {call.extension}"


def _extension_view(number: str, calls: list[CallView]) -> ExtensionView:
    own = tuple(call for call in calls if call.extension == number and call.doing != "parked")
    return ExtensionView(number=number, lamp=_lamp(own), calls=own)


def _lamp(calls: tuple[CallView, ...]) -> Lamp:
    if len(calls) > 1:
        return "two calls"
    if not calls:
        return "free"
    return "ringing" if calls[0].doing == "ringing" else "talking"


def failed_slot(moment: Moment) -> str:
    """Return the slot that a step was about which failed at this moment; empty for none."""
    if moment.verdict is None or not moment.verdict.bad:
        return ""
    for event in reversed(moment.events):
        if isinstance(event, Exchange) and event.step == moment.step:
            named = _SLOT.search(event.sent.rpartition("\n\n")[2])
            if named is not None:
                return slot_number(named[1])
    return ""


_SLOT = re.compile(r'"slot": ?"?(\d+)')
"""A slot as a request over HTTP names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place on the slider: the moment that began last, and the time between it and the next."""

    index: int
    at: int


def position_at(line: Timeline, value: float) -> Position:
    """Return what a slider at `value` stands for: 3.5 is half of the time after moment 3."""
    last = len(line.moments) - 1
    index = max(0, min(int(value), last))
    at = line.moments[index].at
    if index < last:
        at += int((value - index) * (line.moments[index + 1].at - at))
    return Position(index=index, at=at)


def facts_of_run(run: RunStarted, extensions: tuple[str, ...]) -> LotFacts:
    """Return what the lot of a run was like, as far as its events tell."""
    first, last = run.slots
    slots = (first, last) if last else (1, 20)
    return LotFacts(slots=slots, extensions=extensions, park_timeout=run.park_timeout)
