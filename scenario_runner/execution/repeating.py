"""The command line that repeats a run: told with every failure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def rerun_command(
    options: Sequence[tuple[str, str]] = (), *, switches: Sequence[str] = (), seed: int = 0
) -> str:
    """Return the command without its paths; the seed comes last, see `reporters.accounts`."""
    words = ["scenario-runner", "run", *switches]
    for option, value in options:
        words += [option, value]
    return shlex.join([*words, "--seed", str(seed)])
