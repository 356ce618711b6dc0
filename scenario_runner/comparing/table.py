"""Shows a comparison as text: a table of scenarios, then every difference."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from scenario_runner.comparing.difference import Compared, Comparison, Difference, Grade
from scenario_runner.durations import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAST = 40
_MARKS = {Grade.EXPLAINED: "~", Grade.UNEXPLAINED: "!"}


def table(comparison: Comparison, width: int) -> str:
    """Return the comparison as lines no longer than `width`, which is at least 40."""
    return "\n".join(_lines(comparison, max(width, _LEAST))) + "\n"


def _lines(comparison: Comparison, width: int) -> Iterator[str]:
    yield from _wrapped(f"A: {comparison.a}", width, "")
    yield from _wrapped(f"B: {comparison.b}", width, "")
    yield ""
    name = width - 24
    yield f"  {'scenario':{name}} steps   ~   !  "
    for scenario in comparison.scenarios:
        yield _row(scenario, name)
    for scenario in comparison.scenarios:
        if scenario.differences or scenario.errored:
            yield ""
            yield from _detail(scenario, width)
    yield ""
    yield from _wrapped(_summary(comparison), width, "")


def _row(scenario: Compared, name: int) -> str:
    explained, unexplained = (scenario.count(grade) for grade in Grade)
    mark = "=" if not explained else _MARKS[Grade.EXPLAINED]
    if unexplained or scenario.errored:
        mark = "E" if scenario.errored else _MARKS[Grade.UNEXPLAINED]
    shown = scenario.name if len(scenario.name) <= name else scenario.name[: name - 1] + "…"
    return f"{mark} {shown:{name}} {scenario.steps:5} {explained:3} {unexplained:3}".rstrip()


def _detail(scenario: Compared, width: int) -> Iterator[str]:
    yield from _wrapped(scenario.scenario, width, "")
    for side in scenario.errored:
        yield from _wrapped(f"E {side} could not find out what the PBX does", width, "  ")
    for difference in scenario.differences:
        yield from _difference(difference, width)
    if scenario.unreached:
        steps = _counted(scenario.unreached, "step")
        yield from _wrapped(f"{steps} not reached by both sides", width, "  ")


def _difference(difference: Difference, width: int) -> Iterator[str]:
    where = f"step {difference.step}, {difference.title}: " if difference.step else ""
    mark = _MARKS[difference.grade]
    yield from _wrapped(f"{mark} {where}{difference.what}", width, "  ")
    yield from _wrapped(f"A: {difference.a}", width, "      ")
    yield from _wrapped(f"B: {difference.b}", width, "      ")
    yield from _wrapped(f"{difference.grade}: {difference.why}".removesuffix(": "), width, "      ")


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent + "  ") or [
        indent
    ]


def _summary(comparison: Comparison) -> str:
    explained, unexplained = (comparison.count(grade) for grade in Grade)
    scenarios = _counted(len(comparison.scenarios), "scenario")
    errored = sum(bool(one.errored) for one in comparison.scenarios)
    words = [
        f"{scenarios}, {_counted(comparison.steps, 'step')} compared",
        f"{unexplained} unexplained (!), {explained} explained (~)",
        f"times within {duration_text(comparison.tolerance)}",
    ]
    return "; ".join(words) + (f"; {errored} errored (E)" if errored else "")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
