"""Scenarios in the order in which they run; the rows of a matrix are made when asked for."""

from __future__ import annotations

import random
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, overload

from msgspec import structs

from scenario_runner.language.scenario import Scenario
from scenario_runner.loading.scenarios import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True, slots=True, eq=False)
class Suite(Sequence[Scenario]):
    """The scenarios of several parts: as they come, or at chosen positions.

    `positions` counts through all parts. `turn` is what a repeated run adds to each name.
    """

    parts: tuple[Sequence[Scenario], ...] = ()
    positions: Sequence[int] | None = None
    turn: str = ""
    _ends: tuple[int, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ends", tuple(accumulate(map(len, self.parts))))

    def __len__(self) -> int:
        if self.positions is not None:
            return len(self.positions)
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Scenario: ...

    @overload
    def __getitem__(self, index: slice) -> Suite: ...

    def __getitem__(self, index: int | slice) -> Scenario | Suite:
        """Return one scenario, or some of them in their order."""
        if isinstance(index, slice):
            return self.at(range(*index.indices(len(self))))
        part, place = self._place(range(len(self))[index])
        return self._turned(self.parts[part][place])

    def __iter__(self) -> Iterator[Scenario]:
        if self.positions is None:
            return (self._turned(one) for part in self.parts for one in part)
        return (self[index] for index in range(len(self)))

    def tags(self) -> frozenset[str]:
        """Return the tags of all scenarios of all parts."""
        return frozenset(
            tag
            for part in self.parts
            for tags in ([part.tags()] if isinstance(part, Rows) else [one.tags for one in part])
            for tag in tags
        )

    def _place(self, index: int) -> tuple[int, int]:
        """Return the part of a scenario, and its place there."""
        position = index if self.positions is None else self.positions[index]
        part = bisect_right(self._ends, position)
        return part, position - (self._ends[part - 1] if part else 0)

    def _turned(self, scenario: Scenario) -> Scenario:
        return scenario.renamed(scenario.name + self.turn) if self.turn else scenario

    def parcel(self, indexes: Iterable[int]) -> Suite:
        """Return some scenarios to be sent elsewhere: without the rest, without their texts."""
        places = [self._place(index) for index in indexes]
        parts = [
            _parcel(self.parts[part], [place for _, place in group])
            for part, group in groupby(places, key=lambda place: place[0])
        ]
        return Suite(tuple(parts), turn=self.turn)

    def templates(self) -> Iterator[Scenario]:
        """Give each scenario of the parts, and of a matrix what its rows have in common."""
        for part in self.parts:
            if isinstance(part, Rows):
                yield part.template
            else:
                yield from part

    def template(self, index: int) -> Scenario:
        """Return a scenario, or what it has in common with the other rows of its matrix."""
        part, place = self._place(range(len(self))[index])
        rows = self.parts[part]
        return rows.template if isinstance(rows, Rows) else rows[place]

    def at(self, indexes: Iterable[int]) -> Suite:
        """Return the scenarios at these places, in this order."""
        known = self.positions
        chosen = indexes if known is None else (known[index] for index in indexes)
        return replace(self, positions=array("I", chosen))

    def shuffled(self, seed: int) -> Suite:
        """Return the scenarios in an order chosen by the seed."""
        positions = array("I", range(len(self)) if self.positions is None else self.positions)
        random.Random(seed).shuffle(positions)
        return replace(self, positions=positions)

    def only(self, keep: Callable[[Scenario], bool], whole: Callable[[Scenario], bool]) -> Suite:
        """Return the scenarios to keep; a matrix that `whole` takes is not looked at."""
        positions, begin = array("I"), 0
        for part in self.parts:
            here = range(begin, begin + len(part))
            if isinstance(part, Rows) and whole(part.template):
                positions.extend(here)
            else:
                positions.extend(place for place, one in zip(here, part, strict=True) if keep(one))
            begin += len(part)
        return self if len(positions) == len(self) else replace(self, positions=positions)


def _parcel(part: Sequence[Scenario], places: list[int]) -> Sequence[Scenario]:
    if isinstance(part, Rows):
        return replace(part.subset(places), template=_bare(part.template))
    return tuple(_bare(part[place]) for place in places)


def _bare(scenario: Scenario) -> Scenario:
    return structs.replace(scenario, sources=(), warnings=())
