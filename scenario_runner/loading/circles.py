"""Finds variables that need each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.references import references

if TYPE_CHECKING:
    from scenario_runner.model.steps import Binding


def circle(bindings: tuple[Binding, ...]) -> list[str] | None:
    """Return the names of a circle, its first name again at the end, or None."""
    names = {binding.name for binding in bindings}
    needs = {
        binding.name: [ref.name for ref in references(binding.value) if ref.name in names]
        for binding in bindings
    }
    while True:
        free = [name for name, wanted in needs.items() if not any(w in needs for w in wanted)]
        if not free:
            break
        for name in free:
            del needs[name]
    return _walk(needs) if needs else None


def _walk(needs: dict[str, list[str]]) -> list[str]:
    """Follow needs, all of which lead into a circle, until a name comes again."""
    name = next(iter(needs))
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = next(wanted for wanted in needs[name] if wanted in needs)
    return [*seen[seen.index(name) :], name]
