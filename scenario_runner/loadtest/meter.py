"""Makes figures of the events of arrivals.

A latency counts from the intended start: what a late generator adds belongs to the first step and
to the scenario. Of a step that asks again and again each exchange is one latency of its action.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND
from scenario_runner.engine.verdict import INTERRUPTED
from scenario_runner.events import (
    CallChanged,
    Exchange,
    ScenarioFinished,
    StepFinished,
    StepStarted,
    Verdict,
)
from scenario_runner.language.vocabulary import CallState
from scenario_runner.loadtest.figures import Figures, Interval, Refusal, Subject, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenario_runner.events import Event, Failure
    from scenario_runner.loadtest.arrivals import Schedule


MOST_INTERVALS = 200
MOST_REASONS = 50
_LONGEST = 160
_ROUND = re.compile(r"\[[0-9]+\]")
_NUMBERS = re.compile(r"[0-9a-f]*[0-9][0-9a-f-]*")
_UNMEASURED = (Verdict.SKIPPED, Verdict.NOT_APPLICABLE)


@dataclass(slots=True)
class Gauges:
    """What is there at this moment: scenarios that run, calls that are up, slots that are taken."""

    running: int = 0
    calls: int = 0
    slots: int = 0

    def add(self, other: Gauges) -> None:
        """Add what is there of another generator."""
        self.running += other.running
        self.calls += other.calls
        self.slots += other.slots


class Meter:
    """The figures so far; arrivals of the warm-up are not among them."""

    def __init__(self, schedule: Schedule) -> None:
        length = max(SECOND, -(-schedule.end // MOST_INTERVALS // SECOND) * SECOND)
        self.schedule = schedule
        self.figures = Figures(length)
        self.gauges = Gauges()
        self.leaks: list[str] = []

    def counts(self, intended: int) -> bool:
        """Tell whether an arrival of this moment is measured, or belongs to the warm-up."""
        return intended >= self.schedule.warm_up

    def interval(self, moment: int) -> Interval:
        """Return the interval in which a moment lies; those before it are made, too."""
        figures = self.figures
        place = min(moment, self.schedule.end - 1) // figures.length
        while len(figures.intervals) <= place:
            at = len(figures.intervals) * figures.length
            rate = self.schedule.rate_at(at + figures.length // 2)
            figures.intervals.append(Interval(at=at, rate=rate))
        return figures.intervals[place]

    def look(self, moment: int, stall: int) -> None:
        """Take down the gauges, and by how much the event loop was late to look at them."""
        interval = self.interval(moment)
        interval.running = max(interval.running, self.gauges.running)
        interval.calls = max(interval.calls, self.gauges.calls)
        interval.slots = max(interval.slots, self.gauges.slots)
        if self.counts(moment):
            self.figures.stalls.record(stall)

    def blocked(self, scenario: str, intended: int, reason: str) -> None:
        """Count an arrival for which nothing was free."""
        for tally in self._tallies(scenario, intended):
            tally.arrived += 1
            tally.blocked += 1
        if self.counts(intended):
            self.figures.blocked[reason] += 1

    def _tallies(self, scenario: str, intended: int) -> list[Tally]:
        """Return all tallies to which an arrival belongs."""
        interval = self.interval(intended).tally
        if not self.counts(intended):
            return [interval]
        return [interval, self.figures.tally, self.figures.tally_of(scenario)]

    def begun(self, scenario: str, intended: int, lag: int) -> ArrivalMeter:
        """Count an arrival that begins; `lag` is by how much it is late."""
        interval = self.interval(intended)
        interval.lag = max(interval.lag, lag)
        self.gauges.running += 1
        arrival = ArrivalMeter(self, interval, scenario, lag)
        arrival.tallies = self._tallies(scenario, intended)
        for tally in arrival.tallies:
            tally.arrived += 1
        if self.counts(intended):
            self.figures.late.record(lag)
            arrival.figures = self.figures
        return arrival


@dataclass(slots=True)
class _OpenStep:
    action: str
    title: str
    took: list[int] = field(default_factory=list)
    lost: bool = False


class ArrivalMeter:
    """Takes in the events of one arrival; `figures` is None during the warm-up."""

    def __init__(self, meter: Meter, interval: Interval, scenario: str, lag: int) -> None:
        self.verdict = Verdict.ERRORED
        self._meter = meter
        self._interval = interval
        self._scenario = scenario
        self._lag = lag
        self._unmeasured_lag = lag
        self._steps: dict[str, _OpenStep] = {}
        self._calls: dict[str, bool] = {}
        self.figures: Figures | None = None
        self.tallies: list[Tally] = []

    def handle(self, event: Event) -> None:
        """Take in an event."""
        match event:
            case StepStarted():
                self._steps[event.step] = _OpenStep(event.action, event.title)
            case Exchange() if event.step in self._steps:
                step = self._steps[event.step]
                step.took.append(event.took)
                step.lost |= event.outcome == "lost"
            case StepFinished():
                self._step(event, self._steps.pop(event.step))
            case CallChanged():
                self._call(event)
            case ScenarioFinished():
                self._finished(event)

    def _step(self, event: StepFinished, step: _OpenStep) -> None:
        self._reason(event.verdict, event.failures)
        waited = step.action == "event" and event.verdict not in _UNMEASURED
        asked = event.outcome or (step.lost and event.verdict is Verdict.ERRORED)
        if asked or waited:
            self._latencies(event, step)
        if asked:
            self._command(event, step.action)

    def _latencies(self, event: StepFinished, step: _OpenStep) -> None:
        """Measure a step that asked the PBX or waited for it, also where the answer was lost."""
        took, self._unmeasured_lag = event.took + self._unmeasured_lag, 0
        asked = step.took if event.attempts and step.took else [took]
        action = Subject(self._scenario, step.action)
        for one in asked:
            self._interval.record(step.action, one)
            if self.figures is not None:
                self.figures.record(action, one)
        if self.figures is not None:
            place = _ROUND.sub("[]", event.step)
            self.figures.record(Subject(self._scenario, step.action, place, step.title), took)

    def _command(self, event: StepFinished, action: str) -> None:
        refused = event.outcome not in ("ok", "")
        for tally in self.tallies:
            tally.commands += 1
            tally.refused += refused
        if refused and self.figures is not None:
            expected = event.verdict is Verdict.PASSED
            self.figures.refusals[Refusal(self._scenario, action, event.outcome, expected)] += 1

    def _call(self, event: CallChanged) -> None:
        gauges = self._meter.gauges
        before = self._calls.pop(event.call, None)
        gauges.calls -= before is not None
        gauges.slots -= bool(before)
        if event.state != CallState.ENDED:
            self._calls[event.call] = event.state == CallState.PARKED
            gauges.calls += 1
            gauges.slots += self._calls[event.call]

    def _finished(self, event: ScenarioFinished) -> None:
        self.verdict = event.verdict
        gauges = self._meter.gauges
        gauges.running -= 1
        gauges.calls -= len(self._calls)
        gauges.slots -= sum(self._calls.values())
        self._meter.leaks += [
            f"{event.scenario}: {failure.message}"
            for failure in event.failures
            if failure.key == "residue"
        ]
        ending = _ending(event)
        for tally in self.tallies:
            setattr(tally, ending, getattr(tally, ending) + 1)
        took = event.took + self._lag
        self._interval.record("", took)
        if self.figures is not None:
            self.figures.record(Subject(self._scenario), took)
        self._reason(event.verdict, event.failures)

    def _reason(self, verdict: Verdict, failures: Sequence[Failure]) -> None:
        """Count why something did not pass; numbers in it are left out, so that like meets like."""
        if self.figures is None or not failures or not verdict.bad:
            return
        errored = verdict is Verdict.ERRORED
        reasons = self.figures.errors if errored else self.figures.failures
        reason = _NUMBERS.sub("…", failures[0].message)[:_LONGEST]
        if reason not in reasons and len(reasons) >= MOST_REASONS:
            reason = "other reasons"
        reasons[reason] += 1


def _ending(event: ScenarioFinished) -> str:
    """Return the name of the count of a tally."""
    if event.reason == INTERRUPTED:
        return "stopped"
    if event.verdict is Verdict.ERRORED:
        return "errored"
    return "passed" if event.verdict.green else "failed"
