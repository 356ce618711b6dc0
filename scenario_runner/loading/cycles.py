"""Finds variables that need each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.references import references

if TYPE_CHECKING:
    from scenario_runner.language.actions import Binding


def circle(bindings: tuple[Binding, ...]) -> list[str] | None:
    """Return the names of a circle, its first name again at the end, or None."""
    names = {binding.name for binding in bindings}
    needs = {
        binding.name: {ref.name for ref in references(binding.value)} & names
        for binding in bindings
    }
    needed_by: dict[str, list[str]] = {name: [] for name in names}
    for name, wanted in needs.items():
        for one in wanted:
            needed_by[one].append(name)
    waiting = {name: len(wanted) for name, wanted in needs.items()}
    free = [name for name, count in waiting.items() if not count]
    while free:
        done = free.pop()
        del waiting[done]
        for name in needed_by[done]:
            waiting[name] -= 1
            if not waiting[name]:
                free.append(name)
    return _walk({name: sorted(needs[name] & waiting.keys()) for name in waiting})


def _walk(needs: dict[str, list[str]]) -> list[str] | None:
    """Follow needs, all of which lead into a circle, until a name comes again."""
    if not needs:
        return None
    name = next(iter(needs))
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = needs[name][0]
    return [*seen[seen.index(name) :], name]
