"""Whether objectives held, and up to which rate of a ramp they did."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, assert_never

from msgspec import Struct

from scenario_runner.language.slo import Count, CountSlo, LatencySlo, Slo, Statistic
from scenario_runner.loadtest.figures import (
    Buckets,
    Interval,
    Subject,
    Tally,
    bucket_percentile,
    short,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenario_runner.loadtest.figures import Figures, Latencies


class Objective(Struct, frozen=True):
    """An objective, and the scenario that it is about (all where that is empty)."""

    slo: Slo
    scenario: str = ""

    def __str__(self) -> str:
        return f"{self.slo} ({self.scenario})" if self.scenario else str(self.slo)


class Judged(Struct, frozen=True, kw_only=True):
    """Whether an objective held; `value` is what was measured, in words."""

    objective: str
    slo: Slo
    scenario: str
    held: bool
    value: str


def judge(objective: Objective, figures: Figures) -> Judged:
    """Tell whether an objective held over a whole run; of what was not measured it did not."""
    slo = objective.slo
    match slo:
        case LatencySlo():
            subject = Subject(objective.scenario, slo.action, step=slo.step)
            latencies = figures.of(subject)
            taken = statistic(latencies, slo.statistic)
            held = bool(latencies.count) and slo.holds(taken)
            value = short(taken) if latencies.count else "never measured"
        case CountSlo():
            number, total = counted(objective, slo, figures)
            held, value = _judged(slo, number, total)
        case _:
            assert_never(slo)
    return Judged(
        objective=str(objective), slo=slo, scenario=objective.scenario, held=held, value=value
    )


def statistic(latencies: Latencies, wanted: Statistic) -> int:
    """Return a statistic of latencies, in microseconds."""
    if wanted is Statistic.MEAN:
        return latencies.mean
    if wanted is Statistic.MAX:
        return latencies.highest
    assert wanted.percent is not None
    return latencies.percentile(wanted.percent)


def counted(objective: Objective, slo: CountSlo, figures: Figures) -> tuple[int, int]:
    """Return how many there are of what an objective counts, and of how many."""
    scenario = objective.scenario
    tally = figures.scenarios.get(scenario, Tally()) if scenario else figures.tally
    number, total = _of_tally(slo.count, tally)
    if slo.reason:
        number = sum(
            count
            for refusal, count in figures.refusals.items()
            if refusal.reason == slo.reason and scenario in ("", refusal.scenario)
        )
    return number, total


def _of_tally(count: Count, tally: Tally) -> tuple[int, int]:
    match count:
        case Count.ERRORS:
            return tally.errored + tally.stopped, tally.started
        case Count.FAILURES:
            return tally.failed, tally.started
        case Count.BLOCKED:
            return tally.blocked, tally.arrived
        case Count.REFUSED:
            return tally.refused, tally.commands
        case _:
            assert_never(count)


def _judged(slo: CountSlo, number: int, total: int) -> tuple[bool, str]:
    share = number / total if total else 0.0
    held = bool(total) and slo.holds(share if slo.share else number)
    value = f"{share * 100:.2g}% ({number:,} of {total:,})" if slo.share else f"{number:,}"
    return held, value if total else "never measured"


class Knee(Struct, frozen=True, kw_only=True):
    """The rates between which objectives stopped to hold; `broke` is None where they never did."""

    held: float
    broke: float | None
    objective: str = ""

    def __str__(self) -> str:
        if self.broke is None:
            return f"held up to {self.held:.3g}/s, the end of the ramp"
        if not self.held:
            return f"{self.objective} did not hold at any rate"
        return f"held up to {self.held:.3g}/s; at {self.broke:.3g}/s {self.objective} did not"


_WINDOWS = 20
_FEWEST = 10
"""How many arrivals a window has at least, so that a percentile of them says something."""


def knee(objectives: Sequence[Objective], intervals: Sequence[Interval]) -> Knee | None:
    """Return the last rate of a ramp at which everything held; None without objectives.

    Good and bad windows are parted where the fewest lie on the wrong side, so that a single bad
    moment is no limit. Only objectives about all scenarios and about no step are looked at.
    """
    looked_at = [o for o in objectives if not o.scenario and _in_windows(o.slo)]
    windows = _windowed(intervals)
    if not looked_at or not windows:
        return None
    broken = [_first_broken(looked_at, window) for window in windows]
    good = _parted([one is not None for one in broken])
    held = windows[good - 1].rate if good else 0.0
    if good == len(windows):
        return Knee(held=held, broke=None)
    reason = next(one for one in broken[good:] if one is not None)
    return Knee(held=held, broke=windows[good].rate, objective=str(reason))


def _parted(bad: Sequence[bool]) -> int:
    """Return how many windows are good: as many as leave the fewest on the wrong side."""
    wrong = [sum(bad[:good]) + bad[good:].count(False) for good in range(len(bad) + 1)]
    return max(good for good, count in enumerate(wrong) if count == min(wrong))


def _in_windows(slo: Slo) -> bool:
    return not slo.step if isinstance(slo, LatencySlo) else not slo.reason


def _windowed(intervals: Sequence[Interval]) -> list[Interval]:
    """Join intervals until each has enough arrivals; the rate of a window is that of its end."""
    windows: list[Interval] = []
    most = max(1, -(-len(intervals) // _WINDOWS))
    current, joined = None, 0
    for interval in intervals:
        if current is None:
            current, joined = Interval(at=interval.at, rate=0.0), 0
        current.add(interval)
        current.rate = interval.rate
        joined += 1
        if joined >= most and current.tally.arrived >= _FEWEST:
            windows.append(current)
            current = None
    return windows


def _first_broken(objectives: Sequence[Objective], window: Interval) -> Objective | None:
    return next((one for one in objectives if not _held(one.slo, window)), None)


def _held(slo: Slo, window: Interval) -> bool:
    """Tell whether an objective held in a window; what was not measured there is no matter."""
    if isinstance(slo, CountSlo):
        number, total = _of_tally(slo.count, window.tally)
        share = number / total if total else 0.0
        return slo.holds(share) if slo.share else True
    buckets = window.latencies.get(slo.action, Counter())
    return not buckets or slo.holds(_of_buckets(slo.statistic, buckets))


def _of_buckets(wanted: Statistic, buckets: Buckets) -> float:
    if wanted is Statistic.MEAN:
        return sum(value * count for value, count in buckets.items()) / buckets.total()
    if wanted is Statistic.MAX:
        return max(buckets)
    assert wanted.percent is not None
    return bucket_percentile(buckets, wanted.percent)
