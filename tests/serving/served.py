"""Serves a mock on a thread of its own and talks to it as a client does."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from scenario_runner.mock_pbx.server.app import MockOptions, mock_server

if TYPE_CHECKING:
    from collections.abc import Iterator

API = "/api/ver1.0"


class Got(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Somebody who talks to a served mock over one kept connection."""

    url: str
    token: str = ""
    connection: HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        address = urlsplit(self.url)
        self.connection = HTTPConnection(str(address.hostname), address.port, timeout=10)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Got:
        data = None if body is None else json.dumps(body).encode()
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        self.connection.request(method, path, data, headers)
        answer = self.connection.getresponse()
        return Got(answer.status, dict(answer.getheaders()), answer.read())

    def login(self, client_id: str = "crm", secret: str = "s3cret") -> Got:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        self.connection.request("POST", "/oauth/token", urlencode(form))
        answer = self.connection.getresponse()
        got = Got(answer.status, dict(answer.getheaders()), answer.read())
        if got.status == 200:
            self.token = got.json["access_token"]
        return got

    def call(self, extension: int = 341) -> dict[str, Any]:
        placed: dict[str, Any] = self.ask(
            "POST", "/mock/calls", {"extension": extension, "from": "+78120000443"}
        ).json
        return placed

    def valet(self, call: dict[str, Any], action: str, slot: object = 6) -> Got:
        path = f"{API}/extension/{call['extension_id']}/valet_park/{call['call_api_id']}"
        return self.ask("PUT", path, {"action": action, "slot": slot})

    def in_slot(self, call: dict[str, Any], slot: object = 6) -> object:
        return self.valet(call, "slots", slot).json["UUID"]


@contextmanager
def serving(options: MockOptions | None = None) -> Iterator[str]:
    """Serve a mock at a free port; gives its URL."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    told: list[str] = []
    stop = asyncio.Event()

    async def serve() -> None:
        async with mock_server(options or MockOptions(port=0)) as url:
            told.append(url)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield told[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@contextmanager
def client_of(options: MockOptions | None = None) -> Iterator[Client]:
    """Serve a mock and give a client with a token."""
    with serving(options) as url:
        client = Client(url)
        client.login()
        try:
            yield client
        finally:
            client.connection.close()
