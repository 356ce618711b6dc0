"""What the engine remembers while a scenario runs: moments of steps, and the PBX's events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.language.vocabulary import EventType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from scenario_runner.pbx.protocol import PbxEvent

LATE = 5 * SECOND
"""How long after a call came up its own events may still be on their way."""


class StepMark(Struct, frozen=True):
    """When a step was sent, and when the thing itself happened; microseconds.

    `mark` tells which events came later, also within one instant; see `EventLog.mark`. That of no
    step at all is the beginning of the scenario.
    """

    sent: int = 0
    at: int = 0
    mark: int = 0


class Sent(Struct):
    """The last command that was sent to change a call, in one branch of a scenario."""

    last: StepMark = StepMark()

    def merge(self, others: Collection[Sent]) -> None:
        """Go on from the latest of these branches."""
        self.last = max((self.last, *(one.last for one in others)), key=lambda last: last.sent)


class _Caused(Struct, frozen=True):
    """An event that the command sent at `mark` causes, and that has not come yet."""

    uuid: str
    type: EventType
    mark: int
    until: int


class Deaf(NamedTuple):
    """A time in which events may have been missed, in microseconds; it may last."""

    since: int
    until: int | None = None

    def overlaps(self, since: int, until: int) -> bool:
        """Tell whether any of it is between these two."""
        return self.since <= until and (self.until is None or self.until >= since)

    def __str__(self) -> str:
        begin = duration_text(self.since)
        if self.until is None:
            return f"since {begin}"
        return f"from {begin} to {duration_text(self.until)}"


class EventLog:
    """Every event the PBX reported, in the order they came; each can be taken once.

    A PBX delivers an event some time after it happened, perhaps when the next command was sent
    already. So what is sure to follow a command counts as come right after it; see `caused`.
    """

    def __init__(self) -> None:
        self._events: list[PbxEvent] = []
        self._marks: list[int] = []
        self._begins = [0]
        self._awaited: list[_Caused] = []
        self._taken: set[int] = set()
        self._arrived = asyncio.Event()
        self._deaf: list[Deaf] = []

    def add(self, event: PbxEvent) -> None:
        """Take in an event and wake who waits for one."""
        self._marks.append(self._mark_of(event))
        self._events.append(event)
        self._arrived.set()

    def _mark_of(self, event: PbxEvent) -> int:
        for one in self._awaited:
            if (one.uuid, one.type) == (event.uuid, event.type) and event.at <= one.until:
                self._awaited.remove(one)
                return one.mark
        return len(self._begins) - 1

    def deaf(self, at: int) -> None:
        """From now on events may be missed."""
        self._deaf.append(Deaf(at))

    def hearing(self, at: int) -> None:
        """Events are heard again."""
        if self._deaf and self._deaf[-1].until is None:
            self._deaf[-1] = Deaf(self._deaf[-1].since, at)

    def missed(self, since: int, until: int) -> Deaf | None:
        """Return a time between these two in which events may have been missed."""
        return next((one for one in self._deaf if one.overlaps(since, until)), None)

    def mark(self) -> int:
        """Return a new mark: events that come from now on are after it."""
        self._begins.append(len(self._events))
        return len(self._begins) - 1

    def caused(self, uuid: str, types: tuple[EventType, ...], since: StepMark, now: int) -> None:
        """Expect one event of each type for what was sent then; one that is late belongs there."""
        came = {event.type for event in self.after(since.mark) if event.uuid == uuid}
        self._awaited += [
            _Caused(uuid, one, since.mark, now + LATE) for one in types if one not in came
        ]

    def after(self, mark: int) -> list[PbxEvent]:
        """Every event after the mark, taken or not, the oldest first."""
        return [self._events[index] for index in self._from(mark)]

    def _from(self, mark: int) -> list[int]:
        indexes = range(self._begins[mark], len(self._events))
        return [index for index in indexes if self._marks[index] >= mark]

    def take(self, mark: int, wanted: Callable[[PbxEvent], bool]) -> PbxEvent | None:
        """Take the oldest matching event after the mark that nothing took before."""
        for index in self._from(mark):
            if index not in self._taken and wanted(self._events[index]):
                self._taken.add(index)
                return self._events[index]
        return None

    def take_all(self, mark: int, wanted: Callable[[PbxEvent], bool]) -> list[PbxEvent]:
        """Take every matching event after the mark, also those that something took before."""
        found = [index for index in self._from(mark) if wanted(self._events[index])]
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
