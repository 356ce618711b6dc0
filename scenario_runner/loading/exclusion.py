"""Whether two conditions can never hold at once, as far as literals show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.model.matchers import Equals, Not, OneOf
from scenario_runner.model.steps import Holding
from scenario_runner.references import Fields, Items, Literal, Reference, Text

if TYPE_CHECKING:
    from scenario_runner.model.matchers import Matcher
    from scenario_runner.model.steps import Condition
    from scenario_runner.references import Expression


def exclude_one_another(left: tuple[Condition, ...], right: tuple[Condition, ...]) -> bool:
    """Whether some condition of the left can't hold together with some condition of the right."""
    return any(_exclusive(one, other) for one in left for other in right)


def _exclusive(one: Condition, other: Condition) -> bool:
    if not isinstance(one, Holding) or not isinstance(other, Holding):
        return False
    if shape(one.that) != shape(other.that):
        return False
    left, right = _values(one.matcher.matcher), _values(other.matcher.matcher)
    if left is None or right is None:
        return False
    (left_listed, left_values), (right_listed, right_values) = left, right
    if left_listed and right_listed:
        return not left_values & right_values
    if left_listed:
        return left_values <= right_values
    return right_listed and right_values <= left_values


def _values(matcher: Matcher) -> tuple[bool, frozenset[str]] | None:
    """(True, the only values allowed) or (False, the values forbidden); None where unknown."""
    match matcher:
        case Equals(Literal(value)):
            return True, frozenset([repr(value)])
        case OneOf(options) if all(isinstance(option, Literal) for option in options):
            return True, frozenset(shape(option) for option in options)
        case Not(inner):
            known = _values(inner)
            return None if known is None else (not known[0], known[1])
        case _:
            return None


def shape(expression: Expression) -> str:
    """An expression without its places, for comparing."""
    match expression:
        case Literal(value):
            return repr(value)
        case Reference():
            return str(expression)
        case Text(parts):
            return "".join(str(part) for part in parts)
        case Items(items):
            return "[" + ",".join(shape(item) for item in items) + "]"
        case Fields(fields):
            return "{" + ",".join(f"{name}:{shape(item)}" for name, item in fields) + "}"
