"""What the engine remembers while a scenario runs: labelled moments, and the PBX's events."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenario_runner.pbx.protocol import PbxEvent


@dataclass(frozen=True, slots=True)
class Moment:
    """When a labelled step was sent, and when the thing itself happened; microseconds."""

    sent: int
    at: int


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

    def matching(self, wanted: Callable[[PbxEvent], bool]) -> Iterator[PbxEvent]:
        """Every matching event, taken or not, the oldest first."""
        return (event for event in self._events if wanted(event))

    def take(self, wanted: Callable[[PbxEvent], bool]) -> PbxEvent | None:
        """Take the oldest matching event that nothing took before."""
        for index, event in enumerate(self._events):
            if index not in self._taken and wanted(event):
                self._taken.add(index)
                return event
        return None

    def take_all(self, wanted: Callable[[PbxEvent], bool]) -> list[PbxEvent]:
        """Take every matching event, also those that something took before."""
        found = [index for index, event in enumerate(self._events) if wanted(event)]
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
