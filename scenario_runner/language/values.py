"""Values that a scenario compares or waits for: durations and other amounts."""

from __future__ import annotations

import re

from msgspec import Struct

from scenario_runner.durations import parse_duration
from scenario_runner.references import Expression, Literal, Reference
from scenario_runner.source import Span


class Duration(Struct, frozen=True):
    """Microseconds, or a reference to a text such as `3m10s`."""

    value: int | Reference
    span: Span | None = None


_NUMBER = "0|[1-9][0-9]{0,8}"
_RANGE = re.compile(f"({_NUMBER})-({_NUMBER})")


def parse_range(text: str) -> range | None:
    """Return the numbers of `1-20`, both ends included; None where it is no ascending range."""
    found = _RANGE.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        return None
    return range(int(found[1]), int(found[2]) + 1)


def is_slot_list(expression: Expression) -> bool:
    """Tell whether it is `$target.slots`, the list of the target's slots."""
    return isinstance(expression, Reference) and (expression.name, expression.path) == SLOT_LIST


SLOT_LIST = ("target", ("slots",))


def size(expression: Expression) -> float | None:
    """How much a number or a duration is; None for anything else, and where only the run knows."""
    match expression:
        case Literal(bool()):
            return None
        case Literal(int() | float() as number):
            return number
        case Literal(str() as text):
            return parse_duration(text)
        case _:
            return None
