"""Authorised requests in the RingMe dialect: each one traced, with its credentials masked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from scenario_runner.durations import SECOND
from scenario_runner.errors import PbxError
from scenario_runner.exchange import Headers, Request, Response, Transport, header
from scenario_runner.masking import MASK
from scenario_runner.pbx.protocol import Raw, Trace

if TYPE_CHECKING:
    from scenario_runner.clock import Clock
    from scenario_runner.pbx.protocol import Watcher
    from scenario_runner.pbx.ringme.settings import RingMeSettings
    from scenario_runner.pbx.ringme.tokens import Tokens
    from scenario_runner.references import Json

_SECRET_FIELDS = frozenset({"client_secret", "password", "access_token", "refresh_token", "code"})
_JSON: Headers = (("Content-Type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Wire:
    """Carries requests for one scenario and tells its watcher about each."""

    transport: Transport
    clock: Clock
    watcher: Watcher

    async def send(self, request: Request, within: int) -> Raw:
        """Send a request as it is and return the answer; raises what the transport raises."""
        begin = self.clock.now()
        real = perf_counter_ns()
        try:
            response = await self.transport.send(request, within / SECOND)
        except PbxError as error:
            self._trace(request, error.message, "lost", begin, self.clock.now())
            raise
        real = (perf_counter_ns() - real) // 1000
        now = self.clock.now()
        outcome = "ok" if response.status < 400 else "refused"
        self._trace(request, _received(response), outcome, begin, now)
        return Raw(
            status=response.status,
            headers=response.headers,
            body=parse_body(response),
            at=now,
            took=now - begin,
            real=real,
        )

    def _trace(
        self, request: Request, received: str, outcome: str, begin: int, now: int
    ) -> None:
        self.watcher.traced(
            Trace(
                protocol="http",
                sent=_sent(request),
                received=received,
                outcome=outcome,
                at=begin,
                took=now - begin,
            )
        )


def parse_body(response: Response) -> Json:
    """Return the body as JSON, or as text where it is none; nothing for an empty body."""
    if not response.body:
        return None
    try:
        parsed: Json = json.loads(response.body)
    except ValueError:
        return response.body.decode("utf-8", "replace")
    return parsed


def _sent(request: Request) -> str:
    headers = "".join(
        f"{name}: {'Bearer ' + MASK if name == 'Authorization' else value}\n"
        for name, value in request.headers
    )
    return f"{request.method} {request.path}\n{headers}\n{_text(request.body, request.headers)}"


def _received(response: Response) -> str:
    headers = "".join(f"{name}: {value}\n" for name, value in response.headers)
    return f"{response.status}\n{headers}\n{_text(response.body, response.headers)}"


def _text(body: bytes, headers: Headers) -> str:
    """Write a body for the report, with the values of secret fields masked."""
    text = body.decode("utf-8", "replace")
    if not any(field in text for field in _SECRET_FIELDS):
        return text
    if (header(headers, "content-type") or "").startswith("application/x-www-form"):
        pairs = parse_qsl(text, keep_blank_values=True)
        shown = [(name, MASK if name in _SECRET_FIELDS else value) for name, value in pairs]
        return urlencode(shown, safe="*")
    try:
        return json.dumps(_masked(json.loads(text)), ensure_ascii=False)
    except ValueError:
        return MASK


def _masked(value: Json) -> Json:
    match value:
        case dict():
            return {
                name: MASK if name in _SECRET_FIELDS else _masked(item)
                for name, item in value.items()
            }
        case list():
            return [_masked(item) for item in value]
        case _:
            return value


@dataclass(frozen=True, slots=True)
class Rest:
    """Authorised requests below the API's root."""

    settings: RingMeSettings
    wire: Wire
    tokens: Tokens

    async def call(self, method: str, path: str, within: int, body: Json = None) -> Raw:
        """Send a JSON request to a path below the API's root."""
        data = b"" if body is None else json.dumps(body).encode()
        headers = _JSON if data else ()
        path = self.settings.api_root + path
        return await self.authorised(
            Request(method=method, path=path, headers=headers, body=data), within
        )

    async def authorised(self, request: Request, within: int) -> Raw:
        """Send a request with the runner's token; on a 401 once more with a new one."""
        token = await self.tokens.current(self.wire, within)
        raw = await self.wire.send(_with_token(request, token), within)
        if raw.status != 401:
            return raw
        token = await self.tokens.renewed(self.wire, within, refused=token)
        return await self.wire.send(_with_token(request, token), within)


def _with_token(request: Request, token: str) -> Request:
    return Request(
        method=request.method,
        path=request.path,
        headers=(*request.headers, ("Authorization", f"Bearer {token}")),
        body=request.body,
    )
