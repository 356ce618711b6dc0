"""The actions with steps inside: `together`, `repeat`, `use`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from scenario_runner.engine.addresses import named_call
from scenario_runner.engine.frame import CURRENT_STEP
from scenario_runner.engine.scope import Scope, Unresolved
from scenario_runner.engine.seen import Seen, Tally
from scenario_runner.engine.tally import STOPS
from scenario_runner.matching import typed
from scenario_runner.model.expectations import BranchesRefused, Succeeded
from scenario_runner.model.steps import CALL, NamedCall
from scenario_runner.model.vocabulary import Verdict
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.references import as_text

if TYPE_CHECKING:
    from scenario_runner.engine.frame import Frame
    from scenario_runner.engine.scope import NamedCallValue
    from scenario_runner.engine.stepping import Report
    from scenario_runner.model.steps import Binding, Repeat, Step, Together, Use
    from scenario_runner.references import Json


class TakeSteps(Protocol):
    """Takes steps in their order, see `stepping.take_steps`."""

    async def __call__(self, steps: tuple[Step, ...], frame: Frame) -> list[Report]:
        """Return a report for each step."""
        ...


async def together(action: Together, step: Step, frame: Frame, take_steps: TakeSteps) -> Seen:
    """Start all branches at the same moment and wait for all of them."""
    judged = any(isinstance(c, (Succeeded, BranchesRefused)) for c in step.expect)
    frames = [
        replace(frame.inside(f"{_own(frame)}b{number}.", frame.scope.child()), tolerant=judged)
        for number, _ in enumerate(action.branches, 1)
    ]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(take_steps(branch, inner))
            for branch, inner in zip(action.branches, frames, strict=True)
        ]
    reports = [task.result() for task in tasks]
    for inner in frames:
        frame.scope.absorb(inner.scope)
    tally = _tally(action, reports)
    return replace(_inside(frame, [r for branch in reports for r in branch]), tally=tally)


def _tally(action: Together, reports: list[list[Report]]) -> Tally:
    succeeded: list[str] = []
    refused: list[tuple[str, str]] = []
    branches_refused = 0
    for branch, results in zip(action.branches, reports, strict=True):
        refusals = 0
        for step, report in zip(branch, results, strict=True):
            match report.seen.outcome if report.seen is not None else None:
                case Refused(reason=reason):
                    refused.append((step.word, reason.value))
                    refusals += 1
                case Done():
                    succeeded.append(step.word)
        branches_refused += refusals > 0
    return Tally(
        succeeded=tuple(succeeded),
        refused=tuple(refused),
        branches_succeeded=len(reports) - branches_refused,
        branches_refused=branches_refused,
    )


async def repeat(action: Repeat, frame: Frame, take_steps: TakeSteps) -> Seen:
    """Run the steps once for each round; a round that stops ends the rest."""
    items = _rounds(action, frame)
    own = _own(frame).removesuffix(".")
    reports: list[Report] = []
    for number, item in enumerate(items, 1):
        scope = frame.scope.child()
        if action.as_ is not None:
            scope.bind(action.as_, item)
        done = await take_steps(action.steps, frame.inside(f"{own}[{number}].", scope))
        reports += done
        frame.scope.absorb(scope)
        if any(report.verdict in STOPS for report in done):
            break
    seen = _inside(frame, reports)
    rounds = len(reports) // len(action.steps)
    return replace(seen, saw=f"{rounds} of {len(items)} rounds")


def _rounds(action: Repeat, frame: Frame) -> list[Json]:
    if action.each is not None:
        items = frame.scope.resolve(action.each)
        if not isinstance(items, list) or not items:
            message = f"'each' is {typed(items)}, not a list with items"
            raise Unresolved(message, action.each.span)
        return items
    assert action.times is not None
    times = frame.scope.resolve(action.times)
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        message = f"'times' is {typed(times)}, not a number from 1"
        raise Unresolved(message, action.times.span)
    return list(range(1, times + 1))


async def use(action: Use, step: Step, frame: Frame, take_steps: TakeSteps) -> Seen:
    """Run a fragment's steps in a scope of their own; only what is exported comes out."""
    scope = Scope(frame.scope.world)
    given = {binding.name: binding for binding in action.given}
    for param in action.fragment.params:
        if param.name in given:
            scope.bind(param.name, _given(given[param.name], param.type, frame))
        elif param.default is not None:
            scope.bind(param.name, scope.resolve(param.default))
    inner = replace(
        frame.inside(f"{_own(frame)}use.", scope), via=(*frame.via, step.span), moments={}
    )
    reports = await take_steps(action.fragment.steps, inner)
    for inside, outside in action.exports:
        if scope.has(inside):
            frame.take_over(outside, scope.find(inside))
    seen = _inside(frame, reports)
    return replace(seen, saw=action.fragment.name)


def _given(given: Binding, kind: str, frame: Frame) -> Json | NamedCallValue:
    """Return what a parameter is bound to: a value, or the call that the value names."""
    value = frame.scope.resolve(given.value)
    if kind != CALL:
        return value
    return named_call(NamedCall(as_text(value), given.value.span), frame)


def _own(frame: Frame) -> str:
    """Return the current step's own number, below which its inner steps count."""
    return CURRENT_STEP.get().removeprefix(frame.prefix) + "."


def _inside(frame: Frame, reports: list[Report]) -> Seen:
    end = max((r.seen.at for r in reports if r.seen is not None), default=frame.now())
    verdicts = {report.verdict for report in reports}
    inner = Verdict.PASSED
    if Verdict.ERRORED in verdicts:
        inner = Verdict.ERRORED
    elif verdicts & STOPS:
        inner = Verdict.FAILED
    return Seen(sent=end, at=end, inner=inner)
