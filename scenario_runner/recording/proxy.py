"""A reverse proxy before a PBX that keeps what goes through it."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from msgspec.structs import replace

from scenario_runner.durations import MINUTE
from scenario_runner.errors import PbxError
from scenario_runner.exchange import Answer, Request, Response, header
from scenario_runner.http.server import listening, told_to_stop
from scenario_runner.recording.scenario import SHORTEST_WAIT
from scenario_runner.recording.transcript import (
    Exchange,
    RecordedPbx,
    json_of,
    scenario_of_exchanges,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scenario_runner.exchange import Headers, Transport
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.language.vocabulary import Reason
    from scenario_runner.pbx.ringme.access import RestAccess
    from scenario_runner.references import Json


_TIME_OUT: Final = 60.0
_HOP_BY_HOP: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "host", "content-length", "content-encoding", "date",
        "accept-encoding", "expect",
    }
)  # fmt: skip


class RecordingProxy:
    """Passes requests on and keeps them; see `http.server.Handler`."""

    def __init__(self, transport: Transport, api_root: str, now: Callable[[], int]) -> None:
        self._transport = transport
        self._api_root = api_root
        self._now = now
        self._known: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._kept: list[Exchange] = []

    @property
    def exchanges(self) -> list[Exchange]:
        """What went through so far, in the order it was sent."""
        return sorted(self._kept, key=lambda exchange: exchange.at)

    def take(self, request: Request, reply: Callable[[Answer], None]) -> None:
        """Pass a request on and reply with the PBX's answer."""
        task = asyncio.get_running_loop().create_task(self._pass_on(request, reply))
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)

    async def close(self) -> None:
        """End what is still under way; raise what a request failed with that nobody expected."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def _pass_on(self, request: Request, reply: Callable[[Answer], None]) -> None:
        sent = replace(request, headers=_end_to_end(request.headers))
        at = self._now()
        try:
            looked = await self._look(sent)
            response = await self._transport.send(sent, _TIME_OUT)
        except PbxError as error:
            body = json.dumps({"message": error.message}).encode()
            headers = (("Content-Type", "application/json"),)
            reply(Answer(response=Response(status=502, headers=headers, body=body)))
            return
        self._kept.append(Exchange(request=sent, response=response, at=at, looked=looked))
        self._remember(response)
        reply(Answer(response=replace(response, headers=_end_to_end(response.headers))))

    async def _look(self, request: Request) -> Json:
        """Ask about a call that is named for the first time, with the client's own token."""
        parts = request.path.removeprefix(self._api_root).partition("?")[0].split("/")
        if len(parts) != 5 or parts[3] not in ("valet_park", "current_calls") or not parts[4]:
            return None
        call = unquote(parts[4])
        if call in self._known:
            return None
        self._known.add(call)
        path = f"{self._api_root}/extension/{parts[2]}/current_calls/{parts[4]}"
        token = header(request.headers, "authorization") or ""
        asking = Request(method="GET", path=path, headers=(("Authorization", token),))
        answer = await self._transport.send(asking, _TIME_OUT)
        return json_of(answer) if answer.status == 200 else None

    def _remember(self, response: Response) -> None:
        """Note the calls that an answer names: nothing need be asked about them."""
        told = json_of(response)
        entries = told.get("call_list") if isinstance(told, dict) else None
        for entry in [told, *(entries if isinstance(entries, list) else [])]:
            if isinstance(entry, dict) and isinstance(entry.get("call_api_id"), str):
                self._known.add(str(entry["call_api_id"]))


def _end_to_end(headers: Headers) -> Headers:
    return tuple((name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """Which PBX is recorded (`access` and what is known of it) and where the proxy listens.

    `numbers` maps the PBX's extension ids to numbers, `reasons` are what its words mean; times are
    in microseconds.
    """

    name: str
    access: RestAccess
    numbers: dict[str, str] = field(default_factory=dict)
    reasons: tuple[tuple[Reason, Matcher], ...] = ()
    park_timeout: int = 3 * MINUTE
    host: str = "127.0.0.1"
    port: int = 8081
    shortest_wait: int = SHORTEST_WAIT
    insecure: bool = False


@asynccontextmanager
async def recording_proxy(options: RecordOptions) -> AsyncIterator[tuple[str, RecordingProxy]]:
    """Serve a proxy before the PBX as long as the context is open; gives its URL and itself."""
    # httpx takes long to import and is needed here only.
    from scenario_runner.pbx.ringme.client import HttpTransport

    transport = HttpTransport(options.access, options.name, insecure=options.insecure)
    proxy = RecordingProxy(transport, options.access.api_path, lambda: time.monotonic_ns() // 1000)
    try:
        async with listening(proxy, options.host, options.port) as url:
            yield url, proxy
    finally:
        try:
            await proxy.close()
        finally:
            await transport.close()


def scenario_of(options: RecordOptions, proxy: RecordingProxy) -> str:
    """Return the scenario file of what went through; raises UsageError where that is nothing."""
    pbx = RecordedPbx(
        api_root=options.access.api_path,
        numbers=options.numbers,
        park_timeout=options.park_timeout,
        reasons=options.reasons,
    )
    return scenario_of_exchanges(proxy.exchanges, pbx, options.shortest_wait)


def record(options: RecordOptions, ready: Callable[[str], None]) -> str:
    """Record until SIGTERM or Ctrl-C and return the scenario file; `ready` is told the URL."""

    async def run() -> str:
        async with recording_proxy(options) as (url, proxy):
            ready(url)
            await told_to_stop()
        return scenario_of(options, proxy)

    return asyncio.run(run())
