"""What a line of JSON costs: microseconds an event, beside `json.dumps` of the same events.

Run: python benchmarks/json_lines.py
Both sides are measured in turns in this one process. `json.dumps` of an event as a plain object is
what the machine can do without a writer made for events; the ratio is what counts.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from scenario_runner.events import decode, to_json
from scenario_runner.reporters import open_reporter

if TYPE_CHECKING:
    from scenario_runner.events import Event

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"
ROUNDS = 9
TIMES = 100


def events() -> list[Event]:
    """Return the events of all golden streams."""
    files = sorted(GOLDEN.glob("*/events.jsonl"))
    return [decode(line) for file in files for line in file.read_bytes().splitlines()]


def as_lines(written: list[Event], file: Path) -> float:
    """Return the microseconds an event that the reporter takes, its file included."""
    begin = perf_counter()
    reporter = open_reporter("events", str(file))
    for _ in range(TIMES):
        for event in written:
            reporter.handle(event)
    reporter.close()
    return (perf_counter() - begin) / TIMES / len(written) * 1e6


def reference(plain: list[object], file: Path) -> float:
    """Return the microseconds an event that `json.dumps` takes, a file included."""
    begin = perf_counter()
    with file.open("w", encoding="utf-8") as output:
        for _ in range(TIMES):
            for event in plain:
                output.write(json.dumps(event) + "\n")
    return (perf_counter() - begin) / TIMES / len(plain) * 1e6


def main() -> None:
    written = events()
    plain: list[object] = [to_json(event) for event in written]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.jsonl"
        pairs = [(as_lines(written, file), reference(plain, file)) for _ in range(ROUNDS)]
    took, bare = (min(side) for side in zip(*pairs, strict=True))
    print(f"lines of JSON   {took:6.2f} µs an event   ({took / bare:.0%} of json.dumps)")
    print(f"json.dumps      {bare:6.2f} µs an event   reference")


if __name__ == "__main__":
    main()
