"""Loading and running from Python: a run is an iterator over its events."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import time_ns
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.execution.options import RunOptions, real_time
from scenario_runner.execution.run import Gathered, RunRequest, gather_valid, run_scenarios
from scenario_runner.execution.targets import MOCK, TargetChoice, choose
from scenario_runner.loading.documents import LoadOptions
from scenario_runner.pbx.drivers import Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from scenario_runner.events import Event
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.references import Json


def load(
    paths: str | Path | Sequence[str | Path],
    *,
    variables: Mapping[str, Json] | None = None,
    strict: bool = False,
) -> tuple[Scenario, ...]:
    """Load scenarios from files, and from folders searched for `*.scenario.yaml` and `.yml`.

    Each row of a matrix is a scenario of its own. `variables` replace values under `vars`; `strict`
    treats warnings as errors. Raises InvalidFiles with every problem of every file, UsageError for
    a path or a variable that is not there, NothingSelected where no scenario is found.
    """
    named = [paths] if isinstance(paths, (str, Path)) else paths
    loading = LoadOptions(overrides=tuple((variables or {}).items()), strict=strict)
    request = RunRequest(paths=tuple(str(path) for path in named), loading=loading)
    return tuple(gather_valid(request).scenarios)


def run(
    scenarios: Iterable[Scenario],
    *,
    target: Target | str = MOCK,
    seed: int = 0,
    environment: Mapping[str, str] | None = None,
    allow_protected: Sequence[str] = (),
) -> Run:
    """Run scenarios and return their events, to be iterated over with `for` or `async for`.

    The run begins with the first event that is asked for. Without a `target` it is a mock PBX
    inside this process, where waiting costs no time; the name of a target is looked up in the
    targets file that is nearest to the scenarios. `seed` is the random seed;
    `environment` is what `$env` and `$secret` read, by default that of the process;
    `allow_protected` names hosts of protected targets that may be used. All times in events are
    whole microseconds. Failures of scenarios are events; a target that can't be used raises
    TargetError, a wrong targets file InvalidFiles.
    """
    surroundings = dict(os.environ if environment is None else environment)
    chosen, context = tuple(scenarios), Context()
    if isinstance(target, str):
        files = tuple(dict.fromkeys(scenario.file for scenario in chosen))
        choice = TargetChoice(
            paths=files,
            name=target,
            allow_protected=tuple(allow_protected),
            environment=surroundings,
        )
        target = choose(choice, context.mask)
    request = RunRequest(
        paths=(),
        options=RunOptions(environment=surroundings, seed=seed, stopwatch=real_time),
        target=target,
        context=context,
        started_at=time_ns() // 1000,
    )
    return Run(request, chosen)


class _Over:
    """The last thing a run hands over: that it is over, and what it failed of."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


_Item: TypeAlias = "Event | _Over"


class _Mailbox:
    """What the run's thread hands over, to be read by another thread or by a task."""

    def __init__(self) -> None:
        self._items: SimpleQueue[_Item] = SimpleQueue()
        self._waiting: asyncio.Future[None] | None = None

    def put(self, item: _Item) -> None:
        """Hand over an item, and wake the task that waits for one."""
        self._items.put(item)
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.get_loop().is_closed():
            waiting.get_loop().call_soon_threadsafe(_wake, waiting)

    def get(self) -> _Item:
        """Return the next item, and wait for it."""
        return self._items.get()

    async def get_async(self) -> _Item:
        """Return the next item, and wait for it without holding up the loop."""
        while True:
            arrival = asyncio.get_running_loop().create_future()
            self._waiting = arrival  # before looking, so that nothing can come unseen in between
            try:
                return self._items.get_nowait()
            except Empty:
                await arrival


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


class Run:
    """The events of a run, one by one: an iterator and an asynchronous iterator.

    The run goes on in one thread with an event loop of its own, since time is virtual on the mock;
    `for` and `async for` on the same run share it, each event comes once. Use it as a context
    manager (`with`, `async with`) to leave early: calls are hung up before the block is left. A
    KeyboardInterrupt or a cancellation while an event is awaited does the same.
    """

    def __init__(self, request: RunRequest, scenarios: tuple[Scenario, ...]) -> None:
        self._stop = request.options.stop
        self._request = request
        self._scenarios = scenarios
        self._mailbox = _Mailbox()
        self._thread: Thread | None = None
        self._over = False

    def __iter__(self) -> Run:
        return self

    def __aiter__(self) -> Run:
        return self

    def __next__(self) -> Event:
        if self._over:
            raise StopIteration
        self._begin()
        try:
            item = self._mailbox.get()
        except KeyboardInterrupt:
            self.close()
            raise
        if isinstance(item, _Over):
            self._ended(item)
            raise StopIteration
        return item

    async def __anext__(self) -> Event:
        if self._over:
            raise StopAsyncIteration
        self._begin()
        try:
            item = await self._mailbox.get_async()
        except asyncio.CancelledError:
            await self.aclose()
            raise
        if isinstance(item, _Over):
            self._ended(item)
            raise StopAsyncIteration
        return item

    def _begin(self) -> None:
        if self._thread is None:
            work = (self._request, self._scenarios, self._mailbox)  # not self, see `__del__`
            self._thread = Thread(target=_work, args=work, name="scenario-runner")
            self._thread.start()

    def _ended(self, over: _Over) -> None:
        self._join()
        if over.error is not None:
            raise over.error

    def _join(self) -> None:
        self._over = True
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """End the run, if it is still going on, and wait for its cleanup."""
        self._stop.wish()
        while self._thread is not None and not self._over:
            self._over = isinstance(self._mailbox.get(), _Over)
        self._join()

    async def aclose(self) -> None:
        """End the run, if it is still going on, and wait for its cleanup."""
        self._stop.wish()
        while self._thread is not None and not self._over:
            self._over = isinstance(await self._mailbox.get_async(), _Over)
        self._join()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Run:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        """Let a run that nobody listens to any more end by itself."""
        self._stop.wish()


def _work(request: RunRequest, scenarios: tuple[Scenario, ...], mailbox: _Mailbox) -> None:
    try:
        run_scenarios(request, Gathered.of(scenarios), mailbox.put)
    except BaseException as error:  # noqa: BLE001 -- raised again where the events are read
        mailbox.put(_Over(error))
    else:
        mailbox.put(_Over())
