"""Only the page's own browser gets in, over HTTP and over WebSockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scenario_runner.ui.page.gate import POLICY, Gate

TOKEN = "t0ken-t0ken"


async def inner(scope: Any, receive: Any, send: Any) -> None:
    del receive
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


def ask(gate: Gate, kind: str = "http", path: str = "/x", **headers: str) -> list[dict[str, Any]]:
    """Send a request through the gate, and return what it sends back."""
    sent: list[dict[str, Any]] = []
    path, _, query = path.partition("?")
    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": kind, "path": path, "query_string": query.encode(), "headers": given,
        "server": ("127.0.0.1", 8090),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(gate(scope, receive, send))
    return sent


def status(sent: list[dict[str, Any]]) -> int:
    return int(sent[0]["status"])


OPEN = Gate(app=inner)
LOCKED = Gate(app=inner, token=TOKEN)


@pytest.mark.parametrize("host", ["127.0.0.1:8090", "localhost:8090", "[::1]:8090", "LOCALHOST:1"])
def test_names_of_this_machine_are_served(host: str) -> None:
    assert status(ask(OPEN, host=host)) == 200


@pytest.mark.parametrize(
    "host", ["evil.example:8090", "127.0.0.1.evil.example:8090", "", "localhost.:1", "[::2]:1"]
)
def test_other_names_are_refused(host: str) -> None:
    assert status(ask(OPEN, host=host)) == 403
    assert ask(OPEN, "websocket", host=host)[0]["type"] == "websocket.close"


def test_no_host_and_two_hosts_are_refused() -> None:
    assert status(ask(OPEN)) == 403
    scope_with_two = [(b"host", b"localhost"), (b"host", b"evil.example")]
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/", "headers": scope_with_two}
    asyncio.run(OPEN(scope, inner, send))  # type: ignore[arg-type]
    assert status(sent) == 403


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://localhost:9999", "null", "https://127.0.0.1:8090.evil"],
)
def test_other_pages_are_refused(kind: str, origin: str) -> None:
    """NiceGUI's socket.io lets every origin in: measured. Long polling and assets count, too."""
    for path in ("/", "/_nicegui_ws/socket.io/?transport=polling", "/_nicegui/3/static/x.js"):
        sent = ask(OPEN, kind, path, host="127.0.0.1:8090", origin=origin)
        assert sent[0].get("status") == 403 or sent[0]["type"] == "websocket.close"


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_the_page_itself_is_served(kind: str) -> None:
    sent = ask(OPEN, kind, host="127.0.0.1:8090", origin="http://127.0.0.1:8090")
    assert status(sent) == 200


def test_answers_forbid_what_is_not_served_here() -> None:
    headers = dict(ask(OPEN, host="localhost")[0]["headers"])
    assert headers[b"content-security-policy"] == POLICY.encode()
    assert "frame-ancestors 'none'" in POLICY
    assert headers[b"a"] == b"b"


def test_off_loopback_a_token_is_asked_for_once() -> None:
    assert status(ask(LOCKED, host="lab.example:8090")) == 403
    assert status(ask(LOCKED, host="lab.example:8090", path="/?token=wrong")) == 403
    assert ask(LOCKED, "websocket", host="lab.example:8090")[0]["type"] == "websocket.close"

    sent = ask(LOCKED, host="lab.example:8090", path=f"/?client=crm&token={TOKEN}")
    headers = dict(sent[0]["headers"])
    assert status(sent) == 303
    assert headers[b"location"] == b"/?client=crm"
    cookie = headers[b"set-cookie"].decode()
    assert cookie == f"scenario-runner-8090={TOKEN}; Path=/; HttpOnly; SameSite=Strict"

    pair = cookie.partition(";")[0]
    assert status(ask(LOCKED, host="lab.example:8090", cookie=f"other=1; {pair}")) == 200
    assert status(ask(LOCKED, "websocket", host="lab.example:8090", cookie=pair)) == 200
    wrong = pair.replace(TOKEN, "nonsense")
    assert status(ask(LOCKED, host="lab.example:8090", cookie=wrong)) == 403


def test_a_token_in_the_url_opens_no_websocket_of_another_page() -> None:
    sent = ask(
        LOCKED, "websocket", f"/?token={TOKEN}", host="lab.example", origin="http://evil.example"
    )
    assert sent[0]["type"] == "websocket.close"


def test_startup_and_shutdown_pass() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        seen.append(scope["type"])

    asyncio.run(Gate(app=app)({"type": "lifespan"}, inner, inner))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
