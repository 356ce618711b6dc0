"""A server on loopback that counts the requests that reach it and then misbehaves as told."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Wire:
    """One client's connection, as the server sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> bytes:
        """Read one whole request."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return head + await self.reader.readexactly(int(length or 0))

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def end(self) -> None:
        """Close in order."""
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    def reset(self) -> None:
        """Break the connection off: the client gets a reset."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Manner: TypeAlias = Callable[["Server", Wire], Awaitable[None]]


@dataclass
class Server:
    """What reached it: the first line of every whole request, and how many connections."""

    url: str = ""
    requests: list[str] = field(default_factory=list)
    connections: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, wire: Wire) -> None:
        """Read a request and count it."""
        request = await wire.request()
        async with self._came:
            self.requests.append(request.partition(b"\r\n")[0].decode())
            self._came.notify_all()

    async def reached(self, count: int) -> None:
        """Wait until so many requests came."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.requests) >= count)


@asynccontextmanager
async def faulty(manner: Manner) -> AsyncIterator[Server]:
    """Serve each connection in this manner; gives the server with its counts."""
    server = Server()
    wires: list[Wire] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        wire = Wire(reader, writer)
        wires.append(wire)
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            await manner(server, wire)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        for wire in wires:
            wire.writer.close()


async def well(server: Server, wire: Wire) -> None:
    """Answer every request."""
    while True:
        await server.take(wire)
        wire.say(OK)


async def drops_before_reading(server: Server, wire: Wire) -> None:
    del server
    wire.reset()


async def drops_after_reading(server: Server, wire: Wire) -> None:
    await server.take(wire)
    await wire.end()


async def resets(server: Server, wire: Wire) -> None:
    await server.take(wire)
    wire.reset()


async def never_answers(server: Server, wire: Wire) -> None:
    while True:
        await server.take(wire)


def says(*pieces: bytes) -> Manner:
    """Answer the first request with these bytes, piece by piece, and close."""

    async def manner(server: Server, wire: Wire) -> None:
        await server.take(wire)
        for piece in pieces:
            wire.say(piece)
            await wire.writer.drain()
        await wire.end()

    return manner


def keeps_open(answer: bytes) -> Manner:
    """Answer every request with these bytes and go on."""

    async def manner(server: Server, wire: Wire) -> None:
        while True:
            await server.take(wire)
            wire.say(answer)

    return manner


async def closes_between(server: Server, wire: Wire) -> None:
    """Answer one request as if the connection were kept, and close it."""
    await server.take(wire)
    wire.say(OK)
    await wire.end()
    server.closed.set()


async def closes_at_the_second(server: Server, wire: Wire) -> None:
    """Answer one request; read a second one and close."""
    await server.take(wire)
    wire.say(OK)
    await server.take(wire)
    await wire.end()
