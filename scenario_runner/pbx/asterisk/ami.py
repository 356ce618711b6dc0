"""A client of Asterisk's manager interface: actions and their answers, events as they come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.errors import (
    AnswerLost,
    BadAnswer,
    BadCredentials,
    PbxError,
    TimedOut,
    Unreachable,
)
from scenario_runner.pbx.asterisk.frames import Fields, Message, take_messages, write_action
from scenario_runner.pbx.tracked.connecting import connected

if TYPE_CHECKING:
    from collections.abc import Callable

_GREETING = b"Asterisk Call Manager/"
_LONGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to an action: its reply, and the items where it answers with a list."""

    first: Message
    items: tuple[Message, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether Asterisk said no."""
        return self.first.refused

    @property
    def message(self) -> str:
        """Asterisk's own words."""
        return self.first.get("Message")


@dataclass(slots=True)
class _Pending:
    answer: asyncio.Future[Reply]
    first: Message | None = None
    items: list[Message] = field(default_factory=list)


class Ami(asyncio.Protocol):
    """One connection to a manager interface.

    `heard` is called with each event that belongs to no list, in the order they came; `lost` once
    when the connection ends. Actions that wait for their answer then fail; none is ever repeated.
    """

    def __init__(self, heard: Callable[[Message], None], lost: Callable[[PbxError], None]) -> None:
        self._heard = heard
        self._lost = lost
        self._buffer = bytearray()
        self._pending: dict[str, _Pending] = {}
        self._numbers = count(1)
        self._transport: asyncio.Transport | None = None
        self._greeting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._greeted = False

    @property
    def open(self) -> bool:
        """Whether actions can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def greeting(self, within: int) -> str:
        """Return the version in Asterisk's greeting; raises BadAnswer where something else is."""
        try:
            async with asyncio.timeout(within / SECOND):
                return await self._greeting
        except TimeoutError:
            raise TimedOut(
                f"nobody said a word on that port within {duration_text(within)}",
                hint="is it the port of Asterisk's manager interface (manager.conf, usually 5038)?",
            ) from None

    async def login(self, username: str, password: str, within: int) -> None:
        """Log in and ask for events; raises BadCredentials."""
        fields = (("Username", username), ("Secret", password), ("Events", "on"))
        reply = await self.send("Login", fields, within)
        if reply.refused:
            raise BadCredentials(
                f"Asterisk does not let '{username}' in: {reply.message}",
                hint="check username and password against Asterisk's manager.conf",
            )

    async def send(self, action: str, fields: Fields, within: int) -> Reply:
        """Send an action and return its answer, a list's items included.

        Raises Unreachable where nothing was sent, AnswerLost and TimedOut where it may have been.
        """
        action_id = f"sr{next(self._numbers)}"
        data = write_action(action, action_id, fields)
        if self._transport is None or self._transport.is_closing():
            raise Unreachable("the connection to Asterisk is closed: nothing was sent")
        pending = _Pending(asyncio.get_running_loop().create_future())
        self._pending[action_id] = pending
        self._transport.write(data)
        try:
            async with asyncio.timeout(within / SECOND):
                return await pending.answer
        except TimeoutError:
            text = f"Asterisk did not answer the action {action} within {duration_text(within)}"
            raise TimedOut(text) from None
        finally:
            self._pending.pop(action_id, None)

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection; called by the event loop."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what came in pieces of any size; called by the event loop."""
        self._buffer += data
        if not self._greeted and not self._take_greeting():
            return
        for message in take_messages(self._buffer):
            self._take(message)
        if len(self._buffer) > _LONGEST:
            self._end(BadAnswer(f"Asterisk's message has no end after {_LONGEST >> 20} MiB"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail everybody who waits; called by the event loop."""
        told = f": {exc}" if exc is not None else ""
        self._end(AnswerLost(f"the connection to Asterisk was lost{told}"))

    def _take_greeting(self) -> bool:
        start = bytes(self._buffer[: len(_GREETING)])
        if not _GREETING.startswith(start):
            shown = bytes(self._buffer[:60]).decode("utf-8", "replace").strip()
            self._end(
                BadAnswer(
                    f"this is no manager interface of Asterisk; it said: {shown!r}",
                    hint="is it the port of manager.conf (usually 5038)?",
                )
            )
            return False
        line, newline, rest = self._buffer.partition(b"\r\n")
        if newline:
            self._greeted = True
            self._buffer[:] = rest
            version = line[len(_GREETING) :].decode("ascii", "replace")
            if not self._greeting.done():
                self._greeting.set_result(version)
        return bool(newline)

    def _take(self, message: Message) -> None:
        pending = self._pending.get(message.action_id)
        if pending is None or pending.answer.done():
            if message.event:
                self._heard(message)
        elif not message.event:
            pending.first = message
            if message.refused or message.get("EventList").lower() != "start":
                pending.answer.set_result(Reply(message))
        elif pending.first is None:
            self._heard(message)
        else:
            self._take_item(pending, pending.first, message)

    def _take_item(self, pending: _Pending, first: Message, item: Message) -> None:
        match item.get("EventList").lower():
            case "complete":
                pending.answer.set_result(Reply(first, tuple(pending.items)))
            case "cancelled":
                pending.answer.set_exception(BadAnswer("Asterisk broke its list off"))
            case _:
                pending.items.append(item)

    def _end(self, error: PbxError) -> None:
        if not self._greeting.done():
            self._greeting.set_exception(error)
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(error)
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            self._lost(error)


async def connect(
    address: tuple[str, int],
    heard: Callable[[Message], None],
    lost: Callable[[PbxError], None],
    within: int,
) -> Ami:
    """Connect to a manager interface and read its greeting."""
    hint = "does Asterisk run, with `enabled = yes` in manager.conf, and is the port right?"
    ami = await connected(lambda: Ami(heard, lost), address, hint, within)
    try:
        await ami.greeting(within)
    except PbxError:
        ami.close()
        raise
    return ami
