"""How long a step may take by its own words, for whoever watches it wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.errors import ScenarioRunnerError
from scenario_runner.model.steps import Poll, Stays, Wait

if TYPE_CHECKING:
    from scenario_runner.engine.frame import Frame
    from scenario_runner.model.duration import Duration
    from scenario_runner.model.steps import Step


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
