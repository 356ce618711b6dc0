"""What a run showed of each scenario, gathered from its events for the comparison."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.events import (
    Event,
    Exchange,
    PbxReported,
    ScenarioFinished,
    ScenarioStarted,
    StepFinished,
    StepStarted,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.references import Json


_LEASED = ("slot", "extension")


@dataclass(slots=True, kw_only=True)
class StepSeen:
    """One step of a run: how it began, its exchanges with the PBX, how it ended."""

    started: StepStarted
    exchanges: list[Exchange] = field(default_factory=list)
    finished: StepFinished | None = None

    @property
    def verdict(self) -> str:
        """Its verdict; a step that never ended has none."""
        return self.finished.verdict if self.finished is not None else ""

    @property
    def protocol(self) -> str:
        """What was spoken with the PBX, empty where nothing was."""
        return self.exchanges[-1].protocol if self.exchanges else ""


@dataclass(slots=True, kw_only=True)
class ScenarioSeen:
    """One scenario of a run, its steps by their places, and what the PBX reported by itself.

    `awaited` is how many reports had come when the last step ended that waits for one: what comes
    later is nothing that the scenario waits for.
    """

    started: ScenarioStarted
    steps: dict[str, StepSeen] = field(default_factory=dict)
    reported: list[PbxReported] = field(default_factory=list)
    awaited: int = 0
    finished: ScenarioFinished | None = None

    @property
    def verdict(self) -> str:
        """Its verdict; a scenario that never ended has none."""
        return self.finished.verdict if self.finished is not None else ""

    def named(self, answer: tuple[tuple[str, str], ...]) -> str:
        """Write an answer; slots and extensions that were leased are told by their names.

        Which ones a scenario gets depends on what else runs.
        """
        names = {number: f"${name}" for name, number in self.started.leased}
        told = [
            f"{field} {names.get(value, value) if field in _LEASED else value}"
            for field, value in answer
        ]
        return ", ".join(told) or "nothing"

    def finish(self, event: StepFinished) -> None:
        """Take in the end of a step."""
        step = self.steps[event.step]
        step.finished = event
        if step.started.action == "event":
            self.awaited = len(self.reported)


def gather(events: Iterable[Event]) -> dict[str, ScenarioSeen]:
    """Return the scenarios of a run by their ids."""
    seen: dict[str, ScenarioSeen] = {}
    for event in events:
        match event:
            case ScenarioStarted():
                seen[event.scenario] = ScenarioSeen(started=event)
            case StepStarted():
                seen[event.scenario].steps[event.step] = StepSeen(started=event)
            case Exchange() if event.step in seen[event.scenario].steps:
                seen[event.scenario].steps[event.step].exchanges.append(event)
            case StepFinished():
                seen[event.scenario].finish(event)
            case PbxReported():
                seen[event.scenario].reported.append(event)
            case ScenarioFinished():
                seen[event.scenario].finished = event
            case _:
                pass
    return seen


def shape(step: StepSeen) -> str:
    """Return the fields and types of the step's last answer, empty where it has no JSON body."""
    if not step.exchanges:
        return ""
    _, _, body = step.exchanges[-1].received.partition("\n\n")
    try:
        return _shape(json.loads(body))
    except ValueError:
        return ""


def _shape(value: Json) -> str:
    match value:
        case dict():
            fields = ", ".join(f"{name}: {_shape(value[name])}" for name in sorted(value))
            return f"{{{fields}}}"
        case list():
            return f"[{', '.join(sorted({_shape(item) for item in value}))}]"
        case bool():
            return "true or false"
        case int() | float():
            return "number"
        case None:
            return "null"
        case _:
            return "text"
