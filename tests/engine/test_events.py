"""Events: which window a step watches, and what it says where none came."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.engine.event_log import EventLog, StepMark
from scenario_runner.language.vocabulary import EventType
from scenario_runner.pbx.protocol import PbxEvent
from scenario_runner.pbx.ringme.access import EventSettings
from tests.faults.crossing import crossed
from tests.http.meeting import meet_mock, scenario_deed
from tests.http.test_against_mock import with_settings
from tests.running import run_steps, run_text

PARK = "  - {id: parked, park: {call: customer, slot: 6}}\n"
MINUTE = 60_000_000

OWN_ANSWER = """
scenario: What the vendor's page shows of an answer
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - event:
      type: answer
      call: customer
      where: {CallAPIID: $customer.call_api_id, CallFlow: in, CalledNumber: {contains: "341"}}
"""
OWN_DIAL_IN = """
scenario: An answer is followed by its event
steps:
  - call: {as: customer, extension: 341, from: "+78120000443", answered: false}
  - event: {type: dial-in, call: customer}
  - answer: {call: customer}
  - event: {type: answer, call: customer}
  - hangup: {call: customer}
  - event: {type: hangup, call: customer}
"""
NOT_BACK = """
scenario: The ringing of a call is not its return
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 6}
  - event: {type: dial-in, call: customer}
    within: 200ms
"""
COUNTED = """
scenario: A call rings once
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - event: {type: dial-in, call: customer}
    within: 200ms
    expect: {count: 1}
  - park: {call: customer, slot: 6}
  - event: {type: dial-in, call: customer}
    within: 200ms
    expect: {count: 0}
"""
VERDICTS = {OWN_ANSWER: "passed", OWN_DIAL_IN: "passed", NOT_BACK: "failed", COUNTED: "passed"}


@pytest.mark.parametrize("text", VERDICTS, ids=lambda text: text.splitlines()[1].partition(": ")[2])
def test_the_mock_in_this_process_gives_this_verdict(text: str) -> None:
    assert run_text(text).verdicts == [VERDICTS[text]]


@pytest.mark.parametrize("events", [None, EventSettings()], ids=["polled", "delivered"])
@pytest.mark.parametrize(
    "text",
    [OWN_DIAL_IN, NOT_BACK, COUNTED],
    ids=lambda text: text.splitlines()[1].partition(": ")[2],
)
def test_the_mock_gives_the_same_verdict_over_http(
    text: str, events: EventSettings | None, tmp_path: Path
) -> None:
    met = meet_mock(scenario_deed(text), tmp_path, lambda one: with_settings(one, events=events))
    assert met.verdicts == [VERDICTS[text]], met.messages


def test_the_fields_of_a_delivered_answer_are_the_vendors(tmp_path: Path) -> None:
    met = meet_mock(
        scenario_deed(OWN_ANSWER), tmp_path, lambda one: with_settings(one, events=EventSettings())
    )
    assert met.messages == []


def test_a_parked_calls_return_is_never_taken_for_its_first_ringing() -> None:
    ran = run_steps(
        "  - park: {call: customer, slot: 6}\n"
        "  - event: {type: dial-in, call: customer}\n    within: 4m\n"
    )
    assert ran.verdicts == ["passed"]
    assert ran.step("4").at == 3 * MINUTE


@pytest.mark.parametrize("on", ["dial-in", "answer"])
def test_the_first_ringing_is_not_the_return_although_it_is_delivered_late(on: str) -> None:
    found = crossed(
        f"""
- call: {{as: customer, extension: 341, from: "+78120000443"}}
- park: {{call: customer, slot: 6}}
- event: {{type: {on}, call: customer}}
  within: 30s
""",
        f"event-late,by=2s,on={on}",
    )
    assert found.verdict == "failed"
    assert "no event at all" in found.messages[0] or "came within 30s" in found.messages[0]


def test_a_refused_park_begins_the_window_too() -> None:
    ran = run_steps(
        "  - park: {call: customer, slot: 99}\n    expect: {refused: slot-unknown}\n"
        "  - event: {type: dial-in, call: customer}\n"
    )
    assert ran.verdicts == ["failed"]


def test_the_command_that_changed_another_call_does_not_begin_the_window() -> None:
    ran = run_steps("  - hangup: {call: colleague}\n  - event: {type: answer, call: customer}\n")
    assert ran.verdicts == ["passed"]


def test_without_a_call_the_window_begins_with_the_last_command_of_all() -> None:
    answer = "  - event: {type: answer}\n"
    assert run_steps("  - hangup: {call: colleague}\n" + answer).verdicts == ["failed"]
    ran = run_steps(
        answer + "    save: {who: uuid}\n  - check: {that: $who, equals: $colleague.uuid}\n"
    )
    assert ran.verdicts == ["passed"]


def test_a_bridge_begins_the_window_of_both_calls() -> None:
    bridged = PARK + "  - bridge: {call: colleague, slot: 6}\n"
    hangup = "  - event: {type: hangup, call: customer}\n"
    assert run_steps(bridged + hangup).verdicts == ["failed"]
    assert run_steps(bridged + "  - hangup: {call: colleague}\n" + hangup).verdicts == ["passed"]


def test_a_command_in_another_branch_is_no_command_of_this_one() -> None:
    ran = run_steps("""
  - together:
      - - wait: 1s
        - hangup: {call: colleague}
      - - call: {as: third, extension: 343, from: "+7812"}
        - wait: 2s
        - event: {type: answer}
""")
    assert ran.verdicts == ["passed"]
    assert ran.step("3.b2.3").at == 2_000_000


def test_after_the_branches_the_last_command_of_all_counts() -> None:
    ran = run_steps("""
  - together:
      - - wait: 1s
        - hangup: {call: colleague}
      - call: {as: third, extension: 343, from: "+7812"}
  - event: {type: answer}
""")
    assert ran.verdicts == ["failed"]


def test_within_counts_from_the_step_itself_without_since() -> None:
    back = "  - event: {type: dial-in, call: customer}\n    within: 1s\n"
    assert run_steps(PARK + "  - wait: 4m\n" + back).verdicts == ["passed"]


def test_a_window_that_is_over_says_what_to_write() -> None:
    ran = run_steps(
        PARK + "  - wait: 4m\n  - event: {type: dial-in, call: customer, since: parked}\n"
    )
    (failure,) = ran.failures
    assert failure.message == "no dial-in of customer came within 30s of 'parked'"
    assert failure.hint == "one came later; write within: 3m1s"


def test_an_event_that_where_leaves_out_is_shown_with_its_fields() -> None:
    ran = run_steps(PARK + "  - event: {type: hangup, call: customer, where: {CallFlow: out}}\n")
    (failure,) = ran.failures
    assert "CallFlow: in, CalledDID: " in (failure.actual or "")


def test_a_field_that_no_event_has_is_named_with_those_there_are() -> None:
    ran = run_steps(
        PARK + "  - event: {type: hangup, call: customer, where: {calleridnum: +7812}}\n"
    )
    (failure,) = ran.failures
    assert failure.hint == "the event has no field 'calleridnum'; did you mean 'CallerIDNum'?"


def event(kind: EventType, at: int, uuid: str = "u") -> PbxEvent:
    return PbxEvent(type=kind, uuid=uuid, extension="341", at=at)


def test_an_event_that_a_command_is_sure_to_cause_counts_as_come_right_after_it() -> None:
    log = EventLog()
    called = StepMark(0, 0, log.mark())
    log.caused("u", (EventType.DIAL_IN, EventType.ANSWER), called, 10)
    log.add(event(EventType.DIAL_IN, 20))
    parked = log.mark()
    log.add(event(EventType.ANSWER, 30))
    log.add(event(EventType.ANSWER, 40))
    log.add(event(EventType.DIAL_IN, 50))
    assert [one.at for one in log.after(parked)] == [40, 50]
    assert [one.at for one in log.after(called.mark)] == [20, 30, 40, 50]


def test_what_came_before_the_answer_to_the_command_is_awaited_no_more() -> None:
    log = EventLog()
    log.add(event(EventType.DIAL_IN, 0))
    log.caused("u", (EventType.DIAL_IN,), StepMark(), 10)
    parked = log.mark()
    log.add(event(EventType.DIAL_IN, 20))
    assert [one.at for one in log.after(parked)] == [20]


def test_an_event_far_later_is_one_of_its_own() -> None:
    log = EventLog()
    log.caused("u", (EventType.DIAL_IN,), StepMark(), 0)
    log.add(event(EventType.ANSWER, 1))
    parked = log.mark()
    log.add(event(EventType.DIAL_IN, 3 * MINUTE))
    assert [one.at for one in log.after(parked)] == [3 * MINUTE]
