"""Which scenarios arrive, and when: the rate of an open-loop process, the weights of files."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate, count, islice
from math import sqrt
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND
from scenario_runner.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scenario_runner.language.scenario import Scenario
    from scenario_runner.loading.suite import Suite


FASTEST = 100_000
"""The most arrivals a second that can be asked for."""

_SECONDS = {"s": 1, "m": 60, "h": 3600}
_RATE = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)/(?P<unit>[smh])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """Arrivals a second: at the beginning and at the end, between which it changes evenly."""

    begin: float
    end: float

    @property
    def is_ramp(self) -> bool:
        """Whether it changes."""
        return self.begin != self.end

    def __str__(self) -> str:
        if not self.is_ramp:
            return f"{self.begin:g}/s"
        return f"{self.begin:g}/s..{self.end:g}/s"

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read `5/s`, `300/m` or `1/s..20/s`; raise UsageError where it is no rate."""
        first, dots, last = text.partition("..")
        begin = _read(first, text)
        return cls(begin, _read(last, text) if dots else begin)


def _read(part: str, text: str) -> float:
    found = _RATE.fullmatch(part)
    if found is None:
        hint = "write 5/s, 300/m or 12/h; for a ramp 1/s..20/s"
        raise UsageError(f"'{text}' is not a rate", hint=hint)
    rate = float(found["number"]) / _SECONDS[found["unit"]]
    if not 0 < rate <= FASTEST:
        hint = f"a rate lies above 0 and is at most {FASTEST:,}/s"
        raise UsageError(f"nothing can arrive at a rate of {part}", hint=hint)
    return rate


class Process(StrEnum):
    """How arrivals are spread: at random as in a queue of people, or evenly."""

    POISSON = "poisson"
    CONSTANT = "constant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The arrivals of a run; durations in microseconds. The rate changes after the warm-up only."""

    rate: Rate
    duration: int
    warm_up: int = 0
    process: Process = Process.POISSON
    seed: int = 0

    @property
    def end(self) -> int:
        """When the last arrival may come, in microseconds since the beginning."""
        return self.warm_up + self.duration

    @property
    def expected(self) -> float:
        """How many scenarios arrive, on average over all seeds."""
        seconds = self.duration / SECOND
        return self.rate.begin * self.warm_up / SECOND + self._ramped(seconds)

    def arrivals(self, part: int = 0, parts: int = 1) -> Iterator[tuple[int, int]]:
        """Give number and moment (in microseconds) of each arrival.

        With `parts` every so many arrivals only: the share of one of several generators.
        """
        chance = random.Random(self.seed)
        due = 0.0
        for number in count():
            due += chance.expovariate(1.0) if self.process is Process.POISSON else bool(number)
            moment = self._moment(due)
            if moment is None or moment >= self.end:
                return
            if number % parts == part:
                yield number, moment

    def rate_at(self, moment: int) -> float:
        """Return the planned arrivals a second at a moment."""
        share = min(1.0, max(0.0, (moment - self.warm_up) / self.duration))
        return self.rate.begin + (self.rate.end - self.rate.begin) * share

    def _ramped(self, seconds: float) -> float:
        """Return how many arrive in this time after the warm-up."""
        growth = (self.rate.end - self.rate.begin) * SECOND / self.duration
        return self.rate.begin * seconds + growth * seconds * seconds / 2

    def _moment(self, due: float) -> int | None:
        """Return when as many arrivals as `due` have come; None where that never happens."""
        warm = self.rate.begin * self.warm_up / SECOND
        if due <= warm:
            return int(due / self.rate.begin * SECOND)
        growth = (self.rate.end - self.rate.begin) * SECOND / self.duration
        left = due - warm
        if growth == 0:
            seconds = left / self.rate.begin
        else:
            root = self.rate.begin**2 + 2 * growth * left
            if root < 0:
                return None
            seconds = (sqrt(root) - self.rate.begin) / growth
        return self.warm_up + int(seconds * SECOND)


def parse_weight(text: str) -> tuple[str, float]:
    """Read `FILE=3`; raise UsageError where it is no weight."""
    file, divider, number = text.rpartition("=")
    try:
        weight = float(number)
    except ValueError:
        weight = -1.0
    if not (divider and file and 0 <= weight < float("inf")):
        raise UsageError(f"'{text}' is not FILE=WEIGHT", hint="write --weight park.scenario.yaml=3")
    return file, weight


@dataclass(slots=True)
class _File:
    weight: float
    places: list[int] = field(default_factory=list)
    turn: int = 0

    def next(self) -> int:
        place = self.places[self.turn % len(self.places)]
        self.turn += 1
        return place


class Mix:
    """The scenarios that arrive. The same seed gives the same ones in the same order.

    With a `share`, part and parts, every so many of them only: those of one of several generators.
    """

    def __init__(
        self,
        suite: Suite,
        weights: Mapping[str, float],
        seed: int = 0,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self._suite = suite
        self._chance = random.Random(seed)
        files: dict[str, _File] = {}
        for place in range(len(suite)):
            file = suite.template(place).file
            files.setdefault(file, _File(weights.get(file, 1.0))).places.append(place)
        for name in weights.keys() - files.keys():
            hint = did_you_mean(name, files) or f"files are: {', '.join(files)}"
            raise UsageError(f"no scenario is chosen of the file '{name}'", hint=hint)
        self._files = [file for file in files.values() if file.weight > 0]
        if not self._files:
            raise UsageError("every file has the weight 0: nothing would arrive")
        self._bounds = list(accumulate(file.weight for file in self._files))
        part, parts = share
        self._places = islice(self._all_places(), part, None, parts)

    def _all_places(self) -> Iterator[int]:
        while True:
            (file,) = self._chance.choices(self._files, cum_weights=self._bounds)
            yield file.next()

    def next(self) -> tuple[str, Scenario]:
        """Return the scenario that arrives next, and what it is called among the figures."""
        place = next(self._places)
        return self._suite.template(place).id, self._suite[place]
