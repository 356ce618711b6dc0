"""Splits a run among machines that know nothing of each other: shard 2 of 4.

Every machine works the same split out, from the files and from the durations of a former run:
each scenario is in exactly one shard, in whatever order the files are named.
"""

from __future__ import annotations

from collections import Counter
from heapq import heapreplace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.durations import MILLISECOND
from scenario_runner.errors import UsageError
from scenario_runner.events import RunStarted, ScenarioFinished
from scenario_runner.execution.last_failed import identity
from scenario_runner.reporters.merge import events_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scenario_runner.loading.suite import Suite


_MOCK_STEP = MILLISECOND // 5
"""What a step on the in-process mock takes by the real clock, about; its own time is virtual."""

_NEEDED = (b'"RunStarted"', b'"ScenarioFinished"')


class Shard(NamedTuple):
    """One of several parts of a run, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read `2/4`; raise UsageError where that is no part of a run."""
        number, _, of = text.partition("/")
        if not (number.isascii() and number.isdecimal() and of.isascii() and of.isdecimal()):
            raise UsageError(f"'{text}' is not I/N", hint="write --shard 2/4: the second of four")
        shard = cls(int(number), int(of))
        if not 1 <= shard.number <= shard.of:
            hint = f"of {shard.of} shards the first is 1/{shard.of}, the last {shard.of}/{shard.of}"
            raise UsageError(f"there is no shard {shard}", hint=hint if shard.of else None)
        return shard


def read_durations(paths: Sequence[str]) -> dict[str, int]:
    """Return how long each scenario took at most, in microseconds, by its `identity`.

    The files are events of former runs; a folder stands for all `*.jsonl` in it. In virtual time
    a scenario's steps say how long it takes. Raises UsageError for what can't be read.
    """
    durations: dict[str, int] = {}
    for path in _files(paths):
        virtual = False
        for event in events_of(path, _NEEDED):
            if isinstance(event, RunStarted):
                virtual = event.driver == "mock"
            elif isinstance(event, ScenarioFinished):
                took = _steps(event) * _MOCK_STEP if virtual else event.took
                name = identity(event.scenario)
                durations[name] = max(took, durations.get(name, 0))
    return durations


def _files(paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        if Path(path).is_dir():
            yield from map(str, sorted(Path(path).glob("*.jsonl")))
        else:
            yield path


def _steps(event: ScenarioFinished) -> int:
    return event.passed + event.failed + event.errored + event.skipped + event.not_applicable


def part(suite: Suite, shard: Shard, durations: Mapping[str, int] | None = None) -> Suite:
    """Return the scenarios of a shard; those that want to be alone come last.

    With `durations` the shards take about equally long: what is longest goes first to the shard
    that has least to do, and what is unknown counts as the median. Without them a file stays
    whole, and each of its scenarios counts alike.
    """
    units = [identity(one.file if durations is None else one.id) for one in suite]
    weights: Counter[str] = Counter()
    if durations is None:
        weights.update(units)
    else:
        known = [durations[unit] for unit in units if unit in durations]
        middle = int(median(known)) if known else 1
        weights.update({unit: durations.get(unit, middle) for unit in units})
    places = _distributed(weights, shard.of)
    mine = [index for index, unit in enumerate(units) if places[unit] == shard.number]
    return suite.at(sorted(mine, key=lambda index: suite[index].needs.alone))


def _distributed(weights: Mapping[str, int], shards: int) -> dict[str, int]:
    """Return the shard of each unit: the heaviest first, each to the shard that has least."""
    loads = [(0, number) for number in range(1, shards + 1)]
    places = {}
    for unit, weight in sorted(weights.items(), key=lambda pair: (-pair[1], pair[0])):
        load, number = loads[0]
        heapreplace(loads, (load + weight, number))
        places[unit] = number
    return places
