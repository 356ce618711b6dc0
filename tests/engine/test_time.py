"""Waiting, polling and events, all in virtual time."""

from __future__ import annotations

from scenario_runner.engine.result import ActionResult
from scenario_runner.events import StepFinished
from scenario_runner.pbx.protocol import Done, Raw
from tests.running import run_steps

PARK = "  - {id: parked, park: {call: customer, slot: 6}}\n"
MINUTE = 60_000_000


def test_a_parked_call_comes_back_after_three_minutes() -> None:
    ran = run_steps(
        PARK + "  - event: {type: dial-in, call: customer, extension: 341, since: parked}\n"
        "    within: 4m\n"
        "    expect: {after: {parked: {between: [179s, 181s]}}}\n"
        "  - slots: {call: colleague, slot: 6}\n"
        "    expect: {empty: true}\n"
    )
    assert ran.verdicts == ["passed"]
    assert ran.step("4").at == 3 * MINUTE


def test_near_knows_the_targets_park_time_out() -> None:
    ran = run_steps(
        PARK + "  - event: {type: dial-in, call: customer, since: parked}\n"
        "    within: 4m\n"
        "    expect: {after: {parked: {near: {value: $target.park_timeout, within: 1s}}}}\n"
    )
    assert ran.verdicts == ["passed"]


def test_after_tells_the_time_it_really_took() -> None:
    ran = run_steps(
        PARK + "  - event: {type: dial-in, call: customer, since: parked}\n"
        "    within: 4m\n"
        "    expect: {after: {parked: {at_most: 179s}}}\n"
    )
    (failure,) = ran.failures
    assert (failure.expected, failure.actual) == ("at most 2m59s", "3m")


def test_an_event_that_does_not_come_fails_with_what_came_instead() -> None:
    ran = run_steps(PARK + "  - event: {type: dial-in, call: customer, since: parked}\n")
    (failure,) = ran.failures
    assert failure.message == "no dial-in of customer came within 30s of 'parked'"
    assert (failure.actual or "").startswith("hangup of customer")
    assert ran.step("4").took == 30_000_000


def test_an_event_is_not_missed_by_looking_late_and_is_taken_once() -> None:
    late = "  - event: {type: dial-in, call: customer, since: parked}\n    within: 5m\n"
    ran = run_steps(PARK + "  - wait: 4m\n" + late + late)
    assert ran.steps["5"] == "passed"
    assert ran.steps["6"] == "failed"


def test_counting_events_watches_the_whole_window() -> None:
    ran = run_steps(
        PARK + "  - event: {type: dial-in, call: customer}\n    within: 4m\n"
        "    expect: {count: 1}\n"
        "  - event: {type: hangup, call: colleague}\n    within: 10s\n    expect: {count: 0}\n"
    )
    assert ran.verdicts == ["passed"]
    assert ran.step("4").took == 4 * MINUTE


def test_where_narrows_an_event() -> None:
    ran = run_steps(
        PARK + "  - event: {type: dial-in, call: customer, since: parked,"
        " where: {CallStatus: NOPE}}\n    within: 4m\n"
    )
    assert "where CallStatus" in ran.failures[0].message


def test_polling_keeps_its_attempts_folded() -> None:
    ran = run_steps(
        PARK + "  - slots: {call: colleague, slot: 6}\n    within: 4m\n    every: 30s\n"
        "    expect: {empty: true}\n"
    )
    assert ran.verdicts == ["passed"]
    first, last = ran.step("4").attempts
    assert (first.times, first.passed, last.passed) == (6, False, True)
    assert "holds customer" in first.summary
    assert last.at == 3 * MINUTE


def test_polling_that_runs_out_fails_with_the_number_of_looks() -> None:
    ran = run_steps(
        PARK + "  - slots: {call: colleague, slot: 6}\n    within: 10s\n    expect: {empty: true}\n"
    )
    (failure,) = ran.failures
    assert "never held in 11 looks over 10s" in failure.message


def test_a_hopeless_refusal_ends_the_polling_at_once() -> None:
    ran = run_steps(
        "  - slots: {call: colleague, slot: 99}\n    within: 10s\n    expect: {empty: true}\n"
    )
    assert ran.step("3").took == 0
    assert ran.verdicts == ["failed"]


def test_stays_must_hold_each_time() -> None:
    holds = "    expect: {holds: customer}\n"
    ran = run_steps(PARK + "  - slots: {call: colleague, slot: 6}\n    stays: 30s\n" + holds)
    assert (ran.steps["4"], ran.step("4").took) == ("passed", 30_000_000)
    ran = run_steps(PARK + "  - slots: {call: colleague, slot: 6}\n    stays: 4m\n" + holds)
    assert ran.steps["4"] == "failed"
    assert "did not keep holding" in ran.failures[0].message


def test_waiting_costs_no_time() -> None:
    ran = run_steps(PARK + "  - wait: 1h\n", rest="timeout: 2h")
    assert [e.took for e in ran.of(StepFinished)][-1] == 60 * MINUTE


def test_the_duration_of_an_exchange_can_be_saved_compared_and_waited() -> None:
    ran = run_steps(
        "  - {park: {call: customer, slot: 6}, save: {t: took}}\n"
        "  - check: {that: $t, at_most: 2s}\n"
        "  - set: {span: $t}\n"
        "  - {slots: {call: colleague, slot: 6}, stays: 5s, save: {last: took},"
        " expect: {holds: customer}}\n"
        "  - check: {that: $last, at_most: 1s}\n"
        "  - check: {that: $t, equals: $span}\n"
        "  - check: {that: $t, at_least: 1ms}\n"
    )
    assert list(ran.steps.values())[-2:] == ["passed", "failed"]
    assert ran.failures[0].message == 'check: expected at least "1ms" (text), got "0s" (text)'


def test_a_refused_exchange_took_its_time_too() -> None:
    ran = run_steps(
        "  - {bridge: {call: colleague, slot: 6}, expect: {refused: slot-empty},"
        " save: {t: took}}\n  - check: {that: $t, at_most: 2s}\n"
    )
    assert ran.verdicts == ["passed"]


def test_what_an_exchange_took_is_exact() -> None:
    seen = ActionResult(sent=0, at=5_000_000, outcome=Done(raw=Raw(took=12_500)))
    assert seen.answer()["took"] == "0.0125s"


def test_an_event_is_no_exchange_and_took_nothing() -> None:
    ran = run_steps("  - {event: {type: answer, call: customer}, save: {t: took}}\n")
    assert ran.verdicts == ["failed"]
    assert "'took' is not in the answer" in ran.failures[0].message
