"""Goes on by hand from the middle of a run: the run is repeated by its seed up to there.

The coroutines of a run can't go back; its mock can be had as it was, since the same seed and the
same order make the same run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scenario_runner.events import (
    CallChanged,
    Exchange,
    PbxReported,
    StepFinished,
    StepStarted,
)
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.execution.virtual import VirtualRun, profile_of, settings_of
from scenario_runner.masking import Mask
from scenario_runner.ui.picture import Watched
from scenario_runner.ui.timeline import Timeline
from scenario_runner.ui.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.events import Event
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.mock_pbx import MockPbx
    from scenario_runner.ui.runs import ScenarioRun


class _Catcher:
    """Keeps a copy of the mock after so many events of a scenario, and the names of its calls."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._watched = Watched(0)
        self._mock: MockPbx | None = None
        self.pbx: MockPbx | None = None

    def opened(self, mock: MockPbx) -> None:
        """Take the mock of the scenario that begins."""
        self._mock = mock
        if self._left == 0:
            self.pbx = mock.copy()

    def emit(self, event: Event) -> None:
        """Count an event of the scenario."""
        if self._mock is None or self.pbx is not None or not _inside(event):
            return
        self._watched.take(event)
        self._left -= 1
        if self._left == 0:
            self.pbx = self._mock.copy()

    @property
    def names(self) -> dict[str, str]:
        """The names of the calls by uuid."""
        return self._watched.names


def _inside(event: Event) -> bool:
    return isinstance(event, StepStarted | StepFinished | Exchange | CallChanged | PbxReported)


def world_at(
    run: ScenarioRun,
    index: int,
    scenario: Scenario,
    target: Target,
    environment: Mapping[str, str],
) -> Timeline:
    """Return the timeline of a run up to the moment `index`, with a world to go on from there.

    Raises ValueError where the run can't be repeated: it was not on a built-in mock, or the file
    has changed since.
    """
    line = run.timeline.up_to(index)
    catcher = _Catcher(count=sum(len(moment.events) for moment in line.moments))
    order = tuple(chosen for chosen, _ in run.order)
    options = RunOptions(
        environment=environment, seed=run.started.seed, order=order if order else None
    )
    repeated = VirtualRun(
        target=target, options=options, mask=Mask(), emit=catcher.emit, opened=catcher.opened
    )
    repeated.run([scenario], Results())
    if catcher.pbx is None:
        raise ValueError(
            "the scenario runs another way by now: run it again, then go on from there"
        )
    profile = profile_of(target)
    world = World(pbx=catcher.pbx, settings=settings_of(target, profile), names=dict(catcher.names))
    while world.pbx.clock_us < line.now.at:
        world = world.pass_time(line.now.at).world
    last = replace(line.now, world=world, picture=world.picture)
    return Timeline(moments=(*line.moments[:-1], last), name=f"{line.name}, by hand", began=index)
