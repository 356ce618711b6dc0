"""The live page beside a mock that is served: on a second port of this machine, when asked for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from msgspec.structs import replace

from scenario_runner.errors import UsageError
from scenario_runner.ui.page.server import Address, listen, serving
from scenario_runner.ui.served import ServedLots, target_of
from scenario_runner.ui.studio import Studio

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from scenario_runner.mock_pbx.server.app import MockHandler

_HERE = ("127.0.0.1", "localhost", "::1")


@dataclass(slots=True)
class PageBeside:
    """The page of a served mock; see `mock_pbx.server.app.LivePage`."""

    _url: str = ""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self, handler: MockHandler, lot: str, root: str) -> str:
        """Return the address of the page at a client's lot; it is opened the first time."""
        if (urlsplit(root).hostname or "") not in _HERE:
            hint = "open it there: the page is served to its own machine only"
            raise UsageError("the live page is on the machine of the mock", hint=hint)
        async with self._lock:
            if not self._url:
                self._url = await self._stack.enter_async_context(_page(handler, root))
        return self._url + (f"?{urlencode({'lot': lot})}" if lot else "")

    async def close(self) -> None:
        """Close the page."""
        await self._stack.aclose()


def _page(handler: MockHandler, root: str) -> AbstractAsyncContextManager[str]:
    target = replace(target_of(handler.lots[0].mock.profile), host=root, base_url=root)
    studio = Studio(target=target, acts=False)
    lots = ServedLots(handler, base_url=root)
    lots.changed = lambda: studio.show(lots.lots)
    lots.begin()
    address = Address.at("127.0.0.1", 0)
    return serving(studio, address, listen(address))
