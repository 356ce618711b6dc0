"""How far workers go: a simulation in virtual time, fed with measured costs, and what is measured.

Run: python -m benchmarks.scale [--rows N] [--rounds N]
Measured first are the costs of one scenario of six steps: in one process, in a worker, and what
the client has with it. With these the simulation runs the client and its workers, batch by batch,
as `execution/workers.py` hands them out. Then the same is measured, for one process and for two
workers, and both are compared: at most 15 % apart. On a busy machine nothing is as fast as
predicted; the processor time, which is told too, hardly changes.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from benchmarks.workers import PR_SET_CHILD_SUBREAPER, SIX_STEPS
from scenario_runner.events import decode_lines
from scenario_runner.execution.batches import BatchRunner, BatchSetup
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.run import RunRequest, gather
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.workers import _AHEAD, _FIRST, _LARGEST, _SECONDS
from scenario_runner.masking import Mask
from scenario_runner.reporters.console import Console, Plain
from scenario_runner.reporters.console_sections import Detail
from scenario_runner.reporters.output import open_output


class Costs(NamedTuple):
    """Seconds of one processor: of a scenario, of a batch, and to start."""

    run: float
    """A scenario in a worker, its events encoded."""
    take: float
    """The events of a scenario in the client, decoded and shown."""
    one: float
    """A scenario in one process, its events shown."""
    batch: float
    """A batch in the client, sent and received."""
    start: float
    """One process, until the first scenario."""
    start_workers: float
    """The same with two workers."""


# The simulation


@dataclass
class Machine:
    """A computer: its work gets a core each, or an even share where there are too few."""

    cores: int
    work: list[Work] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return min(1.0, self.cores / len(self.work))


@dataclass
class Work:
    """Something that a process does; `left` are the seconds of a core that it still takes."""

    left: float
    batch: Batch


@dataclass
class Batch:
    size: int
    done: bool = False


@dataclass
class Simulation:
    """A client and its workers, which have some machines for themselves or share the client's."""

    costs: Costs
    rows: int
    client: Machine
    workers: list[Machine]
    now: float = 0.0
    begun: int = 0
    size: int = _FIRST
    sent: deque[Batch] = field(default_factory=deque)
    waiting: deque[Batch] = field(default_factory=deque)
    idle: deque[Machine] = field(default_factory=deque)
    taking: Work | None = None
    busy: float = 0.0

    def run(self) -> float:
        """Return how long everything takes."""
        self.idle.extend(self.workers)
        self._go_on()
        machines = list({id(machine): machine for machine in (self.client, *self.workers)}.values())
        while any(machine.work for machine in machines):
            self._step([machine for machine in machines if machine.work])
        return self.now

    def _step(self, machines: list[Machine]) -> None:
        """Go to the moment at which the next piece of work is over."""
        step = min(work.left / machine.rate for machine in machines for work in machine.work)
        self.now += step
        self.busy += step * (self.taking is not None)
        for machine in machines:
            done = step * machine.rate
            for work in machine.work:
                work.left -= done
            for work in [work for work in machine.work if work.left <= 1e-12]:
                machine.work.remove(work)
                self._over(work, machine)
        self._go_on()

    def _over(self, work: Work, machine: Machine) -> None:
        if work is self.taking:
            self.taking = None
            self.sent.popleft()
            self.size = min(max(round(_SECONDS / self.costs.run), 1), _LARGEST)
        else:
            work.batch.done = True
            self.idle.append(machine)

    def _go_on(self) -> None:
        while self.begun < self.rows and len(self.sent) < _AHEAD * len(self.workers):
            batch = Batch(min(self.size, self.rows - self.begun))
            self.begun += batch.size
            self.sent.append(batch)
            self.waiting.append(batch)
        while self.waiting and self.idle:
            batch, machine = self.waiting.popleft(), self.idle.popleft()
            machine.work.append(Work(batch.size * self.costs.run, batch))
        if self.taking is None and self.sent and self.sent[0].done:
            first = self.sent[0]
            self.taking = Work(self.costs.batch + first.size * self.costs.take, first)
            self.client.work.append(self.taking)


def predicted(costs: Costs, rows: int, workers: int, machines: int = 0) -> Simulation:
    """Simulate workers on this machine of two cores, or evenly on others that have a core each."""
    client = Machine(2)
    others = [Machine(workers // machines) for _ in range(machines)] or [client]
    simulation = Simulation(
        costs, rows, client, [others[number % len(others)] for number in range(workers)]
    )
    simulation.run()
    return simulation


# The costs


def write(file: Path, rows: int) -> None:
    values = {"slots": list(range(1, 21)), "callers": list(range(max(1, rows // 20)))}
    file.write_text(SIX_STEPS.format(**values))


def console() -> Console:
    return Console(Plain(open_output(os.devnull)), Detail.NORMAL)


def costs_of(file: Path) -> Costs:
    """Measure the costs on this machine, in processor time, so that others hardly disturb."""
    write(file, 2000)
    suite = gather(RunRequest(paths=(str(file),))).scenarios
    runner = BatchRunner(BatchSetup(target=MOCK, options=RunOptions(), mask=Mask()))
    run: list[float] = []
    take: list[float] = []
    batch: list[float] = []
    shown = console()
    for begin in range(0, len(suite), 100):
        clock = [time.process_time()]
        parcel = pickle.dumps(suite.parcel(range(begin, begin + 100)))
        clock.append(time.process_time())
        ran = runner.run(pickle.loads(parcel))
        clock.append(time.process_time())
        answer = pickle.dumps(ran)
        clock.append(time.process_time())
        for one in pickle.loads(answer).scenarios:
            for event in decode_lines(one.events):
                shown.handle(event)
        clock.append(time.process_time())
        batch.append(clock[1] - clock[0])
        run.append((clock[3] - clock[1]) / 100)
        take.append((clock[4] - clock[3]) / 100)
    write(file, 20)
    start, start_workers = (whole(file, count).processor for count in (1, 2))
    write(file, 2020)
    one = (whole(file, 1).processor - start) / 2000
    return Costs(mean(run), mean(take), one, mean(batch), start, start_workers)


# What is measured


class Measured(NamedTuple):
    clock: float
    processor: float


def whole(file: Path, workers: int) -> Measured:
    """Run all rows in a process of its own, and take the time of whatever it starts, too."""
    command = [sys.executable, "-m", "scenario_runner", "run", str(file), "--no-cache"]
    command += ["--workers", str(workers)]
    before, begin = used(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    clock = time.perf_counter() - begin
    try:
        while True:  # the fork server outlives the run for a moment
            os.wait()
    except ChildProcessError:
        return Measured(clock, used() - before)


def used() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def apart(here: float, there: float) -> str:
    return f"{(here / there - 1) * 100:+.0f} %"


def compare(costs: Costs, file: Path, rows: int, rounds: int) -> None:
    """Print prediction and measurement, for one process and for two workers."""
    write(file, rows)
    runs = [(whole(file, 1), whole(file, 2)) for _ in range(rounds)]
    shared = predicted(costs, rows, 2)
    work = rows * (costs.run + costs.take)
    for title, clock, processor, measured in (
        ("one process", costs.start + rows * costs.one, costs.start + rows * costs.one, 0),
        ("two workers", costs.start_workers + shared.now, costs.start_workers + work, 1),
    ):
        best = min(run[measured].clock for run in runs)
        spent = min(run[measured].processor for run in runs)
        print(
            f"{title}: predicted {clock:.2f} s, measured {best:.2f} s ({apart(clock, best)}); "
            f"processor {processor:.2f} s, measured {spent:.2f} s ({apart(processor, spent)})"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.scenario.yaml"
        costs = costs_of(file)
        names = zip(Costs._fields, costs, strict=True)
        print("costs: " + ", ".join(f"{name} {cost * 1000:.3f} ms" for name, cost in names))
        compare(costs, file, given.rows, given.rounds)
    for workers, machines in ((1, 1), (2, 1), (4, 1), (8, 1), (10, 1), (20, 2), (50, 5), (100, 10)):
        run = predicted(costs, 100_000, workers, machines)
        print(
            f"{workers:3} workers on {machines:2} machines: {100_000 / run.now:6,.0f} scenarios a "
            f"second, the client busy {run.busy / run.now:.0%}"
        )


if __name__ == "__main__":
    main()
