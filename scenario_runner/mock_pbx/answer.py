"""What the mock does with a request: the response, how late it comes, and whether it is lost."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenario_runner.exchange import Response


class Loss(Enum):
    """Whether an exchange breaks: not at all, before the mock did anything, or after it did."""

    NO = "no"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response, and what whoever carries it does with it.

    It waits `delay_us`, then loses it or lets the body come over `body_us`.
    """

    response: Response
    delay_us: int = 0
    body_us: int = 0
    loss: Loss = Loss.NO
