from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.references import (
    Fields,
    Items,
    Json,
    Literal,
    NotThere,
    Reference,
    Text,
    as_text,
    follow,
    in_order,
    parse_path,
    parse_text,
    path_text,
    references,
    resolve,
)
from scenario_runner.source import Span

HERE = Span("f", 1, 1, 1, 1)
VALUES: dict[str, Json] = {"a": {"b": [1, {"c": "deep"}]}, "n": 6, "none": None, "t": True}


def look(reference: Reference) -> Json:
    return follow(VALUES[reference.name], reference.path)


def resolved(text: str) -> Json:
    return resolve(parse_text(text, HERE), look)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("$n", 6),
        ("${n}", 6),
        ("$none", None),
        ("$a.b[0]", 1),
        ("$a.b.0", 1),
        ("$a.b[1].c", "deep"),
        ("slot $n!", "slot 6!"),
        ("${n}th", "6th"),
        ("/valet_park/$a.b[1].c", "/valet_park/deep"),
        ("costs $$5", "costs $5"),
        ("$5 and $", "$5 and $"),
        ("$$n", "$n"),
        ("is $t, $none", "is true, null"),
    ],
)
def test_text_with_references(text: str, value: Json) -> None:
    assert resolved(text) == value


def test_lists_and_maps_are_resolved_inside() -> None:
    n = Reference("n", (), HERE)
    whole = Fields((("x", Items((n, Literal("y", HERE)), HERE)),), HERE)
    assert resolve(whole, look) == {"x": [6, "y"]}
    assert [r.name for r in references(whole)] == ["n"]
    assert [r.name for r in references(parse_text("$n of $a.b", HERE))] == ["n", "a"]
    assert list(references(Literal(1, HERE))) == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("b[7]", "a list of 2 has no '7'"),
        ("c", "there is no 'c' (there is: b)"),
        ("b[0].x", "1 has no 'x'"),
        ("b[1].c.x", "text has no 'x'"),
    ],
)
def test_a_path_that_leads_nowhere_says_what_is_there(path: str, message: str) -> None:
    with pytest.raises(NotThere) as caught:
        follow(VALUES["a"], parse_path(path))
    assert str(caught.value) == message


def test_paths_are_written_as_typed() -> None:
    assert path_text(parse_path("call_list[0].uuid")) == "call_list[0].uuid"
    assert str(Reference("a", ("b", 0), HERE)) == "$a.b[0]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ({"a": [1, "b"]}, "{a: [1, b]}"),
        ([], "[]"),
    ],
)
def test_values_are_written_as_typed(value: Json, text: str) -> None:
    assert as_text(value) == text


@given(st.text())
def test_any_text_is_parsed_and_without_a_dollar_kept(text: str) -> None:
    parsed = parse_text(text, HERE)
    if "$" not in text:
        assert parsed == Literal(text, HERE)
    assert isinstance(parsed, Literal | Reference | Text)


@given(
    st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 9), max_size=4), min_size=1),
    st.sets(st.integers(0, 9)),
)
def test_what_is_needed_comes_first_and_each_once(
    graph: dict[int, list[int]], done: set[int]
) -> None:
    def needs(name: str) -> list[str]:
        return [str(other) for other in graph.get(int(name), ())]

    start = str(next(iter(graph)))
    known = {str(one) for one in done}
    order = []
    for name in in_order(start, needs, known):
        assert name not in known
        order.append(name)
        known.add(name)
    assert start in known
    forwards = all(other < one for one, others in graph.items() for other in others)
    if forwards:
        for index, name in enumerate(order):
            assert set(needs(name)) <= {str(one) for one in done} | set(order[:index])
