"""Ends a run from outside, also from another thread: what Ctrl-C does on a terminal."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
