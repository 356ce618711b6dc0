"""Carries requests over HTTP: the only user of httpx, whose errors end here."""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

import httpx

from scenario_runner.durations import SECOND, duration_text
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
from scenario_runner.http.messages import BODY_LIMIT, decoded
from scenario_runner.pbx.ringme.transport import OnceTransport, TooLarge
from scenario_runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenario_runner.pbx.ringme.access import RestAccess


LARGEST = BODY_LIMIT
_LONGEST_CONNECT = 10.0
_GZIP = 31
_URLS = 1024
_HEADERS = (
    ("Accept", "*/*"),
    ("Accept-Encoding", "gzip"),
    ("User-Agent", f"scenario-runner/{__version__}"),
)


class HttpTransport:
    """A pool of connections to one target; see `exchange.Transport`.

    Certificates are verified unless `insecure`; redirects are an error; answers of more than
    1 MiB are refused. Raises TargetError where `ca_file` holds no certificates.
    """

    def __init__(self, access: RestAccess, name: str, *, insecure: bool = False) -> None:
        if access.is_overheard and not insecure:
            raise TargetError(
                f"the target {name}: {access.place} is another machine, and over http:// anybody "
                "between here and there can read the credentials",
                hint="write https:// in its url, or add --insecure if that is all right",
            )
        self._root = access.url
        self._name = name
        self._transport = _transport(access, insecure=insecure)
        self._url = lru_cache(maxsize=_URLS)(lambda path: httpx.URL(access.url + path))

    async def send(self, request: Request, within: float) -> Response:
        """Send a request; see `exchange.Transport`."""
        try:
            async with asyncio.timeout(within):
                return await self._exchange(request, within)
        except TimeoutError:
            limit = duration_text(int(within * SECOND))
            raise TimedOut(self._said(request, f"no answer within {limit}")) from None
        except FOREIGN as error:
            kind, what, hint = translated(error, self._root)
            raise kind(self._said(request, what), hint=hint) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    def _said(self, request: Request, what: str) -> str:
        return f"target {self._name}, {request.method} {self._root}{request.path}: {what}"

    async def _exchange(self, request: Request, within: float) -> Response:
        connect = min(_LONGEST_CONNECT, within * 0.9)
        own = {name.lower() for name, _ in request.headers}
        built = httpx.Request(
            request.method,
            self._url(request.path),
            headers=[*(one for one in _HEADERS if one[0].lower() not in own), *request.headers],
            content=request.body or None,
            extensions={"timeout": httpx.Timeout(None, connect=connect).as_dict()},
        )
        answer = await self._transport.handle_async_request(built)
        try:
            self._refuse_redirect(request, answer)
            body = await self._body(request, answer)
        finally:
            await answer.aclose()
        headers = decoded(answer.headers.raw)
        return Response(status=answer.status_code, headers=headers, body=body)

    def _refuse_redirect(self, request: Request, answer: httpx.Response) -> None:
        goal = answer.headers.get("location")
        if answer.has_redirect_location and goal is not None:
            root = goal.partition("://")[0] + "://" + goal.partition("://")[2].partition("/")[0]
            hint = f"if that is the PBX, write url: {root}" if "://" in goal else None
            what = f"the answer is a redirect (status {answer.status_code}) to {goal[:200]}"
            raise BadAnswer(self._said(request, what), hint=hint or _NOT_THE_PBX)

    async def _body(self, request: Request, answer: httpx.Response) -> bytes:
        encoding = answer.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip"):
            raise BadAnswer(self._said(request, f"the answer is encoded as {encoding[:40]}"))
        raw = bytearray()
        async for part in answer.aiter_raw():
            raw += part
            if len(raw) > LARGEST:
                self._refuse_large(request)
        if encoding == "identity" or not raw:
            return bytes(raw)
        try:
            body = zlib.decompressobj(_GZIP).decompress(bytes(raw), LARGEST + 1)
        except zlib.error as error:
            raise BadAnswer(self._said(request, "the answer is not gzip, though it says so")) from (
                error
            )
        if len(body) > LARGEST:
            self._refuse_large(request)
        return body

    def _refuse_large(self, request: Request) -> None:
        raise BadAnswer(self._said(request, "the answer is larger than 1 MiB"), hint=_NOT_THE_PBX)


def _transport(access: RestAccess, *, insecure: bool) -> httpx.AsyncBaseTransport:
    """Return a transport that sends once; the way through a proxy is httpx's own."""
    tls = _verification(access, insecure=insecure)
    if access.proxy:
        limits = httpx.Limits(
            max_connections=access.max_at_once, max_keepalive_connections=access.max_at_once
        )
        return httpx.AsyncHTTPTransport(
            verify=tls or False, proxy=access.proxy, limits=limits, trust_env=False
        )
    return OnceTransport(tls, access.max_at_once)


def _verification(access: RestAccess, *, insecure: bool) -> ssl.SSLContext | None:
    """Return how TLS is spoken, or None for plain HTTP."""
    if access.url.startswith("http://"):
        return None
    if insecure or not access.ca_file:
        return httpx.create_ssl_context(verify=not insecure, trust_env=False)
    try:
        return ssl.create_default_context(cafile=access.ca_file)
    except (OSError, ValueError) as error:
        text = f"the certificates in {access.ca_file} can't be read: {error}"
        raise TargetError(text, hint="ca_file is a file of certificates in PEM format") from error


Translation = tuple[type[PbxError], str, str | None]

FOREIGN = (
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    UnicodeError,
)
"""Everything that httpx raises for what can happen to an exchange."""

_NOT_THE_PBX = "is the target's url that of the PBX itself?"
_RUNNING = "is the PBX running there, and is 'url' in the targets file right?"


def translated(error: Exception, root: str) -> Translation:
    """Return what an error of httpx is called here, what happened in words, and a remedy."""
    for kind, translate in _TABLE.items():
        if isinstance(error, kind):
            return translate(error, root)
    return AnswerLost, f"the exchange failed: {type(error).__name__}", None


def _not_connected(error: Exception, root: str) -> Translation:
    """Tell why no connection came about: the name, the certificate, or nobody there."""
    for cause in _causes(error):
        match cause:
            case socket.gaierror():
                host = httpx.URL(root).host
                hint = "check 'url' in the targets file, and this machine's network"
                return Unreachable, f"the host name {host} is not known", hint
            case ssl.SSLCertVerificationError():
                hint = "check the name in 'url', or name the authority's certificate by 'ca_file'"
                what = f"the certificate is not accepted: {cause.verify_message}"
                return Unreachable, what, hint
            case ssl.SSLError():
                hint = "if the PBX speaks plain HTTP there, write http:// in 'url'"
                return Unreachable, f"no TLS connection came about: {_reason(cause)}", hint
            case ConnectionRefusedError():
                return Unreachable, "connection refused", _RUNNING
    return Unreachable, f"no connection: {str(error) or type(error).__name__}", _RUNNING


def _reason(error: ssl.SSLError) -> str:
    return str(error.reason or "unknown reason").lower().replace("_", " ")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and everything that led to it."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            pending += one.exceptions
        pending += [one.__context__, one.__cause__]


def _lost(error: Exception, root: str) -> Translation:
    hint = "if the PBX speaks TLS there, write https:// in 'url'" if _is_plain(root) else None
    return AnswerLost, f"the connection was lost before the answer was whole: {error}", hint


def _is_plain(root: str) -> bool:
    return root.startswith("http://")


def _protocol(error: Exception, root: str) -> Translation:
    text = str(error)
    if text.startswith(("Server disconnected", "peer closed", "Connection")):
        return _lost(error, root)
    return BadAnswer, f"what answers there does not speak HTTP: {text[:200]}", _NOT_THE_PBX


def _never_sent(error: Exception, _: str) -> Translation:
    return NotPossible, f"this can't be sent as HTTP: {error}", None


def _no_proxy(error: Exception, _: str) -> Translation:
    return Unreachable, f"the proxy does not let it through: {error}", "check 'proxy' of the target"


def _late(_: Exception, __: str) -> Translation:
    return TimedOut, "no answer in time", None


def _no_connection_in_time(_: Exception, __: str) -> Translation:
    return Unreachable, "no connection in time", _RUNNING


def _too_large(_: Exception, __: str) -> Translation:
    return BadAnswer, "the answer is larger than 1 MiB", _NOT_THE_PBX


def _unreadable(error: Exception, _: str) -> Translation:
    return BadAnswer, f"the answer can't be read: {error}", _NOT_THE_PBX


_TABLE: dict[type[Exception], Callable[[Exception, str], Translation]] = {
    httpx.ConnectTimeout: _no_connection_in_time,
    httpx.PoolTimeout: _no_connection_in_time,
    httpx.TimeoutException: _late,
    httpx.ConnectError: _not_connected,
    httpx.ProxyError: _no_proxy,
    httpx.UnsupportedProtocol: _never_sent,
    httpx.LocalProtocolError: _never_sent,
    httpx.InvalidURL: _never_sent,
    UnicodeError: _never_sent,
    TooLarge: _too_large,
    httpx.RemoteProtocolError: _protocol,
    httpx.ProtocolError: _protocol,
    httpx.NetworkError: _lost,
    httpx.DecodingError: _unreadable,
    httpx.TooManyRedirects: _unreadable,
    httpx.HTTPStatusError: _unreadable,
    httpx.StreamError: _unreadable,
    httpx.CookieConflict: _unreadable,
}
