"""`with` is not believed: the slot that a bridge took a call from must no longer hold it."""

from __future__ import annotations

import textwrap

import pytest
from msgspec.structs import replace

from scenario_runner.events import Exchange
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import VirtualRun
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx.faults import fault_from_text
from scenario_runner.mock_pbx.mutants import BY_ID, Mutant
from tests.running import CALLS, Ran

PARKED = "  - park: {call: customer, slot: 6}\n"
BRIDGE = "  - bridge: {call: colleague, slot: 6}\n    expect: {with: customer}\n"
RACE = """
  - together:
      - bridge: {call: colleague, slot: 6}
        expect: {with: customer}
      - calls: {extension: 341}
"""
DOES_NOTHING = BY_ID["bridge.slot.does-nothing"]
SAME = replace(DOES_NOTHING, part=None)


def run_on(mutant: Mutant | None, steps: str) -> Ran:
    text = textwrap.dedent(f"scenario: test\nsteps:\n{CALLS}{steps}")
    loaded = load_text(text, "test.scenario.yaml", LoadOptions())
    assert not [problem for problem in loaded.problems if not problem.warning]
    ran = Ran(Results())
    VirtualRun(
        target=MOCK, options=RunOptions(), mask=Mask(), emit=ran.events.append, mutant=mutant
    ).run(loaded.scenarios, ran.results)
    return ran


def faulty(text: str) -> Mutant:
    """Return the mock itself with a fault."""
    return replace(SAME, faults=(fault_from_text(text),))


def test_a_bridge_that_did_nothing_fails_where_a_partner_is_expected() -> None:
    ran = run_on(DOES_NOTHING, PARKED + BRIDGE)
    assert ran.verdicts == ["failed"]
    failure = ran.failures[0]
    assert failure.key == "with"
    assert failure.message.startswith("with: the PBX says it joined customer (")
    assert failure.message.endswith("), and slot 6 still holds it")
    assert (failure.span.line, failure.span.column) == (8, 20)


def test_nothing_is_asked_where_no_partner_is_expected() -> None:
    ran = run_on(DOES_NOTHING, PARKED + "  - bridge: {call: colleague, slot: 6}\n")
    assert ran.steps["4"] == "passed"


def test_the_question_belongs_to_no_step_and_takes_none_of_its_time() -> None:
    ran = run_on(faulty("latency,on=slots,by=2s"), PARKED + BRIDGE)
    assert ran.verdicts == ["passed"]
    assert ran.step("4").took == 0
    asked = [event for event in ran.of(Exchange) if '"slots"' in event.sent]
    assert asked
    assert {event.step for event in asked} == {""}


def test_in_a_together_the_slot_is_asked_after_all_branches() -> None:
    ran = run_on(DOES_NOTHING, PARKED + RACE)
    assert ran.steps["4"] == "failed"
    assert ran.steps["4.b1.1"] == "passed"
    failure = ran.failures[0]
    assert failure.message.endswith("and slot 6 still holds it")
    (passed,) = run_on(None, PARKED + RACE).verdicts
    assert passed == "passed"


def test_a_call_that_another_branch_parked_again_is_not_asked_about() -> None:
    steps = """
  - together:
      - - bridge: {call: colleague, slot: 6}
          expect: {with: customer}
        - wait: 1s
        - park: {call: customer, slot: 6}
      - wait: 2s
"""
    assert run_on(None, PARKED + steps).verdicts == ["passed"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("429,on=slots", "refused (rate-limited)"),
        ("500,on=slots", "refused (other)"),
        ("drop-before,on=slots", "the connection was lost"),
    ],
)
@pytest.mark.parametrize("steps", [BRIDGE, RACE])
def test_what_can_not_be_asked_is_errored(fault: str, message: str, steps: str) -> None:
    ran = run_on(faulty(fault), PARKED + steps)
    assert ran.steps["4"] == "errored"
    assert message in ran.failures[0].message


def test_a_partner_that_is_another_one_is_told_without_a_question() -> None:
    ran = run_on(None, PARKED + BRIDGE.replace("customer", "colleague"))
    assert ran.failures[0].message.startswith("with: expected colleague (")
