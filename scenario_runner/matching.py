"""Decides whether a value matches, and says in words what was expected."""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import TYPE_CHECKING, TypeAlias, assert_never

from scenario_runner.durations import duration_text, parse_duration
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
    Length,
    Matcher,
    Matches,
    Near,
    Not,
    OneOf,
    StartsWith,
)
from scenario_runner.references import Expression, Json, as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import regex

Resolve: TypeAlias = "Callable[[Expression], Json]"


class Exactly:
    """Values as they are, types included."""

    @staticmethod
    def view(value: Json) -> Json:
        """Return the value as it is compared."""
        return value

    @staticmethod
    def number(value: Json) -> float | None:
        """Return the value as a number, or None where it is none."""
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    @staticmethod
    def show(value: Json) -> str:
        """Write the value for a message, with its type."""
        return typed(value)


class AsText:
    """Numbers and their digits are the same: slots, extensions, telephone numbers."""

    @staticmethod
    def view(value: Json) -> Json:
        """Return the value as it is compared."""
        return as_text(value) if isinstance(value, (int, float)) else value

    @staticmethod
    def number(value: Json) -> float | None:
        """Return the value as a number, or None where it is none."""
        return float(value) if isinstance(value, str) and value.isdecimal() else None

    @staticmethod
    def show(value: Json) -> str:
        """Write the value for a message."""
        return as_text(value)


class AsTime:
    """Durations: `3m10s` is a number of microseconds."""

    @staticmethod
    def view(value: Json) -> Json:
        """Return the value as it is compared."""
        microseconds = parse_duration(value) if isinstance(value, str) else None
        return value if microseconds is None else microseconds

    @staticmethod
    def number(value: Json) -> float | None:
        """Return the value as a number, or None where it is none."""
        return Exactly.number(value)

    @staticmethod
    def show(value: Json) -> str:
        """Write the value for a message."""
        return duration_text(value) if isinstance(value, int) else as_text(value)


View: TypeAlias = type[Exactly] | type[AsText] | type[AsTime]


def matches(matcher: Matcher, actual: Json, resolve: Resolve, view: View = Exactly) -> bool:
    """Tell whether `actual` matches; raises what `resolve` raises for a reference."""

    def value(expression: Expression) -> Json:
        return view.view(resolve(expression))

    actual = view.view(actual)
    match matcher:
        case Not(inner):
            return not matches(inner, actual, resolve, view)
        case AllOf(several):
            return all(matches(one, actual, resolve, view) for one in several)
        case Length(inner):
            return isinstance(actual, (str, list, dict)) and matches(inner, len(actual), resolve)
        case AtLeast() | AtMost() | Between() | Near():
            if view is Exactly and _all_durations(actual, *map(resolve, _bounds(matcher))):
                view = AsTime
                actual = view.view(actual)
            return _matches_bound(
                matcher,
                view.number(actual),
                lambda e: view.number(value(e)),
                lambda e: typed(resolve(e)),
            )
        case Contains() | StartsWith() | Matches():
            return _matches_part(matcher, actual, value)
        case _:
            return _matches_whole(matcher, actual, value)


def _bounds(matcher: AtLeast | AtMost | Between | Near) -> tuple[Expression, ...]:
    match matcher:
        case AtLeast(bound) | AtMost(bound):
            return (bound,)
        case Between(first, second) | Near(first, second):
            return (first, second)
        case _:
            assert_never(matcher)


def _all_durations(*values: Json) -> bool:
    return all(isinstance(value, str) and parse_duration(value) is not None for value in values)


def _matches_whole(
    matcher: Equals | OneOf | IsType | Anything, actual: Json, value: Resolve
) -> bool:
    match matcher:
        case Equals(expected):
            return same(actual, value(expected))
        case OneOf(options):
            return any(same(actual, value(option)) for option in options)
        case IsType(name):
            return name in json_types(actual)
        case Anything():
            return True
        case _:
            assert_never(matcher)


def _matches_part(matcher: Contains | StartsWith | Matches, actual: Json, value: Resolve) -> bool:
    match matcher:
        case Contains(part):
            wanted = value(part)
            if isinstance(actual, str):
                return as_text(wanted) in actual
            if isinstance(actual, list):
                return any(same(item, wanted) for item in actual)
            return isinstance(actual, dict) and wanted in actual
        case StartsWith(prefix):
            return isinstance(actual, str) and actual.startswith(as_text(value(prefix)))
        case Matches(pattern):
            return isinstance(actual, str) and matches_pattern(pattern, actual)
        case _:
            assert_never(matcher)


def _matches_bound(
    matcher: AtLeast | AtMost | Between | Near,
    number: float | None,
    bound: Callable[[Expression], float | None],
    show: Callable[[Expression], str],
) -> bool:
    def limit(expression: Expression) -> float:
        found = bound(expression)
        if found is None:  # no answer, or `not` would make a success of it
            raise Undecidable(f"{show(expression)} is nothing to compare a number with")
        return found

    if number is None:
        return False
    match matcher:
        case AtLeast(low):
            return number >= limit(low)
        case AtMost(high):
            return number <= limit(high)
        case Between(low, high):
            return limit(low) <= number <= limit(high)
        case Near(middle, within):
            return abs(number - limit(middle)) <= limit(within)
        case _:
            assert_never(matcher)


def same(left: Json, right: Json) -> bool:
    """Deep equality with types: 1, 1.0, true and "1" all differ."""
    if type(left) is not type(right):
        return False  # for Python 1 == 1.0 == True
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    return left == right


def json_types(value: Json) -> tuple[str, ...]:
    """Return the JSON names of the value's type; a whole number is also a number."""
    match value:
        case None:
            return ("null",)
        case bool():
            return ("boolean",)
        case int():
            return ("integer", "number")
        case float():
            return ("number",)
        case str():
            return ("string",)
        case list():
            return ("array",)
        case dict():
            return ("object",)
        case _:
            assert_never(value)


def typed(value: Json) -> str:
    """Write a value with its type, so that 6 and "6" look different."""
    match value:
        case None:
            return "null"
        case str():
            return f'"{value}" (text)'
        case bool():
            return f"{as_text(value)} (boolean)"
        case int() | float():
            return f"{value} (number)"
        case list():
            return f"{as_text(value)} (list)"
        case dict():
            return f"{as_text(value)} (map)"
        case _:
            assert_never(value)


def describe(matcher: Matcher, resolve: Resolve, view: View = Exactly) -> str:
    """Say what a matcher expects: `between 179s and 181s`, `contains "full" (text)`."""

    def show(expression: Expression) -> str:
        return view.show(view.view(resolve(expression)))

    match matcher:
        case Not(inner):
            return "not " + describe(inner, resolve, view)
        case AllOf(several):
            return " and ".join(describe(one, resolve, view) for one in several)
        case Length(inner):
            return "a length of " + describe(inner, resolve)
        case AtLeast() | AtMost() | Between() | Near():
            return _describe_bound(matcher, show)
        case _:
            return _describe_value(matcher, show)


def _describe_value(
    matcher: Equals | OneOf | IsType | Anything | Contains | StartsWith | Matches,
    show: Callable[[Expression], str],
) -> str:
    match matcher:
        case Equals(expected):
            return show(expected)
        case OneOf(options):
            return "one of " + ", ".join(show(option) for option in options)
        case IsType(name):
            return f"a value of type {name}"
        case Anything():
            return "anything"
        case Contains(part):
            return "contains " + show(part)
        case StartsWith(prefix):
            return "starts with " + show(prefix)
        case Matches(pattern):
            return f"matches '{pattern}'"
        case _:
            assert_never(matcher)


def _describe_bound(
    matcher: AtLeast | AtMost | Between | Near, show: Callable[[Expression], str]
) -> str:
    match matcher:
        case AtLeast(bound):
            return "at least " + show(bound)
        case AtMost(bound):
            return "at most " + show(bound)
        case Between(low, high):
            return f"between {show(low)} and {show(high)}"
        case Near(value, within):
            return f"{show(value)}, give or take {show(within)}"
        case _:
            assert_never(matcher)


MOST_PATTERN = 1_000
"""How many letters a pattern may have."""
MOST_TEXT = 1_000_000
"""How many letters a text may have that is matched with a pattern."""
PATTERN_SECONDS = 1.0
"""How long one match may take."""


class PatternError(ValueError):
    """A pattern that can't be run; `offset` counts letters from 0."""

    def __init__(self, message: str, offset: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


def matches_pattern(pattern: str, text: str, seconds: float = PATTERN_SECONDS) -> bool:
    """Tell whether the whole of `text` matches; raise Undecidable where that takes too long."""
    letters = f"{len(text):,} letters"
    if len(text) > MOST_TEXT:
        message = f"a text of {letters} is too long for the pattern '{pattern}'"
        raise Undecidable(message, hint=f"the limit is {MOST_TEXT:,} letters; `contains` has none")
    try:
        return compile_pattern(pattern).fullmatch(text, timeout=seconds) is not None
    except (TimeoutError, MemoryError):
        message = f"the pattern '{pattern}' took longer than {seconds:g}s on a text of {letters}"
        hint = "nested repetition such as (a+)+ takes for ever on a text that does not match"
        raise Undecidable(message, hint=hint) from None


@cache
def compile_pattern(pattern: str) -> regex.Pattern[str]:
    """Compile a regular expression of Python's syntax; raise PatternError where it can't be run."""
    import regex

    if len(pattern) > MOST_PATTERN:
        message = f"the pattern has {len(pattern):,} letters, and at most {MOST_PATTERN:,} may be"
        raise PatternError(message, 0)
    try:
        # Python's own compiler is asked first: it knows none of the extensions of `regex`, and
        # points to a group that is never closed where `regex` points to the end of the pattern.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `[[a]` may be a nested set in some later Python
            re.compile(pattern)
        tokens = list(re.finditer(_TOKEN, pattern, re.DOTALL | re.VERBOSE))
        _check_repetition(tokens)
        return regex.compile("".join("\\{" if t[0] == "{" else t[0] for t in tokens))
    except (re.error, regex.error) as error:
        raise _pattern_error(error, pattern) from None
    except (OverflowError, RecursionError):
        raise PatternError("the pattern repeats or nests too much", 0) from None


def _pattern_error(error: re.error | regex.error, pattern: str) -> PatternError:
    offset: int = error.pos or 0  # type: ignore[union-attr]  # types-regex leaves both out
    message: str = error.msg  # type: ignore[union-attr]
    letter = pattern[offset : offset + 1]
    special = letter != "" and letter in "()[]{}*+?"
    hint = f"a plain {letter} is written \\{letter}" if special else None
    return PatternError(message, offset, hint)


_TOKEN = r"""
    \\N\{ [^}]* \}  |  \\.                                # an escape: one letter
  | \[ \^? \]? (?: \\. | [^]\\] )* \]                     # a class: one letter
  | (?P<comment> \(\? (?: \# | [a-z]*x ) )  |  \( | \)    # a group, or its end
  | \{ (?P<least> [0-9]+ ) (?: ,[0-9]* )? \}              # so often, or more often
  | \{ ,[0-9]* \}  |  .                                   # from none on; any other letter
"""
_MOST_REPEATED = 20_000


def _check_repetition(tokens: list[re.Match[str]]) -> None:
    """Refuse what nested {m,n} blow up: `regex` writes the m repetitions out, gigabytes of them."""
    for token in tokens:
        if token["comment"]:
            message = "a pattern can't have comments, nor the flag x"
            raise PatternError(message, token.start(), "write comments with # beside it, in YAML")
    size, times, around = 0, 1, [1]
    for token in reversed(tokens):  # from its end, where "how often" comes before "what"
        if token["least"]:
            times = max(int(token["least"]), 1)
            continue
        match token[0]:
            case ")":
                around.append(around[-1] * times)
            case "(":
                around.pop()
            case _:
                size += around[-1] * times
        times = 1
        if size > _MOST_REPEATED:
            raise PatternError(
                "this repeats too often", token.start(), "use smaller numbers in { }"
            )
