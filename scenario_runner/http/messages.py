"""Reads and writes HTTP/1.1 messages; knows no socket."""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import httptools

from scenario_runner.exchange import Request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.exchange import Headers, Response


HEAD_LIMIT: Final = 64 * 1024
BODY_LIMIT: Final = 1024 * 1024
_SLICE: Final = 4096


_Parser: TypeAlias = "httptools.HttpRequestParser | httptools.HttpResponseParser"


class Malformed(Exception):
    """What came is no message that can be read; `status` is a server's answer to it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


_LARGE_HEAD: Final = Malformed(431, "the head is larger than 64 KiB")
_OTHER_VERSION: Final = Malformed(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")


class Incoming(NamedTuple):
    """A whole request, and whether the client wants the connection kept."""

    request: Request
    keep_alive: bool


class _Reader:
    """Collects what the parser finds of one message, within limits.

    Heads (and trailers) above 64 KiB and bodies above 1 MiB raise Malformed: nothing that is
    spoken here is near that. The parser itself knows no limit, so `_quiet` counts the bytes since
    it last began a message, ended a head or found a piece of a body.
    """

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self._in_head = True
        self._body = bytearray()
        self._size = 0
        self._quiet = 0

    def on_message_begin(self) -> None:
        """Begin anew."""
        self.headers = []
        self._in_head = True
        self._body = bytearray()
        self._size = 0
        self._quiet = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes after the body is a trailer, which nobody reads."""
        if self._in_head:
            self.headers.append((name, value))
            self._size += len(name) + len(value)
            if self._size > HEAD_LIMIT:
                raise _LARGE_HEAD

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self._quiet = 0
        self._body += data
        if len(self._body) > BODY_LIMIT:
            raise Malformed(413, "the body is larger than 1 MiB")

    def _find(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key.lower() == name]

    def _parse(self, parser: _Parser, data: bytes) -> None:
        """Feed a parser; raises Malformed, and HttpParserUpgrade as the parser does."""
        self._quiet += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            raise error.__context__ or error from None
        except httptools.HttpParserUpgrade:
            raise
        except httptools.HttpParserError as error:
            raise Malformed(400, str(error)) from None
        if self._quiet > HEAD_LIMIT:
            raise _LARGE_HEAD


class _Head(NamedTuple):
    """A request's head, and whether the client waits for `100 Continue` before its body."""

    method: str
    path: str
    headers: Headers
    keep_alive: bool
    waits: bool


class RequestReader(_Reader):
    """Takes bytes as they come and gives whole requests, one after the other.

    No more than a few kilobytes are parsed before they are asked for: parsed requests take many
    times the memory of their bytes, and some clients send without ever reading.
    """

    def __init__(self) -> None:
        super().__init__()
        self._parser = httptools.HttpRequestParser(self)
        self._buffer = bytearray()
        self._whole: deque[Incoming] = deque()
        self._refused: Malformed | None = None
        self._target = b""
        self._head: _Head | None = None
        self._resuming = False
        self.begun = False

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._buffer += data

    @property
    def more(self) -> bool:
        """Whether `next` may have something to give before more bytes come."""
        return bool(self._whole or self._buffer or self._refused)

    @property
    def pending(self) -> int:
        """How many bytes have come that were not looked at."""
        return len(self._buffer)

    def asks_to_continue(self) -> bool:
        """Tell, once for a request, that the client waits for `100 Continue` before its body."""
        head = self._head
        if head is None or not head.waits or self._body or self._buffer:
            return False
        self._head = head._replace(waits=False)
        return True

    def next(self) -> Incoming | None:
        """Return the next whole request, or None until more bytes come; raises Malformed."""
        while not self._whole and self._buffer and self._refused is None:
            data = bytes(self._buffer[:_SLICE])
            del self._buffer[:_SLICE]
            try:
                self._take(data)
            except Malformed as error:
                self._refused = error
        if self._whole:
            return self._whole.popleft()
        if self._refused is not None:
            raise self._refused
        return None

    def _take(self, data: bytes) -> None:
        try:
            self._parse(self._parser, data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade()
            if rest := data[upgrade.args[0] :]:
                self._take(rest)
        except Malformed:
            if self._target and not self.headers and self._version not in ("0.0", "1.0", "1.1"):
                raise _OTHER_VERSION from None
            raise

    @property
    def _version(self) -> str:
        return self._parser.get_http_version()

    def _ignore_upgrade(self) -> None:
        """Go on in HTTP/1.1 after a head with `Upgrade`, which some clients send with every body.

        The parser takes what follows for another protocol: a fresh one is given a head that says
        no more than how the body ends.
        """
        self._parser = httptools.HttpRequestParser(self)
        if self._head is not None:
            ends = b"".join(
                b"%s: %s\r\n" % header
                for header in self.headers
                if header[0].lower() in (b"content-length", b"transfer-encoding")
            )
            self._resuming = True
            self._parser.feed_data(b"POST / HTTP/1.1\r\n" + ends + b"\r\n")
            self._resuming = False

    def on_message_begin(self) -> None:
        """Begin a request."""
        if not self._resuming:
            super().on_message_begin()
            self._target = b""
            self.begun = True

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._target += url

    def on_headers_complete(self) -> None:
        """Refuse what the parser lets pass and this server does not; raises Malformed."""
        self._in_head = False
        self._quiet = 0
        if self._resuming:
            return
        version = self._version
        if version not in ("1.0", "1.1"):
            raise _OTHER_VERSION
        hosts = len(self._find(b"host"))
        if hosts > 1 or (not hosts and version == "1.1"):
            raise Malformed(400, "a request has one Host header")
        expects = [value.lower() for value in self._find(b"expect")] == [b"100-continue"]
        self._head = _Head(
            method=self._parser.get_method().decode(),
            path=_path(self._target.decode("latin-1")),
            headers=decoded(self.headers),
            keep_alive=version == "1.1" and self._parser.should_keep_alive(),
            waits=self._has_body() and expects and version == "1.1",
        )

    def _has_body(self) -> bool:
        coding = self._find(b"transfer-encoding")
        if coding and (self._version == "1.0" or [c.lower() for c in coding] != [b"chunked"]):
            raise Malformed(400, "Transfer-Encoding can only be chunked, and only in HTTP/1.1")
        length = sum(int(value) for value in self._find(b"content-length"))
        if length > BODY_LIMIT:
            raise Malformed(413, "the body is larger than 1 MiB")
        return bool(coding) or length > 0

    def on_message_complete(self) -> None:
        """Keep the whole request."""
        if self._head is None or (self._parser.should_upgrade() and self._has_body()):
            return
        method, path, headers, keep_alive, _ = self._head
        self._head = None
        self.begun = False
        request = Request(method=method, path=path, headers=headers, body=bytes(self._body))
        self._whole.append(Incoming(request, keep_alive))


def decoded(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return headers as text, in their order."""
    return tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])


def _path(target: str) -> str:
    """Return the path and query, also where a proxy's client names the whole address."""
    if target.startswith("/") or target == "*":
        return target
    scheme, found, rest = target.partition("://")
    if not found or scheme.lower() not in ("http", "https"):
        raise Malformed(400, "the first line names no path")
    return "/" + rest.partition("/")[2]


class Answer(NamedTuple):
    """A whole answer; the body is as it came, still compressed if it was."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    keep_alive: bool


class ResponseReader(_Reader):
    """Takes the bytes of one connection's answers, one after the other.

    Any `1xx` before an answer are left out. What comes after its end is not looked at, and makes
    the connection unfit for another exchange.
    """

    def __init__(self) -> None:
        super().__init__()
        self._parser = httptools.HttpResponseParser(self)
        self._headless = False
        self._status = 0
        self._keep_alive = False
        self.begun = False
        self.whole = True

    def expect(self, *, headless: bool = False) -> None:
        """Begin to wait for an answer; one to HEAD is `headless` and has no body."""
        self._headless = headless
        self._quiet = 0
        self._keep_alive = False
        self.begun = self.whole = False

    def feed(self, data: bytes) -> None:
        """Take what came; raises Malformed."""
        self.begun = True
        try:
            self._parse(self._parser, data)
        except Malformed:
            if not self.whole:
                raise
            self._keep_alive = False

    def end(self) -> None:
        """Take note that nothing more comes: an answer that gives no length is whole by that."""
        chunked = b"chunked" in b",".join(self._find(b"transfer-encoding")).lower()
        endless = not chunked and not self._find(b"content-length")
        self.whole = self.whole or (self.begun and not self._in_head and endless)
        self._keep_alive = False

    def answer(self) -> Answer:
        """Return the answer, once it is whole."""
        return Answer(self._status, self.headers, bytes(self._body), self._keep_alive)

    def on_message_begin(self) -> None:
        """Begin an answer; raises Malformed where it is one too many."""
        if self.whole:
            raise Malformed(400, "more came than was asked for")
        quiet = self._quiet
        super().on_message_begin()
        self._quiet = quiet

    def on_headers_complete(self) -> None:
        """Note the status; raises Malformed where another protocol would begin."""
        self._status = self._parser.get_status_code()
        if self._status < 100 or self._status == 101:
            raise Malformed(400, f"status {self._status} was not asked for")
        if self._status >= 200:
            self._in_head = False
            self._quiet = 0
            self.whole = self._headless

    def on_message_complete(self) -> None:
        """Note that the answer is whole, unless it is only an interim one."""
        if self._status >= 200 and not self.whole:
            self.whole = True
            self._keep_alive = self._parser.should_keep_alive()


_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET: Final = re.compile(rb"[\x21-\x7e]+")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")


def written_request(
    method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes
) -> bytes:
    """Return a request as bytes; raise ValueError for what would be none, or two."""
    if not _TOKEN.fullmatch(method) or not _TARGET.fullmatch(target):
        raise ValueError("the method or the path has a character that none can have")
    lines = [b"%s %s HTTP/1.1\r\n" % (method, target)]
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError(f"the header {name.decode('latin-1')!r} has a forbidden character")
        lines.append(b"%s: %s\r\n" % (name, value))
    return b"".join(lines) + b"\r\n" + body


@lru_cache(maxsize=64)
def _first_line(status: int) -> str:
    known = {code.value: code.phrase for code in HTTPStatus} | {413: "Content Too Large"}
    return f"HTTP/1.1 {status} {known.get(status, 'Status')}\r\n"


def written_head(response: Response, date: str, *, keep: bool) -> bytes:
    """Return an answer's head as bytes; without `keep` it says that the connection is closed."""
    headers = "".join([f"{name}: {value}\r\n" for name, value in response.headers])
    length = "" if response.status == 204 else f"Content-Length: {len(response.body)}\r\n"
    close = "" if keep else "Connection: close\r\n"
    first = _first_line(response.status)
    return f"{first}{headers}{length}Date: {date}\r\n{close}\r\n".encode("latin-1")
