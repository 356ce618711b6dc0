"""Leases of slots and extensions: scenarios that run side by side never disturb one another.

A number that a scenario changes is its own while it runs; one that it only asks about is shared
with others that only ask.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from scenario_runner.language.scenario import Needs
    from scenario_runner.language.target import Target


Kind: TypeAlias = Literal["slot", "extension"]
Resource: TypeAlias = tuple[Kind, str]
_Queue: TypeAlias = "dict[int, asyncio.Future[Lease]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a scenario holds: `bound` are its (name, number) pairs, the rest all its resources.

    Nobody else holds what is `written`; what is `read` is shared with others that read it.
    """

    bound: tuple[tuple[str, str], ...] = ()
    written: frozenset[Resource] = frozenset()
    read: frozenset[Resource] = frozenset()
    alone: bool = False


@dataclass(slots=True)
class Holdings:
    """What is held at a moment, by all leases together."""

    leases: int = 0
    alone: bool = False
    _written: set[Resource] = field(default_factory=set)
    _read: Counter[Resource] = field(default_factory=Counter)

    def take(self, lease: Lease) -> None:
        """Add a lease."""
        self.leases += 1
        self.alone = lease.alone
        self._written |= lease.written
        self._read.update(lease.read)

    def give_back(self, lease: Lease) -> None:
        """Remove a lease."""
        self.leases -= 1
        self.alone = False
        self._written -= lease.written
        self._read.subtract(lease.read)
        for resource in lease.read:
            if not self._read[resource]:
                del self._read[resource]

    def is_free(self, resource: Resource) -> bool:
        """Tell whether nobody holds this."""
        return resource not in self._written and resource not in self._read

    def allow(self, written: frozenset[Resource], read: frozenset[Resource]) -> bool:
        """Tell whether these can be held beside what is held already."""
        return self._written.isdisjoint(read) and all(map(self.is_free, written))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The slots and extensions of a target, as text, in the order they are leased."""

    slots: tuple[str, ...]
    extensions: tuple[str, ...]

    @classmethod
    def of(cls, target: Target) -> Pool:
        """Return the pool of a target."""
        first, last = target.slots
        return cls(
            slots=tuple(str(slot) for slot in range(first, last + 1)),
            extensions=tuple(number for number, _ in target.extensions),
        )

    def lacks(self, needs: Needs) -> str | None:
        """Say why the needs can never be met here, or None."""
        for what, names, numbers, literal in (
            ("slots", needs.slots, self.slots, needs.literal_slots),
            ("extensions", needs.extensions, self.extensions, needs.literal_extensions),
        ):
            if names and len(names) > (there := len(set(numbers) - set(literal))):
                return f"it needs {len(names)} {what} to choose from and the target has {there}"
        return None

    def lease(self, needs: Needs, held: Holdings | None = None) -> Lease | None:
        """Return a lease that disturbs no other one, or None while there is none."""
        held = held or Holdings()
        if held.alone or (needs.alone and held.leases):
            return None
        written, read = named(needs)
        if not held.allow(written, read):
            return None
        taken = written | read
        slots = _choose(needs.slots, "slot", self.slots, taken, held)
        extensions = _choose(needs.extensions, "extension", self.extensions, taken, held)
        if slots is None or extensions is None:
            return None
        chosen = slots | extensions
        return Lease(
            bound=tuple((name, number) for name, (_, number) in chosen.items()),
            written=written.union(chosen.values()),
            read=read,
            alone=needs.alone,
        )


@lru_cache(maxsize=1024)
def named(needs: Needs) -> tuple[frozenset[Resource], frozenset[Resource]]:
    """Return what a scenario names itself: what it changes, and what it only reads."""
    read = _resources(needs.read_slots, needs.read_extensions)
    return _resources(needs.literal_slots, needs.literal_extensions) - read, read


def _resources(slots: Iterable[str], extensions: Iterable[str]) -> frozenset[Resource]:
    return frozenset(
        [*(("slot", slot) for slot in slots), *(("extension", one) for one in extensions)]
    )


def _choose(
    names: tuple[str, ...],
    kind: Kind,
    numbers: tuple[str, ...],
    taken: frozenset[Resource],
    held: Holdings,
) -> dict[str, Resource] | None:
    """Bind each name to a number that nobody holds; None where there are too few."""
    resources: Iterator[Resource] = ((kind, number) for number in numbers)
    free = (one for one in resources if one not in taken and held.is_free(one))
    chosen = dict(zip(names, free, strict=False))
    return chosen if len(chosen) == len(names) else None


@dataclass(slots=True)
class LeaseManager:
    """Hands out leases in the order they are asked for; who can't be served yet is overtaken.

    Two things are not overtaken, so that their turn comes: nobody passes a scenario that wants to
    be alone, and nobody who only reads a number passes one that waits to change it. A lease is
    given whole, so that two never wait for one another. At most `places` leases are out at once;
    who waits for a number takes none.
    """

    pool: Pool
    places: int
    _held: Holdings = field(default_factory=Holdings)
    _waiting: dict[Needs, _Queue] = field(default_factory=dict)
    _tickets: Iterator[int] = field(default_factory=count)

    @asynccontextmanager
    async def leased(self, needs: Needs) -> AsyncIterator[Lease]:
        """Wait for a lease, hold it inside the block, and give it back."""
        ticket = next(self._tickets)
        future: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(needs, {})[ticket] = future
        self._serve()
        try:
            lease = await future
        except asyncio.CancelledError:
            self._give_up(needs, ticket, future)
            raise
        try:
            yield lease
        finally:
            self._held.give_back(lease)
            self._serve()

    def _give_up(self, needs: Needs, ticket: int, future: asyncio.Future[Lease]) -> None:
        if future.done() and not future.cancelled():
            self._held.give_back(future.result())
        else:
            self._leave(needs, ticket)
        self._serve()

    def _leave(self, needs: Needs, ticket: int) -> None:
        """Take a ticket out of its queue, if it is still there."""
        queue = self._waiting.get(needs, {})
        queue.pop(ticket, None)
        if not queue:
            self._waiting.pop(needs, None)

    def _serve(self) -> None:
        """Serve who can be served, the oldest first; one who can't blocks all of the same needs."""
        if self._held.leases >= self.places:
            return
        heads = [(next(iter(queue)), needs) for needs, queue in self._waiting.items()]
        heapify(heads)
        awaited: set[Resource] = set()
        while heads and self._held.leases < self.places:
            ticket, needs = heappop(heads)
            future = self._waiting[needs][ticket]
            written, read = named(needs)
            lease = self.pool.lease(needs, self._held) if awaited.isdisjoint(read) else None
            if future.cancelled() or lease is not None:
                self._leave(needs, ticket)
                if needs in self._waiting:
                    heappush(heads, (next(iter(self._waiting[needs])), needs))
            if future.cancelled():
                continue  # whoever waited is about to give up
            if lease is not None:
                self._held.take(lease)
                future.set_result(lease)
            elif needs.alone:
                return
            else:
                awaited |= written
