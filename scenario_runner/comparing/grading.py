"""Compares two runs of a scenario step by step, and says of each difference why it may be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scenario_runner.comparing.difference import Compared, Difference, Supplied, What
from scenario_runner.comparing.explaining import History
from scenario_runner.comparing.seen import shape
from scenario_runner.durations import duration_text

if TYPE_CHECKING:
    from scenario_runner.comparing.declared import Declared
    from scenario_runner.comparing.seen import ScenarioSeen, StepSeen

_NOT_TAKEN = ("skipped", "")
_RAN = ("passed", "failed", "errored", "xfailed", "xpassed", "flaky")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """By what is graded: times in microseconds, see `History` for `assumptions`."""

    tolerance: int
    park_timeouts: tuple[int, int]
    assumptions: bool

    def same_time(self, a: int, b: int, pause: int) -> bool:
        """Tell whether two times agree, also when each is told from its side's park time-out on."""
        within = self.tolerance + pause
        first, second = self.park_timeouts
        return abs(a - b) <= within or abs((a - first) - (b - second)) <= within

    def outlasts(self, a: int, b: int) -> bool:
        """Tell whether a call that was parked before these times began is back after them."""
        first, second = self.park_timeouts
        return a + self.tolerance >= first and b + self.tolerance >= second


def compare_scenario(a: ScenarioSeen, b: ScenarioSeen, said: Declared, scale: Scale) -> Compared:
    """Return in what two runs of one scenario differ."""
    compared = Compared(
        scenario=a.started.scenario,
        name=a.started.name,
        a=a.verdict,
        b=b.verdict,
        errored=tuple(side for side, one in (("A", a), ("B", b)) if one.verdict in ("errored", "")),
    )
    absent = _only_one_ran(a, b)
    if absent is not None:
        return replace(compared, differences=(absent,))
    run = _Run(a, b, said, scale)
    run.steps()
    found = run.found
    if not found and a.verdict != b.verdict:
        found.append(_whole(What.VERDICT, _told(a), _told(b)))
    if not any(difference.what in (What.VERDICT, What.PRESENCE) for difference in found):
        found += run.order()
    return replace(
        compared,
        steps=run.compared,
        unreached=run.unreached,
        differences=tuple(found),
        supplied=tuple(run.supplied),
    )


def _only_one_ran(a: ScenarioSeen, b: ScenarioSeen) -> Difference | None:
    """Return the difference where a side can't run the scenario at all."""
    for one, other in ((a, b), (b, a)):
        if one.verdict not in _RAN and other.verdict in _RAN:
            reason = one.finished.reason if one.finished is not None else ""
            why = f"only the other side can run it: {reason}" if reason else ""
            if one.verdict == "not applicable":
                why = "its `when` does not hold on one side"
            return _whole(What.VERDICT, a.verdict or "not run", b.verdict or "not run", why)
    return None


def _whole(what: What, a: str, b: str, why: str = "") -> Difference:
    return Difference(step="", title="", what=what, a=a, b=b, why=why)


def _told(seen: ScenarioSeen) -> str:
    failures = seen.finished.failures if seen.finished is not None else ()
    return "; ".join([seen.verdict, *(failure.message for failure in failures)])


class _Run:
    """The comparison of one scenario while it goes on."""

    def __init__(self, a: ScenarioSeen, b: ScenarioSeen, said: Declared, scale: Scale) -> None:
        self._a = a
        self._b = b
        self._said = said
        self._scale = scale
        self._history = History(assumptions=scale.assumptions)
        self.found: list[Difference] = []
        self.supplied: list[Supplied] = []
        self.compared = 0
        self.unreached = 0

    def steps(self) -> None:
        """Compare the steps that both sides took, up to the first that stopped one side."""
        a, b = self._a, self._b
        for place in [*a.steps, *(place for place in b.steps if place not in a.steps)]:
            if ".b" in place:
                continue
            first, second = a.steps.get(place), b.steps.get(place)
            if first is None or second is None:
                self._missing(first, second)
            elif first.verdict in _NOT_TAKEN or second.verdict in _NOT_TAKEN:
                self.unreached += 1
            else:
                self.compared += 1
                self._supply(place, first, second)
                self._step(first, second)

    def _missing(self, a: StepSeen | None, b: StepSeen | None) -> None:
        if self.unreached or self.found:
            self.unreached += 1
            return
        one = a or b
        assert one is not None
        a_told, b_told = ("taken" if step else "not taken" for step in (a, b))
        why = "left to chance before" if self._history.chance else ""
        self._differ(one, What.PRESENCE, a_told, b_told, why)

    def _supply(self, place: str, a: StepSeen, b: StepSeen) -> None:
        for side, step in (("A", a), ("B", b)):
            if step.finished is not None and step.finished.note:
                self.supplied.append(Supplied(side=side, step=place, note=step.finished.note))

    def _step(self, a: StepSeen, b: StepSeen) -> None:
        if a.started.span in self._said.random:
            self._history.chance = True
        if "not applicable" in (a.verdict, b.verdict):
            if a.verdict != b.verdict:
                why = "its `when` does not hold on one side"
                self._differ(a, What.VERDICT, a.verdict, b.verdict, why)
            return
        before = len(self.found)
        self._answers(a, b)
        if len(self.found) == before:
            self._verdicts(a, b)
        self._times(a, b)
        self._history.note(a)

    def _answers(self, a: StepSeen, b: StepSeen) -> None:
        assert a.finished is not None
        assert b.finished is not None
        first, second = a.finished, b.finished
        if first.outcome != second.outcome:
            why = self._history.why_refused(a, b)
            self._differ(
                a, What.OUTCOME, first.outcome or "no answer", second.outcome or "no answer", why
            )
            return
        told_a, told_b = self._a.named(first.answer), self._b.named(second.answer)
        if told_a != told_b and a.verdict == b.verdict:
            why = self._history.why_answered(a, b)
            self._differ(a, What.ANSWER, told_a, told_b, why)
            return
        if a.protocol == b.protocol == "http" and shape(a) != shape(b):
            why = self._history.why_shaped(a)
            self._differ(a, What.FIELDS, shape(a), shape(b), why)

    def _verdicts(self, a: StepSeen, b: StepSeen) -> None:
        if a.verdict != b.verdict:
            why = self._history.why_answered(a, b) or self._history.why_unseen(a, b)
            self._differ(a, What.VERDICT, _failed(a), _failed(b), why)

    def _times(self, a: StepSeen, b: StepSeen) -> None:
        if a.finished is None or b.finished is None or a.verdict != b.verdict:
            return
        if a.started.span in self._said.unhurried:
            return
        first, second = a.finished.took, b.finished.took
        pause = self._said.pauses.get(a.started.span, 0)
        if not self._scale.same_time(first, second, pause):
            why = self._history.why_late(a)
            self._differ(a, What.TIME, duration_text(first), duration_text(second), why)
        if self._scale.outlasts(first, second):
            self._history.outlasted()

    def order(self) -> list[Difference]:
        """Compare the order of the events that the scenario waits for."""
        first, second = self._reported(self._a), self._reported(self._b)
        if first == second:
            return []
        why = "left to chance before" if self._history.chance else ""
        return [_whole(What.ORDER, ", ".join(first), ", ".join(second), why)]

    def _reported(self, seen: ScenarioSeen) -> list[str]:
        return [
            f"{event.type} of {event.call}"
            for event in seen.reported[: seen.awaited]
            if {(event.type, event.call), (event.type, None)} & self._said.events
        ]

    def _differ(self, step: StepSeen, what: What, a: str, b: str, why: str) -> None:
        started = step.started
        self.found.append(
            Difference(step=started.step, title=started.title, what=what, a=a, b=b, why=why)
        )


def _failed(step: StepSeen) -> str:
    failures = step.finished.failures if step.finished is not None else ()
    return step.verdict + (f": {failures[0].message}" if failures else "")
