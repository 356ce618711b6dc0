from __future__ import annotations

import asyncio
import gzip
import inspect
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from scenario_runner.errors import (
    AnswerLost,
    BadAnswer,
    NotPossible,
    PbxError,
    TargetError,
    TimedOut,
    Unreachable,
)
from scenario_runner.exchange import Request, Response
from scenario_runner.pbx.ringme.client import FOREIGN, LARGEST, HttpTransport, translated
from tests.http.answering import Said, access, answering, bytes_and_end, silent, whole

GET = Request(method="GET", path="/api/ver1.0/client/@me/current_calls/")
PEM = Path(__file__).parent / "localhost.pem"


def run(said: Said, request: Request = GET, within: float = 5.0) -> Response:
    """Exchange one request with a server that answers like this."""

    async def exchange() -> Response:
        async with answering(said) as url:
            transport = HttpTransport(access(url), "staging")
            try:
                return await transport.send(request, within)
            finally:
                await transport.close()

    return asyncio.run(exchange())


def failure(url: str, within: float = 5.0, **more: object) -> PbxError:
    """Return the error of a request to this URL."""

    async def exchange() -> None:
        plain = url.startswith("http:")
        transport = HttpTransport(access(url, **more), "staging", insecure=plain)
        try:
            await transport.send(GET, within)
        finally:
            await transport.close()

    with pytest.raises(PbxError) as error:
        asyncio.run(exchange())
    return error.value


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def test_a_request_goes_out_as_it_is_and_the_answer_comes_back() -> None:
    seen: list[bytes] = []

    async def said(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        writer.write(b"HTTP/1.1 201 Created\r\nX-Two: a\r\nX-Two: b\r\nContent-Length: 2\r\n\r\n{}")

    request = Request(
        method="POST", path="/p?q=%20", headers=(("Content-Type", "text/x"),), body=b"body"
    )
    answer = run(said, request)
    assert (answer.status, answer.body) == (201, b"{}")
    assert [value for name, value in answer.headers if name == "X-Two"] == ["a", "b"]
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /p?q=%20 HTTP/1.1\r\n")
    assert b"Content-Type: text/x" in head
    assert b"Accept-Encoding: gzip" in head
    assert body == b"body"


def test_connections_are_kept_and_cookies_are_not() -> None:
    connections: set[int] = set()
    seen: list[bytes] = []

    async def said(request: bytes, writer: asyncio.StreamWriter) -> None:
        connections.add(id(writer))
        seen.append(request)
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")

    async def exchanges() -> None:
        async with answering(said) as url:
            transport = HttpTransport(access(url), "staging")
            for _ in range(3):
                await transport.send(GET, 5)
            await transport.close()

    asyncio.run(exchanges())
    assert len(connections) == 1
    assert b"cookie" not in seen[2].lower()


def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(b'{"call_list": []}')
    assert run(whole(body, "Content-Encoding: gzip\r\n")).body == b'{"call_list": []}'


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        pytest.param(
            whole(b"x" * (10 * LARGEST)), BadAnswer, "the answer is larger than 1 MiB", id="large"
        ),
        pytest.param(
            whole(gzip.compress(b"\0" * (10 * LARGEST)), "Content-Encoding: gzip\r\n"),
            BadAnswer,
            "the answer is larger than 1 MiB",
            id="large when unpacked",
        ),
        pytest.param(
            whole(b"{}", "Content-Encoding: gzip\r\n"), BadAnswer, "not gzip", id="not gzip"
        ),
        pytest.param(
            whole(b"{}", "Content-Encoding: br\r\n"), BadAnswer, "encoded as br", id="encoding"
        ),
        pytest.param(
            whole(b"", "Location: /elsewhere\r\n", "302 Found"),
            BadAnswer,
            "a redirect (status 302) to /elsewhere",
            id="redirect",
        ),
        pytest.param(bytes_and_end(b""), AnswerLost, "the connection was lost", id="hung up"),
        pytest.param(
            bytes_and_end(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
            AnswerLost,
            "the connection was lost",
            id="cut short",
        ),
        pytest.param(
            bytes_and_end(b"220 mail.example.com ESMTP\r\n\r\n"),
            BadAnswer,
            "does not speak HTTP",
            id="not http",
        ),
    ],
)
def test_an_answer_that_is_none_is_told_with_target_and_request(
    said: Said, kind: type[PbxError], told: str
) -> None:
    with pytest.raises(kind) as error:
        run(said)
    assert told in error.value.message
    assert error.value.message.startswith("target staging, GET http://127.0.0.1:")
    assert "/api/ver1.0/client/@me/current_calls/: " in error.value.message


def test_a_redirect_to_another_host_names_the_url_to_write() -> None:
    goal = "Location: https://pbx.example.com/api/ver1.0/\r\n"
    with pytest.raises(BadAnswer) as error:
        run(whole(b"", goal, "301 Moved Permanently"))
    assert error.value.hint == "if that is the PBX, write url: https://pbx.example.com"


def test_no_answer_in_time() -> None:
    with pytest.raises(TimedOut, match="no answer within 50ms"):
        run(silent, within=0.05)


def test_a_slow_body_counts_too() -> None:
    async def said(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")

    with pytest.raises(TimedOut):
        run(said, within=0.05)


def test_nobody_there() -> None:
    error = failure(f"http://127.0.0.1:{free_port()}")
    assert isinstance(error, Unreachable)
    assert error.message.endswith(": connection refused")
    assert error.hint == "is the PBX running there, and is 'url' in the targets file right?"


def test_a_host_name_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure("http://pbx.invalid")
    assert isinstance(error, Unreachable)
    assert error.message.endswith(": the host name pbx.invalid is not known")
    assert error.hint == "check 'url' in the targets file, and this machine's network"


def test_nobody_there_at_any_of_several_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    found = socket.getaddrinfo

    def two(host: str, *given: int, **more: int) -> object:
        if host != "pbx.invalid":
            return found(host, *given, **more)
        return [*found("127.0.0.1", *given, **more), *found("127.0.0.2", *given, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    error = failure(f"http://pbx.invalid:{free_port()}")
    assert error.message.endswith(": connection refused")


def test_a_proxy_that_is_not_there() -> None:
    proxy = f"http://user:pr0xy-secret@127.0.0.1:{free_port()}"
    error = failure("http://127.0.0.1:1", proxy=proxy)
    assert isinstance(error, Unreachable)
    assert "pr0xy-secret" not in f"{error.message} {error.hint}"


def test_a_request_that_is_no_http_is_not_sent() -> None:
    request = Request(method="GET", path="/", headers=(("X", "a\r\nb"),))
    with pytest.raises(NotPossible, match="can't be sent as HTTP"):
        run(whole(b""), request)
    with pytest.raises(NotPossible, match="can't be sent as HTTP"):
        run(whole(b""), Request(method="GET", path="/", headers=(("X", "é"),)))


def tls_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


def over_tls(
    url_of: Callable[[str], str], *, insecure: bool = False, ca_file: str = ""
) -> Response:
    async def exchange() -> Response:
        async with answering(whole(b"{}"), tls_server()) as url:
            more = access(url_of(url), ca_file=ca_file)
            transport = HttpTransport(more, "staging", insecure=insecure)
            try:
                return await transport.send(GET, 5)
            finally:
                await transport.close()

    return asyncio.run(exchange())


def localhost(url: str) -> str:
    return url.replace("127.0.0.1", "localhost")


def test_a_certificate_is_verified_by_the_authority_that_is_named() -> None:
    assert over_tls(localhost, ca_file=str(PEM)).status == 200


def test_a_certificate_of_an_unknown_authority_is_not_accepted() -> None:
    with pytest.raises(Unreachable, match="the certificate is not accepted: self-signed") as error:
        over_tls(localhost)
    assert error.value.hint is not None
    assert "'ca_file'" in error.value.hint


def test_a_certificate_for_another_name_is_not_accepted() -> None:
    with pytest.raises(Unreachable, match=r"the certificate is not accepted: .*127\.0\.0\.1"):
        over_tls(str, ca_file=str(PEM))


def test_insecure_accepts_any_certificate() -> None:
    assert over_tls(str, insecure=True).status == 200


def test_tls_where_plain_http_is_spoken() -> None:
    with pytest.raises(Unreachable) as error:
        asyncio.run(_https_to_plain())
    assert error.value.hint == "if the PBX speaks plain HTTP there, write http:// in 'url'"


async def _https_to_plain() -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    transport = HttpTransport(access(url), "staging")
    try:
        await transport.send(GET, 5)
    finally:
        await transport.close()
        server.close()


def test_a_server_that_never_speaks_tls_is_no_connection() -> None:
    async def send() -> None:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        transport = HttpTransport(access(url), "staging")
        try:
            await transport.send(GET, 0.3)
        finally:
            await transport.close()
            server.close()

    with pytest.raises(Unreachable, match="no connection in time"):
        asyncio.run(send())


def test_plain_http_where_tls_is_spoken() -> None:
    with pytest.raises(AnswerLost) as error:
        over_tls(lambda url: url.replace("https:", "http:"))
    assert error.value.hint == "if the PBX speaks TLS there, write https:// in 'url'"


def test_a_tls_alert_says_that_tls_is_spoken() -> None:
    with pytest.raises(AnswerLost, match="the server wants TLS") as error:
        run(bytes_and_end(b"\x15\x03\x03\x00\x02\x02\x46"))
    assert error.value.hint == "if the PBX speaks TLS there, write https:// in 'url'"


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_file_without_certificates_is_told(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(TargetError, match="can't be read"):
        HttpTransport(access("https://localhost", ca_file=str(file)), "staging")


EXCEPTIONS = [
    kind
    for _, kind in inspect.getmembers(httpx, inspect.isclass)
    if issubclass(kind, Exception) and not issubclass(kind, Warning)
]


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_no_error_of_httpx_is_unmapped(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    assert isinstance(error, FOREIGN)
    to, what, _ = translated(error, "http://localhost")
    assert issubclass(to, PbxError)
    if kind not in (httpx.HTTPError, httpx.RequestError, httpx.TransportError):
        assert not what.startswith("the exchange failed")


@pytest.mark.parametrize("text", ["Server disconnected", "peer closed connection"])
def test_what_a_proxy_lost_is_a_lost_answer(text: str) -> None:
    assert translated(httpx.RemoteProtocolError(text), "http://localhost")[0] is AnswerLost


def test_the_causes_of_an_error_are_looked_into() -> None:
    error = httpx.ConnectError("All connection attempts failed")
    error.__cause__ = OSError("several")
    error.__cause__.__cause__ = ExceptionGroup("all", [OSError("one"), ConnectionRefusedError()])
    assert translated(error, "http://localhost")[1] == "connection refused"
