"""What an expectation may say about a value; one frozen class for each kind of matcher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from scenario_runner.references import Expression
    from scenario_runner.source import Span


@dataclass(frozen=True, slots=True)
class Equals:
    """The value is this one, types included."""

    expected: Expression


@dataclass(frozen=True, slots=True)
class Not:
    """The inner matcher does not hold."""

    inner: Matcher


@dataclass(frozen=True, slots=True)
class Contains:
    """A text contains this text, a list has this item, a map has this key."""

    part: Expression


@dataclass(frozen=True, slots=True)
class StartsWith:
    """A text begins with this text."""

    prefix: Expression


@dataclass(frozen=True, slots=True)
class Matches:
    """The whole text matches the regular expression; `patterns` says which are understood."""

    pattern: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of these."""

    options: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A number or duration is this much or more."""

    bound: Expression


@dataclass(frozen=True, slots=True)
class AtMost:
    """A number or duration is this much or less."""

    bound: Expression


@dataclass(frozen=True, slots=True)
class Between:
    """A number or duration lies between the two, both included."""

    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class Near:
    """A number or duration differs from `value` by no more than `within`."""

    value: Expression
    within: Expression


@dataclass(frozen=True, slots=True)
class IsType:
    """The value is of this JSON type: string, integer, number, boolean, array, object, null."""

    name: str


@dataclass(frozen=True, slots=True)
class Length:
    """The number of letters, items or keys matches."""

    inner: Matcher


@dataclass(frozen=True, slots=True)
class Anything:
    """The value is there, whatever it is."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Several matchers hold at once."""

    inner: tuple[Matcher, ...]


Matcher: TypeAlias = (
    Equals
    | Not
    | Contains
    | StartsWith
    | Matches
    | OneOf
    | AtLeast
    | AtMost
    | Between
    | Near
    | IsType
    | Length
    | Anything
    | AllOf
)


@dataclass(frozen=True, slots=True)
class Spanned:
    """A matcher and where it stands in its file."""

    matcher: Matcher
    span: Span
