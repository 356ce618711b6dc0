"""Drives a lot by hand in few words: what tests of the live page share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.ui.gestures import (
    ExtensionDials,
    LookAtCall,
    LookIntoSlot,
    ParkCall,
    PickUp,
    SomebodyCalls,
    TakeFromSlot,
)
from scenario_runner.ui.timeline import Timeline, timeline_of
from scenario_runner.ui.world import new_world

if TYPE_CHECKING:
    from scenario_runner.ui.gestures import Gesture

CUSTOMER = "+78120000443"
COLLEAGUE = "+74950000200"

CALLS_IN = SomebodyCalls(name="customer", extension="341", number=CUSTOMER)
COMES_UP = SomebodyCalls(name="customer", extension="341", number=CUSTOMER, answered=True)
DIALS_OUT = ExtensionDials(name="colleague", extension="342", number=COLLEAGUE)
PARKS = ParkCall(call="customer", slot=6)


def played(*gestures: Gesture, line: Timeline | None = None) -> Timeline:
    """Make the gestures one after the other."""
    line = line if line is not None else timeline_of(new_world())
    for gesture in gestures:
        line = line.do(gesture)
    return line


def pinned(line: Timeline, key: str) -> Timeline:
    """Expect what the last answer offers under this key."""
    answer = line.now.answer
    assert answer is not None
    pin = next(pin for pin in answer.pins if pin.key == key)
    return line.pin(len(line.moments) - 1, pin)


def first_hour() -> Timeline:
    """A call comes in, is parked, looked for, returns, is parked again, and taken."""
    line = played(CALLS_IN, PickUp(call="customer"), PARKS, DIALS_OUT)
    line = pinned(line.do(LookIntoSlot(call="colleague", slot=6)), "holds")
    line = line.do(ParkCall(call="colleague", slot=6)).wait_for_timer()
    line = line.pin_report(len(line.moments) - 1, line.now.returns[0])
    line = pinned(line.do(LookIntoSlot(call="colleague", slot=6)), "empty")
    line = played(PickUp(call="customer"), line=line)
    line = played(ParkCall(call="customer", slot=7), line=line.wait(20_000_000))
    line = pinned(line.do(TakeFromSlot(call="colleague", slot=7)), "with")
    return pinned(line.do(LookAtCall(call="customer")), "state")
