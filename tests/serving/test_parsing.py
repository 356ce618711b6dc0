"""The request parser: whatever comes in whatever pieces, whole requests or a clear refusal."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.exchange import Request
from scenario_runner.mock_pbx.server.http import (
    BODY_LIMIT,
    HEAD_LIMIT,
    Incoming,
    Malformed,
    RequestParser,
)

PLAIN = b"PUT /a?b=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = (
    b"POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n"
    b"Trailer: t\r\n\r\n"
)
BARE = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
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
            method="POST", path="/b", headers=(("Transfer-Encoding", "chunked"),), body=b"abcde"
        ),
        keep_alive=True,
    ),
    Incoming(Request(method="GET", path="/", headers=(("Connection", "close"),)), keep_alive=False),
]


def parsed(parser: RequestParser, data: bytes) -> list[Incoming]:
    parser.feed(data)
    found = []
    while (incoming := parser.next()) is not None:
        found.append(incoming)
    return found


def test_requests_that_come_at_once() -> None:
    assert parsed(RequestParser(), STREAM) == REQUESTS


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_requests_that_come_in_pieces(cuts: list[int]) -> None:
    parser, found, begin = RequestParser(), [], 0
    for end in (*sorted(cuts), len(STREAM)):
        found += parsed(parser, STREAM[begin:end])
        begin = end
    assert found == REQUESTS
    assert parser.pending == 0


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET  HTTP/1.1\r\n\r\n", 400),
        (b"G3T / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 505),
        (b"GET nowhere HTTP/1.1\r\n\r\n", 400),
        (b"GET ftp://x/ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1), 413),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 300, 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_LIMIT, 431),
        (
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"x" * HEAD_LIMIT,
            431,
        ),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, status: int) -> None:
    with pytest.raises(Malformed) as refused:
        parsed(RequestParser(), data)
    assert refused.value.status == status


def test_chunks_may_not_add_up_to_too_much() -> None:
    parser = RequestParser()
    chunk = b"80000\r\n" + b"x" * 0x80000 + b"\r\n"
    parsed(parser, b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk)
    with pytest.raises(Malformed) as refused:
        parsed(parser, chunk)
    assert refused.value.status == 413


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    with suppress(Malformed):
        parsed(RequestParser(), data + b"\r\n\r\n")


def test_a_proxy_s_client_may_name_the_whole_address() -> None:
    (incoming,) = parsed(RequestParser(), b"GET http://pbx:8080/a?b HTTP/1.1\r\n\r\n")
    assert incoming.request.path == "/a?b"


def test_http_1_0_is_closed_after_one_answer() -> None:
    (incoming,) = parsed(RequestParser(), b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert not incoming.keep_alive


def test_a_client_may_wait_before_it_sends_the_body() -> None:
    parser = RequestParser()
    head = b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    assert parsed(parser, head) == []
    assert parser.awaits_continue
    assert len(parsed(parser, b"{}")) == 1
    assert not parser.awaits_continue
