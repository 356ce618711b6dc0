"""The check for an order agrees with trying every order, and says little where there is none."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenario_runner.mock_pbx import Profile
from scenario_runner.mock_pbx.profile import SECOND
from scenario_runner.model.history import Lost, Operation
from scenario_runner.model.judging import Consistent, Contradicted, Undecided, judge
from scenario_runner.model.reference import Expiry, Reference, Terms
from tests.model.naive import is_explained
from tests.model.simulation import MS, Crowd, history, spoilt, untold, with_fault

SEEDS = st.integers(0, 1 << 32)

SMALL = st.builds(
    Crowd,
    clients=st.integers(2, 4),
    commands=st.integers(2, 4),
    slots=st.integers(2, 3),
    takes=st.sampled_from([20 * MS, 100 * MS, 300 * MS]),
    lost=st.sampled_from([0, 0.15]),
    any_bridge=st.sampled_from([0.05, 0.3]),
    listing=st.sampled_from([0.05, 0.2]),
    profile=st.builds(
        Profile,
        slots=st.just(3),
        calls_at_once=st.sampled_from(["slots", "any"]),
        park_timeout=st.sampled_from([100 * MS, 300 * MS, 180 * SECOND]),
        ring_timeout=st.just(200 * MS),
    ),
)
"""Crowds of which every order can be tried, with time-outs that come in between."""

CROWDS = st.builds(
    Crowd,
    clients=st.integers(1, 12),
    commands=st.integers(1, 20),
    slots=st.integers(1, 8),
    takes=st.sampled_from([0, 20 * MS, 200 * MS]),
    lost=st.sampled_from([0, 0.1]),
    any_bridge=st.sampled_from([0, 0.1]),
)


def reference_for(crowd: Crowd, tolerance: int = 0) -> Reference:
    return Reference(Terms(profile=crowd.profile, tolerance=tolerance))


def histories(crowd: Crowd, seed: int) -> list[Operation]:
    """Return a history; every other one is not what happened, or does not tell everything."""
    random = Random(seed)
    operations = history(crowd, seed)
    if random.random() < 0.2:
        operations = untold(operations, random, 0.5)
    return spoilt(operations, random) if random.random() < 0.5 else operations


@given(SMALL, SEEDS)
@settings(max_examples=60, deadline=None)
def test_an_order_is_found_where_there_is_one(crowd: Crowd, seed: int) -> None:
    operations = histories(crowd, seed)
    judged = judge(operations, reference_for(crowd))
    assert isinstance(judged, Consistent) == is_explained(operations, reference_for(crowd))


@given(SMALL, SEEDS)
@settings(max_examples=25, deadline=None)
def test_the_smallest_contradiction_is_one_and_none_of_it_can_be_left_out(
    crowd: Crowd, seed: int
) -> None:
    operations = spoilt(history(crowd, seed), Random(seed))
    judged = judge(operations, reference_for(crowd))
    if not isinstance(judged, Contradicted):
        return
    others = [i for i, one in enumerate(operations) if one not in judged.operations]
    assert not is_explained(operations, reference_for(crowd), loose=others)
    assert judged.at in judged.operations
    if judged.smallest:
        for one in judged.operations:
            loose = [*others, operations.index(one)]
            assert is_explained(operations, reference_for(crowd), loose)


@given(CROWDS, SEEDS)
@settings(max_examples=25, deadline=None)
def test_what_a_switch_did_is_never_refuted(crowd: Crowd, seed: int) -> None:
    operations = history(crowd, seed)
    judged = judge(operations, reference_for(crowd))
    assert not isinstance(judged, Contradicted)
    if isinstance(judged, Consistent):
        respects_time(judged.order, operations)


def respects_time(order: tuple[Operation | Expiry, ...], operations: list[Operation]) -> None:
    """Every operation that has an end comes once, and none after one that was sent later."""
    came = [one for one in order if isinstance(one, Operation)]
    assert len(came) == len(set(map(id, came)))
    ended = {id(one) for one in operations if not isinstance(one.answer, Lost)}
    assert ended <= {id(one) for one in came}
    latest = 0
    for one in came:
        assert latest <= one.end
        latest = max(latest, one.invoked_at)


def test_one_wrong_answer_is_found() -> None:
    crowd = Crowd(clients=4, commands=10, slots=3)
    refuted = 0
    for seed in range(12):
        operations = with_fault(history(crowd, seed), Random(seed))
        refuted += isinstance(judge(operations, reference_for(crowd)), Contradicted)
    assert refuted >= 11


@pytest.mark.parametrize("seed", range(3))
def test_a_crowd_that_uses_its_calls_again_is_judged_within_the_budget(seed: int) -> None:
    crowd = Crowd(clients=64, commands=16, slots=20)
    judged = judge(history(crowd, seed), reference_for(crowd))
    assert isinstance(judged, Consistent)


def test_what_is_too_much_work_is_left_open_and_is_the_same_each_time() -> None:
    crowd = Crowd(clients=16, commands=10, slots=4)
    operations = history(crowd, 3)
    judged = judge(operations, reference_for(crowd), budget=40)
    assert isinstance(judged, Undecided)
    assert judge(operations, reference_for(crowd), budget=40) == judged
