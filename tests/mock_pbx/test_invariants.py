"""The books of the switch: what contradicts itself is found, and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from scenario_runner.mock_pbx.calls import Joined, Up
from scenario_runner.mock_pbx.invariants import Inconsistent, check, inconsistencies
from tests.mock_pbx.rule_cases import JOINED, PARKED
from tests.mock_pbx.switching import A, B, incoming, play

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import State

PARKED_STATE = play([*PARKED])[-1].state
JOINED_STATE = play(JOINED)[-1].state


def with_call(state: State, name: str, **changes: object) -> State:
    return replace(state, calls={**state.calls, name: replace(state.calls[name], **changes)})


@pytest.mark.parametrize("state", [play([incoming()])[-1].state, PARKED_STATE, JOINED_STATE])
def test_an_honest_state_agrees_with_itself(state: State) -> None:
    check(state)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (with_call(PARKED_STATE, A, phase=Up()), f"slot 6 holds {A}, which is not parked there"),
        (replace(PARKED_STATE, slots={}), f"{A} is parked in slot 6, which does not hold it"),
        (
            replace(PARKED_STATE, slots={(0, 7): A}),
            f"slot 7 holds {A}, which is not parked there",
        ),
        (
            replace(PARKED_STATE, slots={(0, 6): A, (0, 7): A}),
            f"slot 7 holds {A}, which is not parked there",
        ),
        (with_call(PARKED_STATE, A, uuid=B), f"the call {B} is kept under the name {A}"),
        (
            with_call(JOINED_STATE, A, phase=Joined("gone")),
            f"{A} is joined with gone, which is not there",
        ),
        (
            with_call(JOINED_STATE, A, phase=Up()),
            f"{B} is joined with {A}, which is not joined with it",
        ),
        (replace(PARKED_STATE, ended=3), "1 calls placed, 1 alive, 3 ended"),
        (replace(PARKED_STATE, deadline=7), "the next timer is kept as 7 and is 180000000"),
    ],
)
def test_what_contradicts_itself_is_said(state: State, says: str) -> None:
    assert says in list(inconsistencies(state))
    with pytest.raises(Inconsistent):
        check(state)
