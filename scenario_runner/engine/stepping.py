"""Takes one step: its condition, its action, its expectations, what it saves, its verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from scenario_runner.engine.actions import act
from scenario_runner.engine.asking import ask
from scenario_runner.engine.certainty import certain
from scenario_runner.engine.checks import Checker
from scenario_runner.engine.composites import repeat, together, use
from scenario_runner.engine.frame import CURRENT_STEP, Frame
from scenario_runner.engine.moments import Moment
from scenario_runner.engine.patience import patience
from scenario_runner.engine.scope import Unbound, Unresolved
from scenario_runner.engine.seen import NotSeen, Seen
from scenario_runner.engine.tally import STOPS
from scenario_runner.engine.telling import answer_of, outcome_of
from scenario_runner.errors import (
    ScenarioRunnerError,
)
from scenario_runner.events import Attempt, Failure, StepFinished, StepStarted
from scenario_runner.matching import matches
from scenario_runner.model.steps import (
    Call,
    Condition,
    Holding,
    Repeat,
    Set,
    Step,
    TargetCan,
    Together,
    Use,
    Wait,
)
from scenario_runner.model.vocabulary import Verdict
from scenario_runner.pbx.protocol import Refused
from scenario_runner.references import NotThere, as_text, follow, path_text

if TYPE_CHECKING:
    from scenario_runner.model.steps import Save


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a step: its verdict, why, and the moments that labels refer to."""

    verdict: Verdict
    seen: Seen | None = None
    failures: tuple[Failure, ...] = ()
    attempts: tuple[Attempt, ...] = ()


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
        report = await take_step(step, frame, place)
        reports.append(report)
        stopped = report.verdict in STOPS and not keep_going
    return reports


async def take_step(step: Step, frame: Frame, place: str) -> Report:
    """Take one step and emit its beginning and its end."""
    CURRENT_STEP.set(place)
    begin = frame.now()
    _started(step, frame, place, begin)
    try:
        report = _excused(step, await _taken(step, frame))
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
            return matches(spanned.matcher, value, frame.scope.resolve)
        case TargetCan(capability):
            return capability in frame.shared.traits.capabilities
        case _:
            assert_never(condition)


async def _taken(step: Step, frame: Frame) -> Report:
    attempts: list[Attempt] = []
    mark = frame.log.mark()
    try:
        if step.when is not None and not holds(step.when, frame):
            return Report(verdict=Verdict.NOT_APPLICABLE)
        seen, failures = await _performed(step, frame, attempts)
        failures += _saved(step.save, seen, frame)
    except (NotSeen, ScenarioRunnerError) as error:
        return replace(_not_seen(error, step, frame), attempts=tuple(attempts))
    if isinstance(step.action, (Together, Repeat, Use)):
        mark = frame.log.mark()
    if step.id is not None:
        frame.moments[step.id] = Moment(sent=seen.sent, at=seen.at, mark=mark)
    verdict = seen.inner
    if failures and verdict is not Verdict.ERRORED:
        verdict = Verdict.FAILED
    failures = tuple(replace(failure, via=frame.via) for failure in failures)
    return Report(verdict=verdict, seen=seen, failures=failures, attempts=tuple(attempts))


def _not_seen(error: NotSeen | ScenarioRunnerError, step: Step, frame: Frame) -> Report:
    match error:
        case NotSeen(failure=failure):
            return Report(verdict=Verdict.FAILED, failures=(replace(failure, via=frame.via),))
        case Unbound() if frame.cleaning:
            return Report(verdict=Verdict.NOT_APPLICABLE)
        case ScenarioRunnerError():
            return Report(verdict=Verdict.ERRORED, failures=(_errored(error, step, frame),))
        case _:
            assert_never(error)


async def _performed(
    step: Step, frame: Frame, attempts: list[Attempt]
) -> tuple[Seen, tuple[Failure, ...]]:
    checker = Checker(step, frame)
    match step.action:
        case Together():
            seen = await together(step.action, step, frame, take_steps)
        case Repeat():
            seen = await repeat(step.action, frame, take_steps)
        case Use():
            seen = await use(step.action, step, frame, take_steps)
        case action:
            if step.repeating is not None:
                seen, failures = await ask(
                    step, lambda: act(action, step, frame), checker, frame, attempts
                )
                if failures and isinstance(seen.outcome, Refused):
                    certain(seen.outcome, step, frame)
                return seen, failures
            seen = await act(action, step, frame)
    if isinstance(seen.outcome, Refused):
        certain(seen.outcome, step, frame)
        if frame.tolerant and not step.expect:
            return seen, ()
    return seen, checker.failures(seen)


def _saved(saves: tuple[Save, ...], seen: Seen, frame: Frame) -> tuple[Failure, ...]:
    failures: list[Failure] = []
    answer = seen.answer() if saves else {}
    for save in saves:
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


def _errored(error: ScenarioRunnerError, step: Step, frame: Frame) -> Failure:
    key, span = "pbx", step.span
    if isinstance(error, Unresolved):
        key, span = "name", error.span
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
                hint="if the fault is mended, remove `xfail`",
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


_CHECKS_NOTHING = (Call, Wait, Set, Together, Repeat, Use)


def _finished(step: Step, frame: Frame, place: str, begin: int, report: Report) -> None:
    applies = report.verdict is not Verdict.NOT_APPLICABLE
    composite = isinstance(step.action, (Together, Repeat, Use))
    if not composite or step.expect:
        checks = bool(step.expect) or not isinstance(step.action, _CHECKS_NOTHING)
        frame.shared.counts.add(report.verdict, checks=checks and applies)
    seen, now = report.seen, frame.now()
    frame.shared.emit(
        StepFinished(
            scenario=frame.shared.scenario,
            step=place,
            verdict=report.verdict.value,
            at=now,
            took=now - begin,
            saw=seen.saw if seen is not None else "",
            failures=report.failures,
            attempts=report.attempts,
            note=seen.note if seen is not None else "",
            outcome=outcome_of(seen),
            answer=answer_of(step.action, seen, frame),
        )
    )
