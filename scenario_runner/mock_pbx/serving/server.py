"""Listens, serves until it is told to stop, and ends in order."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import time
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from scenario_runner.errors import UsageError
from scenario_runner.mock_pbx.serving.connection import Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scenario_runner.mock_pbx.serving.connection import Face

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
async def listening(face: Face, host: str, port: int) -> AsyncIterator[str]:
    """Serve `face` as long as the context is open; gives the URL.

    Port 0 takes any free one. Raises UsageError where the address can't be listened at. At the
    end answers that are on their way have two seconds.
    """
    connections: set[Connection] = set()
    loop = asyncio.get_running_loop()
    date = HttpDate()
    try:
        server = await loop.create_server(
            lambda: Connection(face, connections, date), host, port, backlog=_BACKLOG
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
