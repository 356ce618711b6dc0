"""Selects scenarios by an expression of tags, in the grammar of pytest's `-m`.

    expression: and-expression ('or' and-expression)*
    and-expression: not-expression ('and' not-expression)*
    not-expression: 'not' not-expression | '(' expression ')' | tag

A tag with a blank or a bracket in it stands in quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    Test: TypeAlias = Callable[[Set[str]], bool]


@dataclass(frozen=True, slots=True)
class TagExpression:
    """An expression: the tags that it names, and whether it holds for those of a scenario."""

    names: frozenset[str]
    holds: Test


@lru_cache(maxsize=64)
def parse_tags(text: str) -> TagExpression:
    """Read `smoke and not slow`; raise UsageError for what is no expression."""
    reader = _Reader(text)
    test = reader.either()
    reader.end()
    return TagExpression(frozenset(reader.names), test)


_TOKEN = re.compile(
    r"\s*(?:(?P<sign>[()])|'(?P<single>[^']+)'|\"(?P<double>[^\"]+)\"|(?P<word>[^\s()'\"]+))"
)
_OPERATORS = ("and", "or", "not", "(", ")")
_DEEPEST = 50


class _Reader:
    """Goes through the tokens of an expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self.names: set[str] = set()

    def either(self) -> Test:
        tests = [self._both()]
        while self._takes("or"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda tags: any(test(tags) for test in tests)

    def end(self) -> None:
        if self._rest():
            raise self._wrong("'and' or 'or' is expected")

    def _both(self) -> Test:
        tests = [self._one()]
        while self._takes("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda tags: all(test(tags) for test in tests)

    def _one(self) -> Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(f"more than {_DEEPEST} levels are too many")
        test = self._negated() if self._takes("not") else self._inner()
        self._depth -= 1
        return test

    def _negated(self) -> Test:
        inner = self._one()
        return lambda tags: not inner(tags)

    def _inner(self) -> Test:
        if self._takes("("):
            inner = self.either()
            if not self._takes(")"):
                raise self._wrong("')' is expected")
            return inner
        return self._tag()

    def _tag(self) -> Test:
        found = _TOKEN.match(self._text, self._at)
        quoted = found and (found["single"] or found["double"])
        name = quoted or (found["word"] if found else None)
        if found is None or name is None or (name in _OPERATORS and not quoted):
            raise self._wrong("a tag is expected")
        self._at = found.end()
        self.names.add(name)
        return lambda tags: name in tags

    def _takes(self, operator: str) -> bool:
        found = _TOKEN.match(self._text, self._at)
        if found is None or operator not in (found["word"], found["sign"]):
            return False
        self._at = found.end()
        return True

    def _rest(self) -> str:
        return self._text[self._at :].strip()

    def _wrong(self, problem: str) -> UsageError:
        rest = self._rest()
        where = f"before '{rest}'" if rest else "at the end"
        hint = "write tags with and, or, not and ( ): --tag 'smoke and not slow'"
        return UsageError(f"--tag '{self._text}': {problem} {where}", hint=hint)
