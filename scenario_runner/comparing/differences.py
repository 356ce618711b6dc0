"""Differences between two runs of a scenario, and the scale on which they are graded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.events import (
    Event,
    Exchange,
    PbxReported,
    ScenarioFinished,
    ScenarioStarted,
    StepFinished,
    StepStarted,
    Verdict,
)
from scenario_runner.exit_code import Exit
from scenario_runner.language.actions import (
    Answer,
    AwaitEvent,
    Bridge,
    Call,
    Hangup,
    Park,
    Slots,
    all_steps,
)
from scenario_runner.language.facts import Part
from scenario_runner.language.vocabulary import Reason
from scenario_runner.mock_pbx import rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.language.actions import Step
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.references import Json
    from scenario_runner.source import Span


class Grade(StrEnum):
    """Whether somebody has to look into a difference."""

    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"


class What(StrEnum):
    """What differs."""

    VERDICT = "verdict"
    OUTCOME = "outcome"
    ANSWER = "answer"
    FIELDS = "fields and types"
    ORDER = "order of events"
    TIME = "time"
    PRESENCE = "steps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing in which two runs differ; `step` is empty where it is the scenario's.

    `label` is the step's place for people. `why` explains it, for people, and is empty where
    nothing does.
    """

    step: str
    title: str
    what: What
    a: str
    b: str
    why: str = ""
    label: str = ""

    @property
    def grade(self) -> Grade:
        """Whether it is explained."""
        return Grade.EXPLAINED if self.why else Grade.UNEXPLAINED


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplied:
    """What a side ("A", "B") supplied at a step that its PBX does not do or tell by itself."""

    side: str
    step: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A scenario on both targets.

    `steps` were compared, `unreached` were not, since one side did not come so far. `errored`
    names the sides ("A", "B") that could not find out.
    """

    scenario: str
    name: str
    a: str
    b: str
    steps: int = 0
    unreached: int = 0
    differences: tuple[Difference, ...] = ()
    supplied: tuple[Supplied, ...] = ()
    errored: tuple[str, ...] = ()

    def count(self, grade: Grade) -> int:
        """Return how many differences have this grade."""
        return sum(one.grade is grade for one in self.differences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All scenarios on both targets; `a` and `b` name the sides, `tolerance` is in microseconds."""

    a: str
    b: str
    tolerance: int
    scenarios: tuple[Compared, ...]

    def count(self, grade: Grade) -> int:
        """Return how many differences have this grade."""
        return sum(one.count(grade) for one in self.scenarios)

    @property
    def steps(self) -> int:
        """How many steps were compared."""
        return sum(one.steps for one in self.scenarios)

    @property
    def exit_code(self) -> Exit:
        """PASSED: nothing unexplained; FAILED: something is; ERRORED: a side could not find out."""
        if any(one.errored for one in self.scenarios):
            return Exit.ERRORED
        return Exit.FAILED if self.count(Grade.UNEXPLAINED) else Exit.PASSED


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
    steps = list(all_steps((*scenario.steps, *scenario.cleanup)))
    return Declared(
        random=frozenset(step.span for step in steps if _is_random(step)),
        unhurried=frozenset(step.span for step in steps if _is_unhurried(step)),
        pauses={step.span: _pause(step) for step in steps},
        events=frozenset(
            (step.action.type.value, step.action.call.name if step.action.call else None)
            for step in steps
            if isinstance(step.action, AwaitEvent)
        ),
    )


def _is_random(step: Step) -> bool:
    return Part.BRANCHES in step.action.facts.parts or step.action.takes_any_call()


def _is_unhurried(step: Step) -> bool:
    return step.action.facts.composite or Part.PLACED in step.action.facts.parts


def _pause(step: Step) -> int:
    if step.repeating is None:
        return 0
    every = step.repeating.every.value
    return every if isinstance(every, int) else SECOND


_LEASED = ("slot", "extension")


@dataclass(slots=True, kw_only=True)
class StepSeen:
    """One step of a run: how it began, its exchanges with the PBX, how it ended."""

    started: StepStarted
    exchanges: list[Exchange] = field(default_factory=list)
    finished: StepFinished | None = None

    @property
    def verdict(self) -> Verdict | None:
        """Its verdict; a step that never ended has none."""
        return self.finished.verdict if self.finished is not None else None

    @property
    def taken(self) -> bool:
        """Whether it came to this step, and the step to its end."""
        return self.verdict not in (None, Verdict.SKIPPED)

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
    def verdict(self) -> Verdict | None:
        """Its verdict; a scenario that never ended has none."""
        return self.finished.verdict if self.finished is not None else None

    @property
    def ran(self) -> bool:
        """Whether the side could run it."""
        return self.verdict is not None and self.verdict.ran

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
        if step.started.action == AwaitEvent.word:
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


_REFUSES: Final[dict[tuple[str, str], rules.Rule]] = {
    (Park.word, Reason.SLOT_FULL): rules.PARK_FULL,
    (Park.word, Reason.SLOT_REQUIRED): rules.PARK_SLOT_REQUIRED,
    (Park.word, Reason.CALL_NOT_ANSWERED): rules.PARK_NOT_RINGING,
    (Park.word, Reason.CALL_ALREADY_PARKED): rules.PARK_NOT_TWICE,
    (Slots.word, Reason.SLOT_REQUIRED): rules.SLOTS_SLOT_REQUIRED,
    (Slots.word, Reason.SLOT_EMPTY): rules.SLOTS_EMPTY,
    (Bridge.word, Reason.SLOT_EMPTY): rules.BRIDGE_EMPTY,
    (Bridge.word, Reason.NOTHING_PARKED): rules.BRIDGE_NOTHING,
    (Bridge.word, Reason.CALL_NOT_ANSWERED): rules.BRIDGE_NOT_RINGING,
    (Bridge.word, Reason.CALL_ALREADY_PARKED): rules.BRIDGE_NOT_PARKED,
    (Answer.word, Reason.OTHER): rules.ANSWER_RINGING,
    (Call.word, Reason.NO_CAPACITY): rules.CAPACITY,
}
_ALWAYS_REFUSES: Final[dict[str, rules.Rule]] = {
    Reason.SLOT_UNKNOWN: rules.PARK_RANGE,
    Reason.SLOT_INVALID: rules.SLOT_TYPE,
    Reason.NO_SUCH_CALL: rules.CALL_UNKNOWN,
    Reason.NOT_FOUND: rules.EXTENSION_UNKNOWN,
}


@dataclass(slots=True, kw_only=True)
class History:
    """What both sides did in a scenario so far, as far as it explains what comes later.

    `assumptions` says whether it is an explanation that the mock had to assume something: it is
    none for a profile that claims to do what the other side does.
    """

    assumptions: bool
    done: list[str] = field(default_factory=list)
    chance: bool = False
    back: bool = False

    def outlasted(self) -> None:
        """Remember a wait in which a call that was parked before has come back."""
        self.back |= Park.word in self.done

    def note(self, step: StepSeen) -> None:
        """Remember a step that both sides took."""
        if step.finished is not None and step.finished.outcome == "ok":
            self.done.append(step.started.action)

    def why_refused(self, a: StepSeen, b: StepSeen) -> str:
        """Explain another outcome, or return nothing."""
        action = a.started.action
        if action == Call.word and Reason.NOT_FOUND in _outcomes(a, b):
            return "who can be dialled is a setting of each PBX"
        for step in (a, b):
            reason = step.finished.outcome if step.finished is not None else ""
            rule = _REFUSES.get((action, reason), _ALWAYS_REFUSES.get(reason))
            why = self._assumed(rule)
            if why:
                return why
        return self._by_driver_or_chance(a, b)

    def why_answered(self, a: StepSeen, b: StepSeen) -> str:
        """Explain another answer, or return nothing."""
        rule = None
        if a.finished is not None and any(name == "state" for name, _ in a.finished.answer):
            rule = self._about_state()
        return self._assumed(rule) or self._by_driver_or_chance(a, b)

    def why_shaped(self, a: StepSeen) -> str:
        """Explain other fields or types, or return nothing."""
        empty = a.finished is not None and ("call", "nobody") in a.finished.answer
        return self._assumed(rules.SLOTS_EMPTY if empty else None)

    def why_unseen(self, a: StepSeen, b: StepSeen) -> str:
        """Explain another verdict where the PBX's answers were the same, or return nothing."""
        failures = [f for s in (a, b) if s.finished is not None for f in s.finished.failures]
        keys = {failure.key.partition(".")[0] for failure in failures}
        if keys and keys <= _WIRE and a.protocol != b.protocol:
            return f"the scenario looks at the answer of one protocol ({', '.join(sorted(keys))})"
        if self.assumptions and a.started.action == AwaitEvent.word and Park.word in self.done:
            return "assumed, since the vendor does not say it: the events that parking brings"
        return ""

    def why_late(self, a: StepSeen) -> str:
        """Explain another time, or return nothing."""
        ended = a.finished is not None and ("state", "ended") in a.finished.answer
        if self.back and ended:
            return "how long a returned call rings is a setting of each PBX"
        return ""

    def _about_state(self) -> rules.Rule | None:
        if Bridge.word in self.done:
            return rules.HANGUP_BRIDGED if Hangup.word in self.done else rules.BRIDGE_PARTIES
        return rules.PARK_RETURN_UNANSWERED if Park.word in self.done else None

    def _assumed(self, rule: rules.Rule | None) -> str:
        if rule is None or not self.assumptions or rule.source != "assumed":
            return ""
        return f"assumed, since the vendor does not say it: {rule.id}"

    def _by_driver_or_chance(self, a: StepSeen, b: StepSeen) -> str:
        for step in (a, b):
            if step.finished is not None and step.finished.note:
                return f"the driver's word: {step.finished.note}"
        return "left to chance before" if self.chance else ""


def _outcomes(*steps: StepSeen) -> set[str]:
    return {step.finished.outcome for step in steps if step.finished is not None}


_WIRE: Final = frozenset({"status", "headers", "body", "message", "save"})


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
        a=a.verdict or "",
        b=b.verdict or "",
        errored=tuple(
            side for side, one in (("A", a), ("B", b)) if one.verdict in (None, Verdict.ERRORED)
        ),
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
        if other.ran and not one.ran:
            reason = one.finished.reason if one.finished is not None else ""
            why = f"only the other side can run it: {reason}" if reason else ""
            if one.verdict is Verdict.NOT_APPLICABLE:
                why = "its `when` does not hold on one side"
            return _whole(What.VERDICT, a.verdict or "not run", b.verdict or "not run", why)
    return None


def _whole(what: What, a: str, b: str, why: str = "") -> Difference:
    return Difference(step="", title="", what=what, a=a, b=b, why=why)


def _told(seen: ScenarioSeen) -> str:
    failures = seen.finished.failures if seen.finished is not None else ()
    return "; ".join([seen.verdict or "", *(failure.message for failure in failures)])


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
            elif not (first.taken and second.taken):
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
        if Verdict.NOT_APPLICABLE in (a.verdict, b.verdict):
            if a.verdict != b.verdict:
                why = "its `when` does not hold on one side"
                self._differ(a, What.VERDICT, a.verdict or "", b.verdict or "", why)
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
            Difference(
                step=started.step,
                label=started.label,
                title=started.title,
                what=what,
                a=a,
                b=b,
                why=why,
            )
        )


def _failed(step: StepSeen) -> str:
    failures = step.finished.failures if step.finished is not None else ()
    return (step.verdict or "") + (f": {failures[0].message}" if failures else "")
