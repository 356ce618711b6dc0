"""How often what may safely be repeated is repeated, and how long to pause before."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from scenario_runner.durations import MILLISECOND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator


@dataclass(frozen=True, slots=True)
class Patience:
    """`again` times more, with pauses of about `first` microseconds, then twice that, and so on.

    `sleep` takes seconds. With `again` 0 nothing is repeated and no limit of requests waited for.
    """

    again: int = 0
    first: int = 100 * MILLISECOND
    random: Random = Random(0)  # noqa: RUF009 -- shared on purpose: it is asked only where again > 0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def pauses(self) -> Iterator[int]:
        """Yield the pause before each repetition, in microseconds."""
        for number in range(self.again):
            yield int(self.first * 2**number * (0.5 + self.random.random()))
