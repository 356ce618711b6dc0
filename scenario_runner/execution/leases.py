"""Leases of slots and extensions: scenarios that run side by side never meet on one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from scenario_runner.language.scenario import Needs
    from scenario_runner.language.target import Target


_Queue: TypeAlias = "dict[int, asyncio.Future[Lease]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a scenario holds: `bound` are its (name, number) pairs, the rest all its resources."""

    bound: tuple[tuple[str, str], ...] = ()
    slots: frozenset[str] = frozenset()
    extensions: frozenset[str] = frozenset()
    alone: bool = False


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
            there = len(set(numbers) - set(literal))
            if len(names) > there:
                return f"it needs {len(names)} {what} to choose from and the target has {there}"
        return None

    def lease(self, needs: Needs, held: tuple[Lease, ...] = ()) -> Lease | None:
        """Return a lease that meets no other one, or None while there is none."""
        if held and (needs.alone or any(lease.alone for lease in held)):
            return None
        taken_slots = frozenset().union(*(lease.slots for lease in held))
        taken = frozenset().union(*(lease.extensions for lease in held))
        slots = _take(needs.slots, self.slots, needs.literal_slots, taken_slots)
        extensions = _take(needs.extensions, self.extensions, needs.literal_extensions, taken)
        if slots is None or extensions is None:
            return None
        return Lease(
            bound=(*slots.items(), *extensions.items()),
            slots=frozenset((*slots.values(), *needs.literal_slots)),
            extensions=frozenset((*extensions.values(), *needs.literal_extensions)),
            alone=needs.alone,
        )


def _take(
    names: tuple[str, ...],
    numbers: tuple[str, ...],
    literal: tuple[str, ...],
    taken: frozenset[str],
) -> dict[str, str] | None:
    """Bind each name to a free number; None where a literal one or too many are taken."""
    if taken.intersection(literal):
        return None
    free = [number for number in numbers if number not in taken and number not in literal]
    return dict(zip(names, free, strict=False)) if len(free) >= len(names) else None


@dataclass(slots=True)
class LeaseManager:
    """Hands out leases in the order they are asked for; who can't be served yet is overtaken.

    Nobody overtakes a scenario that wants to be alone, so that its turn comes. At most `places`
    leases are out at once; who waits for a number takes none.
    """

    pool: Pool
    places: int
    _held: list[Lease] = field(default_factory=list)
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
            self._held.remove(lease)
            self._serve()

    def _give_up(self, needs: Needs, ticket: int, future: asyncio.Future[Lease]) -> None:
        if future.done() and not future.cancelled():
            self._held.remove(future.result())
        else:
            self._leave(needs, ticket)
        self._serve()

    def _leave(self, needs: Needs, ticket: int) -> asyncio.Future[Lease]:
        """Take a ticket out of its queue."""
        queue = self._waiting[needs]
        future = queue.pop(ticket)
        if not queue:
            del self._waiting[needs]
        return future

    def _serve(self) -> None:
        """Serve who can be served, the oldest first; one who can't blocks all of the same needs."""
        heads = [(next(iter(queue)), needs) for needs, queue in self._waiting.items()]
        heapify(heads)
        while heads and len(self._held) < self.places:
            ticket, needs = heappop(heads)
            lease = self.pool.lease(needs, tuple(self._held))
            if lease is not None:
                self._held.append(lease)
                self._leave(needs, ticket).set_result(lease)
                if needs in self._waiting:
                    heappush(heads, (next(iter(self._waiting[needs])), needs))
            elif needs.alone:
                return
