"""What the lot and the ladder look like at a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenario_runner.durations import MINUTE, SECOND
from scenario_runner.events import Exchange, PbxReported
from scenario_runner.reporters.ladder import Arrow, ArrowKind
from scenario_runner.ui.gestures import (
    LookIntoSlot,
    ParkCall,
    PickUp,
    PutDown,
    SomebodyCalls,
    TakeFromSlot,
)
from scenario_runner.ui.ladder_view import LadderView
from scenario_runner.ui.lot import LotFacts, LotView, lot_view, position_at
from scenario_runner.ui.timeline import Timeline
from tests.ui.hand import CALLS_IN, COMES_UP, DIALS_OUT, PARKS, first_hour, played

if TYPE_CHECKING:
    from scenario_runner.ui.gestures import Gesture

FACTS = LotFacts(
    slots=(1, 20),
    extensions=("341", "342", "343"),
    park_timeout=3 * MINUTE,
    ring_timeout=30 * SECOND,
)


def seen(line: Timeline, after: int = 0) -> LotView:
    return lot_view(line.now.picture, line.now.at + after, FACTS)


def lamps(view: LotView) -> dict[str, str]:
    return {one.number: one.lamp for one in view.extensions if one.lamp != "free"}


def test_a_slot_tells_who_is_there_and_how_long_still() -> None:
    line = played(COMES_UP, PARKS).wait(100 * SECOND)
    slot = next(one for one in seen(line).slots if one.call)
    assert slot.label == "Slot 6: customer, +78120000443, parked by 341, 1m20s left"
    assert slot.share == pytest.approx(80 / 180)
    slot = next(one for one in seen(line, after=30 * SECOND).slots if one.call)
    assert slot.left == "50s"
    assert slot.share == pytest.approx(50 / 180)
    free = [one for one in seen(line).slots if not one.call]
    assert len(free) == 19
    assert free[0].label == "Slot 1: free"


def test_seconds_are_full_ones_so_that_nothing_is_over_too_early() -> None:
    slot = next(one for one in seen(played(COMES_UP, PARKS), after=179_999_999).slots if one.call)
    assert slot.left == "1s"


def test_lamps_tell_what_an_extension_does() -> None:
    assert lamps(seen(played(CALLS_IN))) == {"341": "ringing"}
    assert lamps(seen(played(COMES_UP, DIALS_OUT))) == {"341": "talking", "342": "talking"}
    second = SomebodyCalls(name="second", extension="341", number="+7")
    assert lamps(seen(played(COMES_UP, second))) == {"341": "two calls"}
    assert lamps(seen(played(COMES_UP, PARKS))) == {}
    label = seen(played(CALLS_IN)).extensions[0].label
    assert label == "Extension 341: ringing: customer, rings 341"


def test_people_tell_what_they_do_and_what_can_be_done() -> None:
    def person(line: Timeline) -> tuple[str, tuple[type[Gesture], ...]]:
        one = seen(line).people[0]
        return one.where, one.actions

    assert person(played(CALLS_IN)) == ("rings 341", (PickUp, PutDown))
    assert person(played(COMES_UP))[0] == "talks to 341"
    assert person(played(COMES_UP, PARKS)) == ("waits in slot 6", (LookIntoSlot, PutDown))
    returned = played(COMES_UP, PARKS).wait_for_timer()
    assert person(returned)[0] == "back from its slot, rings 341"
    assert seen(returned).people[0].left == "30s"


def test_two_calls_that_are_joined_are_one_conversation() -> None:
    view = seen(played(COMES_UP, PARKS, DIALS_OUT, TakeFromSlot(call="colleague", slot=6)))
    assert [(one.name, one.partner) for one in view.people] == [("customer", "colleague")]
    assert lamps(view) == {"342": "talking"}


def test_what_is_not_in_the_target_s_lot_is_shown_all_the_same() -> None:
    line = played(COMES_UP, ParkCall(call="customer", slot=6))
    facts = LotFacts(slots=(701, 703), extensions=("801",), park_timeout=MINUTE)
    view = lot_view(line.now.picture, 0, facts)
    assert [slot.number for slot in view.slots] == ["701", "702", "703", "6"]
    view = lot_view(played(COMES_UP).now.picture, 0, facts)
    assert [one.number for one in view.extensions] == ["801", "341"]


def test_a_lot_of_thousands_is_not_drawn_whole() -> None:
    line = played(COMES_UP, PARKS)
    view = lot_view(line.now.picture, 0, LotFacts(slots=(1000, 99_999)))
    assert len(view.slots) == 201
    assert view.slots[-1].call == "customer"


def test_the_slider_stands_between_moments_too() -> None:
    line = played(COMES_UP, PARKS).wait_for_timer()
    index = len(line.moments) - 2
    there = position_at(line, index + 0.5)
    assert (there.index, there.at) == (index, 90 * SECOND)
    assert position_at(line, 99).index == len(line.moments) - 1
    assert position_at(line, -1).index == 0


def ladder_of(line: Timeline, *, http: bool = True) -> LadderView:
    view = LadderView(http=http)
    view.show(line)
    return view


def test_a_ladder_grows_with_its_timeline() -> None:
    line = first_hour()
    grown = LadderView()
    for index in range(1, len(line.moments) + 1):
        grown.show(line.up_to(index - 1))
    whole = ladder_of(line)
    last = len(line.moments) - 1
    assert grown.window(last).ladder == whole.window(last).ladder


def test_a_branch_has_a_ladder_of_its_own() -> None:
    line = first_hour()
    view = ladder_of(line)
    other = line.up_to(3).do(PutDown(call="customer"))
    view.show(other)
    assert view.window(4).ladder == ladder_of(other).window(4).ladder


def test_the_mark_stands_below_what_has_happened() -> None:
    line = first_hour()
    view = ladder_of(line)
    marks = [view.window(index).mark for index in range(len(line.moments))]
    assert marks == sorted(marks)
    assert marks[0] == 0
    assert marks[-1] == len(view.window(len(line.moments) - 1).ladder.rows)


def test_http_can_be_folded_away() -> None:
    line = first_hour()
    rows = ladder_of(line, http=False).window(0).ladder.rows
    kinds = {row.kind for row in rows if isinstance(row, Arrow)}
    assert kinds == {ArrowKind.CALL, ArrowKind.EVENT}


def test_each_arrow_leads_to_its_moment_and_to_what_it_stands_for() -> None:
    line = first_hour()
    view = ladder_of(line)
    window = view.window(len(line.moments) - 1)
    assert window.first == 0
    for number, row in enumerate(window.ladder.rows):
        event = view.event_of(number)
        if not isinstance(row, Arrow) or row.kind is ArrowKind.CALL:
            assert event is None
            continue
        expected = PbxReported if row.kind is ArrowKind.EVENT else Exchange
        assert isinstance(event, expected), row
        assert event in line.moments[view.moment_of(number)].events


def test_of_a_long_session_only_a_window_is_drawn() -> None:
    line = played(COMES_UP)
    for _ in range(150):
        line = line.do(LookIntoSlot(call="customer", slot=6))
    line = line.do(PARKS).do(PickUp(call="customer"))
    view = ladder_of(line)
    middle = view.window(75)
    assert len(middle.ladder.rows) <= 90
    assert middle.hidden_before > 100
    assert middle.hidden_after > 100
    assert 40 <= middle.mark < 60
    early, late = view.window(75), view.window(76)
    assert early.ladder is late.ladder, "the window stands still while the moment moves in it"
