"""Steps that check nothing, and names that nobody uses: what looks green and proves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import MINUTE, duration_text
from scenario_runner.language.actions import (
    EVENT_WINDOW,
    MOST_ROUNDS,
    AwaitEvent,
    Call,
    Check,
    Holding,
    Repeat,
    Together,
    Use,
    Wait,
)
from scenario_runner.language.expectations import (
    After,
    BranchesRefused,
    Refused,
    StatusIs,
    Subject,
    Succeeded,
)
from scenario_runner.language.matchers import (
    AllOf,
    Anything,
    AtLeast,
    AtMost,
    Between,
    Contains,
    Equals,
    Length,
    Matches,
    Near,
    OneOf,
    StartsWith,
)
from scenario_runner.language.values import Duration, parse_range, size
from scenario_runner.loading.messages import say
from scenario_runner.loading.names import Kind, shape
from scenario_runner.loading.reader import refuse_slot_list
from scenario_runner.references import Items, Literal, references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenario_runner.language.actions import Step
    from scenario_runner.language.expectations import Clause
    from scenario_runner.language.matchers import Matcher, Spanned
    from scenario_runner.loading.names import Names
    from scenario_runner.loading.reader import Found, Reading
    from scenario_runner.references import Expression


def look_at(step: Step, reading: Reading) -> None:
    """Note what a step proves, and warn about expectations that prove nothing."""
    if step.expect or step.action.facts.proves:
        reading.found.checks += 1
    _note_slots(step, reading.found)
    _note_caller(step, reading)
    _note_refused_call(step, reading.names)
    hollow = [clause for clause in step.expect if _can_not_fail(clause, step)]
    for clause in hollow:
        matcher = clause.compares()
        code = "cannot-fail.matcher" if matcher and _hollow(matcher) else "cannot-fail.answer"
        reading.problems.report(say(code), clause.span)
    for that, spanned in _compared_beside(step):
        refuse_hollow(spanned, reading)
        refuse_list_as_number(that, spanned.matcher, reading)
    if step.repeating and len(hollow) == len(step.expect):
        reading.problems.report(say("empty-poll"), step.span)
    if isinstance(step.action, Repeat):
        _refuse_endless(step, step.action, reading)
    action = step.action
    if isinstance(action, Check) and not list(references(action.that)):
        reading.problems.report(say("constant-check"), action.that.span)
    if isinstance(action, AwaitEvent):
        _compare_times(action, step, reading)
    reading.found.last_step = step.id


def _compare_times(action: AwaitEvent, step: Step, reading: Reading) -> None:
    """Warn where an event is to come later after a step than it is waited for."""
    begin = action.since or reading.found.last_step
    within = step.within or EVENT_WINDOW
    for clause in step.expect:
        if not isinstance(clause, After) or clause.step != begin:
            continue
        least = _least(clause.matcher)
        if least is not None and isinstance(within.value, int) and least > within.value:
            said = say(
                "never-in-time",
                within=duration_text(within.value),
                least=duration_text(int(least)),
                id=begin,
            )
            reading.problems.report(said, clause.span)


def _least(matcher: Matcher) -> float | None:
    """The smallest number or duration that a matcher allows, as far as the file says it."""
    match matcher:
        case Equals(low) | AtLeast(low) | Between(low=low):
            return size(low)
        case Near(value, within):
            middle, off = size(value), size(within)
            return None if middle is None or off is None else middle - off
        case AllOf(inner):
            return max((least for one in inner if (least := _least(one)) is not None), default=None)
        case _:
            return None


def _note_caller(step: Step, reading: Reading) -> None:
    """Note who calls an extension, where that is on no condition."""
    conditional = step.when is not None or reading.names.conditions
    if isinstance(step.action, Call) and step.action.from_ is not None and not conditional:
        reading.found.callers.append(step.action.from_)


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


def refuse_too_long(steps: tuple[Step, ...], timeout: Duration, reading: Reading) -> None:
    """Report the step at which a scenario has waited longer than it may take."""
    if not isinstance(timeout.value, int):
        return
    passed = 0
    for step in steps:
        passed += _least_time(step)
        if passed > timeout.value:
            least, limit = duration_text(passed), duration_text(timeout.value)
            longer = duration_text((passed // MINUTE + 1) * MINUTE)
            said = say("too-short-timeout", least=least, timeout=limit, longer=longer)
            reading.report(said, step.span)
            return


def _least_time(step: Step) -> int:
    """Return the microseconds that a step takes at least, as far as the file says it."""
    if step.when is not None:
        return 0
    match step.action:
        case Wait(Duration(int(value))):
            return value
        case Together(branches):
            return max(sum(map(_least_time, branch)) for branch in branches)
        case Repeat(steps=inner):
            return _own_rounds(step.action) * sum(map(_least_time, inner))
        case Use(fragment=fragment):
            return sum(map(_least_time, fragment.steps))
        case _:
            stays = step.stays
            return stays.value if stays is not None and isinstance(stays.value, int) else 0


def _own_rounds(action: Repeat) -> int:
    match action:
        case Repeat(times=Literal(value=int(times))) if times > 0:
            return times
        case Repeat(each=Items(items)):
            return max(len(items), 1)
        case Repeat(each=Literal(str(text))) if (numbers := parse_range(text)) is not None:
            return len(numbers)
        case _:
            return 1


def _note_slots(step: Step, found: Found) -> None:
    filled, looked_into = step.action.fills(), step.action.looks_into()
    if filled is not None:
        kept = found.looked_into if _may_be_refused(step) else found.parked
        kept.append(filled)
    if looked_into is None:
        found.looks_anywhere = True
    else:
        found.looked_into += looked_into
    if any(isinstance(clause, (Succeeded, BranchesRefused)) for clause in step.expect):
        found.looked_into += _raced_for(step)


def _may_be_refused(step: Step) -> bool:
    """Whether a refusal passes: such a parking tells whether somebody is in the slot."""
    return any(clause.allows_refusal and not _is_success(clause) for clause in step.expect)


def _is_success(clause: Clause) -> bool:
    match clause:
        case StatusIs(Equals(Literal(int(status)))):
            return status < 400
        case _:
            return False


def _raced_for(step: Step) -> Iterator[Expression]:
    """The slots that several branches park into."""
    filled = [slot for one in step.action.steps_inside() if (slot := one.action.fills())]
    shapes = [shape(slot) for slot in filled]
    return (slot for slot, own in zip(filled, shapes, strict=True) if shapes.count(own) > 1)


def _can_not_fail(clause: Clause, step: Step) -> bool:
    """Whether an expectation holds for every answer."""
    match clause:
        case Refused(reasons):
            said = {reason.value for reason in reasons if isinstance(reason, Literal)}
            return {"any", "none"} <= said
        case Succeeded(None) | BranchesRefused(None) if isinstance(step.action, Together):
            return _always(clause.matcher, clause.subject, (0, len(step.action.branches)))
        case _:
            matcher, limits = clause.compares(), clause.subject.limits
            return matcher is not None and _always(matcher, clause.subject, limits or (None, None))


def _always(matcher: Matcher, subject: Subject, limits: tuple[int | None, int | None]) -> bool:
    """Whether a matcher holds for all that its subject can be; `limits` are those of a number."""
    least, most = limits
    match matcher:
        case Anything():
            return subject.always_there
        case AtLeast(low):
            return _within(least, low)
        case AtMost(high):
            return _beyond(most, high)
        case Between(low, high):
            return _within(least, low) and _beyond(most, high)
        case OneOf(options) if subject.words:
            return {one.value for one in options if isinstance(one, Literal)} >= set(subject.words)
        case AllOf(inner):
            return all(_always(one, subject, limits) for one in inner)
        case _:
            return _hollow(matcher)


def _within(least: int | None, low: Expression) -> bool:
    bound = size(low)
    return least is not None and bound is not None and bound <= least


def _beyond(most: int | None, high: Expression) -> bool:
    bound = size(high)
    return most is not None and bound is not None and bound >= most


def _compared_beside(step: Step) -> Iterator[tuple[Expression | None, Spanned]]:
    """The matchers of a step that do not stand in `expect`, and what they are about, if written."""
    match step.action:
        case Check(that=that, matcher=matcher):
            yield that, matcher
        case AwaitEvent(where=fields):
            yield from ((None, matcher) for _, matcher in fields)
        case _:
            pass
    if isinstance(step.when, Holding):
        yield step.when.that, step.when.matcher


def refuse_list_as_number(that: Expression | None, matcher: Matcher, reading: Reading) -> None:
    """Report the list of the target's slots where it is compared with numbers."""
    match matcher:
        case AtLeast() | AtMost() | Between() | Equals(Literal(int())) if that is not None:
            refuse_slot_list(that, reading)
        case _:
            pass


def refuse_hollow(spanned: Spanned, reading: Reading) -> None:
    """Warn about a matcher that matches every value."""
    if _hollow(spanned.matcher):
        reading.problems.report(say("cannot-fail.matcher"), spanned.span)


def _hollow(matcher: Matcher) -> bool:
    """Whether a matcher holds for every text and every list, and so tells no two apart."""
    match matcher:
        case Contains(Literal("")) | StartsWith(Literal("")) | Matches(".*"):
            return True
        case Length(AtLeast(low)):
            return _within(0, low)
        case AllOf(inner):
            return all(_hollow(one) for one in inner)
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


def never_named(reading: Reading, texts: Callable[[Expression], set[str]]) -> None:
    """Warn about a slot that is parked into and that no other step looks into.

    `texts` says what an expression may be, as far as the file tells.
    """
    found = reading.found
    if found.looks_anywhere:
        return
    looked_into: set[str] = set()
    for slot in found.looked_into:
        looked_into |= texts(slot) | {shape(slot)}
    for slot in found.parked:
        if looked_into.isdisjoint(texts(slot) | {shape(slot)}):
            reading.problems.report(say("slot-never-named"), slot.span)
