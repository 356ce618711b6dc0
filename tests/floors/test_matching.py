from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.errors import Undecidable
from scenario_runner.language.matchers import (
    AllOf,
    Anything,
    AtLeast,
    AtMost,
    Between,
    Contains,
    Equals,
    IsType,
    JsonType,
    Length,
    Matcher,
    Matches,
    Near,
    Not,
    OneOf,
    StartsWith,
)
from scenario_runner.matching import AsText, AsTime, Exactly, View, describe, matches, same, typed
from scenario_runner.references import Expression, Json, Literal, Scalar, resolve
from scenario_runner.source import Span

HERE = Span("f", 1, 1, 1, 1)


def lit(value: Scalar) -> Literal:
    return Literal(value, HERE)


def found(expression: Expression) -> Json:
    return resolve(expression, lambda _: None)


def holds(matcher: Matcher, actual: Json, view: View = Exactly) -> bool:
    return matches(matcher, actual, found, view)


CASES: list[tuple[Matcher, list[Json], list[Json], str]] = [
    (Equals(lit(6)), [6], ["6", 6.0, True, None], "6 (number)"),
    (Equals(lit("6")), ["6"], [6], '"6" (text)'),
    (Equals(Literal(value=True, span=HERE)), [True], [1, "true"], "true (boolean)"),
    (Not(Equals(lit(None))), [0, "", False], [None], "not null"),
    (
        Contains(lit("full")),
        ["is full", ["full"], {"full": 1}],
        ["", [1], {}, 6],
        'contains "full"',
    ),
    (StartsWith(lit("+78")), ["+7812"], ["78", 78], 'starts with "+78"'),
    (Matches("a+b"), ["aab"], ["xaab", 6], "matches 'a+b'"),
    (OneOf((lit(1), lit("2"))), [1, "2"], [2, "1"], 'one of 1 (number), "2" (text)'),
    (AtLeast(lit(3)), [3, 4.5], [2, "3", None, True], "at least 3"),
    (AtMost(lit(3)), [3, -1], [4, "3"], "at most 3"),
    (Between(lit(1), lit(3)), [1, 2, 3], [0, 4, "2"], "between 1 (number) and 3 (number)"),
    (Near(lit(10), lit(2)), [8, 12], [7, 13], "10 (number), give or take 2 (number)"),
    (IsType(JsonType.INTEGER), [1], [1.5, "1", True], "a value of type integer"),
    (IsType(JsonType.NUMBER), [1, 1.5], ["1"], "a value of type number"),
    (IsType(JsonType.NULL), [None], [0], "a value of type null"),
    (IsType(JsonType.ARRAY), [[]], [{}], "a value of type array"),
    (IsType(JsonType.OBJECT), [{}], [[]], "a value of type object"),
    (IsType(JsonType.BOOLEAN), [False], [0], "a value of type boolean"),
    (IsType(JsonType.STRING), ["x"], [0], "a value of type string"),
    (Length(Equals(lit(2))), ["ab", [1, 2], {"a": 1, "b": 2}], ["a", 2, None], "a length of 2"),
    (Anything(), [None, 0, ""], [], "anything"),
    (AllOf((AtLeast(lit(1)), AtMost(lit(3)))), [2], [0, 4], "at least 1 (number) and at most 3"),
]


@pytest.mark.parametrize(("matcher", "right", "wrong", "words"), CASES)
def test_a_matcher(matcher: Matcher, right: list[Json], wrong: list[Json], words: str) -> None:
    assert [value for value in right if not holds(matcher, value)] == []
    assert [value for value in wrong if holds(matcher, value)] == []
    assert describe(matcher, found).startswith(words)


@pytest.mark.parametrize("bound", ["x", None, True])
def test_a_bound_that_is_no_number_decides_nothing(bound: Scalar) -> None:
    for matcher in (AtLeast(lit(bound)), Not(AtMost(lit(bound))), Near(lit(1), lit(bound))):
        with pytest.raises(Undecidable, match="is nothing to compare a number with"):
            holds(matcher, 1)


def test_slots_and_numbers_compare_as_text() -> None:
    assert holds(Equals(lit(6)), "6", AsText)
    assert holds(Equals(lit("6")), 6, AsText)
    assert holds(AtLeast(lit(3)), "6", AsText)
    assert not holds(Equals(lit("06")), "6", AsText)
    assert describe(Equals(lit("6")), found, AsText) == "6"


def test_durations_compare_as_times() -> None:
    assert holds(Between(lit("179s"), lit("181s")), 180_000_000, AsTime)
    assert holds(Near(lit("3m"), lit("1s")), 179_000_001, AsTime)
    assert not holds(AtMost(lit("179s")), 180_000_000, AsTime)
    assert describe(AtMost(lit("179s")), found, AsTime) == "at most 2m59s"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_sameness_is_symmetric_and_typed(left: Json, right: Json) -> None:
    assert same(left, left)
    assert same(left, right) == same(right, left)
    if same(left, right):
        assert typed(left) == typed(right)


@pytest.mark.parametrize(
    ("matcher", "right", "wrong"),
    [
        (AtMost(lit("2s")), ["2s", "0.9s", "0s", "1999ms"], ["2.000001s", "1m", 1, "soon"]),
        (AtLeast(lit("2m")), ["180s", "2m"], ["119s", 180, "3"]),
        (Between(lit("2m"), lit("4m")), ["180s"], ["1m", "5m"]),
        (Near(lit("3m"), lit("1s")), ["179s"], ["3m2s"]),
        (AtMost(lit(2)), [1], ["1s", "0s"]),
        (AtMost(lit("2s")), [], ["1"]),
        (Between(lit("0s"), lit(9)), [], ["1s"]),
    ],
)
def test_bounds_compare_durations_with_durations_and_numbers_with_numbers(
    matcher: Matcher, right: list[Json], wrong: list[Json]
) -> None:
    for value in right:
        assert holds(matcher, value)
    for value in wrong:
        try:
            assert not holds(matcher, value)
        except Undecidable:
            assert not isinstance(value, str)
