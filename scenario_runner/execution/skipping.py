"""Scenarios that a target can never run: skipped, with the reason, before anything is dialled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.events import Failure, ScenarioFinished, ScenarioStarted
from scenario_runner.model.steps import (
    Answer,
    AwaitEvent,
    Bridge,
    RawRequest,
    Repeat,
    Step,
    Together,
    Use,
)
from scenario_runner.model.vocabulary import Capability, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenario_runner.events import Event
    from scenario_runner.execution.leases import Pool
    from scenario_runner.model.scenario import Scenario
    from scenario_runner.model.steps import Action

_WHAT = {
    Capability.ANSWER: "it answers a ringing call",
    Capability.EVENTS: "it waits for events",
    Capability.RANDOM_BRIDGE: "it bridges without naming a slot",
    Capability.RAW_REQUESTS: "it sends raw requests",
}


def why_not(scenario: Scenario, pool: Pool, capabilities: frozenset[Capability]) -> str | None:
    """Say why the target can never run this scenario, or None."""
    for capability in sorted(required(scenario) - capabilities):
        return f"{_WHAT[capability]}, which needs a target with {capability}"
    return pool.lacks(scenario.needs)


def required(scenario: Scenario) -> frozenset[Capability]:
    """Return what a target must be able to do for the scenario's unconditional steps.

    That a slot is outside of the target's range is no reason: a scenario may expect the refusal.
    """
    if scenario.when is not None:
        return frozenset()
    actions = _actions((*scenario.steps, *scenario.cleanup))
    needed = {_needed(action) for action in actions}
    return frozenset(capability for capability in needed if capability is not None)


def _needed(action: Action) -> Capability | None:
    match action:
        case RawRequest():
            return Capability.RAW_REQUESTS
        case Bridge(slot=None):
            return Capability.RANDOM_BRIDGE
        case AwaitEvent():
            return Capability.EVENTS
        case Answer():
            return Capability.ANSWER
        case _:
            return None


def _actions(steps: tuple[Step, ...]) -> Iterator[Action]:
    for step in steps:
        if step.when is not None:
            continue
        match step.action:
            case Together(branches):
                for branch in branches:
                    yield from _actions(branch)
            case Repeat(steps=inner):
                yield from _actions(inner)
            case Use(fragment=fragment):
                yield from _actions(fragment.steps)
            case action:
                yield action


def skip(scenario: Scenario, reason: str, emit: Callable[[Event], None]) -> Verdict:
    """Report a scenario that did not run."""
    steps = len(scenario.steps) + len(scenario.cleanup)
    emit(
        ScenarioStarted(
            scenario=scenario.id,
            name=scenario.name,
            span=scenario.span,
            description=scenario.description,
            tags=scenario.tags,
            row=scenario.row,
            steps=steps,
            seed=0,
        )
    )
    failure = Failure(key="skipped", message=f"not run: {reason}", span=scenario.span)
    emit(
        ScenarioFinished(
            scenario=scenario.id,
            verdict=Verdict.SKIPPED.value,
            at=0,
            took=0,
            passed=0,
            failed=0,
            errored=0,
            skipped=steps,
            not_applicable=0,
            reason=reason,
            failures=(failure,),
        )
    )
    return Verdict.SKIPPED
