"""What a driver is given to open a target with, besides the target itself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.masking import Mask
from scenario_runner.pbx.journal import NoJournal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.journal import Journaling


class Notice(NamedTuple):
    """Something that deserves a look and is no error of a step; `code` is short and stable."""

    code: str
    message: str
    hint: str | None = None


def _silent(_: object) -> None:
    return None


def _microseconds_since_1970() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """How a target is to be opened.

    `announce` shows a person a line (who has to dial now); `warn` takes notices for the report;
    `journal` is told what is placed before it is. `insecure` does not verify the PBX's
    certificate. `preview` is shown each request, with its credentials masked, before it is sent.
    `wall` is the date in microseconds since 1970, `sleep` takes seconds.
    """

    mask: Mask = field(default_factory=Mask)
    seed: int = 0
    insecure: bool = False
    announce: Callable[[str], None] = _silent
    warn: Callable[[Notice], None] = _silent
    preview: Callable[[str], None] | None = None
    journal: Journaling = field(default_factory=NoJournal)
    wall: Callable[[], int] = _microseconds_since_1970
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def notice(self, code: str, message: str, hint: str | None = None) -> None:
        """Pass a notice on, with every secret in it hidden."""
        masked = None if hint is None else self.mask.text(hint)
        self.warn(Notice(code, self.mask.text(message), masked))
