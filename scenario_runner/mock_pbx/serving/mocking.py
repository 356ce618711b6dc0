"""Serves a mock PBX from beginning to end: wires clocks, worlds, webhooks and the listener."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.mock_pbx.profile import PROFILES, Profile
from scenario_runner.mock_pbx.rest import EPOCH_US
from scenario_runner.mock_pbx.serving.access import Silent
from scenario_runner.mock_pbx.serving.clocks import WorldClock
from scenario_runner.mock_pbx.serving.face import MockFace
from scenario_runner.mock_pbx.serving.server import listening, told_to_stop
from scenario_runner.mock_pbx.serving.webhooks import Webhooks
from scenario_runner.mock_pbx.serving.worlds import Recipe, Worlds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scenario_runner.mock_pbx.faults import Fault
    from scenario_runner.mock_pbx.serving.access import Log


@dataclass(frozen=True, slots=True, kw_only=True)
class MockOptions:
    """What a served mock is like and where it listens (port 0: any free one).

    `webhook_hosts` are receivers of notifications besides this machine.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    profile: Profile = PROFILES["vendor"]
    seed: int = 0
    faults: tuple[Fault, ...] = ()
    virtual_time: bool = False
    webhook_hosts: tuple[str, ...] = ()
    log: Log = field(default_factory=Silent)


def _real_time() -> int:
    return time.monotonic_ns() // 1000


def _recipe(options: MockOptions) -> Recipe:
    virtual = options.virtual_time
    return Recipe(
        profile=options.profile,
        seed=options.seed,
        faults=options.faults,
        epoch_us=lambda: EPOCH_US if virtual else time.time_ns() // 1000,
        clock=lambda: WorldClock(None if virtual else _real_time),
    )


@asynccontextmanager
async def mock_server(options: MockOptions) -> AsyncIterator[str]:
    """Serve a mock as long as the context is open; gives its URL; raises UsageError."""
    webhooks = Webhooks(options.webhook_hosts, options.log)
    face = MockFace(Worlds(_recipe(options)), webhooks, options.log)
    try:
        async with listening(face, options.host, options.port) as url:
            yield url
    finally:
        face.close()
        await webhooks.close()


def serve_mock(options: MockOptions, ready: Callable[[str], None]) -> None:
    """Serve a mock until SIGTERM or Ctrl-C; `ready` is told the URL; raises UsageError."""

    async def serve() -> None:
        async with mock_server(options) as url:
            ready(url)
            await told_to_stop()

    asyncio.run(serve())
