"""Nodes to matchers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import parse_duration
from scenario_runner.errors import did_you_mean
from scenario_runner.loading.expressions import expression
from scenario_runner.loading.nodes import Listing, Mapping
from scenario_runner.loading.reading import spot, text_of
from scenario_runner.model.matchers import (
    AllOf,
    Anything,
    AtLeast,
    AtMost,
    Between,
    Contains,
    Equals,
    IsType,
    Length,
    Matches,
    Near,
    Not,
    OneOf,
    Spanned,
    StartsWith,
)
from scenario_runner.patterns import PatternError, compile_pattern
from scenario_runner.references import Literal, Text, parse_text, part_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reading import Reading
    from scenario_runner.model.matchers import Matcher
    from scenario_runner.references import Expression


def matcher(node: Node, reading: Reading) -> Matcher:
    """A plain value that must be equal, or a map of matchers that must all hold."""
    if not isinstance(node, Mapping):
        return Equals(expression(node, reading))
    return chosen(node, reading)


def chosen(mapping: Mapping, reading: Reading) -> Matcher:
    """The matchers among the keys of a map; other keys belong to whoever calls."""
    made = tuple(
        MATCHERS[key](value, reading) for key, value in mapping.fields.items() if key in MATCHERS
    )
    return made[0] if len(made) == 1 else AllOf(made)


def spanned(mapping: Mapping, reading: Reading) -> Spanned | None:
    """The matcher that stands beside `that`, with its place; None where none stands there."""
    first = next((key for key in mapping.fields if key in MATCHERS), None)
    if first is None:
        return None
    return Spanned(chosen(mapping, reading), spot(mapping, first))


def _equals(node: Node, reading: Reading) -> Matcher:
    return Equals(expression(node, reading))


def _not(node: Node, reading: Reading) -> Matcher:
    return Not(matcher(node, reading))


def _contains(node: Node, reading: Reading) -> Matcher:
    return Contains(expression(node, reading))


def _starts_with(node: Node, reading: Reading) -> Matcher:
    return StartsWith(expression(node, reading))


def _matches(node: Node, reading: Reading) -> Matcher:
    made = parse_text(text_of(node), node.span)
    pattern = made.value if isinstance(made, Literal) else None
    if pattern is None:
        reading.problem(
            "bad-pattern", "a pattern can't contain references", node.span,
            "a plain dollar is written $$; compare with a reference by equals or contains",
        )  # fmt: skip
        return Matches("")
    try:
        compile_pattern(str(pattern))
    except PatternError as error:
        at = error.offset
        place = part_of(node.span, text_of(node), at, at + 1)
        reading.problem("bad-pattern", error.message, place, error.hint)
    return Matches(str(pattern))


def _one_of(node: Node, reading: Reading) -> Matcher:
    return OneOf(tuple(expression(item, reading) for item in items(node)))


def _at_least(node: Node, reading: Reading) -> Matcher:
    return AtLeast(amount(node, reading))


def _at_most(node: Node, reading: Reading) -> Matcher:
    return AtMost(amount(node, reading))


def _between(node: Node, reading: Reading) -> Matcher:
    low, high = (amount(item, reading) for item in items(node))
    least, most = size(low), size(high)
    if least is not None and most is not None and least > most:
        reading.problem(
            "empty-range", "the first end is greater than the second", node.span,
            "write the smaller one first",
        )  # fmt: skip
    return Between(low, high)


def _near(node: Node, reading: Reading) -> Matcher:
    fields = node.fields if isinstance(node, Mapping) else {}
    return Near(amount(fields["value"], reading), amount(fields["within"], reading))


def _type(node: Node, _: Reading) -> Matcher:
    return IsType(text_of(node))


def _length(node: Node, reading: Reading) -> Matcher:
    return Length(matcher(node, reading))


def _any(_: Node, __: Reading) -> Matcher:
    return Anything()


MATCHERS: dict[str, Callable[[Node, Reading], Matcher]] = {
    "equals": _equals,
    "not": _not,
    "contains": _contains,
    "starts_with": _starts_with,
    "matches": _matches,
    "one_of": _one_of,
    "at_least": _at_least,
    "at_most": _at_most,
    "between": _between,
    "near": _near,
    "type": _type,
    "length": _length,
    "any": _any,
}


def items(node: Node) -> list[Node]:
    """The nodes of a list."""
    return node.items if isinstance(node, Listing) else []


def amount(node: Node, reading: Reading) -> Expression:
    """A number, a duration, or a reference to one."""
    made = expression(node, reading)
    if isinstance(made, Text) or (isinstance(made, Literal) and size(made) is None):
        reading.problem(
            "not-an-amount", f"'{text_of(node)}' is neither a number nor a duration", node.span,
            "write a number (3), a duration (5s), or a reference to one ($pause)",
        )  # fmt: skip
    return made


def size(made: Expression) -> float | None:
    """How much a number or duration is; None for anything else."""
    match made:
        case Literal(bool()):
            return None
        case Literal(int() | float() as number):
            return number
        case Literal(str() as text):
            return parse_duration(text)
        case _:
            return None


def leaves(made: Matcher) -> Iterator[Expression]:
    """Every expression that a matcher compares the value itself with."""
    match made:
        case Equals(value) | AtLeast(value) | AtMost(value):
            yield value
        case Between(low, high):
            yield from (low, high)
        case Near(value, within):
            yield from (value, within)
        case OneOf(options):
            yield from options
        case Not(inner):
            yield from leaves(inner)
        case AllOf(several):
            for one in several:
                yield from leaves(one)
        case _:
            return


def unknown_word(reading: Reading, what: str, made: Expression, known: tuple[str, ...]) -> None:
    """Report a literal that is none of the known words; references are left for the run."""
    if isinstance(made, Literal) and made.value not in known:
        reading.problem(
            f"unknown-{what}", f"'{made.value}' is no {what}", made.span,
            did_you_mean(str(made.value), known) or f"known are: {', '.join(known)}",
        )  # fmt: skip
