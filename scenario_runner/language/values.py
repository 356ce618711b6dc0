"""Values that a scenario compares or waits for: durations and other amounts."""

from __future__ import annotations

from msgspec import Struct

from scenario_runner.durations import parse_duration
from scenario_runner.references import Expression, Literal, Reference
from scenario_runner.source import Span


class Duration(Struct, frozen=True):
    """Microseconds, or a reference to a text such as `3m10s`."""

    value: int | Reference
    span: Span | None = None


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
