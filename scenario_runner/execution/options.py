"""How a run is to be done."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from time import perf_counter_ns
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scenario_runner.events import Event
    from scenario_runner.execution.last_failed import FailedRun


def unheard(event: Event) -> None:
    """Hear nothing; it can be sent to another process."""


def no_time() -> int:
    """Measure nothing; it can be sent to another process."""
    return 0


def real_time() -> int:
    """Return microseconds of the real clock; it can be sent to another process."""
    return perf_counter_ns() // 1000


class Stop:
    """A wish that a run may end; the scenarios that are running clean up first."""

    def __init__(self) -> None:
        self._lock = RLock()  # a signal may come while this very thread holds it
        self._wished = False
        self._cancel: Callable[[], None] | None = None

    def wish(self) -> None:
        """Ask the run to end, whether it began already or not; call it from any thread."""
        with self._lock:
            self._wished = True
            if self._cancel is not None:
                self._cancel()

    def __reduce__(self) -> tuple[type[Stop], tuple[()]]:
        """Stay in this process: in another one a wish of its own is made."""
        return Stop, ()

    def wished(self) -> bool:
        """Tell whether somebody asked the run to end."""
        return self._wished

    @property
    def can_wait(self) -> bool:
        """Whether scenarios are running that a first wish would let clean up."""
        return self._cancel is not None and not self._wished

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Cancel the task that is inside the block when the wish comes, or came before."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        cancel = task.cancel

        def from_outside() -> None:
            loop.call_soon_threadsafe(cancel)

        with self._lock:
            self._cancel = from_outside
            if self._wished:
                cancel()
        try:
            yield
        finally:
            with self._lock:
                self._cancel = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run is to be done, whatever it runs against.

    `jobs` is how many scenarios run at once over a network (0: all, up to the target's
    `most_at_once`), `workers` how many processes share the scenarios of the built-in mock (0: as
    many as pay off). `order` are choices between waiting commands that stand in for the seed's;
    `all_orders` runs every distinct order, at most that many for one scenario (0: only one order).
    `repeat` runs everything that often, each time with the next seed; `shuffle` lets the seed
    choose the order of the scenarios. With `model` a reference model judges each answer of the
    built-in mock. `stop` ends the run from outside. `live` hears each event as it happens, also
    while scenarios run side by side, whose events are else told one scenario after the other.
    `stopwatch` tells real microseconds. `replays` are scenarios, by their identity, to be run as
    they failed before.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    jobs: int = 0
    workers: int = 1
    fail_fast: bool = False
    order: tuple[int, ...] | None = None
    all_orders: int = 0
    retry_failed: int = 0
    repeat: int = 1
    shuffle: bool = False
    allow_skips: bool = False
    allow_flaky: bool = False
    model: bool = False
    rerun: str = "scenario-runner run"
    stop: Stop = field(default_factory=Stop)
    live: Callable[[Event], None] = unheard
    stopwatch: Callable[[], int] = no_time
    replays: Mapping[str, FailedRun] = field(default_factory=dict)

    def replay(self, scenario: str) -> FailedRun:
        """Return how the scenario with this id is to be run: by the seed, or as it failed."""
        from scenario_runner.execution.last_failed import FailedRun, identity

        replayed = self.replays.get(identity(scenario)) if self.replays else None
        return replayed or FailedRun(scenario=scenario, seed=self.seed)
