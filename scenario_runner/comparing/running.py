"""Runs scenarios on both sides of a comparison and grades what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scenario_runner.comparing.declared import declared
from scenario_runner.comparing.difference import Compared, Comparison
from scenario_runner.comparing.grading import Scale, compare_scenario
from scenario_runner.comparing.seen import ScenarioSeen, gather
from scenario_runner.errors import NothingSelected
from scenario_runner.execution.whole import gather as chosen
from scenario_runner.execution.whole import run_scenarios

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.comparing.sides import Sides
    from scenario_runner.events import Event
    from scenario_runner.execution.whole import RunRequest
    from scenario_runner.model.scenario import Scenario
    from scenario_runner.model.target import Target


class Interrupted(KeyboardInterrupt):
    """Ctrl-C came while one of the sides was running; its calls are hung up."""


def _unheard(side: str, event: Event) -> None:
    """Hear nothing."""


def compare(
    request: RunRequest,
    sides: Sides,
    tolerance: int,
    hear: Callable[[str, Event], None] = _unheard,
) -> Comparison:
    """Run what is asked for on both sides, one after the other, and compare.

    `tolerance` is in microseconds; `hear` gets each event of the sides "A" and "B". Raises
    InvalidFiles, NothingSelected also where no scenario could be run on both sides, and the
    PbxErrors of a target that can't be opened.
    """
    scenarios, _ = chosen(request)
    scale = Scale(
        tolerance=tolerance,
        park_timeouts=(sides.a.park_timeout, sides.b.park_timeout),
        assumptions=sides.assumptions,
    )
    a = _ran(request, sides.a, scenarios, lambda event: hear("A", event))
    b = _ran(request, sides.b, scenarios, lambda event: hear("B", event))
    compared = tuple(
        compare_scenario(a[scenario.id], b[scenario.id], declared(scenario), scale)
        for scenario in scenarios
    )
    comparison = Comparison(a=sides.a.name, b=sides.b.name, tolerance=tolerance, scenarios=compared)
    if not comparison.steps and not comparison.exit_code:
        raise _nothing(compared)
    return comparison


def _ran(
    request: RunRequest,
    target: Target,
    scenarios: list[Scenario],
    hear: Callable[[Event], None],
) -> dict[str, ScenarioSeen]:
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        hear(event)

    if run_scenarios(replace(request, target=target), scenarios, (), emit) == 130:
        raise Interrupted
    return gather(events)


def _nothing(compared: tuple[Compared, ...]) -> NothingSelected:
    whys = (difference.why for one in compared for difference in one.differences)
    return NothingSelected(
        "no scenario could be compared: none ran on both sides",
        hint=next(whys, "scenario-runner run PATH --target NAME shows why"),
    )
