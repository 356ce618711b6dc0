"""Runs scenarios from text on the mock in this process, for the tests."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TypeVar

from scenario_runner.events import Event, Failure, ScenarioFinished, StepFinished
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import VirtualRun
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.masking import Mask

_E = TypeVar("_E", bound=Event)

CALLS = """
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - call: {as: colleague, extension: 342, to: "+74950000200"}
"""


@dataclass
class Ran:
    """What a run emitted."""

    results: Results
    events: list[Event] = field(default_factory=list)

    def of(self, kind: type[_E]) -> list[_E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def verdicts(self) -> list[str]:
        return [event.verdict for event in self.of(ScenarioFinished)]

    @property
    def steps(self) -> dict[str, str]:
        return {event.step: event.verdict for event in self.of(StepFinished)}

    @property
    def failures(self) -> list[Failure]:
        steps = [f for event in self.of(StepFinished) for f in event.failures]
        return steps + [f for event in self.of(ScenarioFinished) for f in event.failures]

    def step(self, place: str) -> StepFinished:
        return next(event for event in self.of(StepFinished) if event.step == place)


def run_text(text: str, **options: object) -> Ran:
    """Run the scenarios in `text`, which must be valid."""
    loaded = load_text(textwrap.dedent(text), "test.scenario.yaml", LoadOptions())
    errors = [problem for problem in loaded.problems if not problem.warning]
    assert not errors, errors
    ran = Ran(Results())
    run = VirtualRun(
        target=MOCK,
        options=RunOptions(**options),  # type: ignore[arg-type]
        mask=Mask(),
        emit=ran.events.append,
    )
    run.run(loaded.scenarios, ran.results)
    return ran


def run_steps(steps: str, rest: str = "", **options: object) -> Ran:
    """Run one scenario with the two usual calls and then these steps (indented by two)."""
    return run_text(f"scenario: test\n{rest}\nsteps:\n{CALLS}{steps}", **options)
