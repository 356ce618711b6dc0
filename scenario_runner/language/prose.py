"""How a declaration says what a step does: sentences with the values of one scenario in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.language.values import Duration
    from scenario_runner.references import Expression, Json


class Prose(Protocol):
    """Writes values with what is known before the run, and names for what is not."""

    def value(self, expression: Expression) -> Json:
        """Return a value; what only the run knows is its reference, as text."""
        ...

    def text(self, expression: Expression) -> str:
        """Write a value."""
        ...

    def written(self, expression: Expression) -> str:
        """Write an expression as it stands in the file."""
        ...

    def matcher(self, matcher: Matcher) -> str:
        """Write what a matcher expects."""
        ...

    def duration(self, duration: Duration) -> str:
        """Write a duration."""
        ...


def listing(words: tuple[str, ...], last: str = "and") -> str:
    """Write `a`, `a and b`, `a, b and c`."""
    return f" {last} ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def calls(names: tuple[str, ...], last: str = "and") -> str:
    """Write the names of calls: `*customer* and *colleague*`."""
    return listing(tuple(f"*{name}*" for name in names), last)
