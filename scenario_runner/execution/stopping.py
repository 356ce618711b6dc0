"""Ends a run from outside, also from another thread: what Ctrl-C does on a terminal."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Stop:
    """A wish that a run may end; the scenarios that are running clean up first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._wished = False
        self._cancel: Callable[[], None] | None = None

    def wish(self) -> None:
        """Ask the run to end, whether it began already or not; call it from any thread."""
        with self._lock:
            self._wished = True
            if self._cancel is not None:
                self._cancel()

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
