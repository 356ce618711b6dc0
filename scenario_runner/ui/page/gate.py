"""Lets only this page's own browser in: a pure ASGI middleware for HTTP and WebSockets alike.

A page that listens on loopback is reached by every program of the machine, and by every web page
that a browser on it has open. So the Host must be a name of this machine (else a name that an
attacker owns could be made to point here), and an Origin must be the page's own. Off loopback a
token is asked for once, in the URL; it is kept in a cookie that no other site makes a browser send.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlencode

from scenario_runner.http.hosts import is_this_machine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Scope: TypeAlias = MutableMapping[str, Any]
    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN: Final = "token"

POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""What the page may load: nothing that is not served here. Vue compiles its templates by `eval`."""

_HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Passes on to `app` what comes from the page itself.

    Without a `token` the page is for this machine, and goes by its names only.
    """

    app: App
    token: str = field(default="", repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal:
            await _refuse(scope, receive, send, refusal)
        elif self._enters(scope):
            await self._let_in(scope, send)
        elif self.token and not self._knows(_cookie(scope, self._cookie_name(scope))):
            text = "open the page with the address that scenario-runner printed: it has the token"
            await _refuse(scope, receive, send, text)
        else:
            await self.app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> str:
        """Say why a request is not the page's own; empty where it is."""
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or not (self.token or is_this_machine(hosts[0])):
            return "this page is not served under that name"
        origins = _values(scope, b"origin")
        own = {f"{scheme}://{hosts[0]}" for scheme in ("http", "https")}
        if any(origin not in own for origin in origins) or len(origins) > 1:
            return "this page talks to itself only"
        return ""

    def _enters(self, scope: Scope) -> bool:
        """Tell whether somebody comes with the right token in the URL."""
        if not self.token or scope["type"] != "http":
            return False
        return any(name == TOKEN and self._knows(value) for name, value in _query(scope))

    async def _let_in(self, scope: Scope, send: Send) -> None:
        """Put the token into a cookie, and lead to the same page without it in the address."""
        left = urlencode([(name, value) for name, value in _query(scope) if name != TOKEN])
        target = scope["path"] + (f"?{left}" if left else "")
        cookie = f"{self._cookie_name(scope)}={self.token}; Path=/; HttpOnly; SameSite=Strict"
        headers = [
            (b"location", target.encode("utf-8", "replace")),
            (b"set-cookie", cookie.encode()),
            (b"cache-control", b"no-store"),
            (b"content-length", b"0"),
            *_HEADERS,
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _knows(self, said: str) -> bool:
        return hmac.compare_digest(said.encode(), self.token.encode())

    def _cookie_name(self, scope: Scope) -> str:
        """Name the cookie after the port: a browser sends cookies to every port of a host."""
        server = scope.get("server")
        return f"scenario-runner-{server[1] if server else 0}"


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1").lower() for key, value in scope["headers"] if key == name]


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)


def _cookie(scope: Scope, name: str) -> str:
    headers = (value.decode("latin-1") for key, value in scope["headers"] if key == b"cookie")
    pairs = (pair.strip().partition("=") for header in headers for pair in header.split(";"))
    return next((value for key, _, value in pairs if key == name), "")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
        await send(message)

    return sending


async def _refuse(scope: Scope, receive: Receive, send: Send, text: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": text})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode() + b"\n"})
