"""An exception that nobody expected: the scenario it hits is errored and cleaned up after."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from scenario_runner.errors import RunnerFault
from scenario_runner.events import CallChanged, StepFinished
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import VirtualRun
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.masking import Mask
from tests.running import Ran, run_text

if TYPE_CHECKING:
    from collections.abc import Callable

FAULTY = """
    scenario: hit
    steps:
      - call: {as: customer, extension: 341, from: "+78120000443"}
      - park: {call: customer, slot: 13}
      - slots: {call: customer, slot: 13}
        expect: {empty: true}
    cleanup:
      - calls: {extension: 341}
        expect: {count: 1}
    ---
    scenario: spared
    steps:
      - call: {as: customer, extension: 341, from: "+78120000443"}
      - park: {call: customer, slot: 6}
    """


def failing_at(what: str) -> Callable[[str], None]:
    """Return a preview of requests that is itself at fault for those with these words."""

    def preview(text: str) -> None:
        if what in text:
            raise ZeroDivisionError("by nought")

    return preview


def run_with(preview: Callable[[str], None], text: str = FAULTY) -> Ran:
    loaded = load_text(textwrap.dedent(text), "test.scenario.yaml", LoadOptions())
    ran = Ran(Results())
    VirtualRun(
        target=MOCK, options=RunOptions(), mask=Mask(), emit=ran.events.append, preview=preview
    ).run(loaded.scenarios, ran.results)
    return ran


def test_a_fault_in_a_step_errors_it_and_the_other_scenarios_go_on() -> None:
    ran = run_with(failing_at('"slot": 13'))
    assert ran.verdicts == ["errored", "passed"]
    assert [step.verdict for step in ran.of(StepFinished)] == [
        *("passed", "errored", "skipped", "passed"),
        *("passed", "passed"),
    ]
    (failure,) = ran.failures
    assert failure.key == "fault"
    assert failure.message == (
        "the runner itself failed: ZeroDivisionError: by nought (in preview, test_runner_faults.py)"
    )


def test_what_was_placed_is_hung_up_after_a_fault() -> None:
    ran = run_with(failing_at('"slot": 13'))
    assert "left behind" not in str(ran.failures)
    hung_up = [e for e in ran.events if "DELETE" in getattr(e, "sent", "")]
    assert len(hung_up) == 2


def test_a_fault_in_a_branch_lets_the_other_branches_end() -> None:
    text = """
        scenario: hit
        steps:
          - call: {as: one, extension: 341, from: "+78120000443"}
          - call: {as: two, extension: 342, from: "+78120000444"}
          - together:
              - park: {call: one, slot: 13}
              - park: {call: two, slot: 6}
        """
    ran = run_with(failing_at('"slot": 13'), text)
    assert ran.verdicts == ["errored"]
    assert (ran.steps["3.b1.1"], ran.steps["3.b2.1"]) == ("errored", "passed")
    assert [e.call for e in ran.of(CallChanged) if e.state == "parked"] == ["two"]


def test_a_fault_in_the_cleanup_is_the_scenarios_own_too() -> None:
    ran = run_with(failing_at("DELETE"))
    assert ran.verdicts == ["errored", "errored"]
    assert "cleanup did not come to its end: the runner itself failed" in ran.failures[-1].message


def test_a_fault_names_the_first_exception_inside_a_group() -> None:
    group = ExceptionGroup("outer", [ExceptionGroup("inner", [KeyError("slot")]), OSError("late")])
    assert RunnerFault(group).message == "the runner itself failed: KeyError: 'slot'"


@pytest.mark.parametrize("action", ["check: {that: $env.ODD, equals: x}", "set: {a: $env.ODD}"])
def test_a_variable_that_is_not_utf8_is_errored_at_its_place(action: str) -> None:
    ran = run_text(
        f"""
        scenario: test
        steps:
          - {action}
          - check: {{that: $env.ODD, equals: x}}
        """,
        environment={"ODD": "a\udcffb"},
    )
    assert ran.verdicts == ["errored"]
    assert ran.failures[0].message == "the environment variable ODD holds bytes that are not UTF-8"
    assert ran.failures[0].span.line == 4
