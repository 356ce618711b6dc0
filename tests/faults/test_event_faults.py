"""Faults of event deliveries: what still comes is found, what never comes fails for what it is."""

from __future__ import annotations

import pytest

from tests.faults.crossing import crossed

RETURNED = """
- call: {as: customer, extension: 341, from: "+78120000443"}
- park: {call: customer, slot: 6}
  id: parked
- event: {type: hangup, call: customer}
- wait: 3m
- event: {type: dial-in, call: customer, since: parked}
  within: 4m
- answer: {call: customer}
- hangup: {call: customer}
- event: {type: hangup, call: customer}
"""
EXACTLY_ONE = """
- call: {as: customer, extension: 341, from: "+78120000443"}
- park: {call: customer, slot: 6}
  id: parked
- event: {type: hangup, call: customer, since: parked}
  within: 10s
  expect: {count: 1}
"""


@pytest.mark.parametrize("on", ["", ",on=hangup", ",on=dial-in", ",on=answer"])
@pytest.mark.parametrize("fault", ["event-doubled", "event-late,by=5s", "event-reordered,by=5s"])
def test_what_comes_otherwise_than_it_should_still_comes(fault: str, on: str) -> None:
    found = crossed(RETURNED, fault + on)
    assert found.verdict == "passed", found.messages
    assert found.left == []


@pytest.mark.parametrize("on", ["hangup", "dial-in"])
def test_an_event_that_never_comes_is_what_fails(on: str) -> None:
    # The step is about the PBX reporting, and it did not.
    found = crossed(RETURNED, f"event-lost,on={on},after={0 if on == 'hangup' else 1}")
    assert found.verdict == "failed"
    assert len(found.messages) == 1
    assert found.left == []


def test_an_event_that_comes_too_late_has_not_come() -> None:
    found = crossed(RETURNED, "event-late,on=hangup,by=10m")
    assert found.verdict == "failed"
    assert found.left == []


def test_one_event_is_not_two() -> None:
    assert crossed(EXACTLY_ONE).verdict == "passed"
