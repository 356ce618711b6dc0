"""Runs scenarios in a thread of their own, held up before a step where somebody wants to look."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

from scenario_runner.errors import ScenarioRunnerError
from scenario_runner.events import (
    ScenarioFinished,
    ScenarioStarted,
    StepFinished,
    StepStarted,
    Verdict,
)
from scenario_runner.execution.options import RunOptions, Stop, real_time
from scenario_runner.execution.run import Gathered, RunRequest, run_scenarios
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.loading.scenarios import Rows
from scenario_runner.loading.suite import Suite
from scenario_runner.pbx.drivers import Context
from scenario_runner.ui.runs import RunLog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scenario_runner.events import Event
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.mock_pbx import MockPbx


@dataclass(frozen=True, slots=True)
class Place:
    """The lines of a file that one step takes; a run can be held up before it."""

    file: str
    first: int
    last: int

    def holds(self, step: StepStarted) -> bool:
        """Tell whether a step is the one in these lines."""
        return step.span.file == self.file and self.first <= step.span.line <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How far a run goes by itself, and in how many orders.

    `until` holds it up before the step at that place, `step` before every step. `all_orders` runs
    at most so many orders of each scenario; 0: only one.
    """

    until: Place | None = None
    step: bool = False
    all_orders: int = 0


WHOLE = Extent()
"""To the end, in one order."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is run, against what, and how far."""

    scenarios: Sequence[Scenario]
    target: Target
    extent: Extent = WHOLE


@dataclass(slots=True)
class Running:
    """A run that goes on in a thread; `changed` is called there after each event.

    `log` is what is known of it. `held` is the step before which it waits (None: it does not),
    `error` says why it could not be run.
    """

    plan: RunPlan
    environment: Mapping[str, str]
    changed: Callable[[], None]
    context: Context = field(default_factory=Context)
    log: RunLog = field(default_factory=RunLog)
    held: StepStarted | None = None
    error: ScenarioRunnerError | None = None
    over: bool = False
    _stop: Stop = field(default_factory=Stop)
    _go: Flag = field(default_factory=Flag)
    _stepping: bool = False
    _until: Place | None = None
    _mock: MockPbx | None = None

    def start(self) -> None:
        """Begin."""
        self._stepping, self._until = self.plan.extent.step, self.plan.extent.until
        Thread(target=self._work, name="scenario-run", daemon=True).start()

    def step(self) -> None:
        """Go on to the next step."""
        self._release(stepping=True, until=None)

    def go_on(self, until: Place | None = None) -> None:
        """Go on to the end, or to the step at this place."""
        self._release(stepping=False, until=until)

    def stop(self) -> None:
        """End the run after its cleanup."""
        self._stop.wish()
        self.go_on()

    def _release(self, *, stepping: bool, until: Place | None) -> None:
        self._stepping, self._until = stepping, until
        self._go.set()

    def _work(self) -> None:
        plan = self.plan
        options = RunOptions(
            environment=self.environment,
            all_orders=plan.extent.all_orders,
            jobs=1 if plan.extent.step or plan.extent.until else 0,
            stop=self._stop,
            stopwatch=real_time,
        )
        request = RunRequest(
            paths=(),
            options=options,
            target=plan.target,
            context=self.context,
            started_at=time.time_ns() // 1000,
            answered=lambda mock, _: self._seen(mock),
        )
        try:
            run_scenarios(request, Gathered.of(plan.scenarios), self._take)
        except ScenarioRunnerError as error:
            self.error = error
        finally:
            self.over = True
            self.changed()

    def _take(self, event: Event) -> None:
        self._go.clear()  # before the wish is looked at, so that no release is overlooked
        if isinstance(event, StepStarted) and self._holds(event):
            self.held = event
            self.changed()
            self._go.wait()
            self.held = None
        self.log.take(event)
        self._meet(event)
        self.changed()

    def _meet(self, event: Event) -> None:
        """Keep which rules of the mock a scenario has met."""
        if isinstance(event, ScenarioStarted):
            self._mock = None
        elif isinstance(event, ScenarioFinished) and self._mock is not None:
            self.log.scenarios[-1].rules = self._mock.exercised

    def _seen(self, mock: MockPbx) -> None:
        self._mock = mock

    def _holds(self, event: StepStarted) -> bool:
        return self._stepping or (self._until is not None and self._until.holds(event))


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a file that was tried: whether it is good, and that in words."""

    good: bool
    words: str


def tried(text: str, target: Target) -> Trial:
    """Check a file, and run it where the target is the built-in mock.

    Nothing is ever sent to a real PBX that nobody has asked for.
    """
    loaded = load_text(text, "recorded.scenario.yaml", LoadOptions())
    problems = [problem.message for problem in loaded.problems if not problem.warning]
    if problems:
        return Trial(good=False, words=problems[0])
    if target.driver != "mock":
        return Trial(good=True, words="This file is valid")
    failed: list[str] = []
    verdict = Verdict.PASSED
    request = RunRequest(paths=(), target=target, options=RunOptions(environment={}))

    def take(event: Event) -> None:
        nonlocal verdict
        match event:
            case StepFinished():
                failed.extend(f"step {event.step}: {one.message}" for one in event.failures)
            case ScenarioFinished():
                verdict = event.verdict
                failed.extend(failure.message for failure in event.failures)
            case _:
                pass

    run_scenarios(request, Gathered.of(loaded.scenarios), take)
    good = verdict is Verdict.PASSED
    return Trial(good=good, words="This file passes" if good else next(iter(failed), verdict))


_ITEM = re.compile(r"\s*- ")


def place_at(file: str, text: str, line: int) -> Place:
    """Return the place of the step that a line of a file belongs to; lines count from 1.

    The innermost one of several; the first one below where the line is above all steps.
    """
    lines = text.splitlines() or [""]
    begins = [number for number, one in enumerate(lines, 1) if _ITEM.match(one)]
    above = [number for number in begins if number <= line]
    first = above[-1] if above else next(iter(begins), 1)
    indent = _indent(lines[first - 1])
    below = (n for n in range(first + 1, len(lines) + 1) if lines[n - 1].strip())
    end = next((n for n in below if _indent(lines[n - 1]) <= indent), len(lines) + 1)
    return Place(file, first, end - 1)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def scenario_at(scenarios: Suite, line: int) -> Suite:
    """Return the scenario that a line of its file belongs to, the first where none begins above.

    Of a matrix it is all rows.
    """
    begins = [one.span.line for one in scenarios.templates()]
    first = max((one for one in begins if one <= line), default=min(begins, default=0))
    return Suite(tuple(_beginning(part, first) for part in scenarios.parts))


def _beginning(part: Sequence[Scenario], line: int) -> Sequence[Scenario]:
    """Return the scenarios of a part that begin at a line."""
    if isinstance(part, Rows):
        return part if part.template.span.line == line else ()
    return tuple(one for one in part if one.span.line == line)
