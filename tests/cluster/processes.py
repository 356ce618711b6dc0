"""A Dask scheduler and workers as processes of this machine, and a mock PBX that keeps a log."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributed import Client

if TYPE_CHECKING:
    from scenario_runner.exchange import Answer, Request

SECRET = "a secret/of+mine=ü"
WORKERS = 3


@dataclass
class Processes:
    """A scheduler and its workers, two scenarios at once each; all files are in `folder`."""

    folder: Path
    address: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_scheduler(self) -> None:
        self.scheduler = self._start("scheduler", "scheduler", "--port", "0")
        log = self.folder / "scheduler.log"
        while not (found := re.search(r"Scheduler at:\s+(tcp://\S+)", log.read_text())):
            assert self.scheduler.poll() is None, log.read_text()
        self.address = found[1]

    def start_workers(self, count: int = WORKERS) -> None:
        for number in range(count):
            spill = str(self.folder / f"spill-{number}")
            words = ("--no-nanny", "--nthreads", "2", "--local-directory", spill)
            name = f"worker-{len(self.workers)}"
            self.workers.append(self._start(name, "worker", self.address, *words))
        with self.client() as client:
            client.wait_for_workers(WORKERS, timeout=30)

    def _start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        folder = self.folder / name
        folder.mkdir()
        environment = {**os.environ, "PBX_SECRET": SECRET}
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *words, "--no-dashboard", "--host", "127.0.0.1"],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def client(self) -> Client:
        return Client(self.address, set_as_default=False)

    def busy(self) -> list[int]:
        """The processes of the workers that have something to do."""
        with self.client() as client:
            pids = client.run(os.getpid)
            return [pids[worker] for worker, keys in client.processing().items() if keys]

    def texts(self) -> dict[str, bytes]:
        """Whatever is on the disk of the scheduler and the workers."""
        files = [file for file in self.folder.rglob("*") if file.is_file()]
        return {str(file): file.read_bytes() for file in files}

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


@dataclass
class PbxLog:
    """What a served mock did, in order; `parked` is set by the first call that was parked."""

    parked: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    slots: dict[str, str] = field(default_factory=dict)
    overlaps: list[str] = field(default_factory=list)
    parks: int = 0

    def exchange(self, client: str, request: Request, answer: Answer) -> None:
        del client
        if answer.response.status >= 300:
            return
        call = request.path.rsplit("/", 1)[-1]
        body: Any = json.loads(request.body) if "/valet_park/" in request.path else {}
        if body.get("action") == "park":
            self._parked(str(body["slot"]), call)
        elif request.method == "DELETE":
            self.slots = {slot: holder for slot, holder in self.slots.items() if holder != call}
            self.ended.set()

    def _parked(self, slot: str, call: str) -> None:
        if slot in self.slots:
            self.overlaps.append(f"{call} was parked in {slot}, where {self.slots[slot]} was")
        self.slots[slot] = call
        self.parks += 1
        self.parked.set()

    def note(self, text: str) -> None:
        """Nothing that matters here."""
