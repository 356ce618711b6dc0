r"""Regular expressions that match whole texts in linear time, whatever the pattern.

Python's own engine backtracks: `(a+)+b` takes it for ever on a long text of a's. Here a pattern
becomes a small program of states that walks the text once. It knows literals, `.`, escapes such
as `\d`, classes `[a-z]`, groups, `|`, `*`, `+`, `?` and `{m,n}`; `^` and `$` may stand at the
ends and change nothing. It knows no look-around and no back-references.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias, assert_never

MOST_STATES = 20_000
_MOST_TIMES = 1_000
_DEEPEST = 50
_CLASS_ESCAPES = "dDwWsS"
_LETTER_ESCAPES = "ntrfv"
_TIMES = re.compile(r"\{([0-9]{1,6})(?:(,)([0-9]{1,6})?)?\}")
_HEX = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})")


class PatternError(ValueError):
    """A pattern that can't be understood; `offset` counts letters from 0."""

    def __init__(self, message: str, offset: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


@dataclass(frozen=True, slots=True)
class _Letter:
    """One letter that matches `test`, itself a pattern for a single letter."""

    test: str


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    options: tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class _Times:
    part: _Part
    least: int
    most: int | None


_Part: TypeAlias = _Letter | _Sequence | _Choice | _Times


@dataclass(frozen=True, slots=True)
class _Step:
    """A state: where to go without reading (`ways`), or the letter to read to get to the next."""

    test: re.Pattern[str] | None
    ways: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern."""

    text: str
    _program: tuple[_Step, ...] = field(repr=False)

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` matches."""
        program = self._program
        last = len(program)
        current = _reachable(program, [0])
        for letter in text:
            if not current:
                return False
            current = _reachable(program, _after(program, current, letter))
        return last in current


def _after(program: tuple[_Step, ...], states: set[int], letter: str) -> list[int]:
    last = len(program)
    found = []
    for state in states:
        test = program[state].test if state < last else None
        if test is not None and test.match(letter):
            found.append(state + 1)
    return found


def _reachable(program: tuple[_Step, ...], states: list[int]) -> set[int]:
    """The states reached without reading a letter; `len(program)` is the end."""
    seen = set(states)
    pending = states
    last = len(program)
    while pending:
        state = pending.pop()
        if state < last:
            fresh = [way for way in program[state].ways if way not in seen]
            seen.update(fresh)
            pending.extend(fresh)
    return seen


@cache
def compile_pattern(text: str) -> Pattern:
    """Compile a pattern; raise PatternError where it is none or would grow too large."""
    part = _Parser(text).whole()
    if _size(part) > MOST_STATES:
        raise PatternError(
            "this pattern repeats too much to be run", 0, "use smaller numbers in { }"
        )
    program: list[_Step] = []
    _emit(part, program)
    return Pattern(text, tuple(program))


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def whole(self) -> _Part:
        part = self._choice()
        if self.at < len(self.text):
            raise PatternError("this ) closes no group", self.at, "a plain ) is written \\)")
        return part

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _choice(self) -> _Part:
        options = [self._sequence()]
        while self._peek() == "|":
            self.at += 1
            options.append(self._sequence())
        return options[0] if len(options) == 1 else _Choice(tuple(options))

    def _sequence(self) -> _Part:
        parts: list[_Part] = []
        if self._peek() == "^" and self.depth == 0:
            self.at += 1
        while self._peek() not in ("", "|", ")"):
            if self._is_end():
                self.at += 1
                break
            parts.append(self._quantified())
        return parts[0] if len(parts) == 1 else _Sequence(tuple(parts))

    def _is_end(self) -> bool:
        following = self.text[self.at + 1 : self.at + 2]
        return self.depth == 0 and self._peek() == "$" and following in ("", "|")

    def _quantified(self) -> _Part:
        part = self._single()
        start = self.at
        limits = self._limits()
        if limits is None:
            return part
        if self._peek() == "?":  # lazy or greedy is the same for a whole text
            self.at += 1
        if self._peek() in ("*", "+", "?") or _TIMES.match(self.text, self.at):
            raise PatternError(
                "this repeats what is repeated already", self.at, "put the inner part in ( )"
            )
        least, most = limits
        if most is not None and most < least:
            raise PatternError("the first number is greater than the second", start)
        if max(least, most or 0) > _MOST_TIMES:
            raise PatternError(f"at most {_MOST_TIMES:,} repetitions are possible", start)
        return _Times(part, least, most)

    def _limits(self) -> tuple[int, int | None] | None:
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self._peek())
        if simple:
            self.at += 1
            return simple
        found = _TIMES.match(self.text, self.at)
        if not found:
            return None
        self.at = found.end()
        least = int(found[1])
        if not found[2]:
            return least, least
        return least, int(found[3]) if found[3] else None

    def _single(self) -> _Part:
        letter = self._peek()
        match letter:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                raise PatternError(
                    f"nothing stands before this {letter}", self.at,
                    f"a plain {letter} is written \\{letter}",
                )  # fmt: skip
            case "^" | "$":
                raise PatternError(
                    f"{letter} can stand only at the ends", self.at,
                    f"the pattern is for the whole text; a plain {letter} is written \\{letter}",
                )  # fmt: skip
        self.at += 1
        return _Letter("." if letter == "." else re.escape(letter))

    def _group(self) -> _Part:
        start = self.at
        self.at += 1
        if self._peek() == "?":
            if self.text[self.at + 1 : self.at + 2] != ":":
                raise PatternError(
                    "groups that begin with (? are not understood", start,
                    "there is no look-around, no name, no flag; write ( ) or (?: )",
                )  # fmt: skip
            self.at += 2
        self.depth += 1
        if self.depth > _DEEPEST:
            raise PatternError(f"groups are nested deeper than {_DEEPEST} levels", start)
        part = self._choice()
        self.depth -= 1
        if self._peek() != ")":
            raise PatternError("this group is never closed", start, "a plain ( is written \\(")
        self.at += 1
        return part

    def _class(self) -> _Part:
        start = self.at
        end = start + 1
        if self.text[end : end + 1] == "^":
            end += 1
        if self.text[end : end + 1] == "]":
            end += 1
        while end < len(self.text) and self.text[end] != "]":
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise PatternError("this [ is never closed", start, "a plain [ is written \\[")
        self.at = end + 1
        test = self.text[start : self.at]
        _letter_test(test, start)
        return _Letter(test)

    def _escape(self) -> _Part:
        found = _HEX.match(self.text, self.at)
        word = found[0] if found else self.text[self.at : self.at + 2]
        letter = word[1:2]
        if not letter:
            raise PatternError("nothing follows this backslash", self.at)
        if letter.isalnum() and not found and letter not in _CLASS_ESCAPES + _LETTER_ESCAPES:
            raise PatternError(
                f"{word} is not understood", self.at,
                "there are \\d \\w \\s and their opposites \\D \\W \\S, and no back-references",
            )  # fmt: skip
        self.at += len(word)
        return _Letter(word)


@cache
def _letter_test(test: str, offset: int = 0) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `[[a]` is fine here and will never mean a nested set
        try:
            return re.compile(test)
        except re.error as error:
            raise PatternError(f"{test} is no class of letters: {error.msg}", offset) from None


def _size(part: _Part) -> int:
    match part:
        case _Letter():
            return 1
        case _Sequence(parts):
            return sum(_size(one) for one in parts)
        case _Choice(options):
            return sum(_size(one) + 2 for one in options)
        case _Times(inner, least, most):
            return (_size(inner) + 2) * max(least + 1 if most is None else most, 1)
        case _:
            assert_never(part)


def _emit(part: _Part, program: list[_Step]) -> None:
    match part:
        case _Letter(test):
            program.append(_Step(_letter_test(test)))
        case _Sequence(parts):
            for one in parts:
                _emit(one, program)
        case _Choice(options):
            _emit_choice(options, program)
        case _Times(inner, least, most):
            for _ in range(least):
                _emit(inner, program)
            if most is None:
                _emit_loop(inner, program)
            else:
                _emit_optional(inner, most - least, program)
        case _:
            assert_never(part)


def _emit_choice(options: tuple[_Part, ...], program: list[_Step]) -> None:
    fork = len(program)
    program.append(_Step(None))
    starts, ends = [], []
    for option in options:
        starts.append(len(program))
        _emit(option, program)
        ends.append(len(program))
        program.append(_Step(None))
    program[fork] = _Step(None, tuple(starts))
    for end in ends:
        program[end] = _Step(None, (len(program),))


def _emit_loop(part: _Part, program: list[_Step]) -> None:
    fork = len(program)
    program.append(_Step(None))
    _emit(part, program)
    program.append(_Step(None, (fork,)))
    program[fork] = _Step(None, (fork + 1, len(program)))


def _emit_optional(part: _Part, times: int, program: list[_Step]) -> None:
    forks = []
    for _ in range(times):
        forks.append(len(program))
        program.append(_Step(None))
        _emit(part, program)
    for fork in forks:
        program[fork] = _Step(None, (fork + 1, len(program)))
