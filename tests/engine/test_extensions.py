"""Whether an extension is free, asked on the mock in this process and over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.events import StepFinished
from tests.http.meeting import meet_mock, scenario_deed
from tests.running import run_text

LIFE = """
scenario: The lamp of an extension
steps:
  - extension: 341
    expect: {state: free}
  - call: {as: customer, extension: 341, from: "+78120000443", answered: false}
  - extension: 341
    expect: {state: ringing}
  - answer: {call: customer}
  - extension: 341
    expect: {state: busy}
  - call: {as: second, extension: 341, from: "+78120000555", answered: false}
  - extension: 341
    expect: {state: busy}
  - hangup: {call: second}
  - park: {call: customer, slot: 6}
  - extension: 341
    expect: {state: free}
  - calls: {extension: 341}
    expect: {includes: customer, count: 1}
  - call: {as: colleague, extension: 342, to: "+74950000200", answered: false}
  - extension: 342
    expect: {state: busy}
  - answer: {call: colleague}
  - bridge: {call: colleague, slot: 6}
  - extension: 342
    expect: {state: busy}
  - extension: 341
    expect: {state: free}
  - extension: 999
    expect: {refused: not-found}
"""
COMES_BACK = """
scenario: A parked call that comes back rings its extension
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 6}
  - extension: 341
    expect: {state: ringing}
    within: 4m
"""
FAILS = """
scenario: Busy is not free
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - extension: 341
    expect: {state: free}
  - slots: {call: customer, slot: 6}
"""


def test_an_extension_is_free_rings_or_is_busy() -> None:
    ran = run_text(LIFE)
    assert [failure.message for failure in ran.failures] == []
    assert ran.verdicts == ["passed"]


def test_it_is_the_same_over_http(tmp_path: Path) -> None:
    met = meet_mock(scenario_deed(LIFE), tmp_path)
    assert met.messages == []
    assert met.verdicts == ["passed"]
    assert "GET /mock/extensions/341" in " ".join(met.sent)


def test_a_returned_call_rings_its_extension() -> None:
    assert run_text(COMES_BACK).verdicts == ["passed"]


@pytest.mark.parametrize("model", [False, True])
def test_a_busy_extension_is_not_free(*, model: bool) -> None:
    ran = run_text(FAILS, model=model)
    assert ran.verdicts == ["failed"]
    (failure,) = ran.failures
    assert failure.message == "state: expected free, got busy"
    assert (failure.span.line, failure.span.column) == (6, 21)
    step = next(one for one in ran.of(StepFinished) if one.verdict == "failed")
    assert step.summary == "extension 341 is busy"
    assert step.answer == (("state", "busy"),)
