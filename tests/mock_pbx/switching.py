"""What tests of the switch share: the names that calls get, and a way to write down moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.mock_pbx.calls import (
    Command,
    Joined,
    Parked,
    PlaceCall,
    Step,
    TimePassed,
    fresh_state,
)
from scenario_runner.mock_pbx.invariants import inconsistencies
from scenario_runner.mock_pbx.profile import SECOND, Profile
from scenario_runner.mock_pbx.seeding import uuid_name
from scenario_runner.mock_pbx.switch import advance, step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenario_runner.mock_pbx.calls import State

A, B, C, D = (uuid_name(0, number) for number in (1, 2, 3, 4))
NOBODY = uuid_name(0, 99)

Move: TypeAlias = Command | int
"""A command, or the second up to which time passes."""


def incoming(extension: int = 341, party: str = "+78120000443") -> PlaceCall:
    return PlaceCall("in", extension, party, answered=True)


def outgoing(extension: int = 342, party: str = "+74950000200") -> PlaceCall:
    return PlaceCall("out", extension, party, answered=True)


def ringing(extension: int = 341, party: str = "+78120000443") -> PlaceCall:
    return PlaceCall("in", extension, party, answered=False)


def play(moves: Sequence[Move], profile: Profile | None = None, seed: int = 0) -> list[Step]:
    """Make the moves one after the other, and return all steps."""
    state, now, steps = fresh_state(profile or Profile(), seed), 0, []
    for move in moves:
        if isinstance(move, int):
            now = move * SECOND
            made = advance(state, now)
            assert made.answer == TimePassed()
        else:
            made = step(state, move, now)
        state = made.state
        check_invariants(state, now)
        steps.append(made)
    return steps


def check_invariants(state: State, now: int) -> None:
    """Check what is true of a switch whatever was done with it."""
    assert list(inconsistencies(state)) == []
    profile = state.profile
    assert len(state.calls) <= profile.slots
    for place, uuid in state.slots.items():
        phase = state.calls[uuid].phase
        assert isinstance(phase, Parked)
        assert now < phase.until <= now + profile.park_timeout
        assert state.calls[uuid].answered_at is not None
        assert state.calls[uuid].leg == ""
        assert profile.first_slot <= place[1] < profile.first_slot + profile.slots
    for call in state.calls.values():
        if isinstance(call.phase, Joined):
            assert state.calls[call.phase.partner].extension == call.extension
            assert state.calls[call.phase.partner].party == call.party


def told(made: Step) -> list[str]:
    """Write down the events of a step: type, call and status."""
    names = {A: "A", B: "B", C: "C", D: "D"}
    return [f"{event.type} {names[event.call.uuid]} {event.status}" for event in made.events]


def slots_of(state: State) -> dict[int, str]:
    return {place[1]: uuid for place, uuid in state.slots.items()}
