"""Scenarios as prose: what each step does and expects, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import duration_text
from scenario_runner.language.actions import Call, Holding, Stays, Together, Use
from scenario_runner.matching import AsText, describe
from scenario_runner.references import (
    NotThere,
    TooLarge,
    as_text,
    follow,
    in_order,
    references,
    resolve,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scenario_runner.language.actions import Binding, Condition, Step
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.values import Duration
    from scenario_runner.references import Expression, Json, Reference


class Values:
    """Writes values with what is known before the run."""

    def __init__(self, bindings: tuple[Binding, ...] = (), known: Mapping[str, Json] = {}) -> None:
        self._bindings = {binding.name: binding.value for binding in bindings}
        self._known = dict(known)

    def _lookup(self, reference: Reference) -> Json:
        for one in in_order(reference.name, self._needs, self._known):
            if one in self._bindings:
                self._known[one] = self.value(self._bindings[one])
        try:
            return follow(self._known[reference.name], reference.path)
        except (KeyError, NotThere):
            return str(reference)

    def _needs(self, name: str) -> list[str]:
        if name not in self._bindings:
            return []
        return [one.name for one in references(self._bindings[name])]

    def value(self, expression: Expression) -> Json:
        """Return the value, with names for what is not known yet."""
        try:
            return resolve(expression, self._lookup)
        except TooLarge:
            return self.written(expression)

    def text(self, expression: Expression) -> str:
        """Write a value."""
        return as_text(self.value(expression))

    def written(self, expression: Expression) -> str:
        """Write an expression as it stands in the file."""
        return as_text(resolve(expression, str))

    def matcher(self, matcher: Matcher) -> str:
        """Write what a matcher wants."""
        return describe(matcher, self.value, AsText)

    def duration(self, duration: Duration) -> str:
        """Write a duration."""
        value = duration.value
        return duration_text(value) if isinstance(value, int) else str(value)


_DEEPER = "    "


def page(scenario: Scenario, rows: tuple[Scenario, ...] = (), diagram: str = "") -> str:
    """Return a section of Markdown.

    `rows` are the other rows of the same matrix; `diagram` is a Mermaid sequence diagram.
    """
    return "\n".join(_lines(scenario, rows, diagram)) + "\n"


def _lines(scenario: Scenario, rows: tuple[Scenario, ...], diagram: str) -> Iterator[str]:
    values = Values(scenario.vars)
    yield f"## {scenario.name}"
    yield ""
    if scenario.description:
        yield scenario.description.strip()
        yield ""
    if scenario.tags:
        yield "Tags: " + ", ".join(f"`{tag}`" for tag in scenario.tags)
        yield ""
    if scenario.xfail is not None:
        yield f"Known to fail: {scenario.xfail}"
        yield ""
    if scenario.when is not None:
        yield f"Only {_condition(scenario.when, values)}."
        yield ""
    yield from _steps(scenario.steps, values, "")
    yield ""
    if scenario.cleanup:
        yield "Afterwards, whatever happened:"
        yield ""
        yield from _steps(scenario.cleanup, values, "")
        yield ""
    if rows:
        yield "The same is done with other values:"
        yield ""
        yield from (f"- {row.name}" for row in rows)
        yield ""
    if diagram:
        yield "```mermaid"
        yield diagram.rstrip()
        yield "```"
        yield ""
    yield f"*{scenario.file}, line {scenario.span.line}*"


def _steps(steps: tuple[Step, ...], values: Values, indent: str) -> Iterator[str]:
    for number, step in enumerate(steps, 1):
        yield from _step(f"{number}.", step, values, indent)


def _step(mark: str, step: Step, values: Values, indent: str) -> Iterator[str]:
    told = step.action.said(values)
    name = f"**{values.text(step.name)}.** " if step.name is not None else ""
    yield f"{indent}{mark} {name}{told}.{_manner(step, values)}{_expected(step, values)}"
    yield from _inner(step, values, indent + _DEEPER)


def _manner(step: Step, values: Values) -> str:
    parts: list[str] = []
    if step.when is not None:
        parts.append(f" Only {_condition(step.when, values)}.")
    if isinstance(step.repeating, Stays):
        parts.append(f" This must hold for {values.duration(step.repeating.during)}.")
    elif step.repeating is not None:
        parts.append(f" It is asked again for up to {values.duration(step.repeating.within)}.")
    elif step.within is not None and not isinstance(step.action, Call):
        parts.append(f" This happens within {values.duration(step.within)}.")
    if step.soft:
        parts.append(" If this fails, the scenario goes on all the same, and fails at its end.")
    if step.xfail is not None:
        parts.append(f" Known to fail: {step.xfail}.")
    return "".join(parts)


def _condition(condition: Condition, values: Values) -> str:
    if isinstance(condition, Holding):
        wanted = values.matcher(condition.matcher.matcher)
        return f"where `{values.written(condition.that)}` is {wanted}"
    return f"on a target that can do `{condition.capability.value}`"


def _expected(step: Step, values: Values) -> str:
    phrases = [clause.phrase(values) for clause in step.expect]
    return f" Expected: {'; '.join(phrases)}." if phrases else ""


def _inner(step: Step, values: Values, indent: str) -> Iterator[str]:
    match step.action:
        case Together(branches):
            for branch in branches:
                if len(branch) == 1:
                    yield from _step("-", branch[0], values, indent)
                else:
                    yield f"{indent}- one after the other:"
                    yield from _steps(branch, values, indent + _DEEPER)
        case Use(fragment=fragment, given=given):
            known = {one.name: values.value(one.value) for one in given}
            defaults = {p.name: values.value(p.default) for p in fragment.params if p.default}
            yield from _steps(fragment.steps, Values(known={**defaults, **known}), indent)
        case action:
            yield from _steps(action.steps_inside(), values, indent)
