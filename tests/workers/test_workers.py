"""Worker processes do what one process does: the same events, in the same order."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenario_runner.cli.signals import interruptible
from scenario_runner.errors import ScenarioRunnerError
from scenario_runner.events import (
    Event,
    RunFinished,
    ScenarioFinished,
    ScenarioStarted,
    Warned,
    without_real_time,
)
from scenario_runner.execution.batches import BatchRun, BatchRunner, BatchSetup
from scenario_runner.execution.options import RunOptions, Stop
from scenario_runner.execution.results import Results
from scenario_runner.execution.run import RunRequest, gather, run_whole
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import VirtualRun
from scenario_runner.execution.workers import ProcessPool, WorkersRun
from scenario_runner.loading.suite import Suite
from scenario_runner.masking import Mask
from scenario_runner.reporters import Reporters, open_reporter, reporter_names
from tests.workers.work import LONG, dies_always, dies_of_row_20, dies_once, hangs

ROOT = Path(__file__).parents[2]
ROWS = """
scenario: Ask
matrix: {{n: {rows}, slot: [1, 2, 3]}}
steps:
  - call: {{as: customer, extension: 341, from: "+78120000443"}}
  - park: {{call: customer, slot: $slot}}
  - check: {{that: $n, not: {wrong}}}
  - together:
      - slots: {{call: customer, slot: $slot}}
      - hangup: {{call: customer}}
    expect: {{succeeded: {{at_least: 1}}, refused: {{no-such-call: {{at_most: 1}}}}}}
"""


def rows(folder: Path, count: int = 30, wrong: str = "none") -> str:
    file = folder / "rows.scenario.yaml"
    file.write_text(ROWS.format(rows=list(range(count)), wrong=wrong))
    return str(file)


def run(*paths: str, **options: Any) -> list[Event]:
    events: list[Event] = []
    run_whole(RunRequest(paths=paths, options=RunOptions(**options)), events.append)
    return [without_real_time(event) for event in events]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"seed": 7, "shuffle": True, "repeat": 2},
        {"all_orders": 3},
        {"retry_failed": 1},
        {"fail_fast": True},
        {"fail_fast": True, "repeat": 2, "seed": 5, "all_orders": 5},
        {"order": (1, 0)},
    ],
)
def test_the_events_are_those_of_one_process(tmp_path: Path, options: dict[str, Any]) -> None:
    paths = (rows(tmp_path, wrong="17"), str(ROOT / "examples"))
    assert run(*paths, workers=2, **options) == run(*paths, **options)


def test_every_report_is_that_of_one_process(tmp_path: Path) -> None:
    file = rows(tmp_path, count=5, wrong="3")
    names = [name for name in reporter_names() if name not in ("github", "summary")]
    for workers in (1, 2):
        events = run(file, str(ROOT / "examples"), workers=workers)
        reporters = Reporters(
            [(name, open_reporter(name, str(tmp_path / f"{name}.{workers}"))) for name in names]
        )
        for event in events:
            reporters.handle(event)
        reporters.close()
    for name in names:
        one, two = (tmp_path / f"{name}.{workers}" for workers in (1, 2))
        assert one.read_bytes() == two.read_bytes(), name
        assert one.stat().st_size > 0


class HandPool:
    """Runs batches in this process, in an order that the test chooses; at times it breaks."""

    def __init__(self, choose: Callable[[int], int], setup: BatchSetup, count: int) -> None:
        self._choose = choose
        self._runner = BatchRunner(setup)
        self._waiting: list[tuple[Suite, Future[BatchRun]]] = []
        self._broken = False
        self._breaks = 2
        self._most = 4 * count

    def submit(self, scenarios: Suite) -> Future[BatchRun]:
        future: Future[BatchRun] = Future()
        self._waiting.append((scenarios, future))
        assert len(self._waiting) <= self._most
        asyncio.get_running_loop().call_soon(self._step)
        return future

    def _step(self) -> None:
        if not self._waiting:
            return
        if self._broken or (self._breaks and self._choose(8) == 7):
            self._breaks -= not self._broken
            self._broken = True
            for _, future in self._waiting:
                future.set_exception(BrokenProcessPool())
            self._waiting.clear()
            return
        scenarios, future = self._waiting.pop(self._choose(len(self._waiting)))
        ran: list[BatchRun] = []
        thread = threading.Thread(target=lambda: ran.append(self._runner.run(scenarios)))
        thread.start()  # with an event loop of its own
        thread.join()
        future.set_result(ran[0])

    def restart(self) -> None:
        self._broken = False

    def stop(self) -> None:
        self._runner.stop.wish()

    def leave(self) -> None:
        """Nothing runs any more."""

    def close(self) -> None:
        """Nothing runs any more."""


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.integers(0, 63), max_size=60), st.booleans())
def test_no_order_of_batches_and_no_loss_changes_the_events(
    tmp_path: Path,
    choices: list[int],
    fail_fast: bool,
) -> None:
    def choose(count: int) -> int:
        return choices.pop() % count if choices else 0

    suite = suite_of(rows(tmp_path, count=9, wrong="7"))
    options = RunOptions(workers=2, fail_fast=fail_fast)
    expected: list[Event] = []
    one, shared = Results(), Results()
    VirtualRun(target=MOCK, options=options, mask=Mask(), emit=expected.append).run(suite, one)
    events = run_shared(suite, shared, options, partial(HandPool, choose))
    lost = [event for event in events if isinstance(event, Warned)]
    assert {event.code for event in lost} <= {"worker-died"}
    assert [event for event in events if not isinstance(event, Warned)] == expected
    assert shared.counts == one.counts


def suite_of(*paths: str) -> Suite:
    return gather(RunRequest(paths=paths)).scenarios


def run_shared(
    suite: Suite,
    results: Results,
    options: RunOptions,
    start: Callable[[BatchSetup, int], Any],
    emit: Callable[[Event], None] = lambda _: None,
) -> list[Event]:
    events: list[Event] = []

    def both(event: Event) -> None:
        events.append(event)
        emit(event)

    WorkersRun(target=MOCK, options=options, mask=Mask(), emit=both, start=start).run(
        suite, results
    )
    return events


def test_a_worker_that_is_killed_costs_nothing_but_time(tmp_path: Path) -> None:
    suite, results = suite_of(rows(tmp_path)), Results()
    events = run_shared(suite, results, RunOptions(workers=2), partial(ProcessPool, work=dies_once))
    assert [e.code for e in events if isinstance(e, Warned)] == ["worker-died"]
    rest = [event for event in events if not isinstance(event, Warned)]
    assert rest == run(suite[0].file)[2:-1]
    assert results.counts.total() == len(suite)


def test_a_scenario_that_always_ends_its_worker_is_errored_and_no_other_is(tmp_path: Path) -> None:
    suite, results = suite_of(rows(tmp_path)), Results()
    start = partial(ProcessPool, work=dies_of_row_20)
    events = run_shared(suite, results, RunOptions(workers=2), start)
    finished = [event for event in events if isinstance(event, ScenarioFinished)]
    assert [event.scenario for event in finished] == [scenario.id for scenario in suite]
    for event in finished:
        errored = "n=20," in event.scenario
        assert event.verdict == ("errored" if errored else "passed")
        assert ("worker process died" in event.reason) == errored


def test_ctrl_c_ends_the_run_after_a_whole_scenario(tmp_path: Path) -> None:
    stop, finished = Stop(), []

    def emit(event: Event) -> None:
        if isinstance(event, ScenarioFinished):
            finished.append(event.verdict)
            if len(finished) == 40:
                stop.wish()

    results = Results()
    suite = suite_of(rows(tmp_path, count=300))
    events = run_shared(suite, results, RunOptions(workers=2, stop=stop), ProcessPool, emit)
    assert results.interrupted
    begun = [event.scenario for event in events if isinstance(event, ScenarioStarted)]
    assert begun == [scenario.id for scenario in suite[: len(begun)]]
    assert 40 <= len(begun) < len(suite)
    assert len(begun) == len(finished) == results.counts.total() + ("errored" in finished)
    assert set(finished[:-1]) == {"passed"}


class StuckPool:
    """Its batches have no result before it is left; at the first one Ctrl-C is pressed twice."""

    def __init__(self, press_twice: Callable[[], None], setup: BatchSetup, count: int) -> None:
        del setup, count
        self._press_twice = press_twice
        self._running: list[Future[BatchRun]] = []
        self.calls: list[str] = []

    def submit(self, scenarios: Suite) -> Future[BatchRun]:
        del scenarios
        if not self._running:
            asyncio.get_running_loop().call_soon(self._press_twice)
        self._running.append(Future())
        return self._running[-1]

    def restart(self) -> None:
        raise AssertionError

    def stop(self) -> None:
        self.calls.append("stop")
        if "leave" not in self.calls:
            asyncio.get_running_loop().call_later(LONG, self._end)

    def leave(self) -> None:
        self.calls.append("leave")
        self._end()

    def _end(self) -> None:
        for future in self._running:
            if not future.done():
                future.set_exception(BrokenProcessPool())

    def close(self) -> None:
        self.calls.append("close")


def test_two_ctrl_c_at_once_do_not_wait(tmp_path: Path) -> None:
    """The second may come before the run looked at the first: the workers are left all the same."""
    suite, stop, results = suite_of(rows(tmp_path)), Stop(), Results()

    def press_twice() -> None:
        stop.wish()
        raise KeyboardInterrupt

    pools: list[StuckPool] = []

    def start(setup: BatchSetup, count: int) -> StuckPool:
        pools.append(StuckPool(press_twice, setup, count))
        return pools[-1]

    assert run_shared(suite, results, RunOptions(workers=2, stop=stop), start) == []
    assert results.interrupted
    assert [pool.calls for pool in pools] == [["leave", "stop", "close"]]


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite, stop = suite_of(rows(tmp_path)), Stop()
    fifo = Path(suite[0].file).with_suffix(".fifo")
    os.mkfifo(fifo)
    began = os.open(fifo, os.O_RDWR)  # to open it so waits for nobody, neither here nor there

    def press_twice() -> None:
        select.select([began], [], [], LONG)
        os.kill(os.getpid(), signal.SIGINT)
        while stop.can_wait:
            pass
        os.kill(os.getpid(), signal.SIGINT)

    results = Results()
    presses = threading.Thread(target=press_twice)
    presses.start()
    with interruptible(stop):
        options = RunOptions(workers=2, stop=stop)
        events = run_shared(suite, results, options, partial(ProcessPool, work=hangs))
    presses.join()
    assert os.read(began, 5) == b"began"
    os.close(began)
    assert results.interrupted
    assert events == []
    assert "cleaning up" in capsys.readouterr().err


def test_what_is_counted_ends_the_run(tmp_path: Path) -> None:
    events = run(rows(tmp_path, wrong="17"), workers=2, fail_fast=True)
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert last.exit_code == 1
    assert dict(last.counts) == {"passed": 51, "failed": 1}


def test_workers_that_only_die_end_the_run(tmp_path: Path) -> None:
    start = partial(ProcessPool, work=dies_always)
    with pytest.raises(ScenarioRunnerError, match="die before they run anything"):
        run_shared(suite_of(rows(tmp_path)), Results(), RunOptions(workers=2), start)
