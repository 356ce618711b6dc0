"""What the served mock answers: the API of each client's world, and the mock's own resources."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qsl

from scenario_runner.durations import HOUR, SECOND, duration_text, parse_duration
from scenario_runner.errors import UsageError
from scenario_runner.exchange import Answer, Response, header
from scenario_runner.http.hosts import foreign_page, is_this_machine
from scenario_runner.http.server import listening, told_to_stop
from scenario_runner.mock_pbx.profile import PROFILES, Profile
from scenario_runner.mock_pbx.rest import EPOCH_US
from scenario_runner.mock_pbx.server.tenants import Recipe, Tenants, TooMany, WorldClock, client_of
from scenario_runner.mock_pbx.server.webhooks import Silent, Webhooks
from scenario_runner.mock_pbx.world import (
    NO_ROUTE,
    Reply,
    complaint,
    json_object,
    not_allowed,
    told,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scenario_runner.exchange import Request
    from scenario_runner.mock_pbx.faults import Fault
    from scenario_runner.mock_pbx.server.tenants import OwnedPbx
    from scenario_runner.mock_pbx.server.webhooks import Log


@cache
def description() -> bytes:
    """Return the description as JSON (OpenAPI 3.1)."""
    return files("scenario_runner.mock_pbx.server").joinpath("openapi.json").read_bytes()


_JSON: Final = (("Content-Type", "application/json"),)
_LONGEST_ADVANCE: Final = 10_000 * HOUR
_TOKEN_WANTED: Final = complaint(
    401, "other machines reach this mock: /mock/ needs the token of a client, as the API does"
)
_TOO_MANY: Final = complaint(503, "too many clients: restart the mock, or use fewer client ids")


class Watching(Protocol):
    """Is told what is done to the PBXs of a served mock, and what they do by themselves."""

    def seen(self, owned: OwnedPbx, request: Request | None, answer: Answer | None) -> None:
        """A request was answered; without one, time has passed."""
        ...


class LivePage(Protocol):
    """The page that shows the lots of a served mock."""

    async def open(self, handler: MockHandler, lot: str, root: str) -> str:
        """Open the page at the lot of a client, and return its address; raises UsageError.

        `root` is how the browser that asks reaches the mock: `http://127.0.0.1:8080`.
        """
        ...

    async def close(self) -> None:
        """Close the page, if it is open."""
        ...


class MockHandler:
    """Answers requests to a served mock; see `http.server.Handler`.

    `local` says that only this machine reaches it. Else `/mock/*` is for those with a token.
    `watching` is told what happens, once somebody watches; `page` opens the live page for `/ui`.
    """

    watching: Watching | None = None

    def __init__(
        self,
        worlds: Tenants,
        webhooks: Webhooks,
        log: Log,
        *,
        local: bool,
        page: LivePage | None = None,
    ) -> None:
        self._local = local
        self._worlds = worlds
        self._webhooks = webhooks
        self._log = log
        self._page = page if local else None
        self._opening: set[asyncio.Task[None]] = set()
        self._timers: dict[OwnedPbx, tuple[int, asyncio.TimerHandle]] = {}

    def take(self, request: Request, reply: Callable[[Answer], None]) -> None:
        """Answer a request at once."""
        path = request.path.partition("?")[0]
        foreign = foreign_page(request.headers, local=self._local)
        if foreign is not None:
            client, answer = "", _answer(complaint(403, foreign))
        elif path == "/ui":
            self._open_page(request, reply)
            return
        elif path.startswith("/mock/"):
            client, answer = self._control(request, path)
        elif path == "/oauth/token":
            client, answer = self._token(request)
        elif path == "/openapi.json":
            client, answer = "", _described(request)
        else:
            owned = self._worlds.of_api(request)
            client, answer = owned.client, self.handled(owned, request)
        self._log.exchange(client, request, answer)
        reply(answer)

    async def close(self) -> None:
        """Stop all timers, and close the live page."""
        for _, timer in self._timers.values():
            timer.cancel()
        if self._page is not None:
            await self._page.close()

    @property
    def lots(self) -> list[OwnedPbx]:
        """The PBX of each client."""
        return self._worlds.all

    def handled(self, owned: OwnedPbx, request: Request) -> Answer:
        """Answer a request to one client's PBX, and see to what follows from it."""
        answer = owned.mock.handle(request, owned.clock.now())
        self._after(owned, request, answer)
        return answer

    def _open_page(self, request: Request, reply: Callable[[Answer], None]) -> None:
        """Lead to the live page, which is opened when it is first asked for."""

        async def open_page(page: LivePage) -> None:
            lot = dict(parse_qsl(request.path.partition("?")[2])).get("client", "")
            try:
                url = await page.open(self, lot, f"http://{header(request.headers, 'host')}")
            except UsageError as error:
                reply(_answer(complaint(404, f"{error.message}: {error.hint}")))
                return
            headers = (("Location", url), ("Cache-Control", "no-store"))
            reply(Answer(response=Response(status=303, headers=headers)))

        if self._page is None or request.method != "GET":
            reply(_answer(NO_ROUTE if self._page is None else not_allowed("GET")))
            return
        task = asyncio.get_running_loop().create_task(open_page(self._page))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def _token(self, request: Request) -> tuple[str, Answer]:
        try:
            owned = self._worlds.of_client(client_of(request))
        except TooMany:
            return "", _answer(_TOO_MANY)
        answer = self.handled(owned, request)
        self._worlds.remember(owned, answer.response)
        return owned.client, answer

    def _control(self, request: Request, path: str) -> tuple[str, Answer]:
        if not self._local and self._worlds.of_token(request) is None:
            return "", _answer(_TOKEN_WANTED)
        owned = self._worlds.of_control(request)
        if isinstance(owned, str):
            return "", _answer(complaint(409, owned))
        match request.method, path:
            case "GET", "/mock/clock":
                answer = _answer(_clock_view(owned))
            case "POST", "/mock/clock/advance":
                answer = _answer(self._advance(owned, request.body))
            case _, "/mock/clock":
                answer = _answer(not_allowed("GET"))
            case _, "/mock/clock/advance":
                answer = _answer(not_allowed("POST"))
            case _:
                answer = self.handled(owned, request)
        return owned.client, answer

    def _advance(self, owned: OwnedPbx, body: bytes) -> Reply:
        """Move a world's clock through every timer on the way."""
        by = (json_object(body) or {}).get("by")
        wait = parse_duration(by) if isinstance(by, str) else None
        if wait is None or wait > _LONGEST_ADVANCE:
            return complaint(400, 'by must be a duration such as {"by": "3m"}, up to 10000h')
        goal = owned.clock.now() + wait
        while (timer := owned.mock.next_deadline()) is not None and timer <= goal:
            owned.mock.tick(timer)
            self._tell(owned, None, None)
            self._webhooks.send(owned.mock.take_deliveries())
        owned.clock.advance(wait)
        self._tick(owned)
        return _clock_view(owned)

    def _tell(self, owned: OwnedPbx, request: Request | None, answer: Answer | None) -> None:
        if self.watching is not None:
            self.watching.seen(owned, request, answer)

    def _after(self, owned: OwnedPbx, request: Request | None, answer: Answer | None) -> None:
        """Pass on what happened, and wake up when the next timer is due in real time."""
        self._tell(owned, request, answer)
        deliveries = owned.mock.take_deliveries()
        if deliveries:
            self._webhooks.send(deliveries)
        due = owned.mock.next_deadline()
        set_for = self._timers.get(owned)
        if owned.clock.stands or due == (set_for and set_for[0]):
            return
        if set_for is not None:
            set_for[1].cancel()
            del self._timers[owned]
        if due is not None:
            wait = max(0, due - owned.clock.now()) / SECOND
            timer = asyncio.get_running_loop().call_later(wait, self._ring, owned)
            self._timers[owned] = (due, timer)

    def _ring(self, owned: OwnedPbx) -> None:
        del self._timers[owned]
        self._tick(owned)

    def _tick(self, owned: OwnedPbx) -> None:
        owned.mock.tick(owned.clock.now())
        self._after(owned, None, None)


def _clock_view(owned: OwnedPbx) -> Reply:
    now, due = owned.clock.now(), owned.mock.next_deadline()
    left = None if due is None else duration_text(max(0, due - now))
    shown = {"now": now, "text": duration_text(now), "next_timer_in": left}
    return told(200, shown | {"time": "virtual" if owned.clock.stands else "real"})


def _described(request: Request) -> Answer:
    reply = Reply(200, description()) if request.method == "GET" else not_allowed("GET")
    return _answer(reply)


def _answer(reply: Reply) -> Answer:
    allow = (("Allow", reply.allow),) if reply.allow else ()
    headers = (*allow, *(_JSON if reply.body else ()))
    return Answer(response=Response(status=reply.status, headers=headers, body=reply.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class MockOptions:
    """What a served mock is like and where it listens (port 0: any free one).

    `webhook_hosts` are receivers of notifications besides this machine; `page` opens the live page.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    profile: Profile = PROFILES["vendor"]
    seed: int = 0
    faults: tuple[Fault, ...] = ()
    virtual_time: bool = False
    webhook_hosts: tuple[str, ...] = ()
    log: Log = field(default_factory=Silent)
    page: LivePage | None = None


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
    local = is_this_machine(options.host)
    worlds = Tenants(_recipe(options))
    handler = MockHandler(worlds, webhooks, options.log, local=local, page=options.page)
    try:
        async with listening(handler, options.host, options.port) as url:
            yield url
    finally:
        await handler.close()
        await webhooks.close()


def serve_mock(options: MockOptions, ready: Callable[[str], None]) -> None:
    """Serve a mock until SIGTERM or Ctrl-C; `ready` is told the URL; raises UsageError."""

    async def serve() -> None:
        async with mock_server(options) as url:
            ready(url)
            await told_to_stop()

    asyncio.run(serve())
