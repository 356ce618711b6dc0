"""A duration in a scenario: known when the file is loaded, or named by a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenario_runner.references import Reference
    from scenario_runner.source import Span


@dataclass(frozen=True, slots=True)
class Duration:
    """Microseconds, or a reference to a text such as `3m10s`."""

    value: int | Reference
    span: Span | None = None
