"""What the files say about a scenario's steps that decides how two runs of it are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.durations import SECOND
from scenario_runner.model.steps import AwaitEvent, Bridge, Call, Repeat, Together, Use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.model.scenario import Scenario
    from scenario_runner.model.steps import Step
    from scenario_runner.source import Span

_UNHURRIED = (Call, Together, Repeat, Use)

Wanted: TypeAlias = tuple[str, str | None]
"""An event that a scenario waits for: its type, and the name of its call if one is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Steps by their places in the files.

    `random` are those that leave something to chance, `unhurried` those whose time is not compared:
    calls coming up, which takes as long as people take, and what has steps of its own inside;
    `pauses` are the microseconds between two looks of a step that asks again. `events` are those
    that the scenario waits for, whose order therefore matters.
    """

    random: frozenset[Span]
    unhurried: frozenset[Span]
    pauses: dict[Span, int]
    events: frozenset[Wanted]


def declared(scenario: Scenario) -> Declared:
    """Return what the scenario's files say."""
    steps = list(_all((*scenario.steps, *scenario.cleanup)))
    return Declared(
        random=frozenset(step.span for step in steps if _is_random(step)),
        unhurried=frozenset(step.span for step in steps if isinstance(step.action, _UNHURRIED)),
        pauses={step.span: _pause(step) for step in steps},
        events=frozenset(
            (step.action.type.value, step.action.call.name if step.action.call else None)
            for step in steps
            if isinstance(step.action, AwaitEvent)
        ),
    )


def _all(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        yield step
        match step.action:
            case Together(branches):
                for branch in branches:
                    yield from _all(branch)
            case Repeat(steps=inner):
                yield from _all(inner)
            case Use(fragment=fragment):
                yield from _all(fragment.steps)
            case _:
                pass


def _is_random(step: Step) -> bool:
    match step.action:
        case Together():
            return True
        case Bridge(slot=None):
            return True
        case _:
            return False


def _pause(step: Step) -> int:
    if step.repeating is None:
        return 0
    every = step.repeating.every.value
    return every if isinstance(every, int) else SECOND
