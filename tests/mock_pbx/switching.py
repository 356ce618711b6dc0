"""What tests of the switch share: the names that calls get, and a way to write down moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.mock_pbx.calls import Command, Parked, PlaceCall, Step, TimePassed, fresh_state
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
    profile = state.profile
    assert state.placed == len(state.calls) + state.ended
    assert len(state.calls) <= profile.slots
    parked = {uuid: call.phase for uuid, call in state.calls.items() if call.phase.word == "parked"}
    assert sorted(state.slots.values()) == sorted(parked)
    for place, uuid in state.slots.items():
        phase = parked[uuid]
        assert isinstance(phase, Parked)
        assert phase.place == place
        assert now < phase.until <= now + profile.park_timeout
        assert state.calls[uuid].answered_at is not None
        assert state.calls[uuid].leg == ""
        assert profile.first_slot <= place[1] < profile.first_slot + profile.slots
    for uuid, call in state.calls.items():
        assert call.uuid == uuid
        partner = getattr(call.phase, "partner", None)
        if partner is not None:
            assert getattr(state.calls[partner].phase, "partner", None) == uuid
            assert state.calls[partner].extension == call.extension
            assert state.calls[partner].party == call.party
    assert state.deadline == min(
        (call.phase.until for call in state.calls.values()), default=1 << 62
    )


def told(made: Step) -> list[str]:
    """Write down the events of a step: type, call and status."""
    names = {A: "A", B: "B", C: "C", D: "D"}
    return [f"{event.type} {names[event.call.uuid]} {event.status}" for event in made.events]


def slots_of(state: State) -> dict[int, str]:
    return {place[1]: uuid for place, uuid in state.slots.items()}
