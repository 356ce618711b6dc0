"""Numbers of slots and extensions that are known before the run, for leases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.references import Items, Literal, Reference, Text, as_text, references

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.loading.names import Names
    from scenario_runner.loading.reading import Found
    from scenario_runner.model.steps import Binding
    from scenario_runner.references import Expression

_DEEPEST = 20


class Values:
    """What names may stand for, as far as the file says."""

    def __init__(self, names: Names, variables: tuple[Binding, ...]) -> None:
        self._known: dict[str, tuple[Expression, ...]] = {}
        for bound in names.everything:
            if bound.options:
                self._known[bound.name] = bound.options
            elif bound.value is not None:
                self._known[bound.name] = (*self._known.get(bound.name, ()), bound.value)
        self._known |= {binding.name: (binding.value,) for binding in variables}

    def in_row(self, row: dict[str, Expression]) -> Values:
        """The same, with the values of one row of the matrix."""
        made = object.__new__(Values)
        made._known = self._known | {name: (value,) for name, value in row.items()}
        return made

    def depends_on(self, names: set[str], found: Found) -> bool:
        """Whether some number named depends on one of `names`."""
        pending = [*found.slots, *found.extensions]
        seen: set[str] = set()
        while pending:
            for reference in references(pending.pop()):
                if reference.name in names:
                    return True
                if reference.name not in seen:
                    seen.add(reference.name)
                    pending.extend(self._known.get(reference.name, ()))
        return False

    def texts(self, made: Expression, depth: int = 0) -> set[str]:
        """Every text that an expression may be; empty where only the run can tell."""
        match made:
            case Literal(value):
                return {as_text(value)}
            case Reference(name, ()) if depth < _DEEPEST:
                known = (self.texts(one, depth + 1) for one in self._known.get(name, ()))
                return set().union(*known)
            case Text(parts) if depth < _DEEPEST:
                return self._joined(parts, depth)
            case Items(items) if depth:
                return set().union(*(self.texts(item, depth) for item in items))
            case _:
                return set()

    def _joined(self, parts: tuple[str | Reference, ...], depth: int) -> set[str]:
        text = ""
        for part in parts:
            known = {part} if isinstance(part, str) else self.texts(part, depth + 1)
            if len(known) != 1:
                return set()
            text += next(iter(known))
        return {text}


def numbers(expressions: Iterable[Expression], values: Values) -> tuple[str, ...]:
    """The numbers that a scenario names itself, each once, in the order first named."""
    found: dict[str, None] = {}
    for made in expressions:
        found.update(dict.fromkeys(sorted(values.texts(made))))
    return tuple(found)
