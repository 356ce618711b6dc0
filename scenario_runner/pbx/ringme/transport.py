"""An httpx transport that sends each request exactly once, over connections that it keeps."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import httpx

from scenario_runner.http.client import ClientConnection, Lost, NotConnected
from scenario_runner.http.messages import Malformed, written_request

if TYPE_CHECKING:
    import ssl

    from scenario_runner.http.messages import Answer


KEPT = 5.0
"""Seconds that an idle connection is used again: servers close theirs before long, and a request
that meets the closing is lost."""


class TooLarge(httpx.RemoteProtocolError):
    """An answer goes beyond what this transport reads."""


class _Idle(NamedTuple):
    connection: ClientConnection
    since: float


class OnceTransport(httpx.AsyncBaseTransport):
    """Sends to one server, over at most `most` connections at once.

    Each request is written once. What goes wrong before is a ConnectError or ConnectTimeout, what
    goes wrong afterwards a ReadError: the request may have reached the server. Redirects, cookies,
    proxies and the environment play no part. `tls` None speaks plain HTTP.
    """

    def __init__(self, tls: ssl.SSLContext | None, most: int) -> None:
        self._tls = tls
        self._places = asyncio.Semaphore(most)
        self._idle: deque[_Idle] = deque()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its answer, whole."""
        sent = _written(request, await request.aread())
        async with self._places:
            connection = self._kept() or await self._opened(request)
            try:
                answer = await connection.exchange(sent, headless=request.method == "HEAD")
            except NotConnected as error:
                raise httpx.ConnectError(str(error)) from error
            except Lost as error:
                raise httpx.ReadError(str(error)) from error
            except Malformed as error:
                raise _unreadable(error) from error
            self._keep(connection)
        return _response(answer)

    async def aclose(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().connection.close()

    def _kept(self) -> ClientConnection | None:
        """Return the connection that was used last and can still be used, if there is one."""
        now = asyncio.get_running_loop().time()
        while self._idle and self._idle[0].since + KEPT < now:
            self._idle.popleft().connection.close()
        while self._idle:
            connection = self._idle.pop().connection
            if connection.usable:
                return connection
            connection.close()
        return None

    def _keep(self, connection: ClientConnection) -> None:
        if not connection.closed:
            self._idle.append(_Idle(connection, asyncio.get_running_loop().time()))

    async def _opened(self, request: httpx.Request) -> ClientConnection:
        url, limit = request.url, request.extensions.get("timeout", {}).get("connect")
        port = url.port or (443 if self._tls else 80)
        try:
            async with asyncio.timeout(limit):
                return await ClientConnection.open(url.raw_host.decode(), port, self._tls)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error


def _written(request: httpx.Request, body: bytes) -> bytes:
    try:
        return written_request(
            request.method.encode(), request.url.raw_path, request.headers.raw, body
        )
    except ValueError as error:
        raise httpx.LocalProtocolError(str(error)) from error


def _unreadable(error: Malformed) -> httpx.RemoteProtocolError:
    return TooLarge(error.message) if error.status == 413 else httpx.RemoteProtocolError(str(error))


def _response(answer: Answer) -> httpx.Response:
    stream = httpx.ByteStream(answer.body)
    return httpx.Response(answer.status, headers=answer.headers, stream=stream)
