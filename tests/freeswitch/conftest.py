"""Gives a FreeSWITCH to run scenarios on: one that is played, or the one that is named."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from .playing import PASSWORD, Player

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED = "SCENARIO_FREESWITCH"


@contextmanager
def served(player: Player) -> Iterator[Player]:
    """Let a player serve in a thread of its own."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    done = asyncio.Event()

    async def serve() -> None:
        async with player:
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield player
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


@pytest.fixture(params=["played", pytest.param("named", marks=pytest.mark.real)])
def freeswitch(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the host, port and password of a FreeSWITCH as settings of a target.

    The real one is named by SCENARIO_FREESWITCH=host:port:password; without that it is skipped.
    """
    if request.param == "played":
        with served(Player(keeps_time=True)) as player:
            yield f"host: 127.0.0.1\n    port: {player.port}\n    password: {PASSWORD}"
        return
    named = os.environ.get(NAMED)
    if not named:
        pytest.skip(f"no FreeSWITCH is named: {NAMED}=host:port:password")
    host, port, password = named.split(":", 2)
    yield f"host: {host}\n    port: {port}\n    password: {password}\n    protected: false"
