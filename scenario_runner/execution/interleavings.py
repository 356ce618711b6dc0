"""The order in which commands sent at the same moment reach the PBX: by seed, given, or all."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable


Order = tuple[tuple[int, int], ...]
_TURN = re.compile(r" \((?:order|run) [0-9]+\)$")


def in_turn(name: str, word: str, number: int) -> str:
    """Return the name of a scenario that runs several times: `Park (order 2)`, `Park (run 3)`."""
    return f"{name} ({word} {number})"


def without_turn(name: str) -> str:
    """Return the name that a scenario has in its file."""
    while (shorter := _TURN.sub("", name)) != name:  # a repeated run has all orders each time
        name = shorter
    return name


def scenario_seed(seed: int, scenario: str) -> int:
    """Return the seed of one scenario: its own, and the same however many others run."""
    # crc32 and not hash(), which differs from process to process. The prime takes neighbouring
    # seeds far apart: with a plain sum, seed 1 of one scenario would be seed 0 of another one whose
    # checksum is greater by one. 31 bits, so that the number is the same in every report.
    return (seed * 1_000_003 + crc32(without_turn(scenario).encode())) & 0x7FFFFFFF


def seeded(seed: int) -> Callable[[int], int]:
    """Return a choice made by the seed."""
    return random.Random(seed).randrange


def given(choices: tuple[int, ...]) -> Callable[[int], int]:
    """Return a choice that follows `choices` and then always takes the first that waits."""
    left = list(reversed(choices))

    def choose(count: int) -> int:
        # The scenario may have been changed since the order was written down.
        return min(left.pop(), count - 1) if left else 0

    return choose


def next_order(order: Order) -> tuple[int, ...] | None:
    """Return the choices of the next order, depth first; None after the last one."""
    # As a counter goes on: the last place that can goes one further, those behind it begin again.
    choices = list(order)
    while choices:
        chosen, count = choices.pop()
        if chosen + 1 < count:
            return (*(earlier for earlier, _ in choices), chosen + 1)
    return None


def order_text(order: Order) -> str:
    """Write an order as `--order` takes it: `0-1-0`."""
    return "-".join(str(chosen) for chosen, _ in order)
