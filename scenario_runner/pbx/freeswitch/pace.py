"""How fast calls may be placed: a FreeSWITCH makes only so many sessions a second.

Beyond that it refuses to dial, with a cause that says something else. Sessions are spaced evenly
and not let through in bursts, so that two runs in a row stay below the limit, too.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LIMIT = "fsctl sps"
"""The command that asks for the limit."""

_SAID = re.compile(r"\+OK sessions per second: (\d+)")
_SHARE = 2 / 3
"""How much of the limit the runner takes: calls that return and other people dial, too."""


class Pace:
    """Lets sessions begin one after the other; without a limit, at once. `sleep` takes seconds."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._sleep = sleep
        self._each = 0.0
        self._next = 0.0
        self.limit = 0

    def take(self, said: str) -> None:
        """Take the limit from the answer to `LIMIT`; any other answer leaves it as it is."""
        found = _SAID.match(said)
        if found is not None and int(found[1]):
            self.limit = int(found[1])
            self._each = 1 / (self.limit * _SHARE)

    async def turn(self, sessions: int) -> None:
        """Wait until this many more sessions may begin."""
        now = asyncio.get_running_loop().time()
        begin = max(now, self._next)
        self._next = begin + sessions * self._each
        if begin > now:
            await self._sleep(begin - now)
