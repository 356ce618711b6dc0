"""The golden event streams, and what a reporter makes of a stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.events import decode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.events import Event
    from scenario_runner.reporters import Reporter

GOLDEN = Path(__file__).parent.parent / "golden"
CASES = sorted(file.parent.name for file in GOLDEN.glob("*/events.jsonl"))


def stream(case: str) -> list[Event]:
    text = (GOLDEN / case / "events.jsonl").read_text(encoding="utf-8")
    return [decode(line) for line in text.split("\n") if line]


def play(events: Iterable[Event], reporter: Reporter) -> None:
    for event in events:
        reporter.handle(event)
    reporter.close()


class Kept:
    """An output that keeps its text."""

    def __init__(self) -> None:
        self.text = ""
        self.closed = self.discarded = False

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def discard(self) -> None:
        self.discarded = True
