"""Parking, asking for a slot, bridging: what the switch does with slots."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, assert_never

from scenario_runner.mock_pbx.calls import Call, Joined, Parked, Place, Recalled, Ringing, Up
from scenario_runner.mock_pbx.commands import AskSlot, Bridge, InSlot, Park, Refusal
from scenario_runner.mock_pbx.reaching import dialled_in, let_go, reach
from scenario_runner.mock_pbx.rules import (
    BRIDGE_EMPTY,
    BRIDGE_NOT_PARKED,
    BRIDGE_NOT_RINGING,
    BRIDGE_NOTHING,
    BRIDGE_PARTIES,
    BRIDGE_RANDOM,
    BRIDGE_SLOT,
    PARK_BOTH_FLOWS,
    PARK_FULL,
    PARK_NOT_RINGING,
    PARK_NOT_TWICE,
    PARK_OCCUPIES,
    PARK_RANGE,
    PARK_RELEASES,
    PARK_SLOT_REQUIRED,
    SLOT_SHARED,
    SLOT_TYPE,
    SLOTS_EMPTY,
    SLOTS_REPORTS,
    SLOTS_SLOT_REQUIRED,
)

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.draft import Draft

_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")
_DIGITS: Final = re.compile(r"[0-9]{1,18}")


def about_slots(draft: Draft, command: Park | AskSlot | Bridge) -> InSlot | Refusal:
    """Carry out a command that is about a slot."""
    match command:
        case Park():
            return _park(draft, command)
        case AskSlot():
            return _ask_slot(draft, command)
        case Bridge():
            return _bridge(draft, command)
        case _ as never:
            assert_never(never)


def _park(draft: Draft, command: Park) -> InSlot | Refusal:
    call = reach(draft, command.call, command.extension)
    if isinstance(call, Refusal):
        return call
    place = _place(draft, call, command.slot, PARK_SLOT_REQUIRED)
    if isinstance(place, Refusal):
        return place
    forbidden = _why_not_parked(draft, call, place)
    if forbidden:
        return draft.refuse(forbidden)
    if call.flow == "out":
        draft.note(PARK_BOTH_FLOWS)
    if isinstance(call.phase, Parked):
        _move(draft, call, call.phase, place)
    else:
        _put_away(draft, call, place)
    draft.note(PARK_OCCUPIES)
    return InSlot(place[1], call.uuid)


def _why_not_parked(draft: Draft, call: Call, place: Place) -> str:
    profile = draft.profile
    match call.phase:
        case Ringing() | Recalled():
            return PARK_NOT_RINGING
        case Parked() if profile.park_again == "refuse":
            return PARK_NOT_TWICE
        case Parked() | Up() | Joined():
            pass
        case _ as never:
            assert_never(never)
    if call.flow not in profile.parkable_flows:
        return PARK_BOTH_FLOWS
    return PARK_FULL if place in draft.slots else ""


def _put_away(draft: Draft, call: Call, place: Place) -> None:
    let_go(draft, call)
    draft.note(PARK_RELEASES)
    if draft.profile.park_event == "hangup":
        draft.emit("hangup", call, "ANSWER")
    phase = Parked(place, draft.now + draft.profile.park_timeout)
    draft.put(call._replace(phase=phase, leg=""))
    draft.fill(place, call.uuid)


def _move(draft: Draft, call: Call, phase: Parked, place: Place) -> None:
    draft.empty(phase.place)
    draft.put(call._replace(phase=Parked(place, phase.until)))
    draft.fill(place, call.uuid)


def _ask_slot(draft: Draft, command: AskSlot) -> InSlot | Refusal:
    call = reach(draft, command.call, command.extension)
    if isinstance(call, Refusal):
        return call
    place = _place(draft, call, command.slot, SLOTS_SLOT_REQUIRED)
    if isinstance(place, Refusal):
        return place
    uuid = draft.slots.get(place)
    if uuid is not None:
        _note_sharing(draft, call, uuid)
        draft.note(SLOTS_REPORTS)
    elif draft.profile.empty_slot == "refused":
        return draft.refuse(SLOTS_EMPTY)
    else:
        draft.note(SLOTS_EMPTY)
    return InSlot(place[1], uuid)


def _bridge(draft: Draft, command: Bridge) -> InSlot | Refusal:
    call = reach(draft, command.call, command.extension)
    if isinstance(call, Refusal):
        return call
    match call.phase:
        case Ringing() | Recalled():
            return draft.refuse(BRIDGE_NOT_RINGING)
        case Parked():
            return draft.refuse(BRIDGE_NOT_PARKED)
        case Up() | Joined():
            pass
        case _ as never:
            assert_never(never)
    place = _any_place(draft, call) if command.slot is None else _taken(draft, call, command.slot)
    if isinstance(place, Refusal):
        return place
    uuid = draft.slots[place]
    _note_sharing(draft, call, uuid)
    _join(draft, call, draft.calls[uuid], place)
    return InSlot(place[1], uuid)


def _any_place(draft: Draft, call: Call) -> Place | Refusal:
    owner = _owner(draft, call)
    places = [place for place in draft.slots if place[0] == owner]
    if not places:
        return draft.refuse(BRIDGE_NOTHING)
    draft.note(BRIDGE_RANDOM)
    return places[draft.draw(len(places))]


def _taken(draft: Draft, call: Call, slot: object) -> Place | Refusal:
    place = _place(draft, call, slot, BRIDGE_EMPTY)
    if isinstance(place, Refusal):
        return place
    if place not in draft.slots:
        return draft.refuse(BRIDGE_EMPTY)
    draft.note(BRIDGE_SLOT)
    return place


def _join(draft: Draft, call: Call, parked: Call, place: Place) -> None:
    draft.note(BRIDGE_PARTIES)
    let_go(draft, call)
    draft.empty(place)
    draft.put(call._replace(party=parked.party, phase=Joined(parked.uuid)))
    picked_up = dialled_in(draft, parked, call.extension)
    draft.put(picked_up._replace(phase=Joined(call.uuid), answered_at=draft.now))


def _place(draft: Draft, call: Call, slot: object, missing: str) -> Place | Refusal:
    number = _slot_number(draft, slot, missing)
    if isinstance(number, Refusal):
        return number
    first = draft.profile.first_slot
    if not first <= number < first + draft.profile.slots:
        return draft.refuse(PARK_RANGE)
    return (_owner(draft, call), number)


def _slot_number(draft: Draft, slot: object, missing: str) -> int | Refusal:
    if slot is None:
        return draft.refuse(missing)
    words = draft.profile.slot_words
    if isinstance(slot, int) and not isinstance(slot, bool) and (slot >= 0 or words != "digits"):
        return slot
    if isinstance(slot, str) and words != "number":
        draft.note(SLOT_TYPE)
        if (_DIGITS if words == "digits" else _NUMBER).fullmatch(slot):
            return int(slot)
    return draft.refuse(SLOT_TYPE)


def _owner(draft: Draft, call: Call) -> int:
    return 0 if draft.profile.slots_of == "client" else call.extension


def _note_sharing(draft: Draft, call: Call, uuid: str) -> None:
    if draft.calls[uuid].extension != call.extension:
        draft.note(SLOT_SHARED)
