"""Takes one step: its condition, its action, its expectations, what it saves, its verdict."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, TypeAlias, assert_never

from msgspec import Struct
from msgspec.structs import replace

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.engine.actions import Plain, act, named_call
from scenario_runner.engine.checks import Checker, certain
from scenario_runner.engine.context import (
    CURRENT_STEP,
    Frame,
    LateCheck,
    Scope,
    Unbound,
    Undecided,
    Unresolved,
)
from scenario_runner.engine.event_log import Sent, StepMark
from scenario_runner.engine.joining import look_behind
from scenario_runner.engine.normalize import answer_of, outcome_of
from scenario_runner.engine.result import ActionResult, CheckFailed, Tally
from scenario_runner.errors import Contradiction, HeldBack, RunnerFault, ScenarioRunnerError
from scenario_runner.events import Attempt, Failure, StepFinished, StepStarted, Verdict, Warned
from scenario_runner.language.actions import (
    MOST_ROUNDS,
    Call,
    Condition,
    Holding,
    NamedCall,
    ParamType,
    Poll,
    Repeat,
    Stays,
    Step,
    TargetCan,
    Together,
    Use,
    Wait,
)
from scenario_runner.language.expectations import BranchesRefused, Succeeded
from scenario_runner.language.matchers import Equals, Not, OneOf, Spanned
from scenario_runner.language.values import parse_range
from scenario_runner.language.vocabulary import Reason
from scenario_runner.matching import AsText, describe, typed
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.references import NotThere, as_text, follow, path_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from scenario_runner.engine.context import Frame, NamedCallValue
    from scenario_runner.language.actions import Binding, Save, Step
    from scenario_runner.language.values import Duration
    from scenario_runner.references import Json
    from scenario_runner.source import Span


# Refusals that another call, or time alone, may turn into a success. After any other, a step that
# polls stops at once: to ask again until its time is over would only hide what is wrong.
MAY_TURN = frozenset(
    {
        Reason.SLOT_FULL,
        Reason.SLOT_EMPTY,
        Reason.NOTHING_PARKED,
        Reason.CALL_NOT_ANSWERED,
        Reason.CALL_ALREADY_PARKED,
        Reason.NO_CAPACITY,
        Reason.RATE_LIMITED,
        Reason.OTHER,
    }
)

Asked: TypeAlias = "tuple[ActionResult, tuple[Failure, ...]]"


async def ask(
    step: Step,
    look: Callable[[], Awaitable[ActionResult]],
    checker: Checker,
    frame: Frame,
    attempts: list[Attempt],
) -> Asked:
    """Look again and again, as the step says; every look is kept in `attempts`, equal ones folded.

    Returns the last look and its failures.
    """
    begin = frame.now()
    match step.repeating:
        case Poll(within, every):
            until, stop_when_passed = begin + frame.scope.duration(within), True
            pause = frame.scope.duration(every)
        case Stays(during, every):
            until, stop_when_passed = begin + frame.scope.duration(during), False
            pause = frame.scope.duration(every)
        case None:
            raise AssertionError("a step that asks once does not ask again")
    while True:
        seen = await look()
        failures = checker.failures(seen)
        _keep(attempts, Attempt(at=seen.sent, summary=seen.summary, passed=not failures))
        left = until - frame.now()
        if left <= 0 or stop_when_passed is not bool(failures) or _hopeless(seen, failures):
            lasted = seen.sent - begin
            return seen, _told(failures, step, attempts, lasted)
        await asyncio.sleep(min(pause, left) / SECOND)


def _keep(attempts: list[Attempt], look: Attempt) -> None:
    if attempts and (attempts[-1].summary, attempts[-1].passed) == (look.summary, look.passed):
        last = attempts[-1]
        attempts[-1] = Attempt(
            at=last.at, summary=last.summary, passed=last.passed, times=last.times + 1
        )
    else:
        attempts.append(look)


def _hopeless(seen: ActionResult, failures: tuple[Failure, ...]) -> bool:
    """Tell whether the PBX refused for a reason that time will not change."""
    refused = seen.outcome
    return bool(failures) and isinstance(refused, Refused) and refused.reason not in MAY_TURN


def _told(
    failures: tuple[Failure, ...], step: Step, attempts: list[Attempt], lasted: int
) -> tuple[Failure, ...]:
    times = sum(attempt.times for attempt in attempts)
    looks = f"{times} look{'s' if times > 1 else ''}"
    how = "never held" if isinstance(step.repeating, Poll) else "did not keep holding"
    return tuple(
        replace(
            failure,
            message=f"{failure.message} ({how} in {looks} over {duration_text(lasted)})",
        )
        for failure in failures
    )


def patience(step: Step, frame: Frame) -> int:
    """Return the microseconds that a step waits at most; 0 where it says nothing about it."""
    said = _said(step)
    if said is None:
        return 0
    try:
        return frame.scope.duration(said)
    except ScenarioRunnerError:
        return 0


def _said(step: Step) -> Duration | None:
    match step.repeating:
        case Poll(within=within):
            return within
        case Stays(during=during):
            return during
        case None:
            return step.action.duration if isinstance(step.action, Wait) else step.within


class TakeSteps(Protocol):
    """Takes steps in their order, see `stepping.take_steps`."""

    async def __call__(self, steps: tuple[Step, ...], frame: Frame) -> list[Report]:
        """Return a report for each step."""
        ...


async def together(action: Together, step: Step, frame: Frame, take_steps: TakeSteps) -> Asked:
    """Start all branches at the same moment and wait for all of them.

    Then the slots are asked about whose calls its bridges took; returns those failures, too.
    """
    late: list[LateCheck] = [] if frame.late is None else frame.late
    place = CURRENT_STEP.get()
    judged = any(isinstance(c, (Succeeded, BranchesRefused)) for c in step.expect)
    frames = [
        replace(
            frame.inside(place, f".b{number}.", label, frame.scope.child()),
            tolerant=judged,
            sent=Sent(frame.sent.last),
            late=late,
        )
        for number, label in enumerate(_branch_labels(action), 1)
    ]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(take_steps(branch, inner))
            for branch, inner in zip(action.branches, frames, strict=True)
        ]
    reports = [task.result() for task in tasks]
    for inner in frames:
        frame.scope.absorb(inner.scope)
    frame.sent.merge([inner.sent for inner in frames])
    inside = _Inside()
    for branch_reports in reports:
        inside.add(branch_reports)
    result = inside.result(frame, tally=_tally(action, reports))
    if frame.late is not None:
        return result, ()
    return result, tuple([failure for check in late for failure in await check()])


def _branch_labels(action: Together) -> list[str]:
    """Name each branch by the call of its first step, where that tells it from the others."""
    names = [_call_name(branch[0]) for branch in action.branches]
    return [
        name if name and names.count(name) == 1 else f"branch {number}"
        for number, name in enumerate(names, 1)
    ]


def _call_name(step: Step) -> str:
    if isinstance(step.action, Call):
        return step.action.as_
    call = getattr(step.action, "call", None)
    return call.name if isinstance(call, NamedCall) else ""


def _tally(action: Together, reports: list[list[Report]]) -> Tally:
    succeeded: list[str] = []
    refused: list[tuple[str, str]] = []
    branches_refused, winners = 0, []
    for number, (branch, results) in enumerate(zip(action.branches, reports, strict=True)):
        refusals = 0
        for step, report in zip(branch, results, strict=True):
            match report.seen.outcome if report.seen is not None else None:
                case Refused(reason=reason):
                    refused.append((step.word, reason.value))
                    refusals += 1
                case Done():
                    succeeded.append(step.word)
        branches_refused += refusals > 0
        if not refusals and any(report.verdict.ran for report in results):
            winners.append(number)
    return Tally(
        succeeded=tuple(succeeded),
        refused=tuple(refused),
        branches_succeeded=len(reports) - branches_refused,
        branches_refused=branches_refused,
        winners=tuple(winners),
    )


async def repeat(action: Repeat, frame: Frame, take_steps: TakeSteps) -> ActionResult:
    """Run the steps once for each round; a round that stops ends the rest."""
    items = _rounds(action, frame)
    rounds = frame.rounds * len(items)
    place = CURRENT_STEP.get()
    inside, done = _Inside(), 0
    for number, item in enumerate(items, 1):
        scope = frame.scope.child()
        label = f"round {number}"
        if action.as_ is not None:
            scope.bind(action.as_, item)
            label = f"{action.as_} {as_text(item)[:_LONGEST_LABEL]}"
        inner = replace(frame.inside(place, f"[{number}].", label, scope), rounds=rounds)
        inside.add(await take_steps(action.steps, inner))
        frame.scope.absorb(scope)
        done = number
        if inside.stopped:
            break
    return inside.result(frame, summary=f"{done} of {len(items)} rounds")


_LONGEST_LABEL = 40


def _rounds(action: Repeat, frame: Frame) -> Sequence[Json]:
    """Return what `as` is bound to in each round, or the numbers of the rounds."""
    if action.each is not None:
        items = frame.scope.resolve(action.each)
        if isinstance(items, str) and (numbers := parse_range(items)) is not None:
            _refuse_endless(len(numbers), frame, action.each.span)
            return numbers
        if not isinstance(items, list) or not items:
            message = (
                f"'each' is {typed(items)}, neither a list with items nor a range such as 1-20"
            )
            raise Unresolved(message, action.each.span)
        _refuse_endless(len(items), frame, action.each.span)
        return items
    assert action.times is not None
    times = frame.scope.resolve(action.times)
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        message = f"'times' is {typed(times)}, not a number from 1"
        raise Unresolved(message, action.times.span)
    _refuse_endless(times, frame, action.times.span)
    return range(1, times + 1)


def _refuse_endless(times: int, frame: Frame, span: Span) -> None:
    rounds = frame.rounds * times
    if rounds > MOST_ROUNDS:
        hint = f"repeats inside each other may come to {MOST_ROUNDS:,} rounds"
        raise Undecided(f"{rounds:,} rounds are too many", span, hint=hint)


async def use(action: Use, step: Step, frame: Frame, take_steps: TakeSteps) -> ActionResult:
    """Run a fragment's steps in a scope of their own; only what is exported comes out."""
    scope = Scope(frame.scope.world)
    given = {binding.name: binding for binding in action.given}
    for param in action.fragment.params:
        if param.name in given:
            scope.bind(param.name, _given(given[param.name], param.type, frame))
        elif param.default is not None:
            scope.bind(param.name, scope.resolve(param.default))
    inner = replace(
        frame.inside(CURRENT_STEP.get(), ".use.", action.fragment.name, scope),
        via=(*frame.via, step.span),
        moments={},
    )
    inside = _Inside()
    inside.add(await take_steps(action.fragment.steps, inner))
    for exported, name in action.exports:
        if scope.has(exported):
            frame.take_over(name, scope.find(exported))
    return inside.result(frame, summary=action.fragment.name)


def _given(given: Binding, kind: str, frame: Frame) -> Json | NamedCallValue:
    """Return what a parameter is bound to: a value, or the call that the value names."""
    value = frame.scope.resolve(given.value)
    if kind != ParamType.CALL:
        return value
    return named_call(NamedCall(as_text(value), given.value.span), frame)


class _Inside:
    """What the steps inside another one came to; their reports are not kept, however many."""

    def __init__(self) -> None:
        self._end: int | None = None
        self._verdicts: set[Verdict] = set()
        self.stopped = False

    def add(self, reports: list[Report]) -> None:
        """Take in the reports of steps that are over."""
        for report in reports:
            self._verdicts.add(report.verdict)
            self.stopped |= report.stops
            if report.seen is not None:
                self._end = max(self._end or 0, report.seen.at)

    @property
    def applied(self) -> bool:
        """Whether anything inside was done at all."""
        return not self._verdicts <= {Verdict.NOT_APPLICABLE}

    def result(
        self, frame: Frame, *, summary: str = "", tally: Tally | None = None
    ) -> ActionResult:
        """Return the result of the step around them: it ended when the last of them did."""
        failed = any(verdict.stops for verdict in self._verdicts)
        inner = Verdict.FAILED if failed else Verdict.PASSED
        if not self.applied:
            inner = Verdict.NOT_APPLICABLE
        if Verdict.ERRORED in self._verdicts:
            inner = Verdict.ERRORED
        end = frame.now() if self._end is None else self._end
        return ActionResult(
            sent=end,
            at=end,
            summary=summary,
            tally=tally,
            inner=inner,
            soft=failed and not self.stopped,
        )


class Report(Struct, frozen=True, kw_only=True):
    """What became of a step: its verdict, why, and whether the scenario goes on if it failed."""

    verdict: Verdict
    seen: ActionResult | None = None
    failures: tuple[Failure, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    soft: bool = False

    @property
    def failed_softly(self) -> bool:
        """Whether the scenario fails at its end, and not here."""
        return self.soft and self.verdict in (Verdict.FAILED, Verdict.XPASSED)

    @property
    def stops(self) -> bool:
        """Whether the steps after it are skipped."""
        return self.verdict.stops and not self.failed_softly


async def take_steps(
    steps: tuple[Step, ...], frame: Frame, *, keep_going: bool = False
) -> list[Report]:
    """Take steps in their order; after one that stops the scenario the rest are skipped.

    With `keep_going` (a cleanup) every step is taken.
    """
    reports: list[Report] = []
    stopped = False
    for number, step in enumerate(steps, 1):
        place = f"{frame.prefix}{number}"
        if stopped:
            reports.append(_skip(step, frame, place))
            continue
        if frame.shared.pause is not None and number > 1 and not frame.prefix:
            await asyncio.sleep(frame.shared.pause())
        report = await take_step(step, frame, place)
        reports.append(report)
        stopped = report.stops and not keep_going
    return reports


async def take_step(step: Step, frame: Frame, place: str) -> Report:
    """Take one step and emit its beginning and its end."""
    CURRENT_STEP.set(place)
    begin = frame.now()
    _started(step, frame, place, begin)
    try:
        if frame.shared.stopping() and not frame.cleaning:
            report = Report(verdict=Verdict.SKIPPED)
        else:
            report = _excused(step, await _taken(step, frame))
            report = replace(report, soft=report.soft or step.soft)
    except BaseException:
        CURRENT_STEP.set(place)
        _finished(step, frame, place, begin, _cut_short(step, frame))
        raise
    CURRENT_STEP.set(place)
    _finished(step, frame, place, begin, report)
    return report


def _cut_short(step: Step, frame: Frame) -> Report:
    message = "stopped before it was known what came of it"
    failure = Failure(key="interrupted", message=message, span=step.span, via=frame.via)
    return Report(verdict=Verdict.ERRORED, failures=(failure,))


def holds(condition: Condition, frame: Frame) -> bool:
    """Tell whether a `when` holds here."""
    match condition:
        case Holding(that, spanned):
            value = frame.scope.resolve(that)
            _warn_of_types(spanned, value, frame)
            return frame.scope.matches(spanned, value)
        case TargetCan(capability):
            return capability in frame.shared.traits.capabilities
        case _:
            assert_never(condition)


def _warn_of_types(spanned: Spanned, value: Json, frame: Frame) -> None:
    """Warn, once for each place, where a number is compared with its own digits as text."""
    matcher = spanned.matcher
    while isinstance(matcher, Not):
        matcher = matcher.inner
    compared = Spanned(matcher, spanned.span)
    if not isinstance(matcher, Equals | OneOf) or frame.scope.matches(compared, value):
        return
    if not frame.scope.matches(compared, value, AsText) or spanned.span in frame.shared.warned:
        return
    frame.shared.warned.add(spanned.span)
    frame.shared.emit(
        Warned(
            code="when-types",
            message=f"'when' compares {typed(value)} with {describe(matcher, frame.scope.resolve)}"
            ", which is never equal",
            span=spanned.span,
            hint="write both with quotes, or both without",
        )
    )


async def _taken(step: Step, frame: Frame) -> Report:
    attempts: list[Attempt] = []
    mark = frame.log.mark()
    try:
        if step.when is not None and not holds(step.when, frame):
            return Report(verdict=Verdict.NOT_APPLICABLE)
        seen, failures = await _performed(step, frame, attempts)
        if seen.inner is Verdict.NOT_APPLICABLE:
            return Report(verdict=Verdict.NOT_APPLICABLE)
        failures += _saved(step, seen, frame)
    except Exception as error:  # noqa: BLE001 -- whatever it is ends this scenario, and no other
        return replace(_not_seen(error, step, frame), attempts=tuple(attempts))
    if step.action.facts.composite:
        mark = frame.log.mark()
    if step.id is not None:
        frame.moments[step.id] = StepMark(sent=seen.sent, at=seen.at, mark=mark)
    verdict = seen.inner
    if failures and verdict is not Verdict.ERRORED:
        verdict = Verdict.FAILED
    if frame.via:
        failures = tuple(replace(failure, via=frame.via) for failure in failures)
    return Report(
        verdict=verdict,
        seen=seen,
        failures=failures,
        attempts=tuple(attempts),
        soft=seen.soft and not failures,
    )


def _not_seen(error: Exception, step: Step, frame: Frame) -> Report:
    match error:
        case CheckFailed(failure=failure):
            return Report(verdict=Verdict.FAILED, failures=(replace(failure, via=frame.via),))
        case Unbound() if frame.cleaning:
            return Report(verdict=Verdict.NOT_APPLICABLE)
        case HeldBack():
            return Report(verdict=Verdict.SKIPPED)
        case Contradiction():
            failure = replace(_errored(error, step, frame), key="model")
            return Report(verdict=Verdict.FAILED, failures=(failure,))
        case ScenarioRunnerError():
            return Report(verdict=Verdict.ERRORED, failures=(_errored(error, step, frame),))
        case _:
            fault = _errored(RunnerFault(error), step, frame)
            return Report(verdict=Verdict.ERRORED, failures=(fault,))


async def _performed(
    step: Step, frame: Frame, attempts: list[Attempt]
) -> tuple[ActionResult, tuple[Failure, ...]]:
    checker = Checker(step, frame)
    match step.action:
        case Together():
            seen, late = await together(step.action, step, frame, take_steps)
            return seen, (*late, *checker.failures(seen))
        case Repeat():
            seen = await repeat(step.action, frame, take_steps)
        case Use():
            seen = await use(step.action, step, frame, take_steps)
        case action:
            if step.repeating is None:
                return await _once(action, step, checker, frame)
            seen, failures = await ask(
                step, lambda: act(action, step, frame), checker, frame, attempts
            )
            if failures and isinstance(seen.outcome, Refused):
                certain(seen.outcome, step, frame)
            return seen, failures
    return seen, checker.failures(seen)


async def _once(action: Plain, step: Step, checker: Checker, frame: Frame) -> Asked:
    """Take an action that neither has steps inside nor is asked again."""
    seen = await act(action, step, frame)
    if isinstance(seen.outcome, Refused):
        certain(seen.outcome, step, frame)
        if frame.tolerant and not step.expect:
            return seen, ()
    failures = checker.failures(seen)
    if failures:
        return seen, failures
    return await look_behind(step, seen, frame)


def _saved(step: Step, seen: ActionResult, frame: Frame) -> tuple[Failure, ...]:
    if isinstance(step.action, Together):
        return _saved_winner(step.action, step.save, seen, frame)
    failures: list[Failure] = []
    answer = seen.answer() if step.save else {}
    for save in step.save:
        try:
            frame.scope.bind(save.name, follow(answer, save.path))
        except NotThere as error:
            path = path_text(save.path)
            message = f"save: '{path}' is not in the answer: {error}"
            actual = as_text(answer)
            failures.append(
                Failure(
                    key="save",
                    message=message,
                    expected=f"an answer with '{path}'",
                    actual=actual if len(actual) <= 300 else actual[:299] + "…",
                    span=save.span,
                )
            )
    return tuple(failures)


def _saved_winner(
    action: Together, saves: tuple[Save, ...], seen: ActionResult, frame: Frame
) -> tuple[Failure, ...]:
    """Bind the call of the one branch that was not refused; fail where it is not one."""
    winners = seen.tally.winners if seen.tally is not None else ()
    calls = [action.calls()[number][0] for number in winners] if saves else []
    if len(calls) == 1:
        for save in saves:
            frame.scope.bind(save.name, named_call(NamedCall(calls[0], save.span), frame))
        return ()
    actual = f"{len(calls)} were not" + (f" ({', '.join(calls)})" if calls else "")
    message = f"save: 'winner' needs one branch that was not refused, and {actual}"
    return tuple(
        Failure(key="save", message=message, expected="1 winner", actual=actual, span=save.span)
        for save in saves
    )


def _errored(error: ScenarioRunnerError, step: Step, frame: Frame) -> Failure:
    key, span = "fault" if isinstance(error, RunnerFault) else "pbx", step.span
    if isinstance(error, Undecided):
        key, span = error.key, error.span
    return Failure(key=key, message=error.message, span=span, hint=error.hint, via=frame.via)


def _excused(step: Step, report: Report) -> Report:
    """Apply a step's own `xfail`, which never excuses what could not be found out."""
    if step.xfail is None:
        return report
    match report.verdict:
        case Verdict.FAILED:
            return replace(report, verdict=Verdict.XFAILED)
        case Verdict.PASSED:
            failure = Failure(
                key="xfail",
                message=f"passed, though it is known to fail: {step.xfail}",
                span=step.span,
                hint="if the fault is fixed, remove `xfail`",
            )
            return replace(report, verdict=Verdict.XPASSED, failures=(failure,))
        case _:
            return report


def _skip(step: Step, frame: Frame, place: str) -> Report:
    begin = frame.now()
    _started(step, frame, place, begin)
    report = Report(verdict=Verdict.SKIPPED)
    _finished(step, frame, place, begin, report)
    return report


def _started(step: Step, frame: Frame, place: str, at: int) -> None:
    frame.shared.emit(
        StepStarted(
            scenario=frame.shared.scenario,
            step=place,
            title=_title(step, frame),
            action=step.word,
            span=step.span,
            at=at,
            path=(*frame.path, place.removeprefix(frame.prefix)) if frame.path else (),
            via=frame.via,
            patience=patience(step, frame),
        )
    )


def _title(step: Step, frame: Frame) -> str:
    if step.name is None:
        return step.word
    try:
        return as_text(frame.scope.resolve(step.name))
    except ScenarioRunnerError:
        return step.word


def _finished(step: Step, frame: Frame, place: str, begin: int, report: Report) -> None:
    applies = report.verdict is not Verdict.NOT_APPLICABLE
    facts = step.action.facts
    if not facts.composite or step.expect:
        checks = bool(step.expect) or facts.checks
        frame.shared.counts.add(report.verdict, checks=checks and applies)
    seen, now = report.seen, frame.now()
    frame.shared.emit(
        StepFinished(
            scenario=frame.shared.scenario,
            step=place,
            verdict=report.verdict,
            at=now,
            took=now - begin - (seen.own if seen is not None else 0),
            summary=seen.summary if seen is not None else "",
            failures=report.failures,
            attempts=report.attempts,
            note=_note(report),
            outcome=outcome_of(seen),
            answer=answer_of(step.action, seen, frame),
        )
    )


def _note(report: Report) -> str:
    if report.failed_softly:
        return "soft: the scenario went on"
    return report.seen.note if report.seen is not None else ""
