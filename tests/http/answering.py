"""Small servers on loopback that answer as a test says, byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.pbx.ringme.access import RestAccess

if TYPE_CHECKING:
    import ssl

Said: TypeAlias = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(said: Said, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve: each request's head and body is handed to `said`, which writes; gives the URL."""
    writers: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                     if line.startswith(b"content-length:")), 0,
                )  # fmt: skip
                body = await reader.readexactly(length)
                await said(head + body, writer)
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    scheme = "https" if tls else "http"
    try:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.close()


def whole(body: bytes, headers: str = "", status: str = "200 OK") -> Said:
    """Answer every request with this."""

    async def said(_: bytes, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        writer.write(head.encode() + body)

    return said


def bytes_and_end(data: bytes) -> Said:
    """Write these bytes and end the connection."""

    async def said(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        writer.close()

    return said


async def silent(_: bytes, __: asyncio.StreamWriter) -> None:
    """Never answer."""


def access(url: str, **more: object) -> RestAccess:
    return RestAccess(
        url=url,
        client_id="runner",
        client_secret="k33p-it",
        **more,  # type: ignore[arg-type]
    )
