"""`--tag` takes expressions in the grammar of pytest's `-m`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.errors import NothingSelected, UsageError
from scenario_runner.execution.selection import Selection, select
from scenario_runner.execution.tag_expressions import parse_tags
from scenario_runner.loading.documents import LoadOptions, load_text

TAGS = ("smoke", "slow", "night", "race")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("smoke", True),
        ("slow", False),
        ("not slow", True),
        ("smoke and not slow", True),
        ("smoke and slow or p-1", True),
        ("smoke and (slow or r2.0)", False),
        ("not (slow or r2.0)", True),
        ("not not smoke", True),
        ("'smoke' and \"p-1\"", True),
        (" smoke  and(p-1) ", True),
        ("'and'", False),
    ],
)
def test_an_expression_holds_or_not(text: str, holds: bool) -> None:
    assert parse_tags(text).holds({"smoke", "p-1"}) is holds


EXPRESSIONS = st.recursive(
    st.sampled_from(TAGS),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not {one}"),
        inner.map(lambda one: f"({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS, st.sets(st.sampled_from(TAGS)))
def test_it_means_what_it_means_to_python(text: str, tags: set[str]) -> None:
    theirs = eval(text, {tag: tag in tags for tag in TAGS})
    assert parse_tags(text).holds(tags) == theirs


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a tag is expected at the end"),
        ("smoke and", "a tag is expected at the end"),
        ("and smoke", "a tag is expected before 'and smoke'"),
        ("smoke slow", "'and' or 'or' is expected before 'slow'"),
        ("(smoke", "')' is expected at the end"),
        ("smoke)", "'and' or 'or' is expected before ')'"),
        ("'smoke", "a tag is expected before ''smoke'"),
        ("(" * 1000, "more than 50 levels are too many"),
        ("not " * 1000, "more than 50 levels are too many"),
    ],
)
def test_what_is_no_expression_says_where(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_tags(text)
    assert told in caught.value.message


def scenario(name: str, tags: str) -> str:
    return f"""---
scenario: {name}
tags: [{tags}]
steps:
  - call: {{as: customer, extension: 341, from: "+7812"}}
  - calls: {{call: customer}}
    expect: {{state: up}}
"""


SUITE = load_text(
    scenario("a", "smoke") + scenario("b", "smoke, slow") + scenario("c", "slow"),
    "a.scenario.yaml",
    LoadOptions(),
).scenarios


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        (("smoke and not slow",), "a"),
        (("smoke and not slow", "slow and not smoke"), "ac"),
        (("not smoke",), "c"),
        (("smoke or slow",), "abc"),
    ],
)
def test_several_expressions_mean_any_of_them(tags: tuple[str, ...], names: str) -> None:
    assert "".join(one.name for one in select(SUITE, Selection(tags=tags))) == names


@pytest.mark.parametrize("tags", [("smok",), ("not slo",), ("smoke", "smok"), ("smoke or slo",)])
def test_a_tag_that_no_scenario_has_selects_nothing(tags: tuple[str, ...]) -> None:
    with pytest.raises(NothingSelected) as caught:
        select(SUITE, Selection(tags=tags))
    assert caught.value.hint in ("did you mean 'smoke'?", "did you mean 'slow'?")
