"""Soft steps: what failed is said, the scenario goes on, and it fails at its end."""

from __future__ import annotations

import pytest

from scenario_runner.documenting import page
from scenario_runner.events import ScenarioFinished
from scenario_runner.loading.documents import LoadOptions, load_text
from tests.running import CALLS, run_steps

WRONG = "slots: {call: customer, slot: 6}, expect: {empty: false}"
SOFT = f"{{{WRONG}, soft: true}}"
PARK = "  - park: {call: customer, slot: 6}\n"


def test_a_soft_failure_fails_the_scenario_at_its_end() -> None:
    ran = run_steps(f"  - {SOFT}\n{PARK}")
    assert ran.steps == {"1": "passed", "2": "passed", "3": "failed", "4": "passed"}
    assert ran.verdicts == ["failed"]
    assert [failure.key for failure in ran.failures] == ["empty"]
    assert ran.step("3").note == "soft: the scenario went on"
    assert ran.of(ScenarioFinished)[0].snapshot is None  # of no moment that anybody asks about


def test_without_it_the_rest_is_skipped() -> None:
    for step in (f"{{{WRONG}}}", f"{{{WRONG}, soft: false}}"):
        ran = run_steps(f"  - {step}\n{PARK}")
        assert ran.steps["4"] == "skipped"
        assert ran.of(ScenarioFinished)[0].snapshot is not None


@pytest.mark.parametrize(
    "step",
    [
        "{check: {that: $target.slot_count, equals: 7}, soft: true}",
        "{event: {type: hangup, call: customer}, soft: true}",
        "{park: {call: customer, slot: 77}, soft: true}",
        "{slots: {call: customer, slot: 6}, expect: {empty: false}, within: 3s, soft: true}",
        f"{{{WRONG}, soft: true, save: {{nothing: body.nothing}}}}",
    ],
)
def test_whatever_fails_can_be_soft(step: str) -> None:
    ran = run_steps(f"  - {step}\n{PARK}")
    assert (ran.steps["3"], ran.steps["4"]) == ("failed", "passed")
    assert ran.verdicts == ["failed"]


def test_a_soft_step_that_passes_changes_nothing() -> None:
    ran = run_steps("  - {slots: {call: customer, slot: 6}, expect: {empty: true}, soft: true}\n")
    assert ran.verdicts == ["passed"]
    assert ran.step("3").note == ""


def test_an_errored_step_stops_though_it_is_soft() -> None:
    ran = run_steps(
        f"  - {{check: {{that: $env.NOT_SET_ANYWHERE, equals: 6}}, soft: true}}\n{PARK}"
    )
    assert (ran.steps["3"], ran.steps["4"]) == ("errored", "skipped")
    assert ran.verdicts == ["errored"]


@pytest.mark.parametrize(
    "around",
    [
        "together: [[{inner}, {{wait: 1s}}], {{wait: 2s}}]",
        "repeat: {{times: 2, steps: [{inner}, {{wait: 1s}}]}}",
    ],
)
def test_soft_inside_is_soft_outside(around: str) -> None:
    ran = run_steps(f"  - {around.format(inner=SOFT)}\n{PARK}")
    assert (ran.steps["3"], ran.steps["4"]) == ("failed", "passed")
    assert "skipped" not in ran.steps.values()
    assert ran.verdicts == ["failed"]


def test_a_composite_can_be_soft_itself_and_skips_what_is_left_of_it() -> None:
    ran = run_steps(
        f"  - repeat: {{times: 2, steps: [{{{WRONG}}}, {{wait: 1s}}]}}\n    soft: true\n{PARK}"
    )
    assert (ran.steps["3[1].2"], ran.steps["3"]) == ("skipped", "failed")
    assert "3[2].1" not in ran.steps
    assert ran.steps["4"] == "passed"


def test_what_a_composite_itself_expects_is_not_soft_because_of_what_is_inside() -> None:
    ran = run_steps(
        f"  - together: [{SOFT}, {{wait: 1s}}]\n    expect: {{succeeded: 0}}\n{PARK}",
    )
    assert (ran.steps["3"], ran.steps["4"]) == ("failed", "skipped")


def test_a_hard_failure_after_a_soft_one_stops() -> None:
    ran = run_steps(f"  - repeat: {{times: 1, steps: [{SOFT}, {{{WRONG}}}]}}\n{PARK}")
    assert (ran.steps["3[1].2"], ran.steps["4"]) == ("failed", "skipped")


def test_a_soft_step_that_passes_though_known_to_fail_goes_on_too() -> None:
    right = "slots: {call: customer, slot: 6}, expect: {empty: true}, xfail: some link"
    ran = run_steps(f"  - {{{right}, soft: true}}\n{PARK}")
    assert (ran.steps["3"], ran.steps["4"]) == ("xpassed", "passed")
    assert ran.verdicts == ["failed"]
    inside = "  - repeat: {times: 1, steps: [{park: {call: customer, slot: 6}}]}\n    xfail: link\n"
    ran = run_steps(f"{inside}  - wait: 1s\n")
    assert (ran.steps["3"], ran.steps["4"]) == ("xpassed", "skipped")


def test_a_scenario_known_to_fail_may_fail_softly() -> None:
    assert run_steps(f"  - {SOFT}\n", "xfail: some link").verdicts == ["xfailed"]


def test_the_cleanup_can_use_what_a_soft_step_did_not_bind() -> None:
    ran = run_steps(
        "  - {call: {as: visitor, extension: 343, from: '+78120000555'}, soft: true,"
        " expect: {state: ringing}}\n"
        "  - {slots: {call: customer, slot: 6}, save: {gone: body.gone}, soft: true}\n",
        "cleanup: [{hangup: {call: visitor}}, {check: {that: $gone, equals: 1}}]",
    )
    assert (ran.steps["cleanup.1"], ran.steps["cleanup.2"]) == ("passed", "not applicable")


def test_doc_says_that_a_step_is_soft() -> None:
    text = f"scenario: test\nsteps:\n{CALLS}  - {SOFT}\n"
    (scenario,) = load_text(text, "a.scenario.yaml", LoadOptions()).scenarios
    assert "If this fails, the scenario goes on all the same" in page(scenario)
