"""A batch of scenarios of the in-process mock, run in another process: what goes there and back."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.events import encode_lines
from scenario_runner.execution.results import Results
from scenario_runner.execution.virtual import VirtualRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenario_runner.events import Event, Verdict
    from scenario_runner.execution.options import RunOptions, Stop
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.loading.suite import Suite
    from scenario_runner.masking import Mask


class ScenarioRun(NamedTuple):
    """What became of one scenario: its events as lines of JSON, and its verdicts counted."""

    events: bytes
    counts: Counter[Verdict]


class BatchRun(NamedTuple):
    """What became of a batch: its scenarios in order, as far as it came.

    `took` are the seconds of processor time that they took.
    """

    scenarios: tuple[ScenarioRun, ...]
    took: float
    interrupted: bool


def _processor_seconds() -> float:
    return time.process_time()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSetup:
    """What is the same for all batches of a run. `options.stop` ends the batch that is running."""

    target: Target
    options: RunOptions
    mask: Mask
    stopwatch: Callable[[], float] = _processor_seconds


class BatchRunner:
    """Runs one batch after the other, and takes down what each scenario emits."""

    def __init__(self, setup: BatchSetup) -> None:
        self._setup = setup
        self._events: list[Event] = []
        self._ran: list[ScenarioRun] = []

    @property
    def stop(self) -> Stop:
        """Ends the batch that is running, after the cleanup of its scenario."""
        return self._setup.options.stop

    def run(self, scenarios: Suite) -> BatchRun:
        """Run a batch; with `fail_fast` it ends after the first that is not green."""
        setup, begin, results = self._setup, self._setup.stopwatch(), Results()
        emit = self._events.append
        run = VirtualRun(target=setup.target, options=setup.options, mask=setup.mask, emit=emit)
        self._ran = []
        run.run(self._one_by_one(scenarios, results), results)
        if self._events:
            self._take_down(results)
        return BatchRun(tuple(self._ran), setup.stopwatch() - begin, results.interrupted)

    def _one_by_one(self, scenarios: Suite, results: Results) -> Iterator[Scenario]:
        for scenario in scenarios:
            yield scenario
            self._take_down(results)

    def _take_down(self, results: Results) -> None:
        self._ran.append(ScenarioRun(encode_lines(self._events), results.counts))
        self._events.clear()
        results.counts = Counter()
