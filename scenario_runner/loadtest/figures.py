"""The figures of a load run: latencies, counts, and how both went over time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hdrh.histogram import HdrHistogram
from msgspec import Struct, field

from scenario_runner.durations import HOUR, MINUTE, SECOND, duration_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


LONGEST = HOUR
"""What took longer counts as this long, in microseconds."""

_DIGITS = 3


def short(microseconds: float) -> str:
    """Write a duration with three digits: `1.23s`, `45.6ms`, `3m12s`."""
    whole = int(microseconds)
    if whole >= MINUTE:
        return duration_text(round(whole / SECOND) * SECOND)
    spare = max(0, len(str(whole)) - _DIGITS)
    return duration_text(round(whole, -spare))


class Latencies:
    """How long things took, in microseconds."""

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, LONGEST, _DIGITS, word_size=4)
        self._sum = 0

    @property
    def count(self) -> int:
        """How many were recorded."""
        return int(self._histogram.get_total_count())

    @property
    def mean(self) -> int:
        """The mean, 0 of none."""
        return round(self._sum / self.count) if self.count else 0

    @property
    def highest(self) -> int:
        """The longest, 0 of none."""
        return int(self._histogram.get_max_value()) if self.count else 0

    def __reduce__(self) -> tuple[Callable[[str, int], Latencies], tuple[str, int]]:
        """Travel to another machine as what `encode` writes."""
        return Latencies.decode, self.encode()

    def record(self, microseconds: int) -> None:
        """Add one."""
        self._sum += microseconds
        self._histogram.record_value(min(max(microseconds, 1), LONGEST))

    def percentile(self, percent: float) -> int:
        """Return what this share of them did not exceed, 0 of none."""
        return int(self._histogram.get_value_at_percentile(percent)) if self.count else 0

    def percentiles(self, percents: Iterable[float]) -> list[int]:
        """Return several percentiles, which is faster than one after the other."""
        wanted = list(percents)
        if not self.count:
            return [0] * len(wanted)
        found = self._histogram.get_percentile_to_value_dict(wanted)
        return [int(found[percent]) for percent in wanted]

    def add(self, other: Latencies) -> None:
        """Add all of another histogram."""
        self._sum += other._sum
        self._histogram.add(other._histogram)

    def encode(self) -> tuple[str, int]:
        """Return it as text (base64, as other HdrHistograms read it) and its sum."""
        return self._histogram.encode().decode("ascii"), self._sum

    @classmethod
    def decode(cls, text: str, total: int) -> Latencies:
        """Read what `encode` wrote; raise ValueError where it is none."""
        latencies = cls()
        try:
            latencies._histogram = HdrHistogram.decode(text.encode("ascii"))
        except Exception as error:
            raise ValueError(f"this is not a histogram: {error}") from error
        latencies._sum = total
        return latencies


class Subject(Struct, frozen=True, order=True):
    """What a latency is of: a scenario as a whole, one of its actions, or one of its steps.

    Without `scenario` all scenarios are meant, without `action` the scenario as a whole. `place` is
    where the step stands, `step` its name.
    """

    scenario: str = ""
    action: str = ""
    place: str = ""
    step: str = ""


class Refusal(Struct, frozen=True):
    """What was refused to a scenario, why, and whether the scenario expected that."""

    scenario: str
    action: str
    reason: str
    expected: bool


MOST_SUBJECTS = 400
"""Of how many subjects histograms are kept; steps beyond count with their actions only."""


class Tally(Struct):
    """How the arrivals of a run, or of a while, ended.

    `arrived` counts those that the plan meant; `blocked` those for which nothing was free, which
    never began. Of those that began, some `passed`, `failed` or `errored`; others were stopped
    before their end.
    """

    arrived: int = 0
    blocked: int = 0
    passed: int = 0
    failed: int = 0
    errored: int = 0
    stopped: int = 0
    commands: int = 0
    refused: int = 0

    @property
    def started(self) -> int:
        """How many began."""
        return self.arrived - self.blocked

    def add(self, other: Tally) -> None:
        """Add the counts of another one."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


Buckets = Counter[int]
"""Latencies counted by their value in microseconds, rounded to about one percent."""


def bucket(microseconds: int) -> int:
    """Round a latency."""
    spare = max(0, microseconds.bit_length() - 7)
    return microseconds >> spare << spare


def bucket_percentile(buckets: Buckets, percent: float) -> int:
    """Return what this share of the latencies did not exceed, 0 of none."""
    wanted = buckets.total() * percent / 100
    seen = 0
    for value in sorted(buckets):
        seen += buckets[value]
        if seen >= wanted:
            return value
    return 0


class Interval(Struct):
    """What happened to the arrivals of a while; it begins at `at`, microseconds since the begin.

    `rate` is what was planned for all generators, a second. The gauges are the highest values that
    were seen; those of several generators are added, though they may be of different moments.
    """

    at: int
    rate: float
    tally: Tally = field(default_factory=Tally)
    latencies: dict[str, Buckets] = field(default_factory=dict)
    lag: int = 0
    running: int = 0
    calls: int = 0
    slots: int = 0

    def record(self, subject: str, microseconds: int) -> None:
        """Add a latency of an action, or of the whole scenario where `subject` is empty."""
        self.latencies.setdefault(subject, Counter())[bucket(microseconds)] += 1

    def add(self, other: Interval) -> None:
        """Add what happened elsewhere in the same while."""
        self.tally.add(other.tally)
        for subject, buckets in other.latencies.items():
            self.latencies.setdefault(subject, Counter()).update(buckets)
        self.lag = max(self.lag, other.lag)
        self.running += other.running
        self.calls += other.calls
        self.slots += other.slots


class Figures:
    """All that is measured; `length` is that of an interval in microseconds.

    `late` are the lags with which arrivals began, `stalls` those of the event loop in between.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self.tally = Tally()
        self.scenarios: dict[str, Tally] = {}
        self.latencies: dict[Subject, Latencies] = {}
        self.late = Latencies()
        self.stalls = Latencies()
        self.blocked: Counter[str] = Counter()
        self.refusals: Counter[Refusal] = Counter()
        self.errors: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.intervals: list[Interval] = []

    def tally_of(self, scenario: str) -> Tally:
        """Return the counts of a scenario."""
        return self.scenarios.setdefault(scenario, Tally())

    def record(self, subject: Subject, microseconds: int) -> None:
        """Add a latency."""
        known = self.latencies.get(subject)
        if known is None:
            if subject.place and len(self.latencies) >= MOST_SUBJECTS:
                return
            known = self.latencies[subject] = Latencies()
        known.record(microseconds)

    def of(self, wanted: Subject) -> Latencies:
        """Return the latencies of a subject; those of all scenarios, or of all steps of a name."""
        found = Latencies()
        for one in self._matching(wanted):
            found.add(one)
        return found

    def _matching(self, wanted: Subject) -> Iterator[Latencies]:
        for subject, latencies in self.latencies.items():
            if wanted.scenario and subject.scenario != wanted.scenario:
                continue
            if wanted.step:
                if subject.step == wanted.step:
                    yield latencies
            elif (subject.action, subject.place) == (wanted.action, wanted.place):
                yield latencies

    def actions(self) -> list[str]:
        """Return the actions that were measured, in the order in which they were met."""
        found = (subject.action for subject in self.latencies if not subject.place)
        return [action for action in dict.fromkeys(found) if action]

    def add(self, other: Figures) -> None:
        """Add the figures of another generator, which began at the same moment."""
        self.tally.add(other.tally)
        for scenario, tally in other.scenarios.items():
            self.tally_of(scenario).add(tally)
        for subject, latencies in other.latencies.items():
            self.latencies.setdefault(subject, Latencies()).add(latencies)
        self.late.add(other.late)
        self.stalls.add(other.stalls)
        self.blocked.update(other.blocked)
        self.refusals.update(other.refusals)
        self.errors.update(other.errors)
        self.failures.update(other.failures)
        for place, interval in enumerate(other.intervals):
            if place < len(self.intervals):
                self.intervals[place].add(interval)
            else:
                self.intervals.append(interval)


def merged(parts: Iterable[Figures]) -> Figures:
    """Return the figures of several generators as those of one."""
    first, *others = parts
    for other in others:
        first.add(other)
    return first
