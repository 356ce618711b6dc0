"""The rules of call parking, one by one, at the switch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from scenario_runner.mock_pbx import RULES, Profile, rules
from scenario_runner.mock_pbx.calls import (
    AnswerCall,
    AskSlot,
    Bridge,
    Calls,
    HangUp,
    InSlot,
    Joined,
    ListCalls,
    OneCall,
    Park,
    Parked,
    PlaceCall,
    ShowCall,
    fresh_state,
    next_deadline,
)
from scenario_runner.mock_pbx.profile import SECOND
from scenario_runner.mock_pbx.seeding import uuid_name
from scenario_runner.mock_pbx.switch import step
from tests.mock_pbx.rule_cases import CASES, JOINED, PARKED, RULES_BY_REST, Case
from tests.mock_pbx.switching import (
    A,
    B,
    C,
    Move,
    incoming,
    outgoing,
    play,
    ringing,
    slots_of,
    told,
)

PACKAGE = Path(rules.__file__).parent


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_rule(case: Case) -> None:
    *_, last = play(case.moves, case.profile)
    if case.answer is None:
        assert isinstance(last.answer, OneCall)
    else:
        assert last.answer == case.answer
    assert case.rule in {rule.id for rule in last.rules}
    assert told(last) == list(case.events)
    assert slots_of(last.state) == case.slots


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_same_moves_same_everything(case: Case) -> None:
    assert play(case.moves, case.profile) == play(case.moves, case.profile)


def test_every_rule_is_tested() -> None:
    assert {rule.id for rule in RULES} == {case.rule for case in CASES} | RULES_BY_REST


def test_rules_have_one_id_each_and_say_something() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert all(rule.says.endswith(".") for rule in RULES)
    assert all((rule.source == "partly assumed") == bool(rule.assumed) for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_is_used_in_code(rule: rules.Rule) -> None:
    (name,) = (name for name, value in vars(rules).items() if value is rule)
    code = "".join(
        path.read_text(encoding="utf-8") for path in PACKAGE.glob("*.py") if path.name != "rules.py"
    )
    assert len(re.findall(rf"\b{name}\b", code)) >= 2, "imported and named where it decides"


def test_a_refusal_changes_nothing() -> None:
    *_, before, after = play([*PARKED, outgoing(), Park(B, 342, 6)])
    assert after.state is before.state


def test_a_parked_call_is_with_its_parker_until_it_returns() -> None:
    *_, parked = play([*PARKED])
    assert parked.state.calls[A].extension == 341
    assert parked.state.calls[A].phase == Parked((0, 6), 180 * SECOND)
    assert next_deadline(parked.state) == 180 * SECOND
    assert next_deadline(fresh_state(Profile(), 0)) is None


def test_parking_again_lets_the_time_run_on() -> None:
    moves: tuple[Move, ...] = (*PARKED, 100, Park(A, 341, 7), 179)
    assert slots_of(play(moves)[-1].state) == {6: A}
    *_, before, after = play((*moves, 180), Profile(park_again="move"))
    assert slots_of(before.state) == {7: A}
    assert slots_of(after.state) == {}
    assert told(after) == ["dial-in A CALLING"]


def test_a_returned_call_is_the_same_with_a_new_leg() -> None:
    placed, _, returned, answered = play([*PARKED, 180, AnswerCall(A)])
    (dialled,) = returned.events
    assert dialled.at == 180 * SECOND
    assert dialled.call.call_id == placed.events[0].call.call_id
    assert dialled.call.leg not in {"", placed.events[0].call.leg}
    assert answered.state.calls[A].phase.word == "up"
    assert answered.state.calls[A].extension == 341
    assert answered.events[0].call.leg == dialled.call.leg


def test_timers_fire_in_order_at_their_own_times() -> None:
    moves: list[Move] = [incoming(), outgoing(), 10, Park(B, 342, 1), 20, Park(A, 341, 2), 1000]
    *_, late = play(moves)
    assert [(event.type, event.call.uuid, event.at // SECOND) for event in late.events] == [
        ("dial-in", B, 190),
        ("dial-in", A, 200),
        ("hangup", B, 220),
        ("hangup", A, 230),
    ]
    assert late.state.calls == {}


def test_a_command_comes_after_the_timers_that_are_due() -> None:
    *_, before = play([*PARKED, outgoing()])
    asked = step(before.state, AskSlot(B, 342, 6), 180 * SECOND)
    assert asked.answer == InSlot(6, None)
    assert told(asked) == ["dial-in A CALLING"]
    early = step(before.state, AskSlot(B, 342, 6), 180 * SECOND - 1)
    assert early.answer == InSlot(6, A)


def test_a_slot_is_free_for_another_once_its_call_returned() -> None:
    *_, last = play([*PARKED, 180, outgoing(), Park(B, 342, 6)])
    assert slots_of(last.state) == {6: B}


def test_a_joined_pair_is_one_conversation_of_the_bridging_extension() -> None:
    state = play(JOINED)[-1].state
    first, second = state.calls[A], state.calls[B]
    assert (first.phase, second.phase) == (Joined(B), Joined(A))
    assert first.extension == second.extension == 342
    assert first.party == second.party == "+78120000443"
    assert first.answered_at is not None


@pytest.mark.parametrize(("name", "other"), [(A, "B"), (B, "A")])
def test_parking_a_joined_pair_keeps_one_name_and_ends_the_other(name: str, other: str) -> None:
    *_, last = play([*JOINED, Park(name, 342, 9)])
    kept = {"A": "B", "B": "A"}[other]
    assert slots_of(last.state) == {9: name}
    assert list(last.state.calls) == [name]
    assert told(last) == [f"hangup {other} ANSWER", f"hangup {kept} ANSWER"]
    assert last.state.calls[name].party == "+78120000443"


def test_a_call_parked_again_returns_to_whoever_parked_it_last() -> None:
    *_, last = play([*JOINED, Park(A, 342, 9), 180])
    assert last.events[0].call.extension == 342


def test_hanging_up_one_of_a_pair_can_leave_the_other_up() -> None:
    moves: list[Move] = [*JOINED, HangUp(A, None, "remote")]
    *_, last = play(moves, Profile(bridged_hangup="ends-one"))
    assert last.state.calls[B].phase.word == "up"


def test_the_end_tells_how_long_the_leg_talked() -> None:
    *_, last = play([incoming(), 12, HangUp(A, None, "remote")])
    assert last.events[0].duration == 12 * SECOND
    *_, last = play([ringing(), 12, HangUp(A, None, "remote")])
    assert last.events[0].duration == 0
    *_, last = play([*JOINED, 30, HangUp(A, None, "remote")])
    assert [event.duration for event in last.events] == [30 * SECOND, 30 * SECOND]
    assert play([ringing()])[0].events[0].duration is None


@pytest.mark.parametrize(
    ("by", "status"), [("remote", "BUSY"), ("extension", "CANCEL")]
)  # fmt: skip
def test_whoever_dialled_gives_up_and_whoever_was_called_refuses(by: str, status: str) -> None:
    hang_up = HangUp(A, None, "remote") if by == "remote" else HangUp(A, 342, "extension")
    *_, last = play([PlaceCall("out", 342, "+7495", answered=False), hang_up])
    assert told(last) == [f"hangup A {status}"]


def test_a_random_bridge_takes_any_parked_call_and_the_seed_says_which() -> None:
    parked: list[Move] = [*PARKED, incoming(343), Park(B, 343, 7), outgoing(), Bridge(C, 342, None)]

    def taken(seed: int) -> int:
        first, second, third = (uuid_name(seed, number) for number in (1, 2, 3))
        moves: list[Move] = [
            incoming(), Park(first, 341, 6), incoming(343), Park(second, 343, 7),
            outgoing(), Bridge(third, 342, None),
        ]  # fmt: skip
        answer = play(moves, seed=seed)[-1].answer
        assert isinstance(answer, InSlot)
        return answer.slot

    assert play(parked)[-1] == play(parked)[-1]
    counts = [[taken(seed) for seed in range(400)].count(slot) for slot in (6, 7)]
    assert sum(counts) == 400
    assert min(counts) > 150


def test_lists_show_the_calls_of_an_extension_or_all() -> None:
    moves: list[Move] = [*PARKED, outgoing(), incoming(343)]
    state = play(moves)[-1].state

    def listed(extension: int | None, profile: Profile | None = None) -> list[str]:
        shown = replace(state, profile=profile or state.profile)
        answer = step(shown, ListCalls(extension), 0).answer
        assert isinstance(answer, Calls)
        return [call.uuid for call in answer.calls]

    assert listed(None) == [A, B, C]
    assert listed(341) == [A]
    assert listed(344) == []
    assert listed(None, Profile(parked_in_lists="hidden")) == [B, C]
    assert step(state, ShowCall(A, 341), 0).answer == OneCall(state.calls[A])
