"""One client's connection: requests in, each answer out in one write, faults acted out."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import time
from contextlib import asynccontextmanager
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol, assert_never

from scenario_runner.errors import UsageError
from scenario_runner.exchange import Response
from scenario_runner.mock_pbx.faults import Answer, Loss
from scenario_runner.mock_pbx.server.http import Incoming, Malformed, RequestParser
from scenario_runner.mock_pbx.world import complaint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scenario_runner.exchange import Request


_BUFFERED: Final = 256 * 1024
_PIECES: Final = 8
_SECOND: Final = 1_000_000


class Handler(Protocol):
    """Whoever answers the requests of a server."""

    def take(self, request: Request, reply: Callable[[Answer], None]) -> None:
        """Answer `request` by calling `reply` once, now or later, on the same event loop."""
        ...


class Connection(asyncio.Protocol):
    """Serves one connection; requests that come early wait for the answer before them.

    `date` returns the value of the Date header. The connection puts itself into `others` while
    it is open.
    """

    def __init__(self, handler: Handler, others: set[Connection], date: Callable[[], str]) -> None:
        self._handler = handler
        self._others = others
        self._date = date
        self._parser = RequestParser()
        self._busy = False
        self._keep = True
        self._headless = False
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._others.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client; an answer that is still to come goes nowhere."""
        del exc
        self._others.discard(self)
        self.gone.set_result(None)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Take what came and answer what is whole."""
        self._parser.feed(data)
        if not self._busy:
            self._go_on()
        elif self._parser.pending > _BUFFERED:
            self._transport.pause_reading()

    def close_soon(self) -> None:
        """Close after the answer that is on its way, or at once where there is none."""
        self._keep = False
        if not self._busy:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _go_on(self) -> None:
        try:
            while not self._busy and not self._transport.is_closing():
                incoming = self._parser.next()
                if incoming is None:
                    break
                self._serve(incoming)
        except Malformed as error:
            self._keep = False
            reply = complaint(error.status, error.message)
            self._write(Response(status=reply.status, headers=_JSON, body=reply.body))
            return
        if self._parser.awaits_continue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _serve(self, incoming: Incoming) -> None:
        self._busy = True
        self._keep = self._keep and incoming.keep_alive
        self._headless = incoming.request.method == "HEAD"
        self._handler.take(incoming.request, self._reply)

    def _reply(self, answer: Answer) -> None:
        if self._transport.is_closing():
            return
        if answer.delay_us:
            self._later(answer.delay_us, self._act_out, answer)
        else:
            self._act_out(answer)

    def _act_out(self, answer: Answer) -> None:
        match answer.loss:
            case Loss.BEFORE | Loss.AFTER:
                self._transport.abort()
            case Loss.NO if answer.body_us:
                self._trickle(answer)
            case Loss.NO:
                self._write(answer.response)
                self._done()
            case _ as never:
                assert_never(never)

    def _write(self, response: Response) -> None:
        """Write head and body at once: two writes would wait for the client's delayed ACK."""
        head = _head(response, self._date(), keep=self._keep)
        self._transport.write(head if self._headless else head + response.body)
        if not self._keep:
            self._transport.close()

    def _trickle(self, answer: Answer) -> None:
        """Write the head, then the body piece by piece."""
        body = answer.response.body
        self._transport.write(_head(answer.response, self._date(), keep=self._keep))
        size = max(1, -(-len(body) // _PIECES))
        pieces = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
        self._next_piece(pieces, answer.body_us // len(pieces))

    def _next_piece(self, pieces: list[bytes], pause_us: int) -> None:
        if pieces:
            self._later(pause_us, self._write_piece, pieces, pause_us)
        else:
            if not self._keep:
                self._transport.close()
            self._done()

    def _write_piece(self, pieces: list[bytes], pause_us: int) -> None:
        self._transport.write(pieces[0])
        self._next_piece(pieces[1:], pause_us)

    def _later(self, wait_us: int, act: Callable[..., None], *args: object) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(wait_us / _SECOND, act, *args)

    def _done(self) -> None:
        self._busy = False
        if self._parser.pending and not self._transport.is_closing():
            self._transport.resume_reading()
            asyncio.get_running_loop().call_soon(self._resume)

    def _resume(self) -> None:
        if not self._busy:
            self._go_on()


_JSON: Final = (("Content-Type", "application/json"),)


@lru_cache(maxsize=64)
def _first_line(status: int) -> str:
    known = {code.value: code.phrase for code in HTTPStatus}
    return f"HTTP/1.1 {status} {known.get(status, 'Status')}\r\n"


def _head(response: Response, date: str, *, keep: bool) -> bytes:
    headers = "".join([f"{name}: {value}\r\n" for name, value in response.headers])
    length = "" if response.status == 204 else f"Content-Length: {len(response.body)}\r\n"
    close = "" if keep else "Connection: close\r\n"
    first = _first_line(response.status)
    return f"{first}{headers}{length}Date: {date}\r\n{close}\r\n".encode("latin-1")


_GRACE: Final = 2.0
_BACKLOG: Final = 512


class HttpDate:
    """The value of a Date header, written anew once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def __call__(self) -> str:
        """Return the date of now."""
        second = int(time.time())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True)
        return self._text


@asynccontextmanager
async def listening(handler: Handler, host: str, port: int) -> AsyncIterator[str]:
    """Serve `handler` as long as the context is open; gives the URL.

    Port 0 takes any free one. Raises UsageError where the address can't be listened at. At the
    end answers that are on their way have two seconds.
    """
    connections: set[Connection] = set()
    loop = asyncio.get_running_loop()
    date = HttpDate()
    try:
        server = await loop.create_server(
            lambda: Connection(handler, connections, date), host, port, backlog=_BACKLOG
        )
    except OSError as error:
        raise _not_here(error, host, port) from error
    try:
        chosen = server.sockets[0].getsockname()[1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{chosen}"
    finally:
        server.close()
        await _ended(connections)


async def told_to_stop() -> None:
    """Wait for SIGTERM or Ctrl-C."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:
            # Windows: Ctrl-C interrupts the loop, and the context ends all the same.
            break
    await stopped.wait()


async def _ended(connections: set[Connection]) -> None:
    for connection in list(connections):
        connection.close_soon()
    if connections:
        await asyncio.wait([connection.gone for connection in connections], timeout=_GRACE)
    for connection in list(connections):
        connection.abort()


_REASONS: Final = {
    errno.EADDRINUSE: (
        "something else listens at {host}:{port} already",
        "choose another --port; 0 takes any free one",
    ),
    errno.EACCES: (
        "this user may not listen at port {port}",
        "ports below 1024 need special rights; choose a higher one",
    ),
    errno.EADDRNOTAVAIL: (
        "{host} is no address of this machine",
        "127.0.0.1 serves this machine only, 0.0.0.0 every network it is in",
    ),
}


def _not_here(error: OSError, host: str, port: int) -> UsageError:
    if isinstance(error, socket.gaierror):
        message, hint = "the host {host} is not known", "127.0.0.1 always works"
    else:
        message, hint = _REASONS.get(
            error.errno or 0, (f"can't listen at {{host}}:{{port}}: {error.strerror}", "")
        )
    return UsageError(message.format(host=host, port=port), hint=hint or None)
