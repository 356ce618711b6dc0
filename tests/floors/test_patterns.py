from __future__ import annotations

import re
import subprocess
import sys
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenario_runner.errors import Undecidable
from scenario_runner.matching import (
    MOST_PATTERN,
    MOST_TEXT,
    PatternError,
    compile_pattern,
    matches_pattern,
)

ATOMS = st.sampled_from(
    ["a", "b", "0", ".", r"\d", r"\w", r"\s", r"\D", "[ab]", "[^a]", "[a-c0]", r"\.", r"\[",
     r"\N{SPACE}", "[]a]", "[[a]", "[)(]", "{", "{e}", "{e<=1}", "(?=a)", "(?<!b)", r"\b", "(?i:A)"]
)  # fmt: skip
TIMES = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{,3}", "{1,}", "*?", "+?", "*+"])
PATTERNS = st.recursive(
    ATOMS | st.just(""),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "(" + "|".join(parts) + ")"),
        st.tuples(inner, TIMES).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=8,
)
TEXTS = st.text("abA0.-[]{e} \nc", max_size=8)
CATASTROPHE = ("(a|aa)+[bc]", "a" * 200_000)


def whole(pattern: str, text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.fullmatch(pattern, text) is not None


@settings(deadline=None, max_examples=300)
@given(PATTERNS, TEXTS)
def test_agrees_with_python(pattern: str, text: str) -> None:
    assert matches_pattern(pattern, text) == whole(pattern, text)


@settings(deadline=None, max_examples=300)
@given(st.text("ab0.*+?|()[]{}^$\\d,-:xi#", max_size=10), TEXTS)
def test_any_text_is_a_pattern_or_a_pattern_error(pattern: str, text: str) -> None:
    try:
        compile_pattern(pattern)
    except PatternError as refused:
        error = refused
    else:
        assert matches_pattern(pattern, text) == whole(pattern, text)
        return
    assert 0 <= error.offset <= len(pattern)
    assert error.message


@pytest.mark.parametrize("text", ["Слот", "slot_6", "Łódź", "٣"])
def test_letters_and_digits_are_those_of_all_languages(text: str) -> None:
    assert matches_pattern(r"\w+", text)


def test_a_line_break_at_the_end_belongs_to_the_text() -> None:
    assert not matches_pattern("^ab$", "ab\n")


@pytest.mark.parametrize(
    ("pattern", "offset", "hint"),
    [
        ("(a", 0, r"a plain ( is written \("),
        ("a)", 1, r"a plain ) is written \)"),
        ("[a", 0, r"a plain [ is written \["),
        ("a**", 2, r"a plain * is written \*"),
        ("*a", 0, r"a plain * is written \*"),
        ("a{3,1}", 2, None),
        ("a{99999999999}", 0, None),
        (r"(a)\2", 4, None),
        ("[z-a]", 1, None),
        ("a\\", 1, None),
        ("(?R)", 1, r"a plain ? is written \?"),
        (r"\p{Lu}", 0, None),
        ("b(?x:a )", 1, "write comments with # beside it, in YAML"),
        ("a(?# b)", 1, "write comments with # beside it, in YAML"),
        ("(" * 490 + ")" * 490, 0, None),
        ("((a{1000}){1000})", 2, "use smaller numbers in { }"),
        ("((a{1000}){1000}){1000}", 2, "use smaller numbers in { }"),
        ("a" * (MOST_PATTERN + 1), 0, None),
    ],
)  # fmt: skip
def test_what_is_not_understood(pattern: str, offset: int, hint: str | None) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern)
    assert (caught.value.offset, caught.value.hint) == (offset, hint)
    assert caught.value.message


@pytest.mark.parametrize(
    "pattern", ["(a{100}){200}", "(ab){0,9999}c", "[(]{2}", r"\({2}\)", "(?:a){3}"]
)
def test_what_repeats_within_the_limit(pattern: str) -> None:
    compile_pattern(pattern)


@pytest.mark.parametrize("pattern", [CATASTROPHE[0], "(a+)+b", "(a*)*[bc]", r"(\w+\s?)*[0-9]"])
def test_a_match_that_takes_too_long_is_given_up(pattern: str) -> None:
    with pytest.raises(Undecidable, match=r"took longer than 0\.01s on a text of 200,000 letters"):
        matches_pattern(pattern, CATASTROPHE[1], seconds=0.01)


def test_a_text_that_is_too_long_is_not_even_begun() -> None:
    assert matches_pattern("a*", "a" * MOST_TEXT)
    with pytest.raises(Undecidable, match="1,000,001 letters is too long for the pattern 'a\\*'"):
        matches_pattern("a*", "a" * (MOST_TEXT + 1))


INTERRUPTED = f"""
import signal
from scenario_runner.matching import matches_pattern
signal.signal(signal.SIGALRM, signal.default_int_handler)  # what Ctrl-C does, without a terminal
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    matches_pattern({CATASTROPHE[0]!r}, "a" * 200_000, seconds=600)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no timers that send signals on Windows")
def test_ctrl_c_ends_a_match_at_once() -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "interrupted\n"
