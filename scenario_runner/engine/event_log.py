"""What the engine remembers while a scenario runs: labelled moments, and the PBX's events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.protocol import PbxEvent


class StepMark(Struct, frozen=True):
    """When a labelled step was sent, and when the thing itself happened; microseconds.

    `mark` tells which events came later, also within one instant; see `EventLog.mark`.
    """

    sent: int
    at: int
    mark: int


class EventLog:
    """Every event the PBX reported, in the order they came; each can be taken once."""

    def __init__(self) -> None:
        self._events: list[PbxEvent] = []
        self._taken: set[int] = set()
        self._arrived = asyncio.Event()

    def add(self, event: PbxEvent) -> None:
        """Take in an event and wake who waits for one."""
        self._events.append(event)
        self._arrived.set()

    def mark(self) -> int:
        """Return a mark: events that come from now on are after it."""
        return len(self._events)

    def after(self, mark: int) -> list[PbxEvent]:
        """Every event after the mark, taken or not, the oldest first."""
        return self._events[mark:]

    def take(self, mark: int, wanted: Callable[[PbxEvent], bool]) -> PbxEvent | None:
        """Take the oldest matching event after the mark that nothing took before."""
        for index in range(mark, len(self._events)):
            if index not in self._taken and wanted(self._events[index]):
                self._taken.add(index)
                return self._events[index]
        return None

    def take_all(self, mark: int, wanted: Callable[[PbxEvent], bool]) -> list[PbxEvent]:
        """Take every matching event after the mark, also those that something took before."""
        found = [i for i in range(mark, len(self._events)) if wanted(self._events[i])]
        self._taken.update(found)
        return [self._events[index] for index in found]

    async def arrival(self, seconds: float) -> None:
        """Wait until another event comes, or this long."""
        self._arrived.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return
