"""What acts is sent exactly once, whatever the server does: counted at the server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable

import pytest

from scenario_runner.errors import AnswerLost, BadAnswer, PbxError, TimedOut, Unreachable
from scenario_runner.exchange import Request, Response
from scenario_runner.pbx.ringme.client import LARGEST, HttpTransport
from tests.http.answering import access
from tests.http.faulty import (
    OK,
    Manner,
    Server,
    Wire,
    closes_at_the_second,
    closes_between,
    drops_after_reading,
    drops_before_reading,
    faulty,
    keeps_open,
    never_answers,
    resets,
    says,
    well,
)

CALL = "/api/ver1.0/extension/34414/valet_park/1-a"
PARK = Request(method="PUT", path=CALL, body=b'{"action": "park", "slot": 6}')
BRIDGE = Request(method="PUT", path=CALL, body=b'{"action": "bridge", "slot": 6}')
HANG_UP = Request(method="DELETE", path="/api/ver1.0/extension/34414/current_calls/1-a")
CALLBACK = Request(method="POST", path="/api/ver1.0/extension/34414/callback/", body=b"{}")
ACTING = {"park": PARK, "bridge": BRIDGE, "hang up": HANG_UP, "callback": CALLBACK}

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

FAULTS: dict[str, tuple[Manner, type[PbxError], int]] = {
    "drops before reading": (drops_before_reading, AnswerLost, 0),
    "drops after reading": (drops_after_reading, AnswerLost, 1),
    "resets": (resets, AnswerLost, 1),
    "truncates the head": (says(b"HTTP/1.1 200 OK\r\nContent-Le"), AnswerLost, 1),
    "truncates the body": (says(HEAD + b'{"a'), AnswerLost, 1),
    "truncates a chunk": (says(CHUNKED + b"9\r\n{"), AnswerLost, 1),
    "leaves out the last chunk": (says(CHUNKED + b"2\r\n{}\r\n"), AnswerLost, 1),
    "says only 100": (says(b"HTTP/1.1 100 Continue\r\n\r\n"), AnswerLost, 1),
    "talks garbage": (says(b"220 mail.example.com ESMTP\r\n\r\n"), BadAnswer, 1),
    "talks garbage in a chunk": (says(CHUNKED + b"zz\r\n"), BadAnswer, 1),
    "garbage, and keeps open": (keeps_open(b"220 mail.example.com\r\n\r\n"), BadAnswer, 1),
    "never ends its head": (says(b"HTTP/1.1 200 OK\r\n", *[b"X: %s\r\n" % (b"x" * 8000)] * 40),
                            BadAnswer, 1),
    "one endless header": (says(b"HTTP/1.1 200 OK\r\nX: ", *[b"x" * 8000] * 40), BadAnswer, 1),
    "sends 1xx for ever": (says(*[b"HTTP/1.1 103 Early\r\nLink: /%s\r\n\r\n" % (b"x" * 8000)] * 40),
                           BadAnswer, 1),
    "sends too much": (keeps_open(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (LARGEST + 1)
                                  + b"x" * (LARGEST + 1)), BadAnswer, 1),
    "sends too much in chunks": (says(CHUNKED, *[b"8000\r\n" + b"x" * 0x8000 + b"\r\n"] * 40),
                                 BadAnswer, 1),
    "switches protocols": (keeps_open(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                                      b"Connection: upgrade\r\n\r\n"), BadAnswer, 1),
    "answers late": (never_answers, TimedOut, 1),
}  # fmt: skip


def meet(manner: Manner, talk: Callable[[Server, HttpTransport], Awaitable[None]]) -> Server:
    """Let a client talk to a server of this manner; return the server with its counts."""

    async def whole() -> Server:
        async with faulty(manner) as server:
            transport = HttpTransport(access(server.url), "staging")
            try:
                async with asyncio.timeout(10):
                    await talk(server, transport)
            finally:
                await transport.close()
            return server

    return asyncio.run(whole())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("act", ACTING)
def test_what_acts_is_sent_once(act: str, fault: str) -> None:
    manner, kind, arrived = FAULTS[fault]

    async def talk(_: Server, transport: HttpTransport) -> None:
        with pytest.raises(PbxError) as error:
            await transport.send(ACTING[act], 0.2 if kind is TimedOut else 5)
        if arrived:  # else it may be seen before the writing, too: then it is Unreachable
            assert type(error.value) is kind, error.value.message

    server = meet(manner, talk)
    assert len(server.requests) == arrived
    assert server.connections == 1


def test_nobody_there_is_no_lost_answer() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]

    async def send() -> None:
        transport = HttpTransport(access(f"http://127.0.0.1:{port}"), "staging")
        try:
            await transport.send(PARK, 5)
        finally:
            await transport.close()

    with pytest.raises(Unreachable):
        asyncio.run(send())


GOOD: dict[str, tuple[bytes, int]] = {
    "plain": (OK, 200),
    "in chunks with a trailer": (CHUNKED + b"1\r\n{\r\n1\r\n}\r\n0\r\nT: x\r\n\r\n", 200),
    "after a 100": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200),
    "after several 1xx": (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + b"HTTP/1.1 102 P\r\n\r\n" * 3 + OK,
        200,
    ),
    "nothing at all": (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
}


@pytest.mark.parametrize("good", GOOD)
def test_answers_of_any_shape_keep_the_connection(good: str) -> None:
    answer, status = GOOD[good]

    async def talk(_server: Server, transport: HttpTransport) -> None:
        for _ in range(3):
            response = await transport.send(PARK, 5)
            assert response.status == status
            assert response.body == (b"{}" if status == 200 else b"")
            assert not any(name in ("Link", "T") for name, _ in response.headers)

    server = meet(keeps_open(answer), talk)
    assert (len(server.requests), server.connections) == (3, 1)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n{}", id="until it closes"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", id="HTTP/1.0"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", id="close"
        ),
    ],
)
def test_an_answer_that_ends_the_connection_is_whole(answer: bytes) -> None:
    async def talk(_server: Server, transport: HttpTransport) -> None:
        for _ in range(2):
            assert (await transport.send(PARK, 5)).body == b"{}"

    server = meet(says(answer), talk)
    assert (len(server.requests), server.connections) == (2, 2)


def test_a_connection_that_was_closed_while_idle_is_not_used() -> None:
    async def talk(server: Server, transport: HttpTransport) -> None:
        for _ in range(3):
            assert (await transport.send(PARK, 5)).status == 200
            await server.closed.wait()
            server.closed.clear()

    server = meet(closes_between, talk)
    assert (len(server.requests), server.connections) == (3, 3)


def test_a_close_that_the_loop_has_not_seen_is_found_before_writing() -> None:
    arrived: list[bytes] = []
    closed = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(2):
            wire, _ = listener.accept()
            with wire:
                arrived.append(wire.recv(65536))
                wire.sendall(OK)
            closed.set()

    async def talk() -> None:
        transport = HttpTransport(
            access(f"http://127.0.0.1:{listener.getsockname()[1]}"), "staging"
        )
        await transport.send(PARK, 5)
        closed.wait(5)  # blocks the loop, which must not see it
        assert (await transport.send(BRIDGE, 5)).status == 200
        await transport.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        asyncio.run(talk())
    finally:
        listener.close()
        thread.join()
    assert [b'"park"' in one for one in arrived] == [True, False]


def test_a_close_after_the_writing_is_a_lost_answer_and_nothing_is_sent_again() -> None:
    async def talk(_: Server, transport: HttpTransport) -> None:
        await transport.send(PARK, 5)
        with pytest.raises(AnswerLost):
            await transport.send(BRIDGE, 5)

    server = meet(closes_at_the_second, talk)
    assert (len(server.requests), server.connections) == (2, 1)


@pytest.mark.parametrize(
    "more", [b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", b"x", b"\r\n\r\nnonsense"]
)
@pytest.mark.parametrize("late", [False, True])
def test_what_was_not_asked_for_answers_no_other_request(more: bytes, late: bool) -> None:
    async def manner(server: Server, wire: Wire) -> None:
        await server.take(wire)
        wire.say(OK + (b"" if late else more))
        if late:
            await wire.writer.drain()
            wire.say(more)
        server.closed.set()
        await server.take(wire)
        await wire.end()

    async def talk(server: Server, transport: HttpTransport) -> None:
        for _ in range(3):
            assert (await transport.send(PARK, 5)).status == 200
            await server.closed.wait()
            server.closed.clear()
            await asyncio.sleep(0)

    server = meet(manner, talk)
    assert (len(server.requests), server.connections) == (3, 3)


def test_who_gives_up_waiting_leaves_no_answer_to_the_next_one() -> None:
    async def manner(server: Server, wire: Wire) -> None:
        await server.take(wire)
        server.closed.set()
        if server.connections > 1:
            wire.say(OK)
        await wire.reader.read()

    async def talk(server: Server, transport: HttpTransport) -> None:
        first = asyncio.create_task(transport.send(PARK, 5))
        await server.closed.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await transport.send(BRIDGE, 5)).status == 200

    server = meet(manner, talk)
    assert (len(server.requests), server.connections) == (2, 2)


def test_no_more_connections_than_allowed() -> None:
    async def talk(_: Server, transport: HttpTransport) -> None:
        sent = (transport.send(PARK, 5) for _ in range(40))
        answers: list[Response] = await asyncio.gather(*sent)
        assert [answer.status for answer in answers] == [200] * 40

    server = meet(well, talk)
    assert len(server.requests) == 40
    assert server.connections <= access("http://x").max_at_once


def test_who_is_cancelled_while_waiting_for_a_connection_sends_nothing() -> None:
    most = access("http://x").max_at_once

    async def talk(server: Server, transport: HttpTransport) -> None:
        busy = [asyncio.create_task(transport.send(PARK, 5)) for _ in range(most)]
        await server.reached(most)
        waiting = asyncio.create_task(transport.send(BRIDGE, 5))
        await asyncio.sleep(0)
        waiting.cancel()
        for task in (waiting, *busy):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    server = meet(never_answers, talk)
    assert len(server.requests) == most
