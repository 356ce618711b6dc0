"""What a load run came to: its figures, what did not hold, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from scenario_runner.durations import MILLISECOND
from scenario_runner.exit_code import Exit, gravest
from scenario_runner.language.slo import Count, CountSlo
from scenario_runner.loadtest.figures import short
from scenario_runner.reporters.text import count_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenario_runner.loadtest.figures import Figures
    from scenario_runner.loadtest.objectives import Objective


MOST_LAG = 50 * MILLISECOND
"""The lag at the 99th percentile beyond which a run says nothing of the PBX."""


class Finding(Struct, frozen=True):
    """Something that speaks against a run, and the exit code that follows from it."""

    exit_code: Exit
    message: str


class Checks(Struct, kw_only=True):
    """What was found out beside the figures.

    `violations` can't be true of any PBX; `leaks` were left behind; `unknown` could not be asked.
    """

    placed: int = 0
    violated: int = 0
    violations: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def findings(
    figures: Figures, checks: Checks, objectives: Sequence[Objective], max_lag: int = MOST_LAG
) -> list[Finding]:
    """Return what speaks against a run beside its objectives, the generator's own fault first.

    Without an objective about errors any errored scenario does, and so for failures.
    """
    found = _lateness(figures, max_lag)
    tally = figures.tally
    for name, count, exit_code, what in (
        ("failed", Count.FAILURES, Exit.FAILED, "failed"),
        ("errored", Count.ERRORS, Exit.ERRORED, "errored"),
        ("stopped", Count.ERRORS, Exit.ERRORED, "did not come to their end"),
    ):
        number = _unbounded(name, count, figures, objectives)
        if number:
            found.append(Finding(exit_code, f"{number:,} of {tally.started:,} {what}"))
    if not tally.started:
        found.append(Finding(Exit.ERRORED, "no scenario ran, so nothing is known"))
    return found + _checked(checks)


def _unbounded(name: str, count: Count, figures: Figures, objectives: Sequence[Objective]) -> int:
    """Return how many scenarios ended so for which no objective says how many may."""
    slos = [(one.slo, one.scenario) for one in objectives]
    bounded = {where for slo, where in slos if isinstance(slo, CountSlo) and slo.count is count}
    if "" in bounded:
        return 0
    tallies = figures.scenarios.items()
    return sum(getattr(tally, name) for scenario, tally in tallies if scenario not in bounded)


def _lateness(figures: Figures, most: int) -> list[Finding]:
    for what, latencies in (("arrivals", figures.late), ("its event loop", figures.stalls)):
        late = latencies.percentile(99)
        if late > most:
            text = (
                f"invalid: the generator was late ({what}: p99 {short(late)}, "
                f"allowed {short(most)}), so the latencies are its own and not the PBX's"
            )
            return [Finding(Exit.ERRORED, text)]
    return []


def _checked(checks: Checks) -> list[Finding]:
    found = []
    if checks.violated:
        count = count_text(checks.violated, "contradiction")
        text = f"{count} to what was done: {checks.violations[0]}"
        found.append(Finding(Exit.FAILED, text))
    if checks.leaks:
        text = f"{len(checks.leaks):,} left behind: {checks.leaks[0]}"
        found.append(Finding(Exit.FAILED, text))
    if checks.unknown:
        text = f"what was left behind could not be asked: {checks.unknown[0]}"
        found.append(Finding(Exit.ERRORED, text))
    return found


def exit_code(found: list[Finding], *, interrupted: bool) -> Exit:
    """Return the exit code; the gravest wins."""
    codes = [one.exit_code for one in found]
    return gravest([*codes, Exit.INTERRUPTED] if interrupted else codes)
