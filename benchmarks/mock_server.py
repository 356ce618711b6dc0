"""The served mock under load, beside the smallest uvicorn server under the same load.

    python -m benchmarks.mock_server               both figures, about half a minute
    python -m benchmarks.mock_server --soak 30     thirty minutes; memory and open files at the end

Requests a second are told twice: by the clock, where the client and whatever else the machine
does take their part, and by the server's own processor time, which is what one core would do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
AT_LEAST = 4_000
P99_AT_MOST_MS = 10.0
CONNECTIONS = 50
SECONDS = 4.0
ROUNDS = 3
STEADY = 1_000


class Server(NamedTuple):
    pid: int
    port: int


class Load(NamedTuple):
    """What was served, in seconds of the clock and of the server's processor; latencies in ms."""

    requests: int
    wall: float
    cpu: float
    latencies: list[float]


@contextmanager
def serving(*command: str, port: int = 0) -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        if not port:
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(":")[2])
        _wait_for(port)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nothing listens at port {port}")


def the_mock() -> Iterator[Server]:
    return serving(  # type: ignore[return-value]
        "-m", "scenario_runner", "mock", "--port", "0", "--no-access-log",
        "--hourly-limit", "2000000000",
    )  # fmt: skip


def bare_uvicorn() -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return serving(str(HERE / "bare_uvicorn.py"), str(port), port=port)  # type: ignore[return-value]


def raw(method: str, path: str, body: bytes, *headers: str) -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*", *headers)
    head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", ""))
    return head.encode() + body


def prepared(port: int) -> bytes:
    """Bring a call in and return the request that asks for its slot, as a client sends it."""
    form = b"grant_type=client_credentials&client_id=load&client_secret=load"
    token = _asked(port, raw("POST", "/oauth/token", form))["access_token"]
    call = _asked(port, raw("POST", "/mock/calls", b'{"extension": 341, "from": "+78120000443"}'))
    path = f"/api/ver1.0/extension/{call['extension_id']}/valet_park/{call['call_api_id']}"
    return raw(
        "PUT", path, b'{"action": "slots", "slot": "6"}', "Accept-Encoding: gzip",
        f"Authorization: Bearer {token}", "Content-Type: application/json",
    )  # fmt: skip


def _asked(port: int, request: bytes) -> dict[str, str]:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(request)
        answer = connection.recv(65536)
    found: dict[str, str] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found


class Client(asyncio.Protocol):
    """One connection: sends the request, and again when the answer is whole, or when told to."""

    def __init__(self, request: bytes, *, again: bool) -> None:
        self._request = request
        self._again = again
        self._buffer = b""
        self._sent_at = 0.0
        self.idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.idle.set_result(None)
        self.latencies: list[float] = []
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._again:
            self.ask(time.perf_counter())

    @property
    def busy(self) -> bool:
        return not self.idle.done()

    def ask(self, due: float) -> None:
        """Send the request; its latency counts from when it was due."""
        self.idle = asyncio.get_running_loop().create_future()
        self._sent_at = due
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        assert head.startswith(b"HTTP/1.1 200"), head
        self._buffer = b""
        self.idle.set_result(None)
        self.latencies.append((time.perf_counter() - self._sent_at) * 1000)
        if self._again:
            self.ask(time.perf_counter())

    def close(self) -> None:
        self._again = False
        self._transport.close()


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


async def full_load(server: Server, request: bytes, seconds: float) -> Load:
    """Ask over all connections, each as fast as it is answered."""
    loop = asyncio.get_running_loop()
    cpu, begin = _cpu(server.pid), time.perf_counter()
    clients = [
        (
            await loop.create_connection(
                lambda: Client(request, again=True), "127.0.0.1", server.port
            )
        )[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(seconds)
    return _load(clients, time.perf_counter() - begin, _cpu(server.pid) - cpu)


async def steady_load(server: Server, request: bytes, seconds: float) -> Load:
    """Ask so many times a second, whether the server keeps up or not."""
    loop = asyncio.get_running_loop()
    clients = [
        (
            await loop.create_connection(
                lambda: Client(request, again=False), "127.0.0.1", server.port
            )
        )[1]
        for _ in range(CONNECTIONS)
    ]
    cpu, begin = _cpu(server.pid), time.perf_counter()
    for number in range(int(STEADY * seconds)):
        due = begin + number / STEADY
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await _idle(clients)
        next(one for one in clients if not one.busy).ask(due)
    await asyncio.wait([one.idle for one in clients])
    return _load(clients, time.perf_counter() - begin, _cpu(server.pid) - cpu)


async def _idle(clients: list[Client]) -> None:
    if all(one.busy for one in clients):
        await asyncio.wait([one.idle for one in clients], return_when=asyncio.FIRST_COMPLETED)


def _load(clients: list[Client], wall: float, cpu: float) -> Load:
    for client in clients:
        client.close()
    latencies = sorted(latency for client in clients for latency in client.latencies)
    return Load(len(latencies), wall, cpu, latencies)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told(name: str, load: Load) -> str:
    by_core = load.requests / load.cpu if load.cpu else 0.0
    p50, p99 = (load.latencies[int(len(load.latencies) * q)] for q in (0.5, 0.99))
    return (
        f"{name:<28} {load.requests / load.wall:>9,.0f}/s {by_core:>9,.0f}/s of one core"
        f"   p50 {p50:5.1f} ms   p99 {p99:5.1f} ms"
    )


def compare() -> None:
    best = 0.0
    for _ in range(ROUNDS):
        for name, make in (("the served mock", the_mock), ("bare uvicorn with h11", bare_uvicorn)):
            with make() as server:  # type: ignore[attr-defined]
                request = prepared(server.port) if make is the_mock else raw("PUT", "/", b"{}")
                load = asyncio.run(full_load(server, request, SECONDS))
            print(told(name, load))
            if make is the_mock:
                best = max(best, load.requests / load.cpu)
    with the_mock() as server:  # type: ignore[attr-defined]
        steady = asyncio.run(steady_load(server, prepared(server.port), SECONDS))
    print(told(f"the mock at {STEADY:,} a second", steady))
    p99 = steady.latencies[int(len(steady.latencies) * 0.99)]
    _verdict(f"at least {AT_LEAST:,} requests a second on one core", best >= AT_LEAST)
    _verdict(f"p99 at most {P99_AT_MOST_MS:g} ms", p99 <= P99_AT_MOST_MS)


def soak(minutes: float) -> None:
    with the_mock() as server:  # type: ignore[attr-defined]
        request = prepared(server.port)
        asyncio.run(full_load(server, request, 10.0))
        before = _held(server.pid)
        deadline = time.monotonic() + minutes * 60
        while time.monotonic() < deadline:
            load = asyncio.run(steady_load(server, request, 10.0))
            memory, files = _held(server.pid)
            print(told("soak", load), f"  {memory / 1024:.1f} MiB, {files} files")
        memory, files = _held(server.pid)
    _verdict("no growth of memory above 2 MiB", memory - before[0] <= 2048)
    _verdict("no growth of open files", files <= before[1])


def _held(pid: int) -> tuple[int, int]:
    """Return the resident memory in KiB and the number of open files, all clients gone."""
    time.sleep(0.5)
    status = Path(f"/proc/{pid}/status").read_text()
    memory = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(memory.split()[1]), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _verdict(what: str, kept: bool) -> None:
    print(f"{'kept' if kept else 'BROKEN'}: {what}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="run for long instead")
    minutes = parser.parse_args().soak
    if minutes is None:
        compare()
    else:
        soak(minutes)


if __name__ == "__main__":
    main()
