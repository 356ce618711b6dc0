"""What an expectation may say about a value; one frozen class for each kind of matcher."""

# Annotations are evaluated here: the kinds in them are read where a schema or a reader is made.
from enum import StrEnum
from typing import Annotated, TypeAlias, get_args

from msgspec import Struct

from scenario_runner.language.kinds import AMOUNT, TEXT, VALUE, Kind, Shape, Word, by_word, one_of
from scenario_runner.references import Expression
from scenario_runner.source import Span

MATCHER = Kind(
    name="matcher",
    noun="a value or a matcher",
    sentence="A plain value that must be equal, or one of: {words}.",
    unknown_key="where a matcher is expected",
    schema={"minProperties": 1},
    choices=lambda: MATCHERS,
    shared="matcher",
)
MATCHER_BESIDE = Kind(name="matcher beside", choices=lambda: MATCHERS, spread=True)


class JsonType(StrEnum):
    """The types of JSON, by their names."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    NULL = "null"


class MatcherBase(Word, frozen=True):
    """What all matchers are: a word with a value under it."""

    shape = Shape.VALUE


class Equals(MatcherBase, frozen=True):
    """The value is exactly this, types included: 6 and "6" differ in a body."""

    word = "equals"
    shared = "equals"
    expected: Annotated[Expression, VALUE]


class Not(MatcherBase, frozen=True):
    """The opposite: the value, or the matcher, does not hold.

    'not: 6', 'not: {contains: parked}'.
    """

    word = "not"
    inner: Annotated["Matcher", MATCHER]


class Contains(MatcherBase, frozen=True):
    """A text contains this text, a list has this item, a map has this key."""

    word = "contains"
    shared = "contains"
    part: Annotated[
        Expression,
        VALUE(noun="a value", type=["string", "number", "boolean", "null", "object", "array"]),
    ]


class StartsWith(MatcherBase, frozen=True):
    """A text begins with this."""

    word = "starts_with"
    shared = "startsWith"
    prefix: Annotated[Expression, VALUE(noun="text", type=["string", "integer"])]


class Matches(MatcherBase, frozen=True):
    """The whole text matches this regular expression; write it in single quotes.

    No look-around, no back-references.
    """

    word = "matches"
    shared = "matches"
    pattern: Annotated[str, TEXT(name="pattern", noun="a pattern", examples=["[0-9a-f-]{36}"])]


class OneOf(MatcherBase, frozen=True):
    """The value is one of these."""

    word = "one_of"
    shared = "oneOf"
    options: Annotated[
        tuple[Expression, ...],
        VALUE(name="values", noun="a list of values", type="array", minItems=1),
    ]


class AtLeast(MatcherBase, frozen=True):
    """The number or duration is this much or more."""

    word = "at_least"
    shared = "atLeast"
    bound: Annotated[Expression, AMOUNT]


class AtMost(MatcherBase, frozen=True):
    """The number or duration is this much or less."""

    word = "at_most"
    shared = "atMost"
    bound: Annotated[Expression, AMOUNT]


class Between(MatcherBase, frozen=True):
    """The number or duration lies between the two, both included: [179s, 182s]."""

    word = "between"
    shared = "between"
    kind = Kind(
        name="two amounts",
        noun="a list of two, the smaller first",
        schema={
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": AMOUNT("One end of the range."),
        },
    )
    low: Expression
    high: Expression


class Near(MatcherBase, frozen=True):
    """The number or duration differs from 'value' by no more than 'within'.

    For example {value: $target.park_timeout, within: 1s}.

    - value: What the value should be about.
    - within: How far off it may be.
    """

    word = "near"
    shared = "near"
    shape = Shape.MAP
    noun = "a map with value and within"
    unknown_key = ""
    value: Annotated[Expression, AMOUNT]
    within: Annotated[Expression, AMOUNT]


class IsType(MatcherBase, frozen=True):
    """The value is of this type."""

    word = "type"
    shared = "type"
    name: Annotated[JsonType, one_of(JsonType, "a JSON type")]


class Length(MatcherBase, frozen=True):
    """The number of letters, items or keys: a number, or a matcher such as {at_least: 1}."""

    word = "length"
    inner: Annotated["Matcher", MATCHER]


class Anything(MatcherBase, frozen=True):
    """true: the value is there, whatever it is."""

    word = "any"
    shared = "any"
    kind = Kind(name="only true", noun="true", schema={"type": "boolean", "enum": [True]})


class AllOf(MatcherBase, frozen=True):
    """Several matchers hold at once: what a map with more than one of them means."""

    inner: tuple["Matcher", ...]


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
MATCHERS: tuple[type[Matcher], ...] = get_args(Matcher)
MATCHER_WORDS = by_word(MATCHERS)


class Spanned(Struct, frozen=True):
    """A matcher and where it stands in its file."""

    matcher: Matcher
    span: Span
