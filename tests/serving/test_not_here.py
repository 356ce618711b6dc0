"""What is said where an address can't be listened at, whichever Python's words it is in."""

from __future__ import annotations

import asyncio
import errno
import socket

import pytest

from scenario_runner.errors import UsageError
from scenario_runner.http.server import Handler, listening

HOST, PORT = "192.0.2.1", 8080


def refused(monkeypatch: pytest.MonkeyPatch, error: OSError) -> UsageError:
    async def fails(*_: object, **__: object) -> None:
        raise error

    async def listen(handler: Handler) -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "create_server", fails)
        async with listening(handler, HOST, PORT):
            pass

    with pytest.raises(UsageError) as caught:
        asyncio.run(listen(object()))  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EADDRNOTAVAIL, "gone"), "192.0.2.1 is not an address of this machine"),
        # Python 3.13 and later say it without a number.
        (
            OSError("could not bind on any address out of [('192.0.2.1', 8080)]"),
            "192.0.2.1 is not an address of this machine",
        ),
        (OSError(errno.EADDRINUSE, "x"), "something else listens at 192.0.2.1:8080 already"),
        (OSError(errno.EACCES, "x"), "this user may not listen at port 8080"),
        (OSError(errno.ENOMEM, "no {memory}"), "can't listen at 192.0.2.1:8080: no {memory}"),
        (OSError("odd"), "can't listen at 192.0.2.1:8080: odd"),
        (socket.gaierror(-2, "x"), "the host 192.0.2.1 is not known"),
    ],
)
def test_why_an_address_can_not_be_listened_at(
    monkeypatch: pytest.MonkeyPatch, error: OSError, told: str
) -> None:
    assert refused(monkeypatch, error).message == told
