"""Says of the shards of a run how evenly they were cut, and whether one is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.durations import rounded_text
from scenario_runner.events import Warned
from scenario_runner.source import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scenario_runner.events import RunFinished, RunStarted


class Balance(NamedTuple):
    """The shards that were read: of how many, which are missing, and how long each took."""

    of: int
    missing: tuple[int, ...]
    took: tuple[int, ...]

    @property
    def uneven(self) -> float:
        """How many times the mean the longest took."""
        return max(self.took) * len(self.took) / max(1, sum(self.took))

    def notes(self) -> Iterator[Warned]:
        """Give what is worth saying."""
        if self.missing:
            numbers = ", ".join(f"{number}/{self.of}" for number in self.missing)
            yield Warned(
                code="shard-missing",
                message=f"the events of shard {numbers} are not among these files",
                span=NOWHERE,
                hint="a run is whole when the events of all its shards are there",
            )
        if len(self.took) > 1:
            times = ", ".join(rounded_text(took) for took in self.took)
            yield Warned(
                code="shards",
                message=f"{len(self.took)} shards took {times}: the longest "
                f"{self.uneven:.2f} times their mean",
                span=NOWHERE,
                hint="give the events of these runs to --timings, and the next are cut more evenly"
                if self.uneven > _EVEN
                else None,
            )


_EVEN = 1.2


def balance(runs: Iterable[tuple[RunStarted, RunFinished | None]]) -> Balance | None:
    """Return the balance of the shards among these runs; None where there are none."""
    took: dict[int, int] = {}
    of = 0
    for started, finished in runs:
        number, divider, total = started.shard.partition("/")
        if divider:
            of = max(of, int(total))
            took[int(number)] = max(took.get(int(number), 0), finished.took if finished else 0)
    if not of:
        return None
    missing = tuple(number for number in range(1, of + 1) if number not in took)
    return Balance(of, missing, tuple(took[number] for number in sorted(took)))
