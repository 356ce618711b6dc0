"""Steps that check nothing, and names that nobody uses: what looks green and proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.language import expectations as clauses
from scenario_runner.language.actions import (
    MOST_ROUNDS,
    AwaitEvent,
    Bridge,
    Call,
    Check,
    Park,
    Repeat,
    Slots,
    Together,
    Use,
)
from scenario_runner.language.matchers import (
    AllOf,
    Anything,
    AtLeast,
    Contains,
    Length,
    Matches,
    StartsWith,
)
from scenario_runner.loading.expectations import size
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
_PROVING = ("park", "slots", "bridge", "request", "event", "check")
_ALWAYS_THERE = (
    clauses.StatusIs, clauses.StateIs, clauses.CountIs, clauses.Succeeded,
    clauses.BranchesRefused, clauses.After,
)  # fmt: skip
_NEVER_NEGATIVE = (
    clauses.CountIs, clauses.Succeeded, clauses.BranchesRefused, clauses.StatusIs,
)  # fmt: skip
_TEXTS = (clauses.MessageIs, clauses.HeaderIs, clauses.UuidIs, clauses.SlotIs)


def look_at(step: Step, reading: Reading) -> None:
    """Note what a step proves, and warn about expectations that prove nothing."""
    if step.expect or step.word in _PROVING:
        reading.found.checks += 1
    _note_slots(step, reading.found)
    _note_refused_call(step, reading.names)
    hollow = [clause for clause in step.expect if can_not_fail(clause)]
    for clause in hollow:
        reading.problems.warn(
            "cannot-fail", "this expectation holds whatever the PBX answers", clause.span,
            "expect something that can turn out wrong, or remove it",
        )  # fmt: skip
    if step.repeating and len(hollow) == len(step.expect):
        reading.problems.warn(
            "empty-poll", "this step asks again, and its first answer is always good enough",
            step.span, "say with 'expect' what is waited for",
        )  # fmt: skip
    if isinstance(step.action, Repeat):
        _refuse_endless(step, step.action, reading)
    action = step.action
    if isinstance(action, Check) and not list(references(action.that)):
        reading.problems.warn(
            "constant-check", "this checks a value that is written right here",
            action.that.span, "check something that the run brings: $name",
        )  # fmt: skip


def _note_refused_call(step: Step, names: Names) -> None:
    """A call that must not come up is looked at already: there is nothing more to ask about it."""
    refused = any(isinstance(clause, clauses.Refused) for clause in step.expect)
    if isinstance(step.action, Call) and refused:
        for bound in names.visible.get(step.action.as_, ()):
            bound.used = True


def _refuse_endless(step: Step, action: Repeat, reading: Reading) -> None:
    """Refuse repeats within each other that come to more rounds than anybody would wait for."""
    inner = most_rounds(action.steps)
    rounds = _own_rounds(action) * inner
    if rounds > MOST_ROUNDS >= inner:
        reading.problem(
            "too-many-rounds", f"{rounds:,} rounds are too many", step.span,
            f"repeats inside each other may come to {MOST_ROUNDS:,} rounds",
        )  # fmt: skip


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
    match step.action:
        case Park(slot=slot) if not any(isinstance(c, clauses.Refused) for c in step.expect):
            found.parked.append((_slot_shape(slot), slot.span))
        case Slots(slot=slot) | Bridge(slot=slot) if slot is not None:
            found.named.add(_slot_shape(slot))
        case Bridge():
            found.named.add(ANY_SLOT)
        case AwaitEvent():
            # A call that comes back by itself is watched through its events.
            found.named.add(ANY_SLOT)
        case _:
            return


def _slot_shape(slot: Expression) -> str:
    """A slot for comparing: 6 and "6" are one."""
    return as_text(slot.value) if isinstance(slot, Literal) else shape(slot)


def can_not_fail(clause: Clause) -> bool:
    """Whether an expectation holds for every answer."""
    match clause:
        case clauses.Refused(reasons):
            said = {reason.value for reason in reasons if isinstance(reason, Literal)}
            return {"any", "none"} <= said
        case _:
            matcher = getattr(clause, "matcher", None)
            return matcher is not None and _always(matcher, clause)


def _always(matcher: Matcher, clause: Clause) -> bool:
    match matcher:
        case Anything():
            return isinstance(clause, _ALWAYS_THERE)
        case AtLeast(bound):
            least = size(bound)
            return isinstance(clause, _NEVER_NEGATIVE) and least is not None and least <= 0
        case Contains(Literal("")) | StartsWith(Literal("")) | Matches(".*"):
            return isinstance(clause, _TEXTS)
        case Length(AtLeast(bound)):
            return size(bound) == 0
        case AllOf(inner):
            return all(_always(one, clause) for one in inner)
        case _:
            return False


_UNUSED = {
    Kind.VARIABLE: ("unused-variable", "use it as ${name}, or remove it"),
    Kind.ROW: ("unused-variable", "use it as ${name}, or remove it from the matrix"),
    Kind.LEASE: ("unused-variable", "use it as ${name}, or do not reserve it"),
    Kind.PARAM: ("unused-variable", "use it as ${name}, or remove the parameter"),
    Kind.CAPTURE: ("unused-capture", "check it, use it as ${name}, or do not save it"),
    Kind.CALL: ("unused-call", "ask about it, or hang it up: a call nobody looks at proves little"),
    Kind.EXPORT: ("unused-export", "use it, or remove it from 'exports'"),
}


def unused(names: Names, reading: Reading) -> None:
    """Warn about every name that is bound and never used."""
    for bound in names.everything:
        told = _UNUSED.get(bound.kind)
        if told and not bound.used and bound.name not in names.unsure:
            code, hint = told
            reading.problems.warn(
                code, f"the {bound.kind} '{bound.name}' is never used", bound.span,
                hint.replace("{name}", bound.name),
            )  # fmt: skip


def never_named(reading: Reading) -> None:
    """Warn about a slot that is parked into and that no other step names."""
    found = reading.found
    if ANY_SLOT in found.named:
        return
    for slot, span in found.parked:
        if slot not in found.named:
            reading.problems.warn(
                "slot-never-named", "no other step names the slot that this parks into", span,
                "ask with 'slots' who is there, or 'bridge' the call from there",
            )  # fmt: skip
