"""What arrives byte by byte: refused where HTTP forbids it, and told which methods there are."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from tests.serving.served import API, client_of, serving

HEAD = b"GET /mock/state HTTP/1.1\r\n"
HOST = b"Host: 127.0.0.1\r\n"
POST = b"POST /mock/calls HTTP/1.1\r\n" + HOST
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def said(data: bytes, *more: bytes) -> bytes:
    """Send bytes to a mock, end that side, and return all that it says."""
    with serving() as url:
        address = urlsplit(url)
        with socket.create_connection((str(address.hostname), int(address.port or 0)), 10) as wire:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.sendall(data)
            for piece in more:
                assert wire.recv(65536)
                wire.sendall(piece)
            wire.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: wire.recv(65536), b""))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HEAD + HOST + b"\r\n", 200),
        (HEAD + b"\r\n", 400),
        (HEAD + HOST + HOST + b"\r\n", 400),
        (HEAD.replace(b"\r", b"") + HOST + b"\r\n", 400),
        (HEAD + HOST.replace(b"\r", b"") + b"\r\n", 400),
        (HEAD + HOST + b"\n", 400),
        (HEAD.replace(b"1.1", b"1.0") + b"\r\n", 200),
        (HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD.replace(b"1.1", b"2.0") + HOST + b"\r\n", 505),
        (HEAD + HOST + b"X: " + b"x" * 100_000 + b"\r\n\r\n", 431),
        (HEAD + HOST + b"Content-Length: 2000000\r\n\r\n", 413),
        (POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nnull", 400),
        (POST + b"Content-Length: 4\r\n" + CHUNKED + b"4\r\nnull\r\n0\r\n\r\n", 400),
        (POST + CHUNKED + b"4\nnull\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: gzip\r\n\r\nnull", 400),
        (HEAD + HOST.replace(b":", b" :", 1) + b"\r\n", 400),
        (HEAD + HOST + b"X: a\r\n b\r\n\r\n", 400),
    ],
)
def test_what_http_forbids_is_refused(request_: bytes, status: int) -> None:
    assert said(request_).startswith(b"HTTP/1.1 %d " % status)


def test_one_continue_is_sent_for_one_request() -> None:
    head = b"POST /mock/calls HTTP/1.1\r\nExpect: 100-continue\r\n"
    for pieces in (
        (head + HOST + b"Content-Length: 4\r\n\r\n", b"null"),
        (head + HOST + b"Transfer-Encoding: chunked\r\n\r\n", b"4\r\nnull\r\n0\r\n\r\n"),
    ):
        answer = said(*pieces)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"100 Continue" not in answer


def test_a_body_that_comes_in_pieces_is_asked_for_once() -> None:
    with serving() as url:
        address = urlsplit(url)
        with socket.create_connection((str(address.hostname), int(address.port or 0)), 10) as wire:
            wire.sendall(b"POST /mock/calls HTTP/1.1\r\nExpect: 100-continue\r\n" + HOST)
            wire.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
            answers = wire.recv(65536)
            for piece in (b"2\r\nnu\r\n", b"2\r\n", b"ll\r\n", b"0\r\n\r\n"):
                # A request of its own tells that the piece before was looked at.
                with socket.create_connection(wire.getpeername(), 10) as other:
                    wire.sendall(piece)
                    other.sendall(HEAD + HOST + b"\r\n")
                    assert other.recv(65536)
            answers += wire.recv(65536)
    assert answers.count(b"100 Continue") == 1


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/mock/calls", "POST"),
        ("PATCH", "/mock/calls/x/answer", "POST"),
        ("GET", "/mock/calls/x", "DELETE"),
        ("POST", "/mock/state", "GET"),
        ("GET", "/mock/reset", "POST"),
        ("PUT", "/mock/faults", "GET, POST, DELETE"),
        ("POST", "/mock/clock", "GET"),
        ("GET", "/mock/clock/advance", "POST"),
        ("GET", "/oauth/token", "POST"),
        ("POST", "/openapi.json", "GET"),
        ("POST", f"{API}/extension/34414/valet_park/1-a", "PUT"),
        ("POST", f"{API}/extension/34414/current_calls/1-a", "GET, PUT, DELETE"),
        ("PUT", f"{API}/extension/34414/event/", "GET, POST, DELETE"),
    ],
)
def test_another_method_is_told_which_there_are(method: str, path: str, allowed: str) -> None:
    with client_of() as client:
        got = client.ask(method, path)
        assert (got.status, got.headers["Allow"]) == (405, allowed)
