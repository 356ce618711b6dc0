"""Runs a scenario on the mock in this process, or on a mutant of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.coverage.run import measure
from scenario_runner.events import ScenarioFinished
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.execution.run import Gathered, RunRequest
from scenario_runner.execution.targets import TargetChoice, choose
from scenario_runner.execution.virtual import VirtualRun
from scenario_runner.loading.documents import LoadOptions, load
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx.mutants.mutant import WITNESSES

if TYPE_CHECKING:
    from pathlib import Path

    from scenario_runner.events import Event
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.mock_pbx.mutants import Mutant

TARGET = choose(TargetChoice(file=str(WITNESSES / "scenario-targets.yaml")), Mask())
"""The mock with the applications that the witnesses about access and the hourly limit ask with."""


def scenario_of(path: Path) -> Scenario:
    """Return the only scenario of a file that is without any problem, warnings included."""
    (loaded,) = load([str(path)], LoadOptions(root=str(path.parent)))
    assert list(loaded.problems) == []
    (scenario,) = loaded.scenarios
    return scenario


def verdict(scenario: Scenario, mutant: Mutant | None = None) -> str:
    """Run the scenario and return its verdict."""
    finished: list[ScenarioFinished] = []

    def emit(event: Event) -> None:
        if isinstance(event, ScenarioFinished):
            finished.append(event)

    run = VirtualRun(target=TARGET, options=RunOptions(), mask=Mask(), emit=emit, mutant=mutant)
    run.run([scenario], Results())
    (one,) = finished
    return one.verdict


def rules_met(scenario: Scenario) -> set[str]:
    """Run the scenario on the mock and return the ids of the rules that its steps met."""
    request = RunRequest(paths=(), target=TARGET)
    measured = measure(request, Gathered.of((scenario,)), lambda _: None)
    return {rule for rule, seen in measured.coverage.rules.items() if seen}
