"""Shows a comparison as text: a table of scenarios, then every difference."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.comparing.differences import Compared, Comparison, Difference, Grade
from scenario_runner.durations import duration_text
from scenario_runner.events import (
    Event,
    InvalidFile,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    SourceRead,
    Verdict,
    Warned,
)
from scenario_runner.reporters.html.report import to_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scenario_runner.comparing.differences import Comparison
    from scenario_runner.references import Json


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
    where = f"step {difference.label}, {difference.title}: " if difference.step else ""
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


def document(comparison: Comparison) -> str:
    """Return the comparison as JSON; `tolerance` is in microseconds."""
    return json.dumps(_data(comparison), ensure_ascii=False, indent=2) + "\n"


def _data(comparison: Comparison) -> dict[str, Json]:
    return {
        "a": comparison.a,
        "b": comparison.b,
        "tolerance": comparison.tolerance,
        "exit_code": comparison.exit_code,
        "steps": comparison.steps,
        **{grade.value: comparison.count(grade) for grade in Grade},
        "scenarios": [_scenario_json(one) for one in comparison.scenarios],
    }


def _scenario_json(one: Compared) -> dict[str, Json]:
    return {
        "scenario": one.scenario,
        "name": one.name,
        "verdict": {"a": one.a, "b": one.b},
        "errored": list(one.errored),
        "steps": one.steps,
        "unreached": one.unreached,
        "supplied": [
            {"side": word.side, "step": word.step, "note": word.note} for word in one.supplied
        ],
        "differences": [_difference_json(difference) for difference in one.differences],
    }


def _difference_json(difference: Difference) -> dict[str, Json]:
    return {
        "step": difference.step,
        "label": difference.label,
        "title": difference.title,
        "what": difference.what.value,
        "grade": difference.grade.value,
        "a": difference.a,
        "b": difference.b,
        "why": difference.why,
    }


class Heard:
    """Keeps the events of both sides ("A", "B") until their comparison can be written."""

    def __init__(self) -> None:
        self._events: list[tuple[str, Event]] = []

    def hear(self, side: str, event: Event) -> None:
        """Take in one event of a side."""
        self._events.append((side, event))

    def write(self, path: str, comparison: Comparison) -> None:
        """Write the report all at once; raises UsageError where the file can't be written."""
        report = to_file(path)
        for event in _one_run(self._events, comparison):
            report.handle(event)
        tolerance = duration_text(comparison.tolerance)
        report.compare({**_data(comparison), "tolerance_text": tolerance})
        report.close()


def _one_run(heard: Iterable[tuple[str, Event]], comparison: Comparison) -> Iterator[Event]:
    """Give the events of both runs as those of one, the scenarios told apart by their sides."""
    counts: Counter[Verdict] = Counter()
    took = 0
    for side, event in heard:
        match event:
            case RunStarted():
                yield _begun(event, comparison)
            case RunFinished():
                counts.update(dict(event.counts))
                took += event.took
            case SourceRead() | Warned() | InvalidFile():
                yield event
            case ScenarioStarted():
                tags = (f"side {side}", *event.tags)
                yield replace(event, scenario=f"{side}: {event.scenario}", tags=tags)
            case ScenarioFinished():
                # The order of what happens at one moment can't be asked for of a comparison.
                yield replace(event, scenario=f"{side}: {event.scenario}", order=())
            case _:
                yield replace(event, scenario=f"{side}: {event.scenario}")
    yield RunFinished(counts=tuple(counts.items()), exit_code=comparison.exit_code, took=took)


def _begun(event: RunStarted, comparison: Comparison) -> RunStarted:
    """Return the beginning of either run as that of both; their requests go to no single host."""
    target = f"{comparison.a}, {comparison.b}"
    return replace(event, target=target, host="", driver="", base_url="", total=2 * event.total)
