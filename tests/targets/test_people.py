"""Calls that people place: what they are told, and which number is the same as another."""

from __future__ import annotations

import pytest

from scenario_runner.durations import SECOND
from scenario_runner.pbx.commands import PlaceCall
from scenario_runner.pbx.people import Appeal, instruction, is_wanted, same_number, too_late

ANY = PlaceCall(extension="341", flow="out", party="any", answered=False, window=45 * SECOND)
CUSTOMER = PlaceCall(
    extension="341", flow="in", party="+78120000443", instruction="A customer calls"
)


def test_instructions_say_what_to_do() -> None:
    assert instruction(ANY) == "Please call any telephone from extension 341"
    assert instruction(CUSTOMER) == (
        "A customer calls: call extension 341 from +78120000443 and answer it"
    )


def test_the_time_that_is_left_is_told_seldom_at_first_and_often_in_the_end() -> None:
    told: list[str] = []
    appeal = Appeal(told.append, ANY)
    left = 45 * SECOND
    while left > 0:
        appeal.left(left)
        left -= appeal.until_next(left)
    assert told == [f"still waiting: {left} left" for left in ("30s", "10s", "5s")]


def test_whoever_looks_often_tells_no_more() -> None:
    told: list[str] = []
    appeal = Appeal(told.append, ANY)
    for seconds in range(45, 0, -1):
        appeal.left(seconds * SECOND)
    assert told == [f"still waiting: {left} left" for left in ("30s", "10s", "5s")]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("+7 (812) 000-04-43", "+78120000443", True), ("341", "342", False), ("*68", "68", False),
     ("", "", True), ("anonymous", "unknown", False), ("anonymous", "anonymous", True)],
)  # fmt: skip
def test_numbers_are_the_same_however_they_are_written(one: str, other: str, same: bool) -> None:
    assert same_number(one, other) is same


def test_a_call_from_anybody_may_come_from_anybody() -> None:
    assert is_wanted(ANY, "4321")
    assert is_wanted(CUSTOMER, "7 812 000 04 43")
    assert not is_wanted(CUSTOMER, "4321")


def test_what_was_lacking_when_the_time_was_up() -> None:
    assert too_late(ANY, rang=False) == "no call within 45s"
    assert too_late(ANY, rang=True) == "it rang, and nobody answered in 45s"
