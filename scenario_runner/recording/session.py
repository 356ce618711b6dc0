"""Runs a recording proxy until it is told to stop, and returns what went through it."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.durations import MINUTE
from scenario_runner.mock_pbx.serving.server import listening, told_to_stop
from scenario_runner.recording.making import scenario_of_exchanges
from scenario_runner.recording.proxy import RecordingProxy
from scenario_runner.recording.telling import SHORTEST_WAIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scenario_runner.model.target import RestAccess


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """Which PBX is recorded (`access` and what is known of it) and where the proxy listens.

    `numbers` maps the PBX's extension ids to numbers; times are in microseconds.
    """

    name: str
    access: RestAccess
    numbers: dict[str, str] = field(default_factory=dict)
    park_timeout: int = 3 * MINUTE
    host: str = "127.0.0.1"
    port: int = 8081
    shortest_wait: int = SHORTEST_WAIT
    insecure: bool = False


@asynccontextmanager
async def recording_proxy(options: RecordOptions) -> AsyncIterator[tuple[str, RecordingProxy]]:
    """Serve a proxy before the PBX as long as the context is open; gives its URL and itself."""
    # httpx takes long to import and is needed here only.
    from scenario_runner.pbx.ringme.http import HttpTransport

    transport = HttpTransport(options.access, options.name, insecure=options.insecure)
    proxy = RecordingProxy(transport, options.access.api_path, lambda: time.monotonic_ns() // 1000)
    try:
        async with listening(proxy, options.host, options.port) as url:
            yield url, proxy
    finally:
        await transport.close()


def scenario_of(options: RecordOptions, proxy: RecordingProxy) -> str:
    """Return the scenario file of what went through; raises UsageError where that is nothing."""
    return scenario_of_exchanges(
        proxy.exchanges,
        options.access.api_path,
        options.numbers,
        options.park_timeout,
        options.shortest_wait,
    )


def record(options: RecordOptions, ready: Callable[[str], None]) -> str:
    """Record until SIGTERM or Ctrl-C and return the scenario file; `ready` is told the URL."""

    async def run() -> str:
        async with recording_proxy(options) as (url, proxy):
            ready(url)
            await told_to_stop()
        return scenario_of(options, proxy)

    return asyncio.run(run())
