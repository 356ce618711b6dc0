"""The moments of one world in the order of time, and how a session moves among them.

A `Timeline` is a value: every gesture makes another one, so undoing is going back to the one before
and going on from an earlier moment is a timeline that ends there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from scenario_runner.ui.gestures import ExtensionDials, LetTimePass, SomebodyCalls
from scenario_runner.ui.narration import Narrator

if TYPE_CHECKING:
    from scenario_runner.events import Event, Verdict
    from scenario_runner.mock_pbx.rules import Rule
    from scenario_runner.ui.answers import Answer, Pin
    from scenario_runner.ui.gestures import Gesture
    from scenario_runner.ui.picture import Picture
    from scenario_runner.ui.world import Deed, Report, World

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Beginning:
    """The world is there and nothing has happened."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The PBX did something by itself."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Something was seen that nobody here did: an event of a run, a request of another client."""


Cause: TypeAlias = "Beginning | Gesture | LetTimePass | TimerFired | Observed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The world right after something happened, at `at` microseconds of its clock.

    `events` are what happened since the moment before, as a run would tell it. `pinned` is what
    the recording expects of this gesture, `pinned_reports` what it awaits; `effective` is false for
    a gesture that a fault kept from doing anything. `step` is the step's number; `verdict` is the
    step's, where it is over. `world` is there where one can go on from here.
    """

    at: int
    cause: Cause
    title: str
    picture: Picture
    events: tuple[Event, ...] = ()
    reports: tuple[Report, ...] = ()
    rules: tuple[Rule, ...] = ()
    answer: Answer | None = None
    pinned: tuple[Pin, ...] = ()
    pinned_reports: tuple[Report, ...] = ()
    effective: bool = True
    step: str = ""
    verdict: Verdict | None = None
    world: World | None = None

    @property
    def returns(self) -> tuple[Report, ...]:
        """The reports of calls that returned from their slots: those that can be expected."""
        if not isinstance(self.cause, TimerFired):
            return ()
        return tuple(report for report in self.reports if report.type == "dial-in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """At least one moment; the last one is now. `name` is for people, `began` where it branched."""

    moments: tuple[Moment, ...]
    name: str = "Session"
    began: int = 0

    @property
    def now(self) -> Moment:
        """The last moment."""
        return self.moments[-1]

    @property
    def taken(self) -> frozenset[str]:
        """The names that calls have or had, also those that did not come up."""
        causes = (moment.cause for moment in self.moments)
        asked = (c.name for c in causes if isinstance(c, SomebodyCalls | ExtensionDials))
        world = self.now.world
        return frozenset(asked) | frozenset(world.names.values() if world is not None else ())

    def up_to(self, index: int) -> Timeline:
        """Return the timeline that ends with the moment of this index."""
        return replace(self, moments=self.moments[: index + 1])

    def do(self, gesture: Gesture) -> Timeline:
        """Carry out a gesture now; raises KeyError for a call that never was."""
        deed = self._world().do(gesture, self.now.at)
        done = self.done(gesture, deed)
        took = 0 if deed.answer is None else deed.answer.took
        return done.wait(took) if took else done

    def done(self, gesture: Gesture, deed: Deed) -> Timeline:
        """Return the timeline after a gesture that was carried out."""
        number = self._number() + 1
        narrator = Narrator(number=number, before=self.now.picture)
        moment = _moment(deed, gesture, narrator.told(gesture, deed))
        return self._with(replace(moment, step=str(number)))

    def observed(self, deed: Deed, cause: Observed | TimerFired, title: str) -> Timeline:
        """Return the timeline after something that nobody here did."""
        events = Narrator(before=self.now.picture).observed(deed)
        return self._with(_moment(deed, cause, (title, events)))

    def wait(self, duration: int) -> Timeline:
        """Let time pass, through every timer on the way."""
        goal = self.now.at + duration
        line = self
        while line.now.at < goal or line._is_due():
            deed = line._world().pass_time(goal)
            line = line._passed(deed)
        return line

    def wait_for_timer(self) -> Timeline:
        """Let time pass until the next timer has fired; without one nothing changes."""
        timer = self._world().next_timer
        return self if timer is None else self.wait(max(0, timer - self.now.at))

    def pin(self, index: int, pin: Pin) -> Timeline:
        """Expect this of the gesture at `index`, or no longer."""
        moment = self.moments[index]
        pinned = _toggled(moment.pinned, pin)
        return self._replaced(index, replace(moment, pinned=pinned))

    def pin_report(self, index: int, report: Report) -> Timeline:
        """Expect the PBX to report this, or no longer."""
        moment = self.moments[index]
        pinned = _toggled(moment.pinned_reports, report)
        return self._replaced(index, replace(moment, pinned_reports=pinned))

    def _replaced(self, index: int, moment: Moment) -> Timeline:
        moments = (*self.moments[:index], moment, *self.moments[index + 1 :])
        return replace(self, moments=moments)

    def _world(self) -> World:
        world = self.now.world
        if world is None:
            raise ValueError("nobody can act on this timeline")
        return world

    def _is_due(self) -> bool:
        timer = self._world().next_timer
        return timer is not None and timer <= self.now.at

    def _number(self) -> int:
        """Return how many gestures there were; their steps are numbered from 1."""
        return sum(moment.answer is not None for moment in self.moments)

    def _with(self, moment: Moment) -> Timeline:
        return replace(self, moments=(*self.moments, moment))

    def _passed(self, deed: Deed) -> Timeline:
        """Append what time did; where nothing happened, a wait before it only becomes longer."""
        if deed.reports or deed.rules:
            title, events = Narrator(before=self.now.picture).by_itself(deed)
            return self._with(_moment(deed, TimerFired(), (title, events)))
        since = self.now.at
        waited = isinstance(self.now.cause, LetTimePass)
        if isinstance(self.now.cause, LetTimePass):
            since -= self.now.cause.duration
        made = _moment(deed, LetTimePass(duration=deed.at - since), ("Time passes", ()))
        return self._replaced(len(self.moments) - 1, made) if waited else self._with(made)


def _toggled(items: tuple[_T, ...], item: _T) -> tuple[_T, ...]:
    return tuple(one for one in items if one != item) if item in items else (*items, item)


def _moment(deed: Deed, cause: Cause, told: tuple[str, tuple[Event, ...]]) -> Moment:
    title, events = told
    return Moment(
        at=deed.at,
        cause=cause,
        title=title,
        picture=deed.world.picture,
        events=events,
        reports=deed.reports,
        rules=deed.rules,
        answer=deed.answer,
        pinned=deed.answer.needed if deed.answer is not None and deed.effective else (),
        effective=deed.effective,
        world=deed.world,
    )


def timeline_of(world: World, at: int = 0) -> Timeline:
    """Return the timeline of a world in which nothing has been done yet."""
    first = Moment(
        at=at, cause=Beginning(), title="The beginning", picture=world.picture, world=world
    )
    return Timeline(moments=(first,))


@dataclass(slots=True)
class Branches:
    """The timelines of one lot: the one that goes on, and those that were left.

    `undone` are the timelines that can be done again, the next one last.
    """

    line: Timeline
    others: list[Timeline] = field(default_factory=list)
    done: list[Timeline] = field(default_factory=list)
    undone: list[Timeline] = field(default_factory=list)

    def become(self, line: Timeline, *, merges: bool = False) -> None:
        """Go on with another timeline; `merges`: it is undone together with the one before."""
        if line is self.line:
            return
        if not merges:
            self.done.append(self.line)
        self.line = line
        self.undone.clear()

    def undo(self) -> bool:
        """Go back to before the last change; tell whether there was one."""
        if not self.done:
            return False
        self.undone.append(self.line)
        self.line = self.done.pop()
        return True

    def redo(self) -> bool:
        """Do again what was undone last; tell whether there was something."""
        if not self.undone:
            return False
        self.done.append(self.line)
        self.line = self.undone.pop()
        return True

    def go_on_from(self, index: int) -> None:
        """Branch: what came after this moment is kept beside, and the world goes on from it."""
        if index >= len(self.line.moments) - 1:
            return
        number = len(self.others) + 2
        self.others.append(self.line)
        branch = replace(self.line.up_to(index), name=f"Branch {number}", began=index)
        self._begin(branch)

    def switch(self, number: int) -> None:
        """Take up one of the timelines that were left; the present one is kept beside."""
        taken = self.others.pop(number)
        self.others.append(self.line)
        self._begin(taken)

    def _begin(self, line: Timeline) -> None:
        self.line = line
        self.done.clear()
        self.undone.clear()
