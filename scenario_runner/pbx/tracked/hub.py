"""What all scenarios share of one PBX: the connection, and what is known of its calls."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from scenario_runner.durations import SECOND
from scenario_runner.errors import BadCredentials, ScenarioRunnerError
from scenario_runner.pbx.tracked.calls import CallTable
from scenario_runner.pbx.tracked.waiters import EventWaiters
from scenario_runner.pbx.tracked.wire import WireClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.errors import PbxError
    from scenario_runner.pbx.tracked.tracker import CallEvent, CallTracker
    from scenario_runner.pbx.tracked.wire import Endpoint, WireAnswer, WireMessage

CONNECTING = 5 * SECOND
"""The longest that one exchange of connecting may take, in microseconds."""


_PAUSE = SECOND // 2
"""Between two attempts to connect."""


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """For how long a lost connection is tried anew, in microseconds; `sleep` takes seconds."""

    within: int
    sleep: Callable[[float], Awaitable[None]]


class Tracing(Protocol):
    """Is told about each command that goes over the wire, after its answer or without one."""

    def __call__(self, sent: str, answer: WireAnswer | PbxError) -> None:
        """One exchange is over."""
        ...


class Listener(Protocol):
    """Who listens to the events of calls."""

    def heard(self, event: CallEvent) -> None:
        """Something happened to a call."""
        ...

    def deaf(self) -> None:
        """From now on events may be missed: the connection was lost."""
        ...

    def hearing(self) -> None:
        """There is a connection again, and what the PBX holds is known."""
        ...


_C = TypeVar("_C", bound=WireClient)


class Hub(ABC, Generic[_C]):
    """One PBX, connected when it is first needed, and again after the connection was lost.

    `wire` is what speaks to it at `address`; `keys` are the fields of an event that name the
    channels it is about.
    """

    tracker: CallTracker

    def __init__(
        self,
        wire: type[_C],
        address: Endpoint,
        keys: tuple[str, ...],
        again: Reconnecting,
    ) -> None:
        self._wire = wire
        self._address = address
        self.calls = CallTable()
        self.waiters: EventWaiters = EventWaiters(keys)
        self._locks: dict[str, asyncio.Lock] = {}
        self._listeners: list[Listener] = []
        self._client: _C | None = None
        self._backlog: list[WireMessage] | None = None
        self._connecting = asyncio.Lock()
        self._again = again
        self._given_up = False
        self._returning: asyncio.Task[None] | None = None

    @abstractmethod
    async def log_in(self, client: _C, trace: Tracing) -> None:
        """Log in, ask for events and look whether the PBX has what the target needs.

        Raises BadCredentials, and TargetError where the PBX is not what the target says.
        """

    @abstractmethod
    async def resync(self, client: _C) -> None:
        """Bring the call table up to date; calls whose channels are gone have ended."""

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Let somebody listen to the events of calls; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def lock(self, slot: str) -> asyncio.Lock:
        """Return what lets one command at a time deal with a slot."""
        return self._locks.setdefault(slot, asyncio.Lock())

    async def client(self, trace: Tracing) -> _C:
        """Return the open connection, connecting where there is none.

        After connecting, what the PBX holds is looked at anew. Raises Unreachable, BadAnswer and
        what `log_in` raises.
        """
        if self._client is not None and self._client.open:
            return self._client
        async with self._connecting:
            if self._client is None or not self._client.open:
                again = self._client is not None
                self._client = await (self._patiently(trace) if again else self._once(trace))
                if again:
                    for listener in tuple(self._listeners):
                        listener.hearing()
            return self._client

    async def _patiently(self, trace: Tracing) -> _C:
        """Connect anew, again and again for a while: the PBX may be restarting."""
        left = 0 if self._given_up else self._again.within
        while True:
            try:
                client = await self._once(trace)
            except BadCredentials:
                raise
            except ScenarioRunnerError:
                # Who asks after this one waits no longer: the time is for all of them.
                self._given_up = left <= 0
                if self._given_up:
                    raise
            else:
                self._given_up = False
                return client
            await self._again.sleep(_PAUSE / SECOND)
            left -= _PAUSE

    async def _once(self, trace: Tracing) -> _C:
        self._backlog = []
        try:
            return await self._connected(trace)
        finally:
            self._catch_up()

    async def close(self) -> None:
        """Log off."""
        client, self._client = self._client, None
        if self._returning is not None:
            self._returning.cancel()
            await asyncio.wait((self._returning,))
        if client is not None:
            client.close()

    def _lost(self, error: PbxError) -> None:
        """Fail who waits for events, and connect anew at once: until then none is heard."""
        self.waiters.lost(error)
        if self._client is not None and not self._connecting.locked():
            for listener in tuple(self._listeners):
                listener.deaf()
            self._returning = asyncio.create_task(self._return())

    async def _return(self) -> None:
        # Whoever sends the next command tries again, and says what is wrong.
        with suppress(ScenarioRunnerError):
            await self.client(_untraced)

    async def _connected(self, trace: Tracing) -> _C:
        client = await self._wire.connect(self._address, self._heard, self._lost, CONNECTING)
        try:
            await self.log_in(client, trace)
            await self.resync(client)
        except BaseException:
            client.close()
            raise
        return client

    @property
    def backlog(self) -> tuple[WireMessage, ...]:
        """What came while connecting, and is still to be read."""
        return tuple(self._backlog or ())

    def _heard(self, event: WireMessage) -> None:
        """Take an event in, as soon as what is there is known."""
        if self._backlog is not None:
            # What is there is being looked at: what happens meanwhile is read on top of that.
            self._backlog.append(event)
            return
        self.tracker.read(event)
        self.waiters.heard(event)

    def _catch_up(self) -> None:
        backlog, self._backlog = self._backlog or [], None
        for event in backlog:
            self._heard(event)

    def report(self, event: CallEvent) -> None:
        """Pass an event of a call on to whoever listens."""
        for listener in tuple(self._listeners):
            listener.heard(event)


def _untraced(sent: str, answer: WireAnswer | PbxError) -> None:
    del sent, answer
