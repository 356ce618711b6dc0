"""What the switch's books must agree on, whatever rules it keeps: slots, phases, counts, timers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.mock_pbx.calls import NEVER, Joined, Parked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.mock_pbx.calls import State


class Inconsistent(Exception):
    """The switch's state contradicts itself: a fault of the mock, or of a mutant of it."""


def check(state: State) -> None:
    """Raise Inconsistent where the state contradicts itself."""
    found = next(inconsistencies(state), None)
    if found is not None:
        raise Inconsistent(found)


def inconsistencies(state: State) -> Iterator[str]:
    """Say where the state contradicts itself.

    Rules are not looked at: more calls than the limit, or one that stays parked for ever, are
    what a mutant may bring about.
    """
    yield from _slots(state)
    for uuid, call in state.calls.items():
        if call.uuid != uuid:
            yield f"the call {call.uuid} is kept under the name {uuid}"
        if isinstance(call.phase, Joined):
            yield from _pair(state, uuid, call.phase.partner)
    if state.placed != len(state.calls) + state.ended:
        yield f"{state.placed} calls placed, {len(state.calls)} alive, {state.ended} ended"
    earliest = min((call.phase.until for call in state.calls.values()), default=NEVER)
    if state.deadline != earliest:
        yield f"the next timer is kept as {state.deadline} and is {earliest}"


def _slots(state: State) -> Iterator[str]:
    phases = {uuid: call.phase for uuid, call in state.calls.items()}
    parked = {uuid: phase.place for uuid, phase in phases.items() if isinstance(phase, Parked)}
    for place, uuid in state.slots.items():
        if parked.get(uuid) != place:
            yield f"slot {place[1]} holds {uuid}, which is not parked there"
    for uuid, place in parked.items():
        if state.slots.get(place) != uuid:
            yield f"{uuid} is parked in slot {place[1]}, which does not hold it"


def _pair(state: State, uuid: str, partner: str) -> Iterator[str]:
    other = state.calls.get(partner)
    if other is None:
        yield f"{uuid} is joined with {partner}, which is not there"
    elif not isinstance(other.phase, Joined) or other.phase.partner != uuid:
        yield f"{uuid} is joined with {partner}, which is not joined with it"
