"""Connects to a PBX that speaks a protocol of its own over TCP."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, TypeVar

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable


_P = TypeVar("_P", bound=asyncio.Protocol)


async def connected(make: Callable[[], _P], address: tuple[str, int], hint: str, within: int) -> _P:
    """Connect and return the protocol that `make` made; raises Unreachable, with the hint."""
    host, port = address
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(within / SECOND):
            _, protocol = await loop.create_connection(make, host, port)
    except TimeoutError:
        raise Unreachable(
            f"no connection to {host}:{port} within {duration_text(within)}"
        ) from None
    except OSError as error:
        raise Unreachable(f"no connection to {host}:{port}: {_why(error)}", hint=hint) from None
    return protocol


def _why(error: OSError) -> str:
    """Say what went wrong in the system's words, without Python's around them."""
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    return os.strerror(error.errno) if error.errno else str(error)
