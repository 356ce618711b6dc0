"""How far a run is, from its events as they happen: the line that lives at a terminal's foot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND, rounded_text
from scenario_runner.events import RunStarted, ScenarioFinished, ScenarioStarted, StepStarted
from scenario_runner.printable import one_line
from scenario_runner.reporters.text import count_text

if TYPE_CHECKING:
    from scenario_runner.events import Event

_WORTH_SAYING = 5.0
"""Seconds before which a guess at the time left would only flicker."""


@dataclass(slots=True)
class _Running:
    """A scenario that is running: its step, since when, and how long that may take; seconds."""

    name: str
    step: str = ""
    since: float = 0.0
    patience: float = 0.0

    def left(self, now: float) -> float:
        return max(0.0, self.patience - (now - self.since))


class Progress:
    """Counts the scenarios of a run that are done, and knows what the others are doing.

    Unlike a reporter it hears of scenarios that run side by side as things happen, not one
    scenario after the other. Times are seconds of the real clock. `status` is about whatever
    runs the scenarios elsewhere, and shown also while nothing runs here.
    """

    def __init__(self) -> None:
        self._total = 0
        self._failures = 0
        self._begin: float | None = None
        self._done = 0
        self._running: dict[str, _Running] = {}
        self.status = ""

    def hear(self, event: Event, now: float) -> None:
        """Take in what has just happened."""
        self._begin = now if self._begin is None else self._begin
        match event:
            case RunStarted():
                self._total = event.total
            case ScenarioStarted():
                self._running[event.scenario] = _Running(event.name, since=now)
            case StepStarted():
                running = self._running.get(event.scenario)
                if running is not None:
                    running.step, running.since = f"step {event.label}, {event.title}", now
                    running.patience = event.patience / SECOND
            case ScenarioFinished():
                self._running.pop(event.scenario, None)
                if event.final:
                    self._done += 1
                    self._failures += event.verdict.bad
            case _:
                pass

    def line(self, now: float) -> str:
        """Return what is shown at this moment; empty where nothing is running."""
        if self._begin is None or not (self._running or self.status):
            return ""
        parts = [self._how_far(now - self._begin), self.status, self._what_runs(now)]
        return " · ".join(part for part in parts if part)

    def _what_runs(self, now: float) -> str:
        running = list(self._running.values())
        if not running:
            return ""
        longest = max(running, key=lambda one: one.left(now))
        parts = [one_line(longest.name)]
        parts += [one_line(longest.step)] if longest.step else []
        left = longest.left(now)
        parts += [f"waits {_text(left)} at most"] if left >= 1 else []
        others = len(running) - 1
        return " · ".join(parts) + (f" · {others} more running" if others else "")

    def _how_far(self, spent: float) -> str:
        done = self._done
        text = f"{done:,} of {self._total:,} done"
        if self._failures:
            text += f", {count_text(self._failures, 'failure')}"
        text += f", {_text(spent)}"
        left = self._total - done
        if done and left > 0 and spent >= _WORTH_SAYING:
            text += f", about {_text(spent / done * left)} left"
        return text


def _text(seconds: float) -> str:
    return rounded_text(round(seconds) * SECOND)
