"""What is done by hand becomes a file as a person would have written it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scenario_runner.durations import MINUTE, SECOND
from scenario_runner.exchange import Request
from scenario_runner.mock_pbx import fault_from_text
from scenario_runner.ui.gestures import (
    ExtensionDials,
    LookAtCall,
    LookAtExtension,
    LookIntoSlot,
    ParkCall,
    PickUp,
    PutDown,
    SendRequest,
    SomebodyCalls,
    TakeFromSlot,
    slot_from,
    wrong_name,
)
from scenario_runner.ui.recording import recorded
from scenario_runner.ui.timeline import timeline_of
from scenario_runner.ui.world import new_world
from tests.ui.hand import (
    CALLS_IN,
    COLLEAGUE,
    COMES_UP,
    DIALS_OUT,
    PARKS,
    first_hour,
    pinned,
    played,
)
from tests.ui.replaying import assert_passes, verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.references import Json
    from scenario_runner.ui.timeline import Timeline

GOLDEN = Path(__file__).parent / "golden"


def steps_of(line: Timeline) -> str:
    """Return the steps of the file, which passes."""
    text = recorded(line, "By hand").text
    assert_passes(text)
    return text.partition("steps:\n")[2]


def test_a_first_hour_reads_as_if_a_person_had_written_it(
    golden: Callable[[Path, str], None],
) -> None:
    name = "A call that nobody takes comes back, and is taken the second time"
    text = recorded(first_hour(), name).text
    golden(GOLDEN / "first_hour.scenario.yaml", text)
    assert_passes(text)


def test_an_expectation_that_is_broken_fails() -> None:
    text = recorded(first_hour(), "First hour").text
    verdict, failures = verdict_of(text.replace("holds: customer", "holds: colleague"))
    assert verdict == "failed"
    assert failures[0].startswith("4: ")


def test_every_line_knows_the_moment_it_comes_from() -> None:
    line = first_hour()
    lines = recorded(line, "First hour").lines()
    holds = next(moment for text, moment in lines if "holds: customer" in text)
    assert line.moments[holds].title == "The slot holds the customer"
    assert [moment for text, moment in lines if text.startswith(("scenario", "vars"))] == [-1, -1]


def test_a_call_that_rings_for_a_while_is_answered_in_a_step_of_its_own() -> None:
    line = played(CALLS_IN).wait(3 * SECOND)
    line = pinned(played(PickUp(call="customer"), LookAtCall(call="customer"), line=line), "state")
    assert steps_of(line) == (
        "  - name: The customer calls 341\n"
        '    call: {as: customer, extension: 341, from: "+78120000443", answered: false}\n\n'
        "  - wait: 3s\n\n"
        "  - name: 341 answers\n"
        "    answer: {call: customer}\n\n"
        "  - name: The customer is connected\n"
        "    calls: {call: customer}\n"
        "    expect: {state: up}\n"
    )


def test_a_person_outside_answers_a_call_that_rings_there() -> None:
    dials = ExtensionDials(name="Anna", extension="342", number=COLLEAGUE, answered=False)
    line = played(dials).wait(SECOND)
    line = played(PickUp(call="Anna"), PutDown(call="Anna", by="extension"), line=line)
    line = pinned(line.do(LookAtExtension(extension="342")), "count")
    steps = steps_of(line)
    assert "- name: Anna answers\n" in steps
    assert "- name: 342 hangs up on Anna\n    hangup: {call: Anna, by: extension}\n" in steps
    assert "- name: 342 has no call\n" in steps


def test_numbers_that_are_used_again_become_variables() -> None:
    line = played(COMES_UP, PARKS, DIALS_OUT, ParkCall(call="colleague", slot=7))
    line = line.do(LookIntoSlot(call="customer", slot=6)).do(LookIntoSlot(call="customer", slot=7))
    line = line.do(LookAtExtension(extension="341")).do(LookAtExtension(extension="342"))
    text = recorded(line, "Two slots").text
    assert_passes(text)
    assert "vars:\n  first_slot: 6\n  second_slot: 7\n  first_desk: 341\n" in text
    assert "slot: $second_slot" in text


def test_a_variable_is_not_named_as_a_call_is() -> None:
    slot = SomebodyCalls(name="slot", extension="341", number="+7", answered=True)
    line = played(slot, ParkCall(call="slot", slot=6), LookIntoSlot(call="slot", slot=6))
    text = recorded(line, "A call named slot").text
    assert_passes(text)
    assert "  slot_number: 6\n" in text


def test_what_chance_chose_is_named() -> None:
    third = SomebodyCalls(name="agent", extension="343", number="+79", answered=True)
    line = played(COMES_UP, PARKS, DIALS_OUT, ParkCall(call="colleague", slot=7), third)
    line = pinned(line.do(TakeFromSlot(call="agent")), "with")
    steps = steps_of(line)
    assert "  # any parked call was asked for, and chance took this one\n" in steps
    assert "bridge: {call: agent, slot: " in steps


def test_where_there_was_no_choice_any_call_stays_any_call() -> None:
    line = pinned(played(COMES_UP, PARKS, DIALS_OUT, TakeFromSlot(call="colleague")), "with")
    assert "bridge: {call: colleague}\n    expect: {with: customer}\n" in steps_of(line)


def test_a_request_is_recorded_without_ids() -> None:
    line = played(COMES_UP)
    world = line.now.world
    assert world is not None
    call = world.find("customer")
    for body in (b'{"action": "park", "slot": 6}', b"not json", b'{"action": "fly"}'):
        path = f"/api/ver1.0/extension/34414/valet_park/{call.call_api_id}"
        line = line.do(SendRequest(request=Request(method="PUT", path=path, body=body)))
    line = line.do(LookIntoSlot(call="customer", slot=6))
    text = recorded(line, "Requests").text
    assert_passes(text)
    assert call.uuid not in text
    assert (
        '    request: {put: "/extension/34414/valet_park/$customer.call_api_id", '
        'json: {"action": "park", "slot": 6}}\n'
    ) in text
    assert 'text: "not json"}\n    expect: {status: 400}\n' in text


@pytest.mark.parametrize("gesture", [ParkCall, LookIntoSlot])
def test_what_lacks_a_slot_is_a_request(gesture: type[ParkCall | LookIntoSlot]) -> None:
    line = played(COMES_UP, gesture(call="customer", slot=None))
    assert 'put: "/extension/$customer.extension_id/valet_park/$customer' in steps_of(line)


def test_a_call_in_the_name_of_another_extension_is_refused_there_too() -> None:
    line = played(COMES_UP, ParkCall(call="customer", slot=6, extension="343"))
    assert "park: {call: customer, slot: 6, extension: 343}\n" in steps_of(line)
    assert line.now.answer is not None
    assert line.now.answer.rule is not None
    assert line.now.answer.rule.id == "call.foreign"


def test_more_time_than_a_scenario_has_is_asked_for() -> None:
    line = played(COMES_UP).wait(25 * MINUTE)
    line = pinned(line.do(LookAtCall(call="customer")), "state")
    text = recorded(line, "Long").text
    assert "timeout: 27m\n" in text
    assert_passes(text)


def test_a_gesture_that_a_fault_kept_from_happening_is_left_out() -> None:
    line = timeline_of(new_world(faults=(fault_from_text("500,on=park,times=1"),)))
    line = played(COMES_UP, PARKS, PARKS, line=line)
    line = pinned(line.do(LookIntoSlot(call="customer", slot=6)), "holds")
    assert steps_of(line).count("park:") == 1


def test_a_gesture_whose_answer_was_lost_is_recorded_if_it_happened() -> None:
    line = timeline_of(new_world(faults=(fault_from_text("drop-after,on=park,times=1"),)))
    line = played(COMES_UP, PARKS, line=line)
    assert line.now.answer is not None
    assert line.now.answer.outcome == "lost"
    line = pinned(line.do(LookIntoSlot(call="customer", slot=6)), "holds")
    assert steps_of(line).count("park:") == 1


def test_a_slow_answer_takes_time() -> None:
    line = timeline_of(new_world(faults=(fault_from_text("latency,on=park,by=5s"),)))
    assert played(COMES_UP, PARKS, line=line).now.at == 5 * SECOND


@pytest.mark.parametrize(
    "name", ["No: problem", "'quoted'", "# not a comment", "$slot", "null", "6"]
)
def test_any_name_of_a_scenario_survives(name: str) -> None:
    line = played(COMES_UP, PARKS, LookIntoSlot(call="customer", slot=6))
    assert_passes(recorded(line, name).text)


@pytest.mark.parametrize(
    ("typed", "slot"),
    [("6", 6), (" 6 ", 6), ("06", "06"), ("six", "six"), ("", None), ("0", 0), ("٦", "٦")],
)
def test_slots_are_read_as_typed(typed: str, slot: Json) -> None:
    assert slot_from(typed) == slot


@pytest.mark.parametrize("name", ["", "6", "a b", "env", "customer", "ö-"])
def test_names_that_no_call_can_have(name: str) -> None:
    assert wrong_name(name, frozenset({"customer"}))
    assert not wrong_name("Anna", frozenset({"customer"}))
