"""One connection of an HTTP client: it sends a request once and reads the answer."""

from __future__ import annotations

import asyncio
import select
import socket
from typing import TYPE_CHECKING, Final

from scenario_runner.http.messages import Answer, Malformed, ResponseReader

if TYPE_CHECKING:
    import ssl


class NotConnected(Exception):
    """The connection can't be used; nothing was sent."""


class Lost(Exception):
    """The request was sent, or may have been, and no whole answer came."""


_HEAD_START: Final = 0.25
"""Seconds that one of a host's addresses has before the next one is tried, too (RFC 8305)."""


_TLS_ALERT: Final = b"\x15\x03"


class ClientConnection(asyncio.Protocol):
    """Carries one exchange at a time.

    A request is written in one piece, and never again: whatever happens afterwards is `Lost`.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._reader = ResponseReader()
        self._waiting: asyncio.Future[None] | None = None

    @classmethod
    async def open(
        cls, host: str, port: int, tls: ssl.SSLContext | None = None, name: str | None = None
    ) -> ClientConnection:
        """Connect; raises OSError. `name` is what a certificate must be for (the host itself)."""
        loop = asyncio.get_running_loop()
        server = (name or host) if tls else None
        try:
            _, made = await loop.create_connection(
                cls, host, port, ssl=tls, server_hostname=server, happy_eyeballs_delay=_HEAD_START
            )
        except OSError as error:
            if type(error) is not OSError or error.errno is not None:
                raise
            # Several addresses failed and asyncio only joins their texts: one alone tells why.
            *_, last = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            address = str(last[4][0])
            _, made = await loop.create_connection(
                cls, address, port, ssl=tls, server_hostname=server
            )
        return made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @property
    def closed(self) -> bool:
        """Whether the connection is over, or about to be."""
        return self._transport.is_closing()

    @property
    def usable(self) -> bool:
        """Whether a request can be sent: the server did not close, and said nothing unasked.

        The socket itself is asked, since the event loop may not have seen yet what came.
        """
        return not self.closed and not _readable(self._transport)

    async def exchange(self, request: bytes, *, headless: bool = False) -> Answer:
        """Send a request and return the whole answer; raises NotConnected, Lost and Malformed.

        Where there is no answer, also when the waiting task is cancelled, the connection is
        closed: a late answer can never be taken for that to another request.
        """
        if self.closed:
            raise NotConnected("the server closed the connection at once")
        self._reader.expect(headless=headless)
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            await self._waiting
        except BaseException:
            self.close()
            raise
        finally:
            self._waiting = None
        answer = self._reader.answer()
        if not answer.keep_alive or self._transport.get_write_buffer_size():
            self.close()
        return answer

    def close(self) -> None:
        """Close at once."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take a piece of the answer; what comes unasked ends the connection."""
        if self._reader.whole:
            self.close()
            return
        try:
            self._reader.feed(data)
        except Malformed as error:
            alert = data.startswith(_TLS_ALERT)
            self._fail(Lost("the server wants TLS and closed the connection") if alert else error)
        self._look()

    def eof_received(self) -> None:
        """Take note that the server will say no more."""
        self._reader.end()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the exchange that is under way, if there is one."""
        how = "closed" if exc is None else "broke off"
        when = "in the middle of the answer" if self._reader.begun else "without an answer"
        self._fail(Lost(f"the server {how} the connection {when}"))

    def _look(self) -> None:
        if self._reader.whole and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)


def _readable(transport: asyncio.Transport) -> bool:
    """Tell whether a transport's socket has something to read, an end included."""
    descriptor = transport.get_extra_info("socket").fileno()
    if not hasattr(select, "poll"):
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
