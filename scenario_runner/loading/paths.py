"""Paths into values and answers, as far as they can be judged before anything runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scenario_runner.references import Fields, Items, Literal, Reference, Text, parse_path

if TYPE_CHECKING:
    from scenario_runner.references import Expression, Path

_PATH = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+|\[[0-9]{1,9}\])*")


def read_path(text: str) -> Path | None:
    """Return the keys and indexes of `call_list[0].uuid`, or None where it is no path."""
    if not _PATH.fullmatch(text):
        return None
    if "-" not in text:
        return parse_path(text)
    parts = re.findall(r"[\w-]+", text)
    return tuple(int(part) if part.isdigit() else part for part in parts)


def path_fault(value: Expression, path: Path) -> str | None:
    """Say why `path` can't be followed into `value`, or None where it can or nobody knows."""
    for step in path:
        match value:
            case Reference():
                return None
            case Fields(fields):
                known = dict(fields)
                if str(step) not in known:
                    return f"has no '{step}' (there is: {', '.join(known)})"
                value = known[str(step)]
            case Items(items):
                if not isinstance(step, int) or step >= len(items):
                    return f"is a list of {len(items)} and has no '{step}'"
                value = items[step]
            case Literal() | Text():
                return f"is a plain value and has no '{step}'"
    return None
