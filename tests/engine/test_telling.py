"""What a step tells of its answer for people and programs that compare runs."""

from __future__ import annotations

import pytest

from scenario_runner.events import Exchange
from tests.running import CALLS, run_steps, run_text

STEPS = """
  - park: {call: customer, slot: 6}
  - slots: {call: colleague, slot: 6}
    expect: {holds: customer}
  - slots: {call: colleague, slot: "7"}
    expect: {empty: true}
  - park: {call: colleague, slot: 6}
    expect: {refused: slot-full}
  - calls: {call: customer}
    expect: {state: parked}
  - calls: {extension: 341}
    expect: {includes: customer}
  - event: {type: hangup, call: customer}
  - together:
      - bridge: {call: colleague, slot: 6}
      - bridge: {call: colleague, slot: 8}
        expect: {refused: slot-empty}
  - wait: 1s
  - bridge: {call: colleague, slot: 6}
    expect: {refused: slot-empty}
"""


@pytest.mark.parametrize(
    ("step", "outcome", "answer"),
    [
        ("1", "ok", ()),
        ("3", "ok", ()),
        ("4", "ok", (("slot", "6"), ("call", "customer"))),
        ("5", "ok", (("slot", "7"), ("call", "nobody"))),
        ("6", "slot-full", ()),
        ("7", "ok", (("state", "parked"),)),
        ("8", "ok", (("call", "customer"),)),
        ("9", "", (("type", "hangup"), ("call", "customer"), ("extension", "341"))),
        ("10", "", (("refused.slot-empty", "1"), ("succeeded.bridge", "1"))),
        ("10.b1.1", "ok", (("slot", "6"), ("call", "customer"))),
        ("10.b2.1", "slot-empty", ()),
        ("11", "", ()),
        ("12", "slot-empty", ()),
    ],
)
def test_a_step_tells_its_outcome_and_the_stable_part_of_its_answer(
    step: str, outcome: str, answer: tuple[tuple[str, str], ...]
) -> None:
    finished = run_steps(STEPS).step(step)
    assert (finished.outcome, finished.answer) == (outcome, answer)


def test_what_is_sent_before_the_first_step_belongs_to_no_step_of_the_scenario_before() -> None:
    one = f"scenario: NAME\nsteps:\n{CALLS}  - event: {{type: dial-in, call: customer}}\n"
    ran = run_text(one.replace("NAME", "first") + "---\n" + one.replace("NAME", "second"))
    steps = [e.step for e in ran.of(Exchange) if e.scenario.endswith("second")]
    assert steps[0] == ""
    assert steps == [e.step for e in ran.of(Exchange) if e.scenario.endswith("first")]
