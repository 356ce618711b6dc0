"""The smallest uvicorn server, as a yardstick: python benchmarks/bare_uvicorn.py PORT."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BODY = b'{"slot": "6", "UUID": null}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]

Scope = dict[str, Any]


async def app(
    scope: Scope,
    receive: Callable[[], Awaitable[Scope]],
    send: Callable[[Scope], Awaitable[None]],
) -> None:
    assert scope["type"] == "http"
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


if __name__ == "__main__":
    config = uvicorn.Config(
        app, port=int(sys.argv[1]), log_level="error", access_log=False, lifespan="off", http="h11",
        loop="asyncio",
    )  # fmt: skip
    uvicorn.Server(config).run()
