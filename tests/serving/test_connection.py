"""One connection: one write for each answer, order kept, faults acted out, bad bytes refused."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from scenario_runner.clock import Turns, VirtualLoop
from scenario_runner.exchange import Answer, Loss, Request, Response
from scenario_runner.http.server import Connection, Handler, Limits
from scenario_runner.mock_pbx.faults import fault_from_text
from scenario_runner.mock_pbx.server.app import MockOptions
from tests.serving.served import Client, client_of, serving

if TYPE_CHECKING:
    from collections.abc import Callable

HELLO = Response(status=200, headers=(("Content-Type", "application/json"),), body=b'{"a": "b"}')
ASK = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"


class Wires(asyncio.Transport):
    """What a connection does to its transport."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []
        self.closed = False
        self.ended = asyncio.Event()

    def write(self, data: Any) -> None:
        self.done.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True
        self.ended.set()
        self.done.append("close")

    def abort(self) -> None:
        self.closed = True
        self.done.append("abort")

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")


class Slow:
    """A face that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[Request, Callable[[Answer], None]]] = []

    def take(self, request: Request, reply: Callable[[Answer], None]) -> None:
        self.asked.append((request, reply))


def connected(face: Handler, limits: Limits = Limits()) -> tuple[Connection, Wires]:  # noqa: B008
    connection, wires = Connection(face, set(), lambda: "today", limits), Wires()
    connection.connection_made(wires)
    return connection, wires


def written(*, close: str = "") -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n"
        b"Date: today\r\n" + close.encode() + b'\r\n{"a": "b"}'
    )


def test_an_answer_is_one_write() -> None:
    async def talk() -> None:
        face = Slow()
        connection, wires = connected(face)
        connection.data_received(ASK % 1)
        face.asked[0][1](Answer(response=HELLO))
        assert wires.done == [written(), "resume"]

    asyncio.run(talk())


def test_requests_that_come_early_wait_for_their_turn() -> None:
    async def talk() -> None:
        face = Slow()
        connection, wires = connected(face)
        connection.data_received(ASK % 1 + ASK % 2)
        assert [request.path for request, _ in face.asked] == ["/1"]
        face.asked[0][1](Answer(response=HELLO))
        await asyncio.sleep(0)
        assert [request.path for request, _ in face.asked] == ["/1", "/2"]
        face.asked[1][1](Answer(response=HELLO))
        assert [one for one in wires.done if one != "resume"] == [written(), written()]

    asyncio.run(talk())


def test_who_sends_too_much_too_early_is_not_read_for_a_while() -> None:
    async def talk() -> None:
        connection, wires = connected(Slow())
        connection.data_received(ASK % 1)
        connection.data_received(ASK % 2 * 10_000)
        assert wires.done == ["pause"]

    asyncio.run(talk())


@pytest.mark.parametrize("loss", [Loss.BEFORE, Loss.AFTER])
def test_a_lost_answer_breaks_the_connection(loss: Loss) -> None:
    async def talk() -> None:
        face = Slow()
        connection, wires = connected(face)
        connection.data_received(ASK % 1)
        face.asked[0][1](Answer(response=HELLO, loss=loss))
        assert wires.done == ["abort"]

    asyncio.run(talk())


def test_a_slow_body_comes_in_pieces_after_its_head() -> None:
    async def talk() -> None:
        face = Slow()
        connection, wires = connected(face)
        connection.data_received(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        face.asked[0][1](Answer(response=HELLO, body_us=800))
        await asyncio.wait_for(wires.ended.wait(), 5)
        head, *pieces, last = wires.done
        assert head == written(close="Connection: close\r\n").partition(b"{")[0]
        assert b"".join(piece for piece in pieces if isinstance(piece, bytes)) == HELLO.body
        assert len(pieces) == 5
        assert last == "close"

    asyncio.run(talk())


def test_bad_bytes_are_answered_and_the_connection_closed() -> None:
    async def talk() -> None:
        connection, wires = connected(Slow())
        connection.data_received(b"nonsense\r\n\r\n")
        assert b"".join(x for x in wires.done if isinstance(x, bytes)).startswith(b"HTTP/1.1 400 ")
        assert wires.closed

    asyncio.run(talk())


def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    async def talk() -> None:
        face = Slow()
        connection, wires = connected(face)
        connection.data_received(
            b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert wires.done == [b"HTTP/1.1 100 Continue\r\n\r\n"]
        connection.data_received(b"{}")
        assert face.asked[0][0].body == b"{}"

    asyncio.run(talk())


@pytest.mark.parametrize("delay", [0, 1000])
def test_an_answer_after_the_client_has_gone_goes_nowhere(delay: int) -> None:
    async def talk() -> None:
        face = Slow()
        connection, wires = connected(face)
        connection.data_received(ASK % 1)
        wires.closed = True
        connection.connection_lost(None)
        face.asked[0][1](Answer(response=HELLO, delay_us=delay))
        await asyncio.sleep(0)
        assert wires.done == []

    asyncio.run(talk())


def test_small_answers_are_not_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    options: list[int] = []
    made = Connection.connection_made

    def connection_made(self: Connection, transport: asyncio.BaseTransport) -> None:
        sock = transport.get_extra_info("socket")
        options.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        made(self, transport)

    monkeypatch.setattr(Connection, "connection_made", connection_made)
    with client_of() as client:
        client.call()
    assert options == [1]


def test_many_requests_over_one_connection() -> None:
    with client_of() as client:
        call = client.call()
        assert client.valet(call, "park").status == 200
        for _ in range(20):
            assert client.in_slot(call) == call["uuid"]
        assert client.ask("HEAD", "/mock/state").body == b""
        assert client.ask("GET", "/mock/state").status == 200


def test_a_dropped_connection_over_the_network() -> None:
    faults = (fault_from_text("drop-after,on=park,times=1"),)
    with client_of(MockOptions(port=0, faults=faults)) as client:
        call = client.call()
        with pytest.raises(ConnectionError):
            client.valet(call, "park")
        client.connection.close()
        assert client.in_slot(call) == call["uuid"]


def test_a_client_that_goes_away_leaves_nothing() -> None:
    with serving() as url:
        address = urlsplit(url)
        for _ in range(20):
            with socket.create_connection((str(address.hostname), int(address.port or 0))) as half:
                half.sendall(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{")
        client = Client(url)
        assert client.login().status == 200
        client.connection.close()


class Echo:
    """Answers every request at once, and counts."""

    def __init__(self) -> None:
        self.asked = 0

    def take(self, request: Request, reply: Callable[[Answer], None]) -> None:
        del request
        self.asked += 1
        reply(Answer(response=HELLO))


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_client_that_sends_and_does_not_read_is_not_served_on() -> None:
    async def talk() -> None:
        echo = Echo()
        connection, wires = connected(echo)
        connection.data_received(ASK % 1 * 1000)
        await turns(10)
        connection.pause_writing()
        served = echo.asked
        assert served < 100
        connection.data_received(ASK % 2 * 1000)
        await turns(100)
        assert echo.asked == served
        assert wires.done[-1] == "pause"
        connection.resume_writing()
        await turns(3000)
        assert echo.asked == 2000

    asyncio.run(talk())


def test_no_more_is_read_than_can_be_served() -> None:
    async def talk() -> None:
        echo = Echo()
        connection, wires = connected(echo)
        connection.data_received(ASK % 1 * 5000)
        assert wires.done[-1] == "pause"
        await turns(1000)
        assert wires.done[-1] != "resume"
        await turns(5000)
        assert "resume" in wires.done
        assert echo.asked == 5000

    asyncio.run(talk())


def test_requests_that_come_at_once_leave_others_their_turn() -> None:
    async def talk() -> None:
        greedy, other = Echo(), Echo()
        one, _ = connected(greedy)
        two, _ = connected(other)
        one.data_received(ASK % 1 * 1000)
        await turns(5)
        two.data_received(ASK % 2)
        assert other.asked == 1
        assert greedy.asked < 20

    asyncio.run(talk())


def test_a_client_that_floods_takes_no_more_memory_than_it_sends() -> None:
    with client_of() as client:
        address = urlsplit(client.url)
        with socket.create_connection((str(address.hostname), int(address.port or 0))) as flood:
            flood.settimeout(0)
            data = b"GET /mock/state HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 500
            with pytest.raises(BlockingIOError):
                _ = [flood.send(data) for _ in range(2000)]
            for _ in range(20):  # the server goes on serving others
                assert client.ask("GET", "/mock/state").status == 200


def timed(talk: Callable[[], Any]) -> None:
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(Turns(lambda _: 0))) as runner:
        runner.run(talk())


LIMITS = Limits(idle=75, stalled=30)


def test_a_connection_that_waits_for_long_is_closed() -> None:
    async def talk() -> None:
        echo = Echo()
        connection, wires = connected(echo, LIMITS)
        await asyncio.sleep(50)
        connection.data_received(ASK % 1)
        await asyncio.sleep(74)
        assert "close" not in wires.done
        await asyncio.sleep(1.1)
        assert wires.done == [written(), "resume", "close"]

    timed(talk)


@pytest.mark.parametrize(
    "begin", [b"GET / HT", b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"]
)
def test_a_request_that_does_not_come_whole_is_given_up(begin: bytes) -> None:
    async def talk() -> None:
        connection, wires = connected(Echo(), LIMITS)
        connection.data_received(ASK % 1)
        for byte in begin:  # each byte in time does not keep it open
            connection.data_received(bytes([byte]))
            await asyncio.sleep(25 / len(begin))
        assert "close" not in wires.done
        await asyncio.sleep(31)
        assert wires.done[-1] == "close"
        (answer,) = [one for one in wires.done[1:] if isinstance(one, bytes)]
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")

    timed(talk)


def test_an_answer_that_nobody_reads_is_given_up() -> None:
    async def talk() -> None:
        connection, wires = connected(Echo(), LIMITS)
        connection.data_received(ASK % 1)
        connection.pause_writing()
        await asyncio.sleep(29)
        assert "abort" not in wires.done
        await asyncio.sleep(31)
        assert wires.done[-1] == "abort"

    timed(talk)


def test_an_answer_that_takes_long_is_waited_for() -> None:
    async def talk() -> None:
        face = Slow()
        connection, wires = connected(face, LIMITS)
        connection.data_received(ASK % 1)
        await asyncio.sleep(1000)
        face.asked[0][1](Answer(response=HELLO))
        assert wires.done == [written(), "resume"]

    timed(talk)


def test_what_comes_before_the_client_ends_its_side_is_answered() -> None:
    async def talk() -> None:
        face = Slow()
        connection, wires = connected(face)
        connection.data_received(ASK % 1 + ASK % 2)
        assert connection.eof_received()
        face.asked[0][1](Answer(response=HELLO))
        await turns(2)
        face.asked[1][1](Answer(response=HELLO))
        await turns(2)
        assert [one for one in wires.done if one != "resume"] == [written(), written(), "close"]

    asyncio.run(talk())


def test_one_connection_too_many_is_turned_away() -> None:
    async def talk() -> None:
        others: set[Connection] = set()
        for number in range(3):
            connection = Connection(Echo(), others, lambda: "today", Limits(connections=2))
            wires = Wires()
            connection.connection_made(wires)
            assert wires.closed is (number == 2)
        assert str(wires.done[0]).startswith("b'HTTP/1.1 503 ")

    asyncio.run(talk())
