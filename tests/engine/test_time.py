"""Waiting, polling and events, all in virtual time."""

from __future__ import annotations

from scenario_runner.events import StepFinished
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
