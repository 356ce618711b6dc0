"""Worker processes, each with one job at a time, which is given up when it takes too long."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from contextlib import suppress
from multiprocessing.connection import wait
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from scenario_runner.mutation.trial import Job, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext


class Work(Protocol):
    """Does jobs; it can be sent to another process."""

    def run(self, job: Job) -> Outcome:
        """Do one job."""
        ...


def in_this_process(work: Work, jobs: Iterable[Job]) -> Iterator[Outcome]:
    """Do jobs one after the other; one that never ends is never given up."""
    return (work.run(job) for job in jobs)


def _serve(work: Work, pipe: Connection) -> None:
    """Do jobs in a worker process until the pipe closes; Ctrl-C is for the main process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):
        while True:
            pipe.send(work.run(pipe.recv()))


class _Worker:
    """One process, with at most one job; `broken` where it is stuck or dead."""

    def __init__(self, context: BaseContext, work: Work) -> None:
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(  # type: ignore[attr-defined]
            target=_serve, args=(work, theirs), daemon=True
        )
        self._process.start()
        theirs.close()
        self.job: Job | None = None
        self.until = 0.0
        self.broken = False

    def begin(self, job: Job, now: float) -> None:
        """Hand it a job, which it has until its limit is over, by the monotonic clock."""
        self.job, self.until = job, now + job.limit
        with suppress(OSError):  # where it is dead, that is seen when its answer is read
            self.pipe.send(job)

    def outcome(self, now: float, *, ready: bool) -> Outcome | None:
        """Return what became of its job, None as long as that is open."""
        job = self.job
        if job is None or not (ready or now >= self.until):
            return None
        self.job = None
        if not ready:
            return self._gave_up(job, Status.TIMEOUT, f"no end within {job.limit:.0f}s")
        try:
            outcome: Outcome = self.pipe.recv()
        except (EOFError, OSError):
            return self._gave_up(job, Status.INVALID, "its process died")
        return outcome

    def _gave_up(self, job: Job, status: Status, reason: str) -> Outcome:
        self.broken = True
        return Outcome(mutant=job.mutant, status=status, met_by=job.scenarios, reason=reason)

    def end(self) -> None:
        """Kill the process, and wait until it is gone."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


def in_processes(
    work: Work, jobs: Iterable[Job], count: int, clock: Callable[[], float] = monotonic
) -> Iterator[Outcome]:
    """Do jobs in so many processes, and yield the outcomes as they come.

    A job that takes longer than its limit is a timeout, one whose process died is invalid; a new
    process takes the place of the old one.
    """
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload([Job.__module__])
    waiting = deque(jobs)
    workers = [_Worker(context, work) for _ in range(min(count, len(waiting)))]
    try:
        while waiting or any(one.job is not None for one in workers):
            _hand_out(waiting, workers, clock())
            yield from _look(workers, clock)
            for place, one in enumerate(workers):
                if one.broken:
                    one.end()
                    workers[place] = _Worker(context, work)
    finally:
        for one in workers:
            one.end()


def _hand_out(waiting: deque[Job], workers: Iterable[_Worker], now: float) -> None:
    for one in workers:
        if one.job is None and waiting:
            one.begin(waiting.popleft(), now)


def _look(workers: Iterable[_Worker], clock: Callable[[], float]) -> Iterator[Outcome]:
    """Wait until a worker is done, or until the first of them has had its time."""
    busy = [one for one in workers if one.job is not None]
    left = min(one.until for one in busy) - clock()
    ready = wait([one.pipe for one in busy], max(0.0, left))
    outcomes = (one.outcome(clock(), ready=one.pipe in ready) for one in busy)
    yield from (outcome for outcome in outcomes if outcome is not None)
