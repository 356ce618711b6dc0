"""A duration in a scenario: known when the file is loaded, or named by a reference."""

from __future__ import annotations

from msgspec import Struct

from scenario_runner.references import Reference
from scenario_runner.source import Span


class Duration(Struct, frozen=True):
    """Microseconds, or a reference to a text such as `3m10s`."""

    value: int | Reference
    span: Span | None = None
