"""What a Dask worker does for a load run: it is one of several generators.

Two calls of the client make it one: the first opens the target, the second begins, so that all
begin at about the same moment whatever their clocks say. The client asks again and again how it
goes; a generator that nobody asks any more ends.
"""

from __future__ import annotations

import asyncio
import pickle
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from msgspec import structs

from scenario_runner.errors import ScenarioRunnerError
from scenario_runner.execution.cluster_worker import work_of
from scenario_runner.execution.targets import open_target
from scenario_runner.loadtest.measuring import Measured, Measurement

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Worker

    from scenario_runner.execution.cluster_worker import Work
    from scenario_runner.execution.options import Stop
    from scenario_runner.loadtest.measuring import Share
    from scenario_runner.pbx.drivers import Notice


UNASKED = 20.0
"""After how many seconds without a question of the client a generator ends."""

RECENT = 10
"""Of how many intervals the figures are that it answers."""

_PARTS: dict[tuple[str, str], _Part] = {}


async def open_part(plugin: str, parcel: bytes, dask_worker: Worker) -> str:
    """Open the target; return why that could not be done, or nothing."""
    share = pickle.loads(parcel).get(dask_worker.address)
    if share is None:
        return ""  # it joined the cluster after the shares were made
    part = _PARTS[plugin, dask_worker.address] = _Part(work_of(plugin, dask_worker), share)
    part.begin()
    return await asyncio.wrap_future(part.opened)


async def run_part(plugin: str, dask_worker: Worker) -> Measured | None:
    """Let the scenarios arrive, and return what was found out."""
    part = _PARTS.get((plugin, dask_worker.address))
    if part is None:
        return None
    part.go.set_result(None)
    try:
        return await asyncio.wrap_future(part.done)
    finally:
        del _PARTS[plugin, dask_worker.address]


def look_at_part(plugin: str, dask_worker: Worker) -> bytes:
    """Return time, gauges and last intervals, pickled, as of the question before; empty if none."""
    part = _PARTS.get((plugin, dask_worker.address))
    return b"" if part is None else part.look()


class _Part:
    """A generator in a thread of its own."""

    def __init__(self, work: Work, share: Share) -> None:
        self._work = work
        options = replace(share.options, environment=work.environment)
        self._measurement = Measurement(replace(share, options=options))
        target, calls = work.target, share.options.max_calls
        allow = structs.replace(target.allow, max_calls=calls)
        self._target = structs.replace(target, allow=allow)
        self.opened: Future[str] = Future()
        self.go: Future[None] = Future()
        self.done: Future[Measured] = Future()
        self._asked = monotonic()
        self._wanted = True
        self._seen = b""

    def begin(self) -> None:
        """Open the target, without waiting for it."""
        threading.Thread(target=self._serve, name="scenario-runner-load").start()

    def look(self) -> bytes:
        """Return what was seen since the last question."""
        self._asked, self._wanted = monotonic(), True
        return self._seen

    def _serve(self) -> None:
        problem = "the run was stopped"
        with self._work.stoppable() as stop:
            try:
                asyncio.run(self._whole(stop))
            except ScenarioRunnerError as error:
                problem = self._measurement.measured.aborted = error.message
            except asyncio.CancelledError:
                pass
            finally:
                with suppress(Exception):  # it was opened
                    self.opened.set_result(problem)
                self.done.set_result(self._measurement.measured)

    async def _whole(self, stop: Stop) -> None:
        context = self._work.context(self._warn)
        with stop.heeded():
            async with open_target(self._target, context) as connection:
                self.opened.set_result("")
                await asyncio.wrap_future(self.go)
                self._asked = monotonic()
                tick = self._tick(stop)
                await self._measurement.run(connection, self._target, context.mask, tick)

    def _warn(self, notice: Notice) -> None:
        self._measurement.measured.warnings.append(notice.message)

    def _tick(self, stop: Stop) -> Callable[[int], None]:
        meter = self._measurement.meter

        def tick(now: int) -> None:
            if monotonic() - self._asked > UNASKED:
                stop.wish()
            if self._wanted:
                self._wanted = False
                recent = meter.figures.intervals[-RECENT:]
                self._seen = pickle.dumps((now, meter.gauges, recent))

        return tick
