"""Runs as they can be looked at: each scenario's moments, from the events of the run alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.events import (
    CallChanged,
    Exchange,
    PbxReported,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    SourceRead,
    StepFinished,
    StepStarted,
    Verdict,
)
from scenario_runner.execution.interleavings import without_turn
from scenario_runner.reporters.results import NO_RUN
from scenario_runner.source import Source
from scenario_runner.ui.gestures import capital, who
from scenario_runner.ui.picture import Picture, Watched
from scenario_runner.ui.timeline import Beginning, Moment, Observed, Timeline, TimerFired

if TYPE_CHECKING:
    from scenario_runner.events import Event, Failure
    from scenario_runner.source import Span


@dataclass(slots=True)
class ScenarioRun:
    """One run of one scenario: one attempt, one order, one row of a matrix.

    `rules` are the ids of those that it met, where it ran on the built-in mock.
    """

    run: RunStarted
    started: ScenarioStarted
    events: list[Event] = field(default_factory=list)
    finished: ScenarioFinished | None = None
    rules: frozenset[str] = frozenset()
    _follower: Follower | None = None

    @property
    def id(self) -> str:
        """The scenario's id, without the order or the number of the run."""
        return without_turn(self.started.scenario)

    @property
    def verdict(self) -> Verdict | None:
        """Its verdict; None while it runs."""
        return None if self.finished is None else self.finished.verdict

    @property
    def order(self) -> tuple[tuple[int, int], ...]:
        """The choices made between commands that waited at the same moment."""
        return () if self.finished is None else self.finished.order

    @property
    def timeline(self) -> Timeline:
        """Its moments so far."""
        if self._follower is None:
            self._follower = Follower(self.run.park_timeout)
        for event in self.events[self._follower.taken :]:
            self._follower.take(event)
        return Timeline(moments=tuple(self._follower.moments), name=self.started.name)

    @property
    def failures(self) -> tuple[tuple[str, Failure], ...]:
        """What does not hold, each with the number of its step (empty: the scenario itself)."""
        steps = [event for event in self.events if isinstance(event, StepFinished)]
        found = [(event.step, failure) for event in steps for failure in event.failures]
        whole = () if self.finished is None else self.finished.failures
        return (*found, *(("", failure) for failure in whole))

    def span_of(self, step: str) -> Span | None:
        """Return where a step stands in its file."""
        begun = (event for event in self.events if isinstance(event, StepStarted))
        return next((event.span for event in begun if event.step == step), None)

    @property
    def failed_at(self) -> int | None:
        """The index of the moment at which the first step that is not green ended."""
        moments = self.timeline.moments
        return next((n for n, moment in enumerate(moments) if _bad(moment)), None)


def _bad(moment: Moment) -> bool:
    return moment.verdict is not None and moment.verdict.bad


class Follower:
    """Turns the events of one scenario into moments: one for each step and each thing that changes.

    Where the parking time is known, calls that return by themselves have a moment of their own.
    """

    def __init__(self, park_timeout: int) -> None:
        self._watched = Watched(park_timeout)
        self._pending: list[Event] = []
        self._titles: dict[str, str] = {}
        self._settled: CallChanged | None = None
        self.taken = 0
        first = Moment(at=0, cause=Beginning(), title="The beginning", picture=Picture())
        self.moments = [first]

    def take(self, event: Event) -> None:
        """Take in the next event.

        What becomes of several calls at once (a bridge) is one moment: it ends with the next event
        of another kind. A question of the runner's own, which belongs to no step, ends none.
        """
        self.taken += 1
        own = isinstance(event, Exchange) and not event.step
        if not own and not isinstance(event, CallChanged | StepFinished):
            self._settle()
        self._let_return(getattr(event, "at", 0))
        self._pending.append(event)
        before = self._watched.picture
        changed = self._watched.take(event)
        match event:
            case StepStarted():
                self._titles[event.step] = event.title or event.action
            case StepFinished():
                self._settled = None
                title = self._titles.get(event.step, event.step)
                self._close(event.at, title, event.step, verdict=event.verdict)
            case CallChanged():
                self._settled = event
            case PbxReported() if changed:
                self._close(event.at, _reported(event, before), "")
            case ScenarioFinished():
                self._watched = Watched(0)
                self._close(event.at, f"The scenario has {event.verdict}", "")
            case _:
                pass

    def _settle(self) -> None:
        """End the moment in which calls have changed."""
        changed, self._settled = self._settled, None
        if changed is not None:
            self._close(changed.at, self._title(changed), changed.step)

    def _title(self, event: CallChanged) -> str:
        return self._titles.get(event.step, capital(f"{who(event.call)} is {event.state}"))

    def _let_return(self, now: int) -> None:
        while (due := self._watched.next_return(now)) is not None:
            waiting = {call.name for call in self._watched.picture.parked()}
            self._watched.let_return(due)
            left = waiting - {call.name for call in self._watched.picture.parked()}
            names = ", ".join(who(name) for name in sorted(left))
            pending, self._pending = self._pending, []
            self._close(due, capital(f"{names} returns"), "", by_itself=True)
            self._pending = pending

    def _close(
        self,
        at: int,
        title: str,
        step: str,
        *,
        verdict: Verdict | None = None,
        by_itself: bool = False,
    ) -> None:
        self.moments.append(
            Moment(
                at=at,
                cause=TimerFired() if by_itself else Observed(),
                title=title,
                picture=self._watched.picture,
                events=tuple(self._pending),
                step=step,
                verdict=verdict,
            )
        )
        self._pending.clear()


def _reported(event: PbxReported, before: Picture) -> str:
    """Say what the PBX did by itself."""
    name = event.call or ""
    parked = any(call.uuid == event.uuid for call in before.parked())
    match event.type:
        case "dial-in" if parked:
            return capital(f"{who(name)} returns to {event.extension}")
        case "answer":
            return f"{event.extension} answers"
        case "hangup":
            return capital(f"{who(name)} gives up")
        case kind:
            return capital(f"{who(name)}: {kind} at {event.extension}")


@dataclass(slots=True)
class RunLog:
    """A run, going on or over: its scenarios in the order in which they began."""

    run: RunStarted = NO_RUN
    end: RunFinished | None = None
    sources: dict[str, Source] = field(default_factory=dict)
    scenarios: list[ScenarioRun] = field(default_factory=list)
    _open: dict[str, ScenarioRun] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case RunStarted():
                self.run = event
            case RunFinished():
                self.end = event
            case SourceRead():
                self.sources[event.file] = Source(event.file, event.text)
            case ScenarioStarted():
                begun = ScenarioRun(self.run, event)
                self.scenarios.append(begun)
                self._open[event.scenario] = begun
            case ScenarioFinished():
                self._finish(event)
            case StepStarted() | StepFinished() | Exchange() | CallChanged() | PbxReported():
                if event.scenario in self._open:
                    self._open[event.scenario].events.append(event)
            case _:
                pass

    def _finish(self, event: ScenarioFinished) -> None:
        scenario = self._open.pop(event.scenario, None)
        if scenario is not None:
            scenario.events.append(event)
            scenario.finished = event

    def of(self, scenario: str) -> list[ScenarioRun]:
        """Return the runs of a scenario, whatever their order or attempt, oldest first."""
        return [one for one in self.scenarios if one.id == scenario]
