"""A scenario as a page of Markdown: title, steps in sentences, and its diagram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.documenting.expecting import phrase
from scenario_runner.documenting.sentences import sentence
from scenario_runner.documenting.values import Values
from scenario_runner.model.steps import Call, Holding, Repeat, Stays, Together, Use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.model.scenario import Scenario
    from scenario_runner.model.steps import Condition, Step

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
    told = sentence(step.action, values)
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
    if step.xfail is not None:
        parts.append(f" Known to fail: {step.xfail}.")
    return "".join(parts)


def _condition(condition: Condition, values: Values) -> str:
    if isinstance(condition, Holding):
        wanted = values.matcher(condition.matcher.matcher)
        return f"where `{Values().text(condition.that)}` is {wanted}"
    return f"on a target that can do `{condition.capability.value}`"


def _expected(step: Step, values: Values) -> str:
    phrases = [phrase(clause, values) for clause in step.expect]
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
        case Repeat(steps=steps):
            yield from _steps(steps, values, indent)
        case Use(fragment=fragment, given=given):
            known = {one.name: values.value(one.value) for one in given}
            defaults = {p.name: values.value(p.default) for p in fragment.params if p.default}
            yield from _steps(fragment.steps, Values(known={**defaults, **known}), indent)
        case _:
            pass
