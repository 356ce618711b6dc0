"""Time as a parameter: one clock for the runner and, in this process, for the mock.

The engine is plain asyncio: it sleeps with `asyncio.sleep` and bounds with `asyncio.timeout`. What
differs between real and virtual time is the event loop. `VirtualLoop` is an ordinary loop whose
clock stands still while anything can run; only when every task waits does it let one waiting
command take its turn or, when there is none, jump to the next timer.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, Protocol, TypeVarTuple

from scenario_runner.durations import SECOND

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Mapping
    from contextvars import Context

_Args = TypeVarTuple("_Args")


class Clock(Protocol):
    """Tells the time in whole microseconds since the scenario's own beginning."""

    def now(self) -> int:
        """Return the microseconds since the clock began."""
        ...


class LoopClock:
    """The clock of the running event loop, begun at the moment this is made."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._time = loop.time
        self._begin = self._read = loop.time()
        self._now = 0

    def now(self) -> int:
        """Return the microseconds since the clock began."""
        time = self._time()
        if time != self._read:  # a step asks a dozen times, and virtual time mostly stands still
            self._read = time
            # Rounded, since seconds as floats fall a little short of the microsecond meant.
            self._now = round((time - self._begin) * SECOND)
        return self._now


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, now: int = 0) -> None:
        self._now = now

    def now(self) -> int:
        """Return the microseconds since the clock began."""
        return self._now

    def advance(self, microseconds: int) -> None:
        """Let this much time pass."""
        self._now += microseconds


class Deadlock(Exception):
    """Every task waits and nothing will ever wake one; a fault of the runner."""


class Turns:
    """Commands waiting for their turn, and the choice of which goes next.

    `alone`, which the loop sets, tells whether nothing else can run: then no turn has to be waited
    for.

    `choose(count)` returns the index of the next one among `count` in the order they came; each
    choice among several is recorded, so that the same order can be had again.
    """

    def __init__(self, choose: Callable[[int], int]) -> None:
        self.alone: Callable[[], bool] = lambda: False
        self._choose = choose
        self._waiting: list[asyncio.Future[None]] = []
        self.order: list[tuple[int, int]] = []

    async def take(self) -> None:
        """Wait until it is this command's turn."""
        if not self._waiting and self.alone():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def grant(self) -> bool:
        """Let one waiting command go on; return False when none waits."""
        waiting = [turn for turn in self._waiting if not turn.done()]
        if not waiting:
            self._waiting.clear()
            return False
        chosen = 0
        if len(waiting) > 1:
            chosen = self._choose(len(waiting))
            self.order.append((chosen, len(waiting)))
        turn = waiting.pop(chosen)
        self._waiting = waiting
        turn.set_result(None)
        return True


class _IdleSelector(selectors.BaseSelector):
    """Watches no files: being asked to wait means that every task of the loop waits."""

    def __init__(self) -> None:
        self.idle: Callable[[float | None], None] = lambda _: None

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401
        return selectors.SelectorKey(fileobj, 0, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # noqa: ANN401
        raise KeyError(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self.idle(timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {}


class _Instant(float):
    """When a timer is due; of two timers due together the one that was made first is the smaller.

    The loop keeps its timers in a heap, which alone would let equal ones change places.
    """

    made: int

    def __lt__(self, other: float) -> bool:
        if self == other and isinstance(other, _Instant):
            return self.made < other.made
        return super().__lt__(other)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time: waiting costs none.

    Do no real input or output on it. `turns` are the commands that take turns, see `Turns`.
    """

    # Of the base class, which keeps them to itself; see `alone`.
    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _clock_resolution: float

    def __init__(self, turns: Turns) -> None:
        self._virtual = 0.0
        self._timers = 0
        selector = _IdleSelector()
        super().__init__(selector)
        selector.idle = self._idle
        self.begin(turns)

    def begin(self, turns: Turns) -> None:
        """Set the clock to 0 for the next scenario; call it only when nothing is waiting."""
        self.turns = turns
        turns.alone = self.alone
        self._virtual = 0.0

    def time(self) -> float:
        """Return the virtual seconds since the loop began."""
        return self._virtual

    def alone(self) -> bool:
        """Tell whether nothing but the caller can run now, so that the next turn would be its own.

        A walk round the loop would find the same, for a tenth of what a step costs.
        """
        if self._ready:
            return False
        timers = self._scheduled
        return not timers or timers[0].when() >= self._virtual + self._clock_resolution

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Args], object],
        *args: *_Args,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call back at `when`; timers of one instant keep the order they were made in."""
        instant = _Instant(round(when * SECOND) / SECOND)
        instant.made = self._timers = self._timers + 1
        return super().call_at(instant, callback, *args, context=context)

    def _idle(self, timeout: float | None) -> None:
        if self.turns.grant():
            return
        if timeout is None:
            raise Deadlock("every task waits, and there is no timer and no command to go on with")
        self._virtual += timeout
