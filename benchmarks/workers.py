"""What worker processes gain: 20,000 rows of six steps on one process and on two.

Run: python -m benchmarks.workers [--rows N] [--workers N] [--memory]
Each way is run in turns, with the console alone and with --events. Two ratios are told: by the
clock, which is true on an idle machine only, and by the processor: how much faster as many idle
cores would be, if they shared the processor time of all processes evenly. With --memory it
prints the highest memory of the main process for 10,000 and 100,000 rows: at most 15 MiB more.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROUNDS = 2
PR_SET_CHILD_SUBREAPER = 36
SIX_STEPS = """
scenario: Park and pick up
matrix:
  slot: {slots}
  caller: {callers}
steps:
  - call: {{as: customer, extension: 341, from: "+78120000443"}}
  - park: {{call: customer, slot: $slot}}
  - call: {{as: colleague, extension: 342, to: "+74950000200"}}
  - slots: {{call: colleague, slot: $slot}}
    expect: {{holds: customer}}
  - bridge: {{call: colleague, slot: $slot}}
  - slots: {{call: colleague, slot: $slot}}
    expect: {{empty: true}}
"""


class Cost(NamedTuple):
    """Seconds by the clock and of the processor, with all processes, and the main one's memory."""

    clock: float
    processor: float
    mebibytes: float


def measure(command: list[str]) -> Cost:
    """Run a command to its end, and whatever it started."""
    before, begin = _children(), time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    clock = time.perf_counter() - begin
    assert status == 0, f"{command} ended with {status}"
    try:
        while True:  # the fork server outlives the run for a moment, and has the workers' times
            os.wait()
    except ChildProcessError:
        return Cost(clock, _children() - before, used.ru_maxrss / 1024)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(file: Path, workers: int, *more: str) -> Cost:
    """Run the rows with this many workers."""
    command = [sys.executable, "-m", "scenario_runner", "run", str(file), "--no-cache"]
    return measure([*command, "--workers", str(workers), *more])


def least(costs: list[Cost]) -> Cost:
    """Return the least of each."""
    return Cost(*(min(column) for column in zip(*costs, strict=True)))


def write(file: Path, rows: int) -> None:
    """Write a scenario with this many rows."""
    file.write_text(SIX_STEPS.format(slots=list(range(1, 21)), callers=list(range(rows // 20))))


def show_memory(file: Path, workers: int) -> None:
    """Print the memory of the main process for few rows and for many."""
    for count in (1, workers):
        costs = []
        for rows in (10_000, 100_000):
            write(file, rows)
            costs.append(run(file, count))
        few, many = costs
        print(
            f"{count} processes: 10,000 rows {few.mebibytes:.0f} MiB, 100,000 rows "
            f"{many.mebibytes:.0f} MiB (at most 15 more), {many.clock:.1f} s by the clock, "
            f"{many.processor:.1f} s of the processor"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", action="store_true")
    given = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.scenario.yaml"
        if given.memory:
            show_memory(file, given.workers)
            return
        write(file, given.rows)
        for title, more in (
            ("console alone", []),
            ("with --events", ["--events", f"{folder}/events.jsonl"]),
        ):
            costs = [(run(file, 1, *more), run(file, given.workers, *more)) for _ in range(ROUNDS)]
            one, many = (least(list(side)) for side in zip(*costs, strict=True))
            print(f"{title}: {given.rows:,} rows")
            for name, cost in (("one process", one), (f"{given.workers} workers", many)):
                print(
                    f"  {name:12} {cost.clock:7.1f} s by the clock, {cost.processor:7.1f} s of the "
                    f"processor, {cost.mebibytes:5.0f} MiB in the main process"
                )
            by_processor = given.workers * one.processor / many.processor
            print(f"  faster: {one.clock / many.clock:.2f} by the clock, ", end="")
            print(f"{by_processor:.2f} by the processor (at least 1.7)")


if __name__ == "__main__":
    main()
