"""What Ctrl-C does, and a CI system that ends a job: a run cleans up first, then leaves."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from scenario_runner.execution.options import Stop


_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_CLEANING_UP = "\ninterrupted: cleaning up, for a minute at most; Ctrl-C again leaves at once"


@contextmanager
def interruptible(stop: Stop) -> Iterator[None]:
    """Inside the block the first signal ends the run after its cleanups, a second one at once."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        if not stop.can_wait:
            raise KeyboardInterrupt
        try:
            click.echo(_CLEANING_UP, err=True)  # before a second signal can cut it off
        finally:
            stop.wish()

    before = [signal.signal(number, interrupt) for number in _SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)
