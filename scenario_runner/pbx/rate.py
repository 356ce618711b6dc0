"""What a PBX says about its limit of requests, in the headers that its dialect documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.exchange import Headers, header

if TYPE_CHECKING:
    from scenario_runner.exchange import Request, Response, Transport


_NEAR = 5  # a fifth: enough for another run of the same size, mostly


class RateLimit(NamedTuple):
    """How many requests the hour allows, how many are left, and microseconds to the next hour."""

    limit: int
    remaining: int
    reset: int

    @property
    def near(self) -> bool:
        """Whether so few are left that somebody wants to know."""
        return self.remaining <= self.limit // _NEAR

    def __str__(self) -> str:
        reset = duration_text(self.reset)
        return f"{self.remaining:,} of {self.limit:,} requests are left for the next {reset}"


def read_limit(headers: Headers) -> RateLimit | None:
    """Read `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds; documented), if all are there.

    What is no plain number counts as missing.
    """
    told = [header(headers, f"X-RateLimit-{name}") for name in ("Limit", "Remaining", "Reset")]
    numbers = [int(text) for text in told if text is not None and _is_number(text)]
    if len(numbers) != 3:
        return None
    limit, remaining, reset = numbers
    return RateLimit(limit, remaining, reset * SECOND)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


class Metered:
    """A transport that remembers what was last said about the limit."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.limit: RateLimit | None = None

    async def send(self, request: Request, within: float) -> Response:
        """Send a request; see `exchange.Transport`."""
        response = await self._transport.send(request, within)
        self.limit = read_limit(response.headers) or self.limit
        return response
