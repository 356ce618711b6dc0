"""What a load run shows while it goes on: a line every now and then, or one that is drawn anew."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.loadtest.figures import Tally, bucket_percentile, short

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scenario_runner.loadtest.figures import Buckets, Interval
    from scenario_runner.loadtest.meter import Meter


EVERY = 10 * SECOND
"""How often a line is written where there is no terminal."""

REDRAWN = SECOND // 2
"""How often the line of a terminal is drawn anew."""

_RECENT = 10
"""Of how many intervals the figures are."""


def live_line(now: int, meter: Meter, actions: Sequence[str] = ()) -> str:
    """Return how the run goes, in one line; `actions` are those whose latency is wanted."""
    schedule, gauges = meter.schedule, meter.gauges
    recent = meter.figures.intervals[-_RECENT:]
    tally = Tally()
    for interval in recent:
        tally.add(interval.tally)
    parts = [
        f"{_clock(now, schedule.warm_up)} of {duration_text(schedule.end)}",
        f"{schedule.rate_at(now):.3g}/s",
        f"running {gauges.running}",
        f"calls {gauges.calls}",
        f"slots {gauges.slots}",
        *(_latency(recent, subject) for subject in ("", *actions)),
        f"refused {tally.refused}",
        f"failed {tally.failed}",
        f"errored {tally.errored}",
        f"blocked {tally.blocked}",
        f"lag {short(max((interval.lag for interval in recent), default=0))}",
    ]
    return " · ".join(part for part in parts if part)


def _clock(now: int, warm_up: int) -> str:
    text = duration_text(now // SECOND * SECOND)
    return f"{text} (warm-up)" if now < warm_up else text


def _latency(intervals: Sequence[Interval], subject: str) -> str:
    """Write the percentiles of a subject; nothing where none was measured."""
    buckets: Buckets = Counter()
    for interval in intervals:
        buckets.update(interval.latencies.get(subject, {}))
    if not buckets:
        return ""
    p50, p99 = (short(bucket_percentile(buckets, percent)) for percent in (50, 99))
    return f"{subject or 'scenario'} p50 {p50} p99 {p99}"


class Live:
    """Shows the line: `write` takes it, at most every so many microseconds."""

    def __init__(self, write: Callable[[str], None], every: int, actions: Sequence[str]) -> None:
        self._write = write
        self._every = every
        self._actions = actions
        self._next = every

    def __call__(self, now: int, meter: Meter) -> None:
        """Take in that the gauges were read."""
        if now < self._next:
            return
        self._next = (now // self._every + 1) * self._every
        self._write(live_line(now, meter, self._actions))
