"""The hourly limit of requests, and the headers that tell how much of it is left."""

from __future__ import annotations

from typing import Final

HOUR: Final = 3_600_000_000


class HourlyLimit:
    """Counts the requests of each hour of the mock's clock (microseconds)."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._limit_header = ("X-RateLimit-Limit", str(limit))
        self._hour = 0
        self._taken = 0

    def take(self, now_us: int) -> bool:
        """Count one request; False where the hour's limit is used up."""
        hour = now_us // HOUR
        if hour != self._hour:
            self._hour, self._taken = hour, 0
        if self._taken >= self._limit:
            return False
        self._taken += 1
        return True

    def headers(self, now_us: int) -> tuple[tuple[str, str], ...]:
        """Tell the limit, what is left of it, and the seconds until it is whole again."""
        left = HOUR - now_us % HOUR
        return (
            self._limit_header,
            ("X-RateLimit-Remaining", str(self._limit - self._taken)),
            ("X-RateLimit-Reset", str(-(-left // 1_000_000))),
        )
