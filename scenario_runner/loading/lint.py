"""Steps that check nothing, and names that nobody uses: what looks green and proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.language.actions import (
    MOST_ROUNDS,
    Call,
    Check,
    Repeat,
    Together,
    Use,
)
from scenario_runner.language.expectations import Refused, Subject
from scenario_runner.language.matchers import (
    AllOf,
    Anything,
    AtLeast,
    Contains,
    Length,
    Matches,
    StartsWith,
)
from scenario_runner.language.values import size
from scenario_runner.loading.messages import say
from scenario_runner.loading.names import Kind, shape
from scenario_runner.references import Items, Literal, as_text, references

if TYPE_CHECKING:
    from scenario_runner.language.actions import Step
    from scenario_runner.language.expectations import Clause
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.loading.names import Names
    from scenario_runner.loading.reader import Found, Reading
    from scenario_runner.references import Expression


ANY_SLOT = "*"


def look_at(step: Step, reading: Reading) -> None:
    """Note what a step proves, and warn about expectations that prove nothing."""
    if step.expect or step.action.facts.proves:
        reading.found.checks += 1
    _note_slots(step, reading.found)
    _note_refused_call(step, reading.names)
    hollow = [clause for clause in step.expect if can_not_fail(clause)]
    for clause in hollow:
        reading.problems.report(say("cannot-fail"), clause.span)
    if step.repeating and len(hollow) == len(step.expect):
        reading.problems.report(say("empty-poll"), step.span)
    if isinstance(step.action, Repeat):
        _refuse_endless(step, step.action, reading)
    action = step.action
    if isinstance(action, Check) and not list(references(action.that)):
        reading.problems.report(say("constant-check"), action.that.span)


def _note_refused_call(step: Step, names: Names) -> None:
    """A call that must not come up is looked at already: there is nothing more to ask about it."""
    if isinstance(step.action, Call) and _expects_refusal(step):
        for bound in names.visible.get(step.action.as_, ()):
            bound.used = True


def _expects_refusal(step: Step) -> bool:
    return any(isinstance(clause, Refused) for clause in step.expect)


def _refuse_endless(step: Step, action: Repeat, reading: Reading) -> None:
    """Refuse repeats within each other that come to more rounds than anybody would wait for."""
    inner = most_rounds(action.steps)
    rounds = _own_rounds(action) * inner
    if rounds > MOST_ROUNDS >= inner:
        said = say("too-many-rounds", rounds=f"{rounds:,}", most=f"{MOST_ROUNDS:,}")
        reading.report(said, step.span)


def most_rounds(steps: tuple[Step, ...]) -> int:
    """Return how often the innermost step runs, as far as the file says it."""
    most = 1
    for step in steps:
        match step.action:
            case Repeat(steps=inner):
                most = max(most, _own_rounds(step.action) * most_rounds(inner))
            case Together(branches):
                most = max(most, *map(most_rounds, branches))
            case Use(fragment=fragment):
                most = max(most, most_rounds(fragment.steps))
            case _:
                pass
    return most


def _own_rounds(action: Repeat) -> int:
    match action:
        case Repeat(times=Literal(value=int(times))) if times > 0:
            return times
        case Repeat(each=Items(items)):
            return max(len(items), 1)
        case _:
            return 1


def _note_slots(step: Step, found: Found) -> None:
    filled, named = step.action.fills(), step.action.looks_into()
    if filled is not None and not _expects_refusal(step):
        found.parked.append((_slot_shape(filled), filled.span))
    found.named |= {ANY_SLOT} if named is None else {_slot_shape(slot) for slot in named}


def _slot_shape(slot: Expression) -> str:
    """A slot for comparing: 6 and "6" are one."""
    return as_text(slot.value) if isinstance(slot, Literal) else shape(slot)


def can_not_fail(clause: Clause) -> bool:
    """Whether an expectation holds for every answer."""
    match clause:
        case Refused(reasons):
            said = {reason.value for reason in reasons if isinstance(reason, Literal)}
            return {"any", "none"} <= said
        case _:
            matcher = clause.compares()
            return matcher is not None and _always(matcher, clause)


def _always(matcher: Matcher, clause: Clause) -> bool:
    match matcher:
        case Anything():
            return clause.subject.always_there
        case AtLeast(bound):
            least = size(bound)
            return clause.subject.never_negative and least is not None and least <= 0
        case Contains(Literal("")) | StartsWith(Literal("")) | Matches(".*"):
            return clause.subject is Subject.TEXT
        case Length(AtLeast(bound)):
            return size(bound) == 0
        case AllOf(inner):
            return all(_always(one, clause) for one in inner)
        case _:
            return False


_UNUSED = {
    Kind.VARIABLE: "unused-variable.variable",
    Kind.ROW: "unused-variable.row",
    Kind.LEASE: "unused-variable.lease",
    Kind.PARAM: "unused-variable.param",
    Kind.CAPTURE: "unused-capture",
    Kind.CALL: "unused-call",
    Kind.EXPORT: "unused-export",
}


def unused(names: Names, reading: Reading) -> None:
    """Warn about every name that is bound and never used."""
    for bound in names.everything:
        said = _UNUSED.get(bound.kind)
        if said and not bound.used and bound.name not in names.unsure:
            reading.problems.report(say(said, kind=bound.kind, name=bound.name), bound.span)


def never_named(reading: Reading) -> None:
    """Warn about a slot that is parked into and that no other step names."""
    found = reading.found
    if ANY_SLOT in found.named:
        return
    for slot, span in found.parked:
        if slot not in found.named:
            reading.problems.report(say("slot-never-named"), span)
