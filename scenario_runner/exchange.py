"""What travels between a driver and a PBX: requests, responses, and the seam they cross."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from msgspec import Struct

Headers = tuple[tuple[str, str], ...]


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request below a target's root.

    `method` is upper case, `path` begins with `/` and carries the query string, if any;
    `body` is the bytes as sent (empty for none).
    """

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""


class Response(Struct, frozen=True, kw_only=True):
    """One HTTP answer: status code, headers in the order sent, and the body's bytes."""

    status: int
    headers: Headers = ()
    body: bytes = b""


class Loss(Enum):
    """Whether an exchange breaks: not at all, before anything was done, or after it was done."""

    NO = "no"
    BEFORE = "before"
    AFTER = "after"


class Answer(Struct, frozen=True, kw_only=True):
    """A response, and what the server that carries it does with it.

    It waits `delay_us`, then loses it or lets the body come over `body_us` (microseconds).
    """

    response: Response
    delay_us: int = 0
    body_us: int = 0
    loss: Loss = Loss.NO


def header(headers: Headers, name: str) -> str | None:
    """Return the first header of that name (in any case), or None."""
    wanted = name.lower()
    for key, value in headers:
        if key.lower() == wanted:
            return value
    return None


class Transport(Protocol):
    """Carries one request to a PBX and brings its answer back.

    Implementations raise `errors.Unreachable`, `errors.AnswerLost` or `errors.TimedOut` when no
    answer can be had. A transport never retries and never reads a body's meaning.
    """

    async def send(self, request: Request, within: float) -> Response:
        """Send `request`; raise `errors.TimedOut` when no answer came `within` seconds."""
        ...
