"""Reads HTTP/1.1 requests from bytes as they come; knows no socket."""

from __future__ import annotations

from typing import Final, NamedTuple

from scenario_runner.exchange import Headers, Request

HEAD_LIMIT: Final = 64 * 1024
BODY_LIMIT: Final = 1024 * 1024
_CHUNK_LINE_LIMIT: Final = 256


class Malformed(Exception):
    """What came is no request that can be served; `status` is the HTTP answer to it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Incoming(NamedTuple):
    """A whole request, and whether the client wants the connection kept."""

    request: Request
    keep_alive: bool


class _Head(NamedTuple):
    method: str
    path: str
    headers: Headers
    keep_alive: bool
    length: int
    """Of the body, or -1 where it comes in chunks."""
    awaits_continue: bool


class RequestParser:
    """Collects bytes and gives whole requests, one after the other.

    Heads above 64 KiB and bodies above 1 MiB are refused: nothing this API takes is near that.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None
        self._body_so_far = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._buffer += data

    @property
    def pending(self) -> int:
        """How many bytes have come that are not yet part of a request given out."""
        return len(self._buffer)

    @property
    def awaits_continue(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends the body."""
        return self._head is not None and self._head.awaits_continue and not self._buffer

    def next(self) -> Incoming | None:
        """Return the next whole request, or None until more bytes come; raises Malformed."""
        if self._head is None:
            self._head = self._read_head()
        head = self._head
        if head is None:
            return None
        body = self._body(head.length) if head.length >= 0 else self._chunked()
        if body is None:
            return None
        self._head = None
        request = Request(method=head.method, path=head.path, headers=head.headers, body=body)
        return Incoming(request, head.keep_alive)

    def _read_head(self) -> _Head | None:
        while self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 and len(self._buffer) <= HEAD_LIMIT:
            return None
        if not 0 <= end <= HEAD_LIMIT:
            raise Malformed(431, "the request's head is too large")
        text = self._buffer[:end].decode("latin-1")
        del self._buffer[: end + 4]
        return _head(text)

    def _body(self, length: int) -> bytes | None:
        if not length:
            return b""
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _chunked(self) -> bytes | None:
        while (size := self._chunk_size()) is not None:
            end, line_end = size
            if not end:
                return self._last_chunk(line_end)
            start = line_end + 2
            if len(self._buffer) < start + end + 2:
                return None
            if self._buffer[start + end : start + end + 2] != b"\r\n":
                raise Malformed(400, "a chunk of the body does not end where it says")
            self._body_so_far += self._buffer[start : start + end]
            del self._buffer[: start + end + 2]
            if len(self._body_so_far) > BODY_LIMIT:
                raise Malformed(413, "the request's body is too large")
        return None

    def _chunk_size(self) -> tuple[int, int] | None:
        """Return the size of the next chunk and where its line ends."""
        line_end = self._buffer.find(b"\r\n", 0, _CHUNK_LINE_LIMIT)
        if line_end < 0:
            if len(self._buffer) >= _CHUNK_LINE_LIMIT:
                raise Malformed(400, "a chunk of the body has no size")
            return None
        word = bytes(self._buffer[:line_end]).split(b";")[0].strip()
        if not word or len(word) > 8 or word.strip(b"0123456789abcdefABCDEF"):
            raise Malformed(400, "a chunk of the body has no size")
        size = int(word, 16)
        if size > BODY_LIMIT:
            raise Malformed(413, "the request's body is too large")
        return size, line_end

    def _last_chunk(self, line_end: int) -> bytes | None:
        """Drop the trailer and return the whole body."""
        if self._buffer.startswith(b"\r\n", line_end + 2):
            end = line_end + 4
        else:
            end = self._buffer.find(b"\r\n\r\n", line_end) + 4
            if len(self._buffer) > HEAD_LIMIT:
                raise Malformed(431, "the request's trailer is too large")
            if end < 4:
                return None
        del self._buffer[:end]
        body = bytes(self._body_so_far)
        self._body_so_far.clear()
        return body


def _head(text: str) -> _Head:
    first, *lines = text.split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[0].isalpha() or not words[1]:
        raise Malformed(400, "the first line is no HTTP request")
    method, target, version = words
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise Malformed(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    headers = tuple([_header(line) for line in lines])
    known = {name.lower(): value for name, value in headers}
    connection = known.get("connection", "").lower()
    keep = version == "HTTP/1.1" and "close" not in connection
    length = _length(known, headers)
    waits = known.get("expect", "").lower() == "100-continue" and length != 0
    return _Head(method, _path(target), headers, keep, length, waits)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not name or name != name.strip() or " " in name or "\0" in value:
        raise Malformed(400, "a header line can't be read")
    return name, value.strip(" \t")


def _path(target: str) -> str:
    """Return the path and query, also where a proxy's client names the whole address."""
    if target.startswith("/") or target == "*":
        return target
    scheme, found, rest = target.partition("://")
    if not found or scheme.lower() not in ("http", "https"):
        raise Malformed(400, "the first line names no path")
    return "/" + rest.partition("/")[2]


def _length(known: dict[str, str], headers: Headers) -> int:
    """Return the length of the body; several that differ would be a way to smuggle requests."""
    if "transfer-encoding" in known:
        if known["transfer-encoding"].lower() != "chunked" or "content-length" in known:
            raise Malformed(400, "the body's length is said in two ways")
        return -1
    told = {value for name, value in headers if name.lower() == "content-length"}
    if not told:
        return 0
    word = told.pop()
    if told or not (word.isascii() and word.isdigit()) or len(word) > 15:
        raise Malformed(400, "Content-Length is no number")
    if int(word) > BODY_LIMIT:
        raise Malformed(413, "the request's body is too large")
    return int(word)
