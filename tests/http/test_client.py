"""One connection of a client, and the transport above it: what was sent, and what became of it."""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx
import pytest

from scenario_runner.exchange import Request
from scenario_runner.http.client import ClientConnection, Lost, NotConnected
from scenario_runner.http.messages import Malformed, written_request
from scenario_runner.pbx.ringme.client import LARGEST, HttpTransport
from scenario_runner.pbx.ringme.transport import KEPT, OnceTransport
from tests.http.answering import access, answering, whole
from tests.http.faulty import (
    OK,
    Manner,
    Server,
    Wire,
    closes_between,
    faulty,
    keeps_open,
    resets,
    says,
    well,
)
from tests.http.test_http_transport import PEM, tls_server

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def meet(manner: Manner, talk: Callable[[Server, ClientConnection], Awaitable[None]]) -> Server:
    """Let a connection talk to a server of this manner."""

    async def whole() -> Server:
        async with faulty(manner) as server:
            address = urlsplit(server.url)
            connection = await ClientConnection.open(str(address.hostname), address.port or 0)
            async with asyncio.timeout(10):
                await talk(server, connection)
            connection.close()
            return server

    return asyncio.run(whole())


def test_an_exchange() -> None:
    async def talk(_: Server, connection: ClientConnection) -> None:
        assert connection.usable
        answer = await connection.exchange(ASK)
        assert (answer.status, answer.body, answer.keep_alive) == (200, b"{}", True)
        assert answer.headers == [(b"Content-Length", b"2")]
        assert connection.usable

    meet(well, talk)


def test_a_connection_that_is_over_sends_nothing() -> None:
    async def talk(_: Server, connection: ClientConnection) -> None:
        connection.close()
        with pytest.raises(NotConnected):
            await connection.exchange(ASK)
        assert not connection.usable

    assert meet(well, talk).requests == []


@pytest.mark.parametrize(
    ("manner", "told"),
    [
        (resets, "the server broke off the connection without an answer"),
        (says(b""), "the server closed the connection without an answer"),
        (says(b"HTTP/1.1 200 OK\r\n"), "the server closed the connection in the middle of the ans"),
    ],
)
def test_what_was_lost_says_how(manner: Manner, told: str) -> None:
    async def talk(_: Server, connection: ClientConnection) -> None:
        with pytest.raises(Lost, match=told):
            await connection.exchange(ASK)
        assert connection.closed

    meet(manner, talk)


def test_what_is_no_answer_ends_the_connection() -> None:
    async def talk(_: Server, connection: ClientConnection) -> None:
        with pytest.raises(Malformed):
            await connection.exchange(ASK)
        assert connection.closed

    meet(keeps_open(b"hello\r\n\r\n"), talk)


def test_an_answer_to_head_has_no_body() -> None:
    async def talk(_: Server, connection: ClientConnection) -> None:
        answer = await connection.exchange(ASK.replace(b"GET", b"HEAD"), headless=True)
        assert (answer.status, answer.body) == (200, b"")
        assert connection.closed

    meet(keeps_open(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"), talk)


def test_what_comes_unasked_ends_the_connection() -> None:
    async def talk(_: Server, connection: ClientConnection) -> None:
        await connection.exchange(ASK)
        connection.data_received(OK)
        assert connection.closed

    meet(well, talk)


def test_a_large_request_that_is_answered_before_it_is_read_leaves_no_connection() -> None:
    async def manner(server: Server, wire: Wire) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")
        wire.say(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await server.closed.wait()

    async def talk(server: Server, connection: ClientConnection) -> None:
        body = b"x" * 50_000_000
        head = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        assert (await connection.exchange(head + body)).status == 413
        assert connection.closed
        server.closed.set()

    meet(manner, talk)


def test_a_machine_without_poll_asks_select(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "poll")

    async def talk(server: Server, connection: ClientConnection) -> None:
        assert connection.usable
        await connection.exchange(ASK)
        await server.closed.wait()
        assert not connection.usable

    meet(closes_between, talk)


@pytest.mark.parametrize(
    ("method", "target", "header"),
    [
        (b"GET X", b"/", (b"A", b"b")),
        (b"", b"/", (b"A", b"b")),
        (b"GET", b"/ HTTP/1.1\r\nX: y", (b"A", b"b")),
        (b"GET", b"", (b"A", b"b")),
        (b"GET", b"/\xff", (b"A", b"b")),
        (b"GET", b"/", (b"A b", b"b")),
        (b"GET", b"/", (b"", b"b")),
        (b"GET", b"/", (b"A", b"b\r\nC: d")),
        (b"GET", b"/", (b"A", b"b\nC: d")),
        (b"GET", b"/", (b"A", b"\0")),
    ],
)
def test_what_would_be_two_requests_is_written_as_none(
    method: bytes, target: bytes, header: tuple[bytes, bytes]
) -> None:
    with pytest.raises(ValueError, match="character"):
        written_request(method, target, [header], b"")


def test_idle_connections_are_not_kept_for_long() -> None:
    class Later(asyncio.SelectorEventLoop):
        ahead = 0.0

        def time(self) -> float:
            return super().time() + self.ahead

    async def exchanges() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Later)
        async with faulty(well) as server:
            transport = HttpTransport(access(server.url), "staging")
            for wait in (0, KEPT - 1, KEPT + 1):
                loop.ahead += wait
                await transport.send(Request(method="GET", path="/"), 5)
            await transport.close()
            return server.connections

    with asyncio.Runner(loop_factory=Later) as runner:
        assert runner.run(exchanges()) == 2


def test_tls_connections_are_kept() -> None:
    connections: set[int] = set()

    async def said(_: bytes, writer: asyncio.StreamWriter) -> None:
        connections.add(id(writer))
        writer.write(OK)

    async def exchanges() -> None:
        async with answering(said, tls_server()) as url:
            there = access(url.replace("127.0.0.1", "localhost"), ca_file=str(PEM))
            transport = HttpTransport(there, "staging")
            for _ in range(3):
                answer = await transport.send(Request(method="GET", path="/"), 5)
                assert answer.status == 200
            await transport.close()

    asyncio.run(exchanges())
    assert len(connections) == 1


def test_a_tls_server_that_closes_is_a_lost_answer() -> None:
    async def said(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def exchange() -> None:
        context = ssl.create_default_context(cafile=str(PEM))
        async with answering(said, tls_server()) as url, OnceTransport(context, 1) as transport:
            request = httpx.Request("GET", url.replace("127.0.0.1", "localhost"))
            await transport.handle_async_request(request)

    with pytest.raises(httpx.ReadError):
        asyncio.run(exchange())


def through_proxy(body: bytes) -> tuple[int, list[bytes]]:
    """Send a request through a proxy that answers it by itself."""
    seen: list[bytes] = []
    answer = whole(body)

    async def said(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        await answer(request, writer)

    async def exchange() -> int:
        async with answering(said) as proxy:
            transport = HttpTransport(
                access("http://pbx.invalid", proxy=proxy), "staging", insecure=True
            )
            try:
                return len((await transport.send(Request(method="GET", path="/a"), 5)).body)
            finally:
                await transport.close()

    return asyncio.run(exchange()), seen


def test_a_proxy_is_asked_once() -> None:
    length, seen = through_proxy(b"{}")
    assert length == 2
    assert [one.partition(b"\r\n")[0] for one in seen] == [b"GET http://pbx.invalid/a HTTP/1.1"]


def test_an_answer_through_a_proxy_is_bounded_too() -> None:
    with pytest.raises(Exception, match="the answer is larger than 1 MiB"):
        through_proxy(b"x" * (LARGEST + 1))
