"""Pieces of plain text: lines with a tone, widths, wrapping, and names for verdicts."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import combining, east_asian_width

from scenario_runner.durations import rounded_text
from scenario_runner.events import Tone, Verdict
from scenario_runner.printable import JOINER, one_line, printable

if TYPE_CHECKING:
    from collections import Counter

    from scenario_runner.events import RunStarted
    from scenario_runner.reporters.results import ResultCollector


class Line(NamedTuple):
    """A line of text; its tone is that of the first `upto` letters, or of the whole line."""

    text: str
    tone: Tone = Tone.PLAIN
    upto: int | None = None


def cells(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    return len(text) if text.isascii() else _cells(text)


@lru_cache(maxsize=1_000)
def _cells(text: str) -> int:
    return sum(
        0 if combining(letter) or letter == JOINER else 1 + (east_asian_width(letter) in "WF")
        for letter in text
    )


def wrapped(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Break text between words into lines of at most `width` columns, each with its indent.

    A longer word stays whole: ids, addresses and paths are copied.
    """
    indent = " " * cells(first) if rest is None else rest
    if cells(text) + cells(first) <= width and "\n" not in text:
        return [first + text]
    lines: list[str] = []
    for paragraph in printable(text).split("\n"):
        lines += _filled(paragraph, width, indent if lines else first, indent)
    return lines


def _filled(paragraph: str, width: int, first: str, indent: str) -> list[str]:
    lines = [first]
    begun = False
    for word in paragraph.split(" "):
        if begun and cells(lines[-1]) + 1 + cells(word) <= width:
            lines[-1] += f" {word}"
            continue
        if begun:
            lines.append(indent)
        lines[-1] += word
        begun = True
    return lines


def quoted(text: str, lead: str) -> list[str]:
    """Put `lead` before each line of a text that is to be copied, and so is never wrapped."""
    return [f"{lead}{line}".rstrip() for line in printable(text).split("\n")]


def row(first: str, text: str, last: str, width: int) -> list[str]:
    """Return a row of a table: text that wraps below itself, `last` at the right edge."""
    room = width - cells(last) - 2
    if cells(first) + cells(text) <= room:
        return [f"{first}{text}{' ' * (width - cells(first) - cells(text) - cells(last))}{last}"]
    lines = wrapped(text, room, first)
    gap = " " * max(2, width - cells(lines[0]) - cells(last))
    return [f"{lines[0]}{gap}{last}", *lines[1:]]


def in_repository(file: str, root: str) -> str:
    """Return a path as a CI system wants it: from the repository's `root`, where it is below."""
    if not root:
        return file
    inside = os.path.relpath(os.path.realpath(file), os.path.realpath(root))
    return file if inside.startswith("..") else Path(inside).as_posix()


def count_text(number: int, thing: str) -> str:
    """Write `1 scenario`, `2 scenarios`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def counts_text(counts: Counter[Verdict]) -> str:
    """Write `3 scenarios: 2 passed, 1 failed`."""
    parts = [f"{counts[verdict]:,} {verdict}" for verdict in Verdict if counts[verdict]]
    total = count_text(counts.total(), "scenario")
    return f"{total}: {', '.join(parts)}" if parts else total


def target_name(run: RunStarted) -> str:
    """Write what the run was against: `mock (in this process)`."""
    return one_line(f"{run.target or 'unknown'} ({run.host or 'unknown host'})")


def target_text(run: RunStarted) -> str:
    """Write what the run was against: `target mock (in this process)`."""
    return f"target {target_name(run)}"


def unrun_text(gathered: ResultCollector) -> str:
    """Say what of the run did not happen; empty where all of it did."""
    missing, total = gathered.missing, gathered.run.total
    parts = ["the run was interrupted"] if gathered.interrupted else []
    if missing:
        verb = "was" if missing == 1 else "were"
        parts.append(f"{missing:,} of {count_text(total, 'scenario')} {verb} not run")
    return ", ".join(parts)


def verdict_of_run(counts: Counter[Verdict], gathered: ResultCollector) -> Verdict:
    """Return the verdict that the whole run has: `passed` only where nothing speaks against it.

    A run of nothing has not passed, unless it is a shard to which nothing falls.
    """
    if gathered.interrupted or gathered.invalid or counts[Verdict.ERRORED]:
        return Verdict.ERRORED
    if gathered.end is not None and gathered.end.exit_code:
        return Verdict.FAILED
    return Verdict.PASSED if counts.total() or gathered.run.shard else Verdict.ERRORED


def summary_parts(counts: Counter[Verdict], gathered: ResultCollector) -> list[str]:
    """Return the parts of the line that sums a run up."""
    invalid = count_text(gathered.invalid, "invalid file") if gathered.invalid else ""
    run = gathered.run
    parts = [counts_text(counts), invalid, unrun_text(gathered), target_text(run)]
    parts.append(f"seed {run.seed}")
    if gathered.end is not None:
        parts.append(rounded_text(gathered.end.took))
    return [part for part in parts if part]
