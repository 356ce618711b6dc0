"""An HTTP server: requests in, each answer out in one write, clients that misbehave bounded."""

from __future__ import annotations

import asyncio
import errno
import json
import signal
import socket
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Final, Protocol, assert_never

from scenario_runner.durations import SECOND
from scenario_runner.errors import UsageError
from scenario_runner.exchange import Answer, Loss, Response
from scenario_runner.http.messages import Malformed, RequestReader, written_head

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scenario_runner.exchange import Request
    from scenario_runner.http.messages import Incoming


_BUFFERED: Final = 64 * 1024
_PIECES: Final = 8
_JSON: Final = (("Content-Type", "application/json"),)


class Handler(Protocol):
    """Whoever answers the requests of a server."""

    def take(self, request: Request, reply: Callable[[Answer], None]) -> None:
        """Answer `request` by calling `reply` once, now or later, on the same event loop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server puts up with, in seconds of the event loop and in connections.

    `idle` is how long a connection may wait for its next request, `stalled` how long a request
    may take to come whole, or an answer to be read. One connection too many is answered 503.
    """

    idle: float = 75.0
    stalled: float = 30.0
    connections: int = 4096


class Connection(asyncio.Protocol):
    """Serves one client; requests that come early wait for the answer before them.

    While an answer waits to be read no further request is read, so that a client that only sends
    fills its own buffers. `date` returns the value of the Date header. The connection puts itself
    into `others` while it is open.
    """

    def __init__(
        self,
        handler: Handler,
        others: set[Connection],
        date: Callable[[], str],
        limits: Limits,
    ) -> None:
        self._handler = handler
        self._others = others
        self._date = date
        self._limits = limits
        self._reader = RequestReader()
        self._busy = self._unread = self._ended = self._begun = self._headless = False
        self._keep = True
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self._others.add(self)
        self._since = self._loop.time()
        self._watch = self._loop.call_later(self._limits.stalled, self._look)
        if len(self._others) > self._limits.connections:
            self._refuse(Malformed(503, "too many connections"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client; an answer that is still to come goes nowhere."""
        del exc
        self._others.discard(self)
        self.gone.set_result(None)
        self._watch.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Take what came and answer what is whole."""
        self._reader.feed(data)
        self._go_on()
        if self._reader.pending > _BUFFERED:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Answer what came before the client ended its side, and close then."""
        self._ended = True
        self._go_on()
        return True

    def pause_writing(self) -> None:
        """The client does not read: do not read from it either."""
        self._unread = True
        self._since = self._loop.time()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has read its answers."""
        self._unread = False
        self._rest()

    def close_soon(self) -> None:
        """Close after the answer that is on its way, or at once where there is none."""
        self._keep = False
        if not self._busy:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _go_on(self) -> None:
        """Serve the next request, if it is there and its turn has come."""
        if self._busy or self._unread or self._transport.is_closing():
            return
        try:
            incoming = self._reader.next()
        except Malformed as error:
            self._refuse(error)
            return
        if incoming is not None:
            self._serve(incoming)
        elif self._ended:
            self._end()
        else:
            self._wait()

    def _wait(self) -> None:
        """Wait for the rest of a request, or for its beginning."""
        if self._reader.begun != self._begun:
            self._begun = self._reader.begun
            self._since = self._loop.time()
        if self._reader.asks_to_continue():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _end(self) -> None:
        if self._reader.begun:
            self._refuse(Malformed(400, "the request did not come whole"))
        else:
            self._transport.close()

    def _serve(self, incoming: Incoming) -> None:
        self._busy = True
        self._begun = False
        self._keep = self._keep and incoming.keep_alive
        self._headless = incoming.request.method == "HEAD"
        self._handler.take(incoming.request, self._reply)

    def _refuse(self, error: Malformed) -> None:
        """Answer what is no request, and close."""
        self._keep = False
        body = json.dumps({"message": error.message}).encode()
        self._write(Response(status=error.status, headers=_JSON, body=body))

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
        head = written_head(response, self._date(), keep=self._keep)
        self._transport.write(head if self._headless else head + response.body)
        if not self._keep:
            self._transport.close()

    def _trickle(self, answer: Answer) -> None:
        """Write the head, then the body piece by piece."""
        body = answer.response.body
        self._transport.write(written_head(answer.response, self._date(), keep=self._keep))
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
        self._timer = self._loop.call_later(wait_us / SECOND, act, *args)

    def _done(self) -> None:
        self._busy = False
        self._rest()

    def _rest(self) -> None:
        """Begin to wait, or go on with what came early once others had their turn."""
        self._since = self._loop.time()
        if self._unread or self._transport.is_closing():
            return
        if self._reader.pending <= _BUFFERED:
            self._transport.resume_reading()
        if self._reader.more or self._ended:
            self._loop.call_soon(self._go_on)

    def _look(self) -> None:
        """Close the connection of a client that has kept this server waiting for too long."""
        waited = self._loop.time() - self._since
        closing = self._transport.is_closing()
        slow = self._reader.begun or self._unread or closing
        limit = self._limits.stalled if slow else self._limits.idle
        if self._busy and not self._unread:
            self._watch = self._loop.call_later(self._limits.stalled, self._look)
        elif waited < limit:
            wait = min(limit - waited, self._limits.stalled)
            self._watch = self._loop.call_later(wait, self._look)
        elif closing or self._unread:
            self._transport.abort()
        else:
            self._give_up()

    def _give_up(self) -> None:
        self._watch = self._loop.call_later(self._limits.stalled, self._look)
        self._since = self._loop.time()
        if self._reader.begun:
            self._refuse(Malformed(408, "the request did not come whole in time"))
        else:
            self._transport.close()


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


_USUAL: Final = Limits()


@asynccontextmanager
async def listening(
    handler: Handler, host: str, port: int, limits: Limits = _USUAL
) -> AsyncIterator[str]:
    """Serve `handler` as long as the context is open; gives the URL.

    Port 0 takes any free one. Raises UsageError where the address can't be listened at. At the
    end answers that are on their way have two seconds.
    """
    connections: set[Connection] = set()
    loop = asyncio.get_running_loop()
    date = HttpDate()
    try:
        server = await loop.create_server(
            lambda: Connection(handler, connections, date, limits), host, port, backlog=_BACKLOG
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
        "{host} is not an address of this machine",
        "127.0.0.1 serves this machine only, 0.0.0.0 every network it is in",
    ),
}


def _not_here(error: OSError, host: str, port: int) -> UsageError:
    if isinstance(error, socket.gaierror):
        message, hint = "the host {host} is not known", "127.0.0.1 always works"
    else:
        unknown = f"can't listen at {{host}}:{{port}}: {_braced(error.strerror or str(error))}"
        message, hint = _REASONS.get(_number(error), (unknown, ""))
    return UsageError(message.format(host=host, port=port), hint=hint or None)


def _number(error: OSError) -> int:
    """Return the error's number; from Python 3.13 on one of asyncio's has only words."""
    nowhere = error.errno is None and str(error).startswith("could not bind on any address")
    return errno.EADDRNOTAVAIL if nowhere else error.errno or 0


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
