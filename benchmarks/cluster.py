"""What a Dask cluster adds to a scenario: rows on one process, and on two Dask workers here.

Run: python -m benchmarks.cluster [--rows N]
The cost that Dask adds is the processor time of all processes (scheduler, workers, client), less
that of one process without Dask, for each scenario. A busy machine does not change it much.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from distributed import Client

from benchmarks.workers import SIX_STEPS, Cost

if TYPE_CHECKING:
    from collections.abc import Iterator


def dask(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start a part of the cluster."""
    command = [sys.executable, "-m", "dask", *words, "--no-dashboard", "--host", "127.0.0.1"]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[psutil.Process]]]:
    """Start a scheduler and workers of one thread; give its address and all processes."""
    file = folder / "scheduler.json"
    words = ("--scheduler-file", str(file))
    started = [dask(folder, "scheduler", "--port", "0", *words)]
    try:
        worker = ("worker", *words, "--no-nanny", "--nthreads", "1")
        started += [dask(folder, *worker) for _ in range(workers)]
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(workers)
            address = client.scheduler.address
        yield address, [psutil.Process(process.pid) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()


def run(command: list[str]) -> Cost:
    """Run a command that starts nothing itself."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, f"{command} ended with {status}"
    clock = time.perf_counter() - begin
    return Cost(clock, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def processor(processes: list[psutil.Process]) -> float:
    """Return the processor time that processes have taken so far."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "rows.scenario.yaml"
        rows = {"slots": list(range(1, 21)), "callers": list(range(given.rows // 20))}
        file.write_text(SIX_STEPS.format(**rows))
        command = [sys.executable, "-m", "scenario_runner", "run", str(file), "--no-cache", "-q"]
        one = run(command)
        with cluster(folder, 2) as (address, processes):
            before = processor(processes)
            client = run([*command, "--cluster", address])
            everything = client.processor + processor(processes) - before
        shared = Cost(client.clock, everything, client.mebibytes)
    added = (shared.processor - one.processor) / given.rows * 1000
    for title, cost in (("one process", one), ("two Dask workers", shared)):
        print(
            f"{title:17} {cost.clock:6.1f} s by the clock, {cost.processor:6.1f} s of the "
            f"processor, {cost.mebibytes:4.0f} MiB in the client"
        )
    print(f"Dask adds {added:.2f} ms a scenario (at most 2); ", end="")
    print(f"{one.clock / shared.clock:.2f} times as fast by the clock, ", end="")
    print(f"{2 * one.processor / shared.processor:.2f} by the processor")


if __name__ == "__main__":
    main()
