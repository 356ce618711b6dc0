"""Everything that one page server holds, whoever looks at it: lots, files, runs, results."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND
from scenario_runner.errors import UsageError
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import profile_of
from scenario_runner.pbx.drivers import Context
from scenario_runner.ui.replay import world_at
from scenario_runner.ui.runner import WHOLE, Extent, Running, RunPlan
from scenario_runner.ui.stages import HandStage, RunStage
from scenario_runner.ui.timeline import Branches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.ui.runs import RunLog, ScenarioRun
    from scenario_runner.ui.stages import Stage
    from scenario_runner.ui.workspace import Workspace

MOST = 10_000
"""So many scenarios of one run are kept to be looked at."""
_TICK = 0.25
_EVERY_SECOND = 4
_LOOK = 0.2


@dataclass(slots=True)
class Studio:
    """What all browsers share. Call everything on the event loop of the page's server.

    `workspace` is None where only a finished run is looked at; `acts` is false where nothing can be
    done. `runs` counts those that were begun. `listeners` are told that something has changed;
    they are called often and must be quick. `sleep` waits so many seconds, between two ticks or
    two looks at the files.
    """

    workspace: Workspace | None = None
    target: Target = MOCK
    environment: Mapping[str, str] = field(default_factory=dict)
    context: Context = field(default_factory=Context)
    acts: bool = True
    lots: list[Stage] = field(default_factory=list)
    results: dict[str, list[ScenarioRun]] = field(default_factory=dict)
    logs: list[RunLog] = field(default_factory=list)
    running: Running | None = None
    runs: int = 0
    watching: bool = False
    touched: tuple[str, ...] = ()
    listeners: list[Callable[[], None]] = field(default_factory=list)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _due: bool = False
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _ticks: int = 0

    def __post_init__(self) -> None:
        """Begin with one lot that is driven by hand."""
        if self.acts and not self.lots:
            self.lots.append(self._first_lot())

    def _first_lot(self) -> Stage:
        if self.target.driver == "mock":
            return HandStage(self.target, changed=self.changed)
        # Drivers take long to import and are needed for real PBXs only.
        from scenario_runner.ui.live import LiveLot

        return LiveLot(self.target, self.context, self.changed)

    def show(self, lots: Sequence[Stage]) -> None:
        """Show these lots; those that are shown already stay."""
        self.lots += [lot for lot in lots if lot not in self.lots]
        self.changed()

    def open_log(self, log: RunLog) -> None:
        """Show a run that is over."""
        self.logs.append(log)
        self._gather(log)

    def changed(self) -> None:
        """Tell every browser that something has changed."""
        for listener in list(self.listeners):
            listener()

    # Time that runs, and files that change

    async def start(self) -> None:
        """Let time run and files be watched, as long as the event loop runs."""
        going = [self._play(), self._watch(), *(lot.open() for lot in self.lots)]
        self._tasks = [asyncio.create_task(one) for one in going]

    async def stop(self) -> None:
        """End everything that goes on."""
        for task in self._tasks:
            task.cancel()
        if self.running is not None and not self.running.over:
            self.running.stop()
        for lot in self.lots:
            await lot.close()

    async def _play(self) -> None:
        while True:
            await self.sleep(_TICK)
            self.tick()

    def tick(self) -> None:
        """Let a quarter of a second pass for every lot whose time runs."""
        self._ticks += 1
        for lot in self.lots:
            if isinstance(lot, HandStage) and lot.playing:
                self._let_run(lot)
        if self._ticks % _EVERY_SECOND == 0 and any(map(_goes_on, self.lots)):
            self.changed()

    def _let_run(self, lot: HandStage) -> None:
        """Let time run in whole seconds, so that a recording waits for whole seconds."""
        if lot.speed > 1 or self._ticks % _EVERY_SECOND == 0:
            lot.wait(max(1, round(lot.speed * _TICK)) * SECOND, merges=True)

    async def _watch(self) -> None:
        while True:
            await self.sleep(_LOOK)
            self.look_at_files()

    def look_at_files(self) -> tuple[str, ...]:
        """Read files that have changed, and run them again where that is wished."""
        if self.workspace is None:
            return ()
        touched = self.workspace.refresh()
        if touched:
            self.touched = touched
            self.changed()
            if self.watching:
                self.run_files(touched)
        return touched

    # Runs

    def run_files(self, files: Iterable[str]) -> None:
        """Run the scenarios of these files."""
        if self.workspace is not None:
            self.run(self.workspace.of(files))

    def run(self, scenarios: Sequence[Scenario], extent: Extent = WHOLE) -> Running | None:
        """Run scenarios in a thread; what runs already is stopped.

        Raises UsageError for more than can be kept to be looked at.
        """
        if not scenarios:
            return None
        if len(scenarios) > MOST:
            hint = "scenario-runner run keeps nothing of them in memory"
            raise UsageError(f"{len(scenarios):,} scenarios are too many to look at", hint=hint)
        if self.running is not None and not self.running.over:
            self.running.stop()
        plan = RunPlan(scenarios, self.target, extent)
        loop = asyncio.get_running_loop()

        def changed() -> None:
            if not self._due:
                self._due = True
                loop.call_soon_threadsafe(self._run_changed)

        self.runs += 1
        self.running = Running(plan, self.environment, changed, context=self.context)
        for scenario in scenarios:
            self.results.pop(scenario.id, None)
        self.running.start()
        return self.running

    def _run_changed(self) -> None:
        self._due = False
        if self.running is not None:
            self._gather(self.running.log)
        self.changed()

    def _gather(self, log: RunLog) -> None:
        """Take in the scenarios that have begun since the last time."""
        known = {id(one) for runs in self.results.values() for one in runs}
        for scenario in log.scenarios:
            if id(scenario) not in known:
                self.results.setdefault(scenario.id, []).append(scenario)

    def stage_of(self, run: ScenarioRun) -> RunStage:
        """Return a run as something to look at."""
        return RunStage(run, extensions=self._extensions())

    async def go_on_from(self, run: ScenarioRun, index: int) -> HandStage:
        """Return a lot to go on with by hand from a moment of a run; raises ValueError."""
        scenario = self.workspace.scenario(run.id) if self.workspace is not None else None
        if scenario is None or self.target.driver != "mock":
            raise ValueError("only a run on the built-in mock, of a file that is here, can go on")
        line = await asyncio.to_thread(
            world_at, run, index, scenario, self.target, self.environment
        )
        lot = HandStage(self.target, name="From a run", changed=self.changed)
        lot.branches = Branches(line)
        self.lots.append(lot)
        self.changed()
        return lot

    def _extensions(self) -> tuple[str, ...]:
        if self.target.driver == "mock":
            first, last = profile_of(self.target).extensions
            return tuple(str(number) for number in range(first, last + 1))
        return tuple(number for number, _ in self.target.extensions)


def _goes_on(lot: Stage) -> bool:
    """Tell whether a lot's time passes by itself, and some call waits for the end of its own."""
    timed = any(call.until is not None for call in lot.line.now.picture.calls)
    return timed and not lot.bends_time
