"""Waits for what a PBX reports about certain channels."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.errors import PbxError, TimedOut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from scenario_runner.pbx.tracked.wire import WireMessage


_T = TypeVar("_T")

_W = TypeVar("_W")


class Seen(NamedTuple, Generic[_W]):
    """What an event means to who waits for it, in one word, and the event."""

    what: _W
    event: WireMessage


EVERY = ""
"""Stands for all channels."""


class EventWaiters:
    """Those who wait, by the channel they wait for; `keys` are the fields that name channels."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys
        self._checks: dict[str, list[Callable[[WireMessage], None]]] = {}
        self._fail: list[Callable[[PbxError], None]] = []

    @contextmanager
    def of(
        self, uids: Iterable[str], judge: Callable[[WireMessage], _T | None]
    ) -> Iterator[asyncio.Future[_T]]:
        """Give a future of the first thing that `judge` makes of an event about these channels.

        `judge` raises PbxError where what is expected can't come any more.
        Begin to expect before asking for what will cause it: the event may overtake the reply.
        """
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        check, fail = _check(future, judge), _fail(future)
        keys = list(dict.fromkeys(uids))
        for key in keys:
            self._checks.setdefault(key, []).append(check)
        self._fail.append(fail)
        try:
            yield future
        finally:
            self._drop(keys, check)
            self._fail.remove(fail)
            if not future.cancel() and not future.cancelled():
                future.exception()

    def heard(self, event: WireMessage) -> None:
        """Show an event to those who wait for its channels."""
        uids = dict.fromkeys(event.fields[key] for key in self._keys if key in event.fields)
        for uid in (*uids, EVERY):
            for check in tuple(self._checks.get(uid, ())):
                check(event)

    def lost(self, error: PbxError) -> None:
        """Fail everybody who waits."""
        for fail in tuple(self._fail):
            fail(error)

    def _drop(self, keys: list[str], check: Callable[[WireMessage], None]) -> None:
        for key in keys:
            self._checks[key].remove(check)
            if not self._checks[key]:
                del self._checks[key]


def _check(
    future: asyncio.Future[_T], judge: Callable[[WireMessage], _T | None]
) -> Callable[[WireMessage], None]:
    def check(event: WireMessage) -> None:
        if future.done():
            return
        try:
            found = judge(event)
        except PbxError as error:
            future.set_exception(error)
        else:
            if found is not None:
                future.set_result(found)

    return check


def _fail(future: asyncio.Future[_T]) -> Callable[[PbxError], None]:
    def fail(error: PbxError) -> None:
        if not future.done():
            future.set_exception(error)

    return fail


async def outcome(future: asyncio.Future[_T], within: int, what: str) -> _T:
    """Wait for what is expected; raises TimedOut, which says `what` did not happen."""
    try:
        async with asyncio.timeout(within / SECOND):
            return await future
    except TimeoutError:
        raise TimedOut(f"{what} within {duration_text(within)}") from None
