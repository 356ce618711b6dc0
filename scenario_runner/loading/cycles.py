"""Finds variables that need each other, and those that grow beyond bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.references import (
    Json,
    NotThere,
    Reference,
    TooLarge,
    follow,
    in_order,
    references,
    resolve,
)

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


def too_large(bindings: tuple[Binding, ...]) -> tuple[Binding, str] | None:
    """Return the first variable that grows beyond bounds, as far as the file says, and how."""
    named = {binding.name: binding for binding in bindings}
    values: dict[str, Json] = {}

    def needs(name: str) -> list[str]:
        return [one.name for one in references(named[name].value) if one.name in named]

    def lookup(reference: Reference) -> Json:
        try:
            return follow(values[reference.name], reference.path)
        except (KeyError, NotThere):
            return None

    for start in named:
        for name in in_order(start, needs, values):
            try:
                values[name] = resolve(named[name].value, lookup)
            except TooLarge as error:
                return named[name], str(error)
    return None
