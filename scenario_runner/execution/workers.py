"""Runs scenarios of the in-process mock on several cores, in worker processes.

    suite ──batches──▶ workers, each a process ──events, encoded──▶ in order, as from one process

A batch depends on nothing but its scenarios and the setup, so one that was lost with its process
is run again. A pool of the standard library breaks as a whole when one of its processes dies; then
a new pool gets all batches whose results are not there.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections import Counter, deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, Protocol

from scenario_runner.errors import ScenarioRunnerError
from scenario_runner.events import Verdict, Warned, decode_lines, encode_lines
from scenario_runner.execution.batches import (
    BatchRun,
    BatchRunner,
    BatchSetup,
    ScenarioRun,
)
from scenario_runner.execution.selection import report_unrun
from scenario_runner.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from scenario_runner.events import Event
    from scenario_runner.execution.options import RunOptions, Stop
    from scenario_runner.execution.results import Results
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.loading.suite import Suite
    from scenario_runner.masking import Mask


_AHEAD = 4
"""How many batches a worker has before it: their results are kept while an earlier one is slow."""

_FIRST, _LARGEST, _SECONDS = 5, 200, 0.1
"""Scenarios of the first batches and of the largest; how long a batch should take."""

_LOSSES = 3
"""How often a batch is lost with its process before its scenarios are run one by one."""

_RESTARTS = 10
"""How many processes may die one after the other without any result between them."""

WORTH = 200
"""How many scenarios make up for the start of a worker process."""


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def workers_for(scenarios: int) -> int:
    """Return how many workers are worth starting for this many scenarios."""
    return max(1, min(available_cores(), scenarios // WORTH))


# In a worker process


class _Strings:
    """Both ends of two pipes whose closing says: stop after the cleanup, and leave at once.

    An end that the main process holds is closed by its death, too.
    """

    def __init__(self, context: multiprocessing.context.BaseContext) -> None:
        self.stop, self._stop = context.Pipe(duplex=False)
        self.leave, self._leave = context.Pipe(duplex=False)

    def pull_stop(self) -> None:
        self._stop.close()

    def pull_leave(self) -> None:
        self._stop.close()
        self._leave.close()


_runner: BatchRunner | None = None


def _begin(setup: BatchSetup, stop: Connection, leave: Connection) -> None:
    """Make a process a worker: Ctrl-C is for the main process, which says what it means."""
    global _runner  # noqa: PLW0603 -- a pool gives its processes no other place
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _runner = BatchRunner(setup)
    Thread(target=_watch, args=(stop, leave, _runner.stop), daemon=True).start()


def _watch(stop: Connection, leave: Connection, wish: Stop) -> None:
    _until_closed(stop)
    wish.wish()
    _until_closed(leave)
    os._exit(1)


def _until_closed(end: Connection) -> None:
    try:
        end.poll(None)
    except OSError:
        return  # Windows tells it so


def run_batch(scenarios: Suite) -> BatchRun:
    """Run a batch in this worker process."""
    assert _runner is not None
    return _runner.run(scenarios)


# In the main process


class Pool(Protocol):
    """Runs batches elsewhere. A batch that is lost there raises BrokenProcessPool."""

    def submit(self, scenarios: Suite) -> Future[BatchRun]:
        """Have a batch run."""
        ...

    def restart(self) -> None:
        """Make it whole again after a loss."""
        ...

    def stop(self) -> None:
        """Have every worker end after the cleanup of the scenario that it is running."""
        ...

    def leave(self) -> None:
        """Have every worker end at once."""
        ...

    def close(self) -> None:
        """End everything, and wait until it is gone."""
        ...


class ProcessPool:
    """Worker processes; after one of them died, `restart` makes new ones.

    `work` is what a worker does with a batch.
    """

    def __init__(
        self, setup: BatchSetup, count: int, work: Callable[[Suite], BatchRun] = run_batch
    ) -> None:
        methods = multiprocessing.get_all_start_methods()
        self._context = multiprocessing.get_context(
            "forkserver" if "forkserver" in methods else "spawn"
        )
        if "forkserver" in methods:
            self._context.set_forkserver_preload([__name__])
        self._strings = _Strings(self._context)
        self._setup = setup
        self._count = count
        self._work = work
        self._pool = self._started()

    def _started(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._count,
            mp_context=self._context,
            initializer=_begin,
            initargs=(self._setup, self._strings.stop, self._strings.leave),
        )

    def submit(self, scenarios: Suite) -> Future[BatchRun]:
        """Have a batch run; that the pool is broken is said by the future, too."""
        try:
            return self._pool.submit(self._work, scenarios)
        except BrokenProcessPool as error:
            broken: Future[BatchRun] = Future()
            broken.set_exception(error)
            return broken

    def restart(self) -> None:
        """Start new processes in place of those that are gone."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = self._started()

    def stop(self) -> None:
        """Have every worker end after the cleanup of the scenario that it is running."""
        self._strings.pull_stop()

    def leave(self) -> None:
        """Have every worker end at once."""
        self._strings.pull_leave()

    def close(self) -> None:
        """End the processes, and wait until they are gone; Ctrl-C meanwhile ends them at once."""
        self.stop()
        try:
            self._pool.shutdown(wait=True, cancel_futures=True)
        finally:
            self.leave()


@dataclass(slots=True)
class _Sent:
    """A batch that was handed to the pool; `losses` counts how often its process died."""

    places: range
    future: Future[BatchRun]
    losses: int = 0

    @property
    def lost(self) -> bool:
        """Whether its pool is gone, and no result came of it."""
        if self.future.cancelled():
            return True
        return self.future.done() and isinstance(self.future.exception(), BrokenProcessPool)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersRun:
    """A run on the mock in this process, shared by worker processes.

    What it emits is what one process would emit.
    """

    target: Target
    options: RunOptions
    mask: Mask
    emit: Callable[[Event], None]
    start: Callable[[BatchSetup, int], Pool] = ProcessPool

    def run(self, scenarios: Suite, results: Results) -> None:
        """Run the scenarios; Ctrl-C ends the run after the cleanups of those that are running."""
        setup = BatchSetup(target=self.target, options=self.options, mask=self.mask)
        pool = self.start(setup, self.options.workers)
        try:
            self._in_loop(_Sharing(self, pool, scenarios, results))
        except (KeyboardInterrupt, asyncio.CancelledError):
            results.interrupted = True
        finally:
            pool.close()

    def _in_loop(self, sharing: _Sharing) -> None:
        with asyncio.Runner() as runner:
            try:
                runner.run(self._whole(sharing))
            except KeyboardInterrupt:
                # Leaving the runner cancels the task and waits for it. To the task that looks like
                # a first Ctrl-C, so it would wait for the workers: they have to be gone by then.
                sharing.pool.leave()
                raise

    async def _whole(self, sharing: _Sharing) -> None:
        try:
            with self.options.stop.heeded():
                await sharing.all()
        except asyncio.CancelledError:
            await sharing.stopped()
            raise


@dataclass(slots=True)
class _Sharing:
    """The batches of one run: handed out some way ahead, taken back in order."""

    run: WorkersRun
    pool: Pool
    suite: Suite
    results: Results
    sent: deque[_Sent] = field(default_factory=deque)
    begun: int = 0
    size: int = _FIRST
    restarts: int = 0

    async def all(self) -> None:
        """Run all batches, or as many as it takes to the first failure."""
        while self._hand_out():
            if not await self._first():
                return

    def _hand_out(self) -> bool:
        """Keep the workers busy; return False when everything is done."""
        while self.begun < len(self.suite) and len(self.sent) < _AHEAD * self.run.options.workers:
            places = range(self.begun, min(self.begun + self.size, len(self.suite)))
            self.sent.append(_Sent(places, self._submit(places)))
            self.begun = places.stop
        return bool(self.sent)

    def _submit(self, places: range) -> Future[BatchRun]:
        return self.pool.submit(self.suite.parcel(places))

    async def _first(self) -> bool:
        """Wait for the first batch; return False where the run ends with it."""
        try:
            done = await asyncio.shield(asyncio.wrap_future(self.sent[0].future))
        except BrokenProcessPool:
            return await self._recovered()
        self.sent.popleft()
        self.restarts = 0
        if done.scenarios:
            size = round(_SECONDS * len(done.scenarios) / max(done.took, 1e-6))
            self.size = min(max(size, 1), _LARGEST)
        return self._take(done)

    def _take(self, done: BatchRun) -> bool:
        """Emit what a batch emitted; return False where the run ends here."""
        for one in done.scenarios:
            for event in decode_lines(one.events):
                self.run.emit(event)
            self.results.counts.update(one.counts)
            if self._failed:
                return False
        return not done.interrupted

    @property
    def _failed(self) -> bool:
        return self.run.options.fail_fast and not self.results.green

    async def _recovered(self) -> bool:
        """Run again what was lost with a process; return False where the run ends meanwhile."""
        self._restart()  # afterwards every batch of the old pool has a result, or is lost
        lost = [sent for sent in self.sent if sent.lost]
        self.run.emit(_died(sum(len(sent.places) for sent in lost)))
        for sent in lost:
            sent.losses += 1
        if self.sent[0].losses >= _LOSSES:
            lost.remove(self.sent[0])
            if not await self._singly(self.sent.popleft().places):
                return False
        for sent in lost:
            sent.future = self._submit(sent.places)
        return True

    def _restart(self) -> None:
        """Make new workers; raise ScenarioRunnerError where none ever comes to a result."""
        self.restarts += 1
        if self.restarts > _RESTARTS:
            raise ScenarioRunnerError(
                "worker processes die before they run anything",
                hint="--workers 1 runs everything in one process, and shows why if that fails, too",
            )
        self.pool.restart()

    async def _singly(self, places: range) -> bool:
        """Run scenarios with nothing beside them: one that ends its process is errored."""
        for place in places:
            future = self._submit(range(place, place + 1))
            try:
                done = await asyncio.shield(asyncio.wrap_future(future))
                self.restarts = 0
            except BrokenProcessPool:
                self._restart()
                done = self._ended(self.suite[place])
            if not self._take(done):
                return False
        return True

    def _ended(self, scenario: Scenario) -> BatchRun:
        events: list[Event] = []
        verdict = report_unrun(scenario, Verdict.ERRORED, _ENDS, events.append)
        one = ScenarioRun(encode_lines(events), Counter([verdict]))
        return BatchRun((one,), 0, interrupted=False)

    async def stopped(self) -> None:
        """Take what is still to come up to the scenario that was interrupted."""
        self.pool.stop()
        try:
            while self.sent and self._take(await asyncio.wrap_future(self.sent.popleft().future)):
                pass
        except BrokenProcessPool:
            return
        except asyncio.CancelledError:
            self.pool.leave()
            raise


_ENDS = "its worker process died each time it ran"


def _died(scenarios: int) -> Warned:
    count = f"{scenarios} scenario{'s' * (scenarios != 1)}"
    return Warned(
        code="worker-died",
        message=f"a worker process ended unexpectedly; {count} of which no result was there "
        "run again",
        span=Span("", 0, 0, 0, 0),
        hint="was it killed, or was memory short? fewer workers need less of it: --workers 1",
    )
