"""Runs over HTTP, whole processes: beside a bare httpx client, and against a slow PBX.

Run: python -m benchmarks.over_http

1. 500 rows of a matrix, each with ten `slots` steps, beside a process that sends the same 5,000
   requests with `httpx.AsyncClient`, as many at once. Both against a bare server, in turns.
2. 50 scenarios with ten `slots` steps against a server that answers after 20 ms: each on a slot and
   an extension of its own, with 64 requests at once and with the default; and all on one slot.
3. 1,000 scenarios that wait three seconds, all side by side.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.pbx.ringme.access import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 5
ROWS, STEPS = 500, 10
CALL = "3232240860-37b98fb2-a66c-11ea-ae69-6fd86d94a0e0"
MATRIX_AT_MOST, ONE_SLOT_AT_MOST, WIDE_AT_MOST, DEFAULT_AT_MOST = 0.5, 1.5, 0.8, 1.5
WAITING_AT_MOST, MEMORY_AT_MOST = 8.0, 110.0


class Bare(asyncio.Protocol):
    """Answers every request with the same bytes after so many seconds; reads only lengths."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            whole = end + 4 + int(length or 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            answer = TOKEN if head.startswith(b"post /oauth/") else EMPTY
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer)


def answer(body: object) -> bytes:
    data = json.dumps(body).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


TOKEN = answer({"access_token": "t0ken-0123456789", "token_type": "Bearer", "expires_in": 3600})
EMPTY = answer({"slot": "6", "UUID": None})


async def serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Bare(delay), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def ask_with_httpx(port: int, requests: int, at_once: int) -> None:
    """What a script would do: the same requests, as many at once."""
    import httpx

    url = f"http://127.0.0.1:{port}/api/ver1.0/extension/341/valet_park/{CALL}"
    headers = {"Authorization": "Bearer t0ken-0123456789"}
    left = iter(range(requests))
    async with httpx.AsyncClient(headers=headers) as client:

        async def one() -> None:
            for _ in left:
                answered = await client.put(url, json={"action": "slots", "slot": 6})
                assert answered.json()["UUID"] is None

        await asyncio.gather(*(one() for _ in range(at_once)))


@contextmanager
def bare_pbx(delay: float) -> Iterator[int]:
    command = (sys.executable, "-m", "benchmarks.over_http", "--serve", str(delay))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


class Took(NamedTuple):
    """Seconds of the clock and of the processor, and MiB at most."""

    wall: float
    cpu: float
    memory: float


def took(*command: str, folder: Path | None = None) -> Took:
    begin = perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return Took(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


TARGETS = """
targets:
  bare:
    driver: ringme
    url: http://127.0.0.1:{port}
    client_id: load
    client_secret: load-secret
    slots: 1-1000
    extensions: {{{extensions}}}
"""


def folder_for(root: Path, port: int, more: str = "") -> Path:
    folder = Path(tempfile.mkdtemp(dir=root))
    extensions = ", ".join(f"{341 + n}: {34414 + n}" for n in range(60))
    targets = TARGETS.format(port=port, extensions=extensions) + more
    (folder / "scenario-targets.yaml").write_text(targets)
    return folder


def asking(slot: int, extension: int) -> str:
    return (
        f"  - slots: {{call_api_id: {CALL}, extension: {extension}, slot: {slot}}}\n"
        "    expect: {empty: true}\n"
    )


def run(folder: Path, *options: str) -> Took:
    command = (sys.executable, "-m", "scenario_runner", "run", "-q", "--target", "bare", ".")
    return took(*command, *options, folder=folder)


def matrix(root: Path) -> None:
    with bare_pbx(0) as port:
        folder = folder_for(root, port)
        rows = "".join(f"  - {{row: {number}}}\n" for number in range(ROWS))
        note = "  - set: {number: $row}\n  - check: {that: $number, not: -1}\n"
        text = f"scenario: many\nmatrix:\n{rows}steps:\n{note}{asking(6, 341) * STEPS}"
        (folder / "many.scenario.yaml").write_text(text)
        count = str(ROWS * STEPS)
        ask = (
            sys.executable,
            "-m",
            "benchmarks.over_http",
            "--ask",
            str(port),
            count,
            str(AT_ONCE),
        )
        pairs = [(run(folder), took(*ask)) for _ in range(ROUNDS)]
    ratio = statistics.median(ours.wall / theirs.wall for ours, theirs in pairs)
    of_cpu = statistics.median(ours.cpu / theirs.cpu for ours, theirs in pairs)
    one, other = (
        statistics.median(side.wall for side in sides) for sides in zip(*pairs, strict=True)
    )
    print(
        f"{ROWS} rows of {STEPS} steps {one:9.2f} s   httpx.AsyncClient {other:6.2f} s   ratio "
        f"{ratio:4.2f} (at most {MATRIX_AT_MOST}; of the processor's time {of_cpu:4.2f})"
    )


def slow_pbx(root: Path) -> None:
    cases = (
        ("own slots, 64 at once", "    max_at_once: 64\n", True, WIDE_AT_MOST),
        ("own slots, by default", "", True, DEFAULT_AT_MOST),
        ("one slot, by default", "", False, ONE_SLOT_AT_MOST),
    )
    with bare_pbx(0.02) as port:
        for name, more, own, most in cases:
            folder = folder_for(root, port, more)
            for number in range(50):
                slot, extension = (number + 1, 341 + number) if own else (6, 341)
                text = f"scenario: Number {number}\nsteps:\n{asking(slot, extension) * STEPS}"
                (folder / f"{number:02}.scenario.yaml").write_text(text)
            runs = [run(folder) for _ in range(ROUNDS)]
            seconds = statistics.median(one.wall for one in runs)
            cpu = statistics.median(one.cpu for one in runs)
            print(
                f"50 scenarios, {name:<22} {seconds:5.2f} s (at most {most}; of the processor's "
                f"time {cpu:.2f} s)"
            )


def waiting(root: Path) -> None:
    with bare_pbx(0) as port:
        folder = folder_for(root, port)
        for number in range(1000):
            step = asking(number + 1, 341)
            text = f"scenario: Number {number}\nsteps:\n{step}  - wait: 3s\n{step}"
            (folder / f"{number:04}.scenario.yaml").write_text(text)
        runs = [run(folder, "--jobs", "1000") for _ in range(3)]
    seconds = statistics.median(one.wall for one in runs)
    memory = max(one.memory for one in runs)
    cpu = statistics.median(one.cpu for one in runs)
    print(
        f"1,000 that wait 3 s {seconds:14.2f} s (at most {WAITING_AT_MOST:g}; of the processor's "
        f"time {cpu:.2f} s), {memory:.1f} MiB (at most {MEMORY_AT_MOST:g})"
    )


def main() -> None:
    match sys.argv[1:]:
        case ["--serve", delay]:
            asyncio.run(serve(float(delay)))
        case ["--ask", port, requests, at_once]:
            asyncio.run(ask_with_httpx(int(port), int(requests), int(at_once)))
        case _:
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder)
                matrix(root)
                slow_pbx(root)
                waiting(root)


if __name__ == "__main__":
    main()
