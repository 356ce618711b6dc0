"""The clock of one world of a served mock: real time, or one that stands until it is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class WorldClock:
    """Tells a world's time in microseconds since it began.

    `passing` tells how much real time has passed since then; it is None where time stands still
    but for `advance`.
    """

    def __init__(self, passing: Callable[[], int] | None) -> None:
        self._passing = passing
        self._begin = 0 if passing is None else passing()
        self._moved = 0

    @property
    def stands(self) -> bool:
        """Whether this clock moves only when told to."""
        return self._passing is None

    def now(self) -> int:
        """Return the world's time."""
        passed = 0 if self._passing is None else self._passing() - self._begin
        return passed + self._moved

    def advance(self, by_us: int) -> None:
        """Let this much time pass at once."""
        self._moved += by_us
