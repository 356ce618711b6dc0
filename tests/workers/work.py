"""What workers of the tests do with a batch: some die of it, some never come to its end."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.execution.workers import run_batch

if TYPE_CHECKING:
    from scenario_runner.execution.batches import BatchRun
    from scenario_runner.loading.suite import Suite


def dies_once(scenarios: Suite) -> BatchRun:
    """Be killed in the middle of a batch, the first time that some worker comes to row 20."""
    mark = Path(scenarios[0].file).with_suffix(".killed")
    if any("n=20" in one.name for one in scenarios) and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return run_batch(scenarios)


def dies_of_row_20(scenarios: Suite) -> BatchRun:
    """Be killed whenever row 20 is in the batch."""
    if any("n=20" in one.name for one in scenarios):
        os.kill(os.getpid(), signal.SIGKILL)
    return run_batch(scenarios)


LONG = 20
"""Seconds after which what hangs ends nevertheless, so that a test fails and does not hang, too."""


def hangs(scenarios: Suite) -> BatchRun:
    """Say that the batch began, and hang."""
    with Path(scenarios[0].file).with_suffix(".fifo").open("w") as began:
        began.write("began")
    threading.Event().wait(LONG)
    raise AssertionError


def dies_always(scenarios: Suite) -> BatchRun:
    """Be killed by every batch."""
    os.kill(os.getpid(), signal.SIGKILL)
    return run_batch(scenarios)
