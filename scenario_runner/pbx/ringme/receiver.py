"""Listens for the PBX's event deliveries: a small HTTP server, bounded, behind secret paths."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from scenario_runner.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scenario_runner.language.target import EventSettings

LARGEST_HEAD, LARGEST_BODY = 16_384, 65_536
MOST_CONNECTIONS = 64
PATIENCE = 10.0
_WORDS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
          413: "Content Too Large", 503: "Service Unavailable"}  # fmt: skip


class Mailbox:
    """A secret address of one scenario; see `pbx.ringme.events.Receiver`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._listeners: list[Callable[[str], None]] = []

    def listen(self, heard: Callable[[str], None]) -> Callable[[], None]:
        """Call `heard` with each delivery's form; the returned function ends that."""
        self._listeners.append(heard)
        return lambda: self._listeners.remove(heard)

    def deliver(self, form: str) -> None:
        """Hand a delivery to whoever listens."""
        for heard in list(self._listeners):
            heard(form)


class Refusal(Exception):
    """A request that is no delivery; carries the status of the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(_WORDS[status])
        self.status = status


class EventReceiver:
    """Takes deliveries by GET and POST, for any number of mailboxes."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._boxes: dict[str, Mailbox] = {}
        self._connections = 0

    def mailbox(self) -> Mailbox:
        """Return a new mailbox; nobody can guess its address."""
        path = f"/{secrets.token_urlsafe(24)}"
        box = Mailbox(self._root + path)
        self._boxes[path] = box
        return box

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and end the connection."""
        self._connections += 1
        try:
            with suppress(ConnectionError):
                writer.write(_answer(await self._status(reader)))
                await writer.drain()
        finally:
            self._connections -= 1
            writer.close()

    async def _status(self, reader: asyncio.StreamReader) -> int:
        if self._connections > MOST_CONNECTIONS:
            return 503
        try:
            async with asyncio.timeout(PATIENCE):
                path, form = await _delivery(reader)
        except Refusal as refusal:
            return refusal.status
        except (TimeoutError, asyncio.IncompleteReadError):
            return 400
        box = next((box for own, box in self._boxes.items() if path.endswith(own)), None)
        if box is None:
            return 404
        box.deliver(form)
        return 200


async def _delivery(reader: asyncio.StreamReader) -> tuple[str, str]:
    """Read one request; return its path and form. Raises Refusal for what is no delivery."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise Refusal(413) from None
    request, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = request.split(" ")
    if len(parts) != 3 or not parts[1].startswith("/"):
        raise Refusal(400)
    path, _, query = parts[1].partition("?")
    match parts[0]:
        case "GET":
            return path, query
        case "POST":
            length = _length(lines)
            return path, (await reader.readexactly(length)).decode("utf-8", "replace")
        case _:
            raise Refusal(405)


def _length(lines: list[str]) -> int:
    named = dict(line.lower().split(":", 1) for line in lines if ":" in line)
    text = named.get("content-length", "").strip()
    if not (text.isascii() and text.isdigit()):
        raise Refusal(400)
    if len(text) > 9 or int(text) > LARGEST_BODY:
        raise Refusal(413)
    return int(text)


def _answer(status: int) -> bytes:
    return (
        f"HTTP/1.1 {status} {_WORDS[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()


@asynccontextmanager
async def receiving(settings: EventSettings) -> AsyncIterator[EventReceiver]:
    """Listen as long as the block is open; raises TargetError where the address can't be had."""
    where: list[EventReceiver] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await where[0].connected(reader, writer)

    try:
        server = await asyncio.start_server(
            connected, settings.host, settings.port, limit=LARGEST_HEAD
        )
    except OSError as error:
        text = f"events can't be received at {settings.host}:{settings.port}: {error.strerror}"
        raise TargetError(text, hint="choose another address or port for 'listen'") from error
    port: int = server.sockets[0].getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    where.append(EventReceiver(settings.public_url or f"http://{host}:{port}"))
    try:
        yield where[0]
    finally:
        server.close()
