"""What the exit code of the process says: the one list of them, and which is the gravest."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Exit(IntEnum):
    """An exit code; of several the gravest is that of the process."""

    PASSED = 0
    FAILED = 1
    INVALID = 2
    USAGE = 3
    ERRORED = 4
    FAULT = 5
    INTERRUPTED = 130

    @property
    def gravity(self) -> int:
        """How grave it is: the higher, the graver."""
        return _BY_GRAVITY.index(self)


_BY_GRAVITY = (
    Exit.PASSED,
    Exit.FAILED,
    Exit.USAGE,
    Exit.INVALID,
    Exit.ERRORED,
    Exit.INTERRUPTED,
    Exit.FAULT,
)


def gravest(codes: Iterable[Exit]) -> Exit:
    """Return the gravest of several exit codes; of none at all it is PASSED."""
    return max(codes, key=lambda code: code.gravity, default=Exit.PASSED)
