"""Counts what became of the scenarios, and sums a run up in the words of all reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import duration_text
from scenario_runner.reporters.wording import count_text, one_line

if TYPE_CHECKING:
    from collections import Counter

    from scenario_runner.events import RunStarted
    from scenario_runner.reporters.stories import Gatherer

_ORDER = (
    "passed",
    "failed",
    "errored",
    "xpassed",
    "flaky",
    "skipped",
    "xfailed",
    "not applicable",
)


def counts_text(counts: Counter[str]) -> str:
    """Write `3 scenarios: 2 passed, 1 failed`."""
    parts = [f"{counts[verdict]:,} {verdict}" for verdict in _ORDER if counts[verdict]]
    total = count_text(counts.total(), "scenario")
    return f"{total}: {', '.join(parts)}" if parts else total


def target_text(run: RunStarted) -> str:
    """Write what the run was against: `target mock (in this process)`."""
    return one_line(f"target {run.target or 'unknown'} ({run.host or 'unknown host'})")


def unrun_text(gathered: Gatherer) -> str:
    """Say what of the run did not happen; empty where all of it did."""
    missing, total = gathered.missing, gathered.run.total
    parts = ["the run was interrupted"] if gathered.interrupted else []
    if missing:
        verb = "was" if missing == 1 else "were"
        parts.append(f"{missing:,} of {count_text(total, 'scenario')} {verb} not run")
    return ", ".join(parts)


def verdict_of_run(counts: Counter[str], gathered: Gatherer) -> str:
    """Return the verdict that the whole run has: `passed` only where nothing speaks against it."""
    if gathered.interrupted or counts["errored"]:
        return "errored"
    if gathered.end is not None and gathered.end.exit_code:
        return "failed"
    return "passed" if counts.total() else "errored"


def summary_parts(counts: Counter[str], gathered: Gatherer) -> list[str]:
    """Return the parts of the line that sums a run up."""
    parts = [counts_text(counts), unrun_text(gathered), target_text(gathered.run)]
    parts.append(f"seed {gathered.run.seed}")
    if gathered.end is not None:
        parts.append(duration_text(gathered.end.took))
    return [part for part in parts if part]
