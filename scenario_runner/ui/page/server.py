"""Serves the page: NiceGUI behind the gate, on a socket of our own."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
from contextlib import asynccontextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import nicegui.ui as ui
import uvicorn
from fastapi import FastAPI
from nicegui import app as nicegui_app
from pydantic import BaseModel

from scenario_runner.errors import UsageError
from scenario_runner.http.hosts import is_this_machine
from scenario_runner.ui.completion import complete
from scenario_runner.ui.page.gate import Gate
from scenario_runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scenario_runner.ui.studio import Studio

ASSETS: Final = Path(__file__).parent / "assets"
_GRACE: Final = 2
_LONGEST: Final = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the page listens, and the token that it asks for (empty: none)."""

    host: str = "127.0.0.1"
    port: int = 8090
    token: str = field(default="", repr=False)

    @classmethod
    def at(cls, host: str, port: int) -> Address:
        """Return an address; off loopback it has a token, which nobody can guess."""
        token = "" if is_this_machine(host) else secrets.token_urlsafe(24)
        return cls(host=host, port=port, token=token)

    def url(self, port: int) -> str:
        """Return the address to open, with the port that was found."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        host = socket.gethostname() if self.host in ("0.0.0.0", "::") else host
        return f"http://{host}:{port}/" + (f"?token={self.token}" if self.token else "")


class Asked(BaseModel):
    """A place in a text, of which the editor asks what can be written there."""

    text: str
    line: int
    column: int


def complete_here(asked: Asked) -> dict[str, Any]:
    """Answer the editor."""
    found = complete(asked.text[:_LONGEST], asked.line, asked.column)
    return {"start": found.start, "options": [asdict(option) for option in found.options]}


@dataclass(slots=True)
class Pages:
    """The one NiceGUI of this process and what its pages show; `studio` can be changed."""

    studio: Studio | None = None
    _mounted: FastAPI | None = None
    build: Callable[[Studio, str], None] | None = field(default=None)

    def mounted(self) -> FastAPI:
        """Return the application with NiceGUI in it; made once, since NiceGUI is there once."""
        if self._mounted is None:
            self._mounted = FastAPI(title="scenario-runner", docs_url=None, redoc_url=None)
            ui.run_with(
                self._mounted,
                root=self._root,
                title="scenario-runner",
                dark=None,
                language="en-US",
                tailwind=False,
                reconnect_timeout=10.0,
                binding_refresh_interval=None,
                favicon=ASSETS / "icon.svg",
            )
            nicegui_app.add_static_files(f"/assets/{__version__}", ASSETS)
            nicegui_app.post("/scenario/complete")(complete_here)
        return self._mounted

    def _root(self, lot: str = "") -> None:
        if self.studio is not None and self.build is not None:
            self.build(self.studio, lot)


PAGES: Final = Pages()


def listen(address: Address) -> socket.socket:
    """Return a socket that listens; raises UsageError where that can't be."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address.host, address.port))
        sock.listen(128)
    except (OSError, OverflowError) as error:
        sock.close()
        raise _not_there(error, address) from None
    return sock


def _not_there(error: OSError | OverflowError, address: Address) -> UsageError:
    where = f"{address.host}:{address.port}"
    if isinstance(error, socket.gaierror):
        return UsageError(f"the host {address.host} is not known", hint="127.0.0.1 always works")
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return UsageError(
            f"something else listens at {where} already",
            hint="choose another --port; 0 takes any free one",
        )
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return UsageError(f"can't listen at {where}: {reason.lower()}")


@asynccontextmanager
async def serving(studio: Studio, address: Address, sock: socket.socket) -> AsyncIterator[str]:
    """Serve the page as long as the context is open; gives its URL."""
    from scenario_runner.ui.page.view import build_page

    PAGES.studio, PAGES.build = studio, build_page
    gate: Any = Gate(app=PAGES.mounted(), token=address.token)
    config = uvicorn.Config(
        gate, log_level="warning", timeout_graceful_shutdown=_GRACE, ws="wsproto", lifespan="on"
    )
    server = _Quiet(config)
    await studio.start()
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        await _wait_for(server, task)
        yield address.url(sock.getsockname()[1])
    finally:
        server.should_exit = True
        await studio.stop()
        await task
        sock.close()


async def _wait_for(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    """Wait until the server serves; it has no event for that."""
    while not server.started and not task.done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


class _Quiet(uvicorn.Server):
    """A server that leaves signals to the command that starts it."""

    def capture_signals(self) -> nullcontext[None]:
        """Capture none."""
        return nullcontext()
