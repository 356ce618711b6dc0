from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenario_runner.patterns import PatternError, compile_pattern

ATOMS = st.sampled_from(
    ["a", "b", "0", ".", r"\d", r"\w", r"\s", r"\D", "[ab]", "[^a]", "[a-c0]", r"\.", r"\[", "[]a]"]
)  # fmt: skip
TIMES = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,3}", "{1,}", "*?", "+?"])
PATTERNS = st.recursive(
    ATOMS | st.just(""),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "(" + "|".join(parts) + ")"),
        st.tuples(inner, TIMES).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=8,
)
TEXTS = st.text("ab0.-[] \nc", max_size=8)


@settings(deadline=None, max_examples=400)
@given(PATTERNS, TEXTS)
def test_agrees_with_the_standard_engine(pattern: str, text: str) -> None:
    assert compile_pattern(pattern).matches(text) == bool(re.fullmatch(pattern, text))


@settings(deadline=None, max_examples=300)
@given(st.text("ab0.*+?|()[]{}^$\\d,-", max_size=10), TEXTS)
def test_any_text_is_a_pattern_or_a_pattern_error(pattern: str, text: str) -> None:
    try:
        compiled = compile_pattern(pattern)
    except PatternError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `[[a]` is no nested set, here or there
        assert compiled.matches(text) == bool(re.fullmatch(pattern, text))


def test_time_grows_with_the_text_alone() -> None:
    assert not compile_pattern("(a+)+b").matches("a" * 5_000)
    assert not compile_pattern("(a|a)*c").matches("a" * 5_000)


@pytest.mark.parametrize("pattern", ["^ab$", "^a|b$", "a|^b", "^$", "$"])
def test_anchors_at_the_ends_change_nothing(pattern: str) -> None:
    for text in ("", "a", "b", "ab", "a\n"):
        assert compile_pattern(pattern).matches(text) == bool(re.fullmatch(pattern, text))


@pytest.mark.parametrize(
    ("pattern", "offset"),
    [
        ("(a", 0),
        ("a)", 1),
        ("[a", 0),
        ("a**", 2),
        ("*a", 0),
        ("a{3,1}", 1),
        ("a{9999}", 1),
        ("ab(?=c)", 2),
        ("(?P<x>a)", 0),
        ("(?i)a", 0),
        (r"(a)\1", 3),
        (r"\bword", 0),
        ("a$b", 1),
        ("a^", 1),
        ("[z-a]", 0),
        ("a\\", 1),
        ("(" * 60, 50),
        ("((a{1000}){1000})", 0),
    ],
)
def test_what_is_not_understood(pattern: str, offset: int) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern)
    assert caught.value.offset == offset
    assert caught.value.message
