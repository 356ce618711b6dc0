"""Values in prose: variables by their values, what only a run can know by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import duration_text
from scenario_runner.matching import AsText, describe
from scenario_runner.model.steps import CallById, NamedCall
from scenario_runner.references import NotThere, as_text, follow, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.model.duration import Duration
    from scenario_runner.model.matchers import Matcher
    from scenario_runner.model.steps import Binding, CallTarget
    from scenario_runner.references import Expression, Json, Reference


class Values:
    """Writes values with what is known before the run."""

    def __init__(self, bindings: tuple[Binding, ...] = (), known: Mapping[str, Json] = {}) -> None:
        self._bindings = {binding.name: binding.value for binding in bindings}
        self._known = dict(known)

    def _lookup(self, reference: Reference) -> Json:
        try:
            if reference.name in self._known:
                return follow(self._known[reference.name], reference.path)
            if reference.name in self._bindings:
                return follow(resolve(self._bindings[reference.name], self._lookup), reference.path)
        except NotThere:
            pass
        return str(reference)

    def value(self, expression: Expression) -> Json:
        """Return the value, with names for what is not known yet."""
        return resolve(expression, self._lookup)

    def text(self, expression: Expression) -> str:
        """Write a value."""
        return as_text(self.value(expression))

    def matcher(self, matcher: Matcher) -> str:
        """Write what a matcher wants."""
        return describe(matcher, self.value, AsText)

    def duration(self, duration: Duration) -> str:
        """Write a duration."""
        value = duration.value
        return duration_text(value) if isinstance(value, int) else str(value)


def call_text(call: CallTarget, values: Values) -> str:
    """Name a call: by its name, or by an id that was made up."""
    match call:
        case NamedCall(name):
            return f"*{name}*"
        case CallById(call_api_id, extension):
            return f"`{values.text(call_api_id)}` at {values.text(extension)}"


def listing(words: tuple[str, ...], last: str = "and") -> str:
    """Write `a`, `a and b`, `a, b and c`."""
    return f" {last} ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
