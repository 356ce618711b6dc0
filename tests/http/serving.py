"""A mock PBX served on loopback by a thread, for tests that drive the command line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from queue import Queue

from scenario_runner.mock_pbx.server.app import MockOptions, mock_server


@contextmanager
def served_mock(**options: object) -> Iterator[str]:
    """Serve a mock as long as the block is open; gives its URL."""
    urls: Queue[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def serve() -> None:
        chosen = replace(MockOptions(port=0), **options)  # type: ignore[arg-type]
        async with mock_server(chosen) as url:
            stopped = asyncio.Event()
            urls.put((url, asyncio.get_running_loop(), stopped))
            await stopped.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    url, loop, stopped = urls.get(timeout=10)
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(10)
