"""The request parser: whatever comes in whatever pieces, whole requests or a clear refusal."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.exchange import Request
from scenario_runner.http.messages import (
    BODY_LIMIT,
    HEAD_LIMIT,
    Incoming,
    Malformed,
    RequestReader,
)

PLAIN = b"PUT /a?b=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = (
    b"POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n"
    b"Trailer: t\r\n\r\n"
)
BARE = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
STREAM = PLAIN + CHUNKED + b"\r\n" + BARE
REQUESTS = [
    Incoming(
        Request(
            method="PUT",
            path="/a?b=1",
            headers=(("Host", "x"), ("Content-Length", "2")),
            body=b"{}",
        ),
        keep_alive=True,
    ),
    Incoming(
        Request(
            method="POST",
            path="/b",
            headers=(("Host", "x"), ("Transfer-Encoding", "chunked")),
            body=b"abcde",
        ),
        keep_alive=True,
    ),
    Incoming(
        Request(method="GET", path="/", headers=(("Host", "x"), ("Connection", "close"))),
        keep_alive=False,
    ),
]


def parsed(parser: RequestReader, data: bytes) -> list[Incoming]:
    parser.feed(data)
    found = []
    while (incoming := parser.next()) is not None:
        found.append(incoming)
    return found


def test_requests_that_come_at_once() -> None:
    assert parsed(RequestReader(), STREAM) == REQUESTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_requests_that_come_in_pieces(cuts: list[int]) -> None:
    parser, found, begin = RequestReader(), [], 0
    for end in (*sorted(cuts), len(STREAM)):
        found += parsed(parser, STREAM[begin:end])
        begin = end
    assert found == REQUESTS
    assert parser.pending == 0


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
HOST = b"GET / HTTP/1.1\r\nHost: x\r\n"
CODED = HOST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET  HTTP/1.1\r\n\r\n", 400),
        (b"G3T / HTTP/1.1\r\n\r\n", 400),
        (b"get / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 505),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505),
        (b"GET / HTTP/0.9\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET nowhere HTTP/1.1\r\n\r\n", 400),
        (b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (HOST + b"Host: x\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400),
        (HOST + b"A: x\r\n folded\r\n\r\n", 400),
        (HOST + b"A: \0\r\n\r\n", 400),
        (HOST + b"Content-Length: -1\r\n\r\n", 400),
        (HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (HOST + b"Transfer-Encoding: gzip\r\n\r\n", 400),
        (HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HOST + b"Content-Length: %d\r\n\r\n" % (BODY_LIMIT + 1), 413),
        (CODED + b"xyz\r\n", 400),
        (CODED + b"0" * (HEAD_LIMIT + 8192), 431),
        (CODED + b"2\r\nabcd\r\n", 400),
        (CODED + b"2\nab\n0\n\n", 400),
        (CODED + b"2;" + b"x" * HEAD_LIMIT + b"x" * 8192, 431),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * (HEAD_LIMIT + 8192), 431),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * (HEAD_LIMIT + 1) + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * (HEAD_LIMIT + 8192), 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, 431),
        (CODED + b"0\r\nX: " + b"x" * (HEAD_LIMIT + 8192), 431),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, status: int) -> None:
    with pytest.raises(Malformed) as refused:
        parsed(RequestReader(), data)
    assert refused.value.status == status


def test_chunks_may_not_add_up_to_too_much() -> None:
    parser = RequestReader()
    chunk = b"80000\r\n" + b"x" * 0x80000 + b"\r\n"
    parsed(
        parser, b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk
    )
    with pytest.raises(Malformed) as refused:
        parsed(parser, chunk)
    assert refused.value.status == 413


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    with suppress(Malformed):
        parsed(RequestReader(), data + b"\r\n\r\n")


def test_a_proxy_s_client_may_name_the_whole_address() -> None:
    (incoming,) = parsed(
        RequestReader(), b"GET http://pbx:8080/a?b HTTP/1.1\r\nHost: pbx:8080\r\n\r\n"
    )
    assert incoming.request.path == "/a?b"


def test_http_1_0_is_closed_after_one_answer() -> None:
    (incoming,) = parsed(RequestReader(), b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert not incoming.keep_alive


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n", UPGRADE])
def test_a_client_may_wait_before_it_sends_the_body(more: bytes) -> None:
    parser = RequestReader()
    head = b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n"
    head += more + b"\r\n"
    assert parsed(parser, head) == []
    assert [parser.asks_to_continue() for _ in range(2)] == [True, False]
    assert len(parsed(parser, b"{}")) == 1


@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.1\r\nHost: x\r\n", b"PUT / HTTP/1.0\r\nContent-Length: 2\r\n"]
)
def test_nobody_waits_to_send_no_body_or_in_http_1_0(head: bytes) -> None:
    parser = RequestReader()
    parsed(parser, head + b"Expect: 100-continue\r\n\r\n")
    assert not parser.asks_to_continue()


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"", b""),
        (b"Content-Length: 2\r\n", b"{}"),
        (b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    ],
)
@given(st.lists(st.integers(0, 120), max_size=4))
def test_an_upgrade_is_not_taken_and_the_body_is_read(
    framing: bytes, body: bytes, cuts: list[int]
) -> None:
    stream = b"POST /a HTTP/1.1\r\nHost: x\r\n" + UPGRADE + framing + b"\r\n" + body + PLAIN
    parser, found, begin = RequestReader(), [], 0
    for end in (*sorted(cuts), len(stream)):
        found += parsed(parser, stream[begin:end])
        begin = end
    first, second = found
    assert (first.request.method, first.request.path) == ("POST", "/a")
    assert first.request.body == (b"{}" if body else b"")
    assert ("Upgrade", "h2c") in first.request.headers
    assert second == REQUESTS[0]


def test_what_comes_before_a_bad_request_is_served_first() -> None:
    parser = RequestReader()
    parser.feed(PLAIN + b"nonsense\r\n\r\n")
    assert parser.next() == REQUESTS[0]
    with pytest.raises(Malformed):
        parser.next()


def test_requests_that_nobody_asks_for_stay_bytes() -> None:
    parser = RequestReader()
    parser.feed(PLAIN * 100_000)
    assert parser.next() == REQUESTS[0]
    assert parser.pending > len(PLAIN) * 100_000 - 8192
    assert sum(1 for _ in iter(parser.next, None)) == 99_999
