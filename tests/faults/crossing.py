"""Runs a scenario on a mock with faults, and keeps the mock to look at afterwards."""

from __future__ import annotations

import asyncio
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.clock import LoopClock, Turns, VirtualLoop
from scenario_runner.engine.run import RunContext, execute
from scenario_runner.events import ScenarioFinished, StepFinished
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import InProcess, MockTarget
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx import fault_from_text

if TYPE_CHECKING:
    from scenario_runner.events import Event
    from scenario_runner.mock_pbx import MockPbx


@dataclass
class Crossed:
    """What came of a scenario, and the PBX it leaves behind."""

    events: list[Event] = field(default_factory=list)
    mock: MockPbx | None = None

    @property
    def verdict(self) -> str:
        return next(e.verdict for e in self.events if isinstance(e, ScenarioFinished))

    @property
    def messages(self) -> list[str]:
        found = [e for e in self.events if isinstance(e, (StepFinished, ScenarioFinished))]
        return [failure.message for event in found for failure in event.failures]

    @property
    def left(self) -> list[str]:
        """The calls and slots that are still there."""
        assert self.mock is not None
        state = self.mock.state
        return [*state.calls, *(f"slot {place[1]}" for place in state.slots)]


def crossed(steps: str, *faults: str) -> Crossed:
    """Run a scenario of these steps on a mock with these faults."""
    text = "scenario: crossing\nsteps:\n" + textwrap.indent(textwrap.dedent(steps).strip(), "  ")
    loaded = load_text(text, "crossing.scenario.yaml", LoadOptions())
    assert [p for p in loaded.problems if not p.warning] == []
    (scenario,) = loaded.scenarios
    found = Crossed()
    turns = Turns(lambda _: 0)

    async def run() -> None:
        target = MockTarget(MOCK, tuple(fault_from_text(fault) for fault in faults))
        loop = asyncio.get_running_loop()
        clock = LoopClock(loop)
        connection, wire = target.open(clock, turns, 0)
        assert isinstance(wire, InProcess)
        found.mock = wire._mock
        conditions = RunContext(environment={}, mask=Mask())
        try:
            await execute(scenario, connection, clock, found.events.append, conditions)
        finally:
            wire.close()

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(turns)) as runner:
        runner.run(run())
    return found
