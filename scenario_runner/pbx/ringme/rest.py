"""Authorised requests in the RingMe dialect: each one traced, with its credentials masked."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, replace
from random import Random
from time import perf_counter_ns
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from scenario_runner.durations import MILLISECOND, SECOND
from scenario_runner.errors import (
    AnswerLost,
    BadAnswer,
    BadCredentials,
    HeldBack,
    PbxError,
    RateLimited,
    TimedOut,
    Unreachable,
)
from scenario_runner.exchange import Headers, Request, Response, Transport, header
from scenario_runner.masking import MASK, SHORTEST
from scenario_runner.pbx.protocol import Raw, Trace
from scenario_runner.pbx.rate import read_limit
from scenario_runner.pbx.ringme.answers import UnfitJson, read_json, words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from scenario_runner.clock import Clock
    from scenario_runner.pbx.protocol import Watcher
    from scenario_runner.pbx.ringme.settings import RingMeSettings
    from scenario_runner.references import Json


@dataclass(frozen=True, slots=True)
class Patience:
    """`again` times more, with pauses of about `first` microseconds, then twice that, and so on.

    `sleep` takes seconds. With `again` 0 nothing is repeated and no limit of requests waited for.
    """

    again: int = 0
    first: int = 100 * MILLISECOND
    random: Random = Random(0)  # noqa: RUF009 -- shared on purpose: it is asked only where again > 0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def pauses(self) -> Iterator[int]:
        """Yield the pause before each repetition, in microseconds."""
        for number in range(self.again):
            yield int(self.first * 2**number * (0.5 + self.random.random()))


_SECRET_FIELDS = frozenset({"client_secret", "password", "access_token", "refresh_token", "code"})
_SECRET_FIELD = re.compile("|".join(sorted(_SECRET_FIELDS)))
_PASSING = (502, 503, 504)
_IMPATIENT = Patience()
_JSON: Headers = (("Content-Type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Wire:
    """Carries requests for one scenario and tells its watcher about each.

    `gate` lets only so many through at once; the wait before it is part of no time-out.
    """

    transport: Transport
    clock: Clock
    watcher: Watcher
    gate: asyncio.Semaphore | None = None
    patience: Patience = _IMPATIENT

    def unseen(self) -> Wire:
        """Return a wire for requests that no step is about, which nobody wants to see before."""
        transport = self.transport
        if not isinstance(transport, Previewed):
            return self
        return replace(self, transport=transport.transport)

    async def send(self, request: Request, within: int) -> Raw:
        """Send a request as it is and return the answer; raises what the transport raises."""
        if self.gate is None:
            return await self._exchange(request, within)
        async with self.gate:
            return await self._exchange(request, within)

    async def patiently(self, request: Request, within: int) -> Raw:
        """Send what may safely be repeated: again after a fault of the network or of a gateway."""
        until = self.clock.now() + within
        for pause in self.patience.pauses():
            try:
                raw = await self.send(request, max(1, until - self.clock.now()))
            except (Unreachable, AnswerLost, TimedOut):
                if self.clock.now() + pause >= until:
                    raise
            else:
                if raw.status not in _PASSING or self.clock.now() + pause >= until:
                    return raw
            await self.patience.sleep(pause / SECOND)
        return await self.send(request, max(1, until - self.clock.now()))

    async def _exchange(self, request: Request, within: int) -> Raw:
        begin = self.clock.now()
        real = perf_counter_ns()
        try:
            response = await self.transport.send(request, within / SECOND)
        except HeldBack:
            raise
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

    def _trace(self, request: Request, received: str, outcome: str, begin: int, now: int) -> None:
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


@dataclass(frozen=True, slots=True)
class Previewed:
    """A transport that shows each request, with its credentials masked, before it is sent.

    What `preview` raises keeps the request from being sent.
    """

    transport: Transport
    preview: Callable[[str], None]

    async def send(self, request: Request, within: float) -> Response:
        """Show a request and send it; see `exchange.Transport`."""
        self.preview(_sent(request))
        return await self.transport.send(request, within)


def previewed(transport: Transport, preview: Callable[[str], None] | None) -> Transport:
    """Return a transport that shows its requests, where somebody wants to see them."""
    return transport if preview is None else Previewed(transport, preview)


def parse_body(response: Response) -> Json:
    """Return the body as JSON, or as text where it says it is none; nothing for an empty body.

    Raises BadAnswer for JSON that is broken, nests too deeply or holds half a character.
    """
    if not response.body:
        return None
    try:
        return read_json(response.body)
    except ValueError as error:
        text = response.body.decode("utf-8", "replace")
        if isinstance(error, UnfitJson):
            what = f"the answer's JSON can't be used: {error}"
        elif "json" in (header(response.headers, "content-type") or "").lower():
            what = "the answer says it is JSON and is not"
        else:
            return text
        hint = "what the PBX did with the command is not known"
        raise BadAnswer(f"{what}: {text[:80]}", hint=hint) from None


def _sent(request: Request) -> str:
    headers = "".join(
        f"{name}: {'Bearer ' + MASK if name.lower() == 'authorization' else value}\n"
        for name, value in request.headers
    )
    return f"{request.method} {request.path}\n{headers}\n{_text(request.body, request.headers)}"


def _received(response: Response) -> str:
    headers = "".join(f"{name}: {value}\n" for name, value in response.headers)
    return f"{response.status}\n{headers}\n{_text(response.body, response.headers)}"


def _text(body: bytes, headers: Headers) -> str:
    """Write a body for the report, with the values of secret fields masked."""
    text = body.decode("utf-8", "replace")
    if not _SECRET_FIELD.search(text):
        return text
    if (header(headers, "content-type") or "").startswith("application/x-www-form"):
        pairs = parse_qsl(text, keep_blank_values=True)
        shown = [(name, MASK if name in _SECRET_FIELDS else value) for name, value in pairs]
        return urlencode(shown, safe="*")
    try:
        return json.dumps(_masked(read_json(body)), ensure_ascii=False)
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

    def unseen(self) -> Rest:
        """Return the same for requests that no step is about."""
        return replace(self, wire=self.wire.unseen())

    async def call(self, method: str, path: str, within: int, body: Json = None) -> Raw:
        """Send a JSON request to a path below the API's root.

        What only asks is repeated after a fault of the network; where the limit of requests is
        reached, the next hour is waited for if it begins `within`. Raises BadAnswer for an answer
        that is no JSON.
        """
        data = b"" if body is None else json.dumps(body).encode()
        headers = _JSON if data else ()
        path = self.settings.api_root + path
        request = Request(method=method, path=path, headers=headers, body=data)
        send = self.wire.patiently if _only_asks(method, body) else self.wire.send
        begin = self.wire.clock.now()
        raw = await self._with_token(request, within, send)
        left = within - (self.wire.clock.now() - begin)
        if raw.status == 429 and self.wire.patience.again:
            limit = read_limit(raw.headers)
            if limit is not None and limit.reset < left:
                await self.wire.patience.sleep(limit.reset / SECOND)
                raw = await self._with_token(request, left - limit.reset, send)
        if _is_page(raw) and isinstance(raw.body, str):
            raise self._not_the_api(request, raw, "a web page")
        return self.understood(request, raw)

    async def authorised(self, request: Request, within: int) -> Raw:
        """Send a request with the runner's token; on a 401 once more with a new one."""
        return await self._with_token(request, within, self.wire.send)

    async def _with_token(
        self, request: Request, within: int, send: Callable[[Request, int], Awaitable[Raw]]
    ) -> Raw:
        token = await self.tokens.current(self.wire, within)
        raw = await send(_with_token(request, token), within)
        if raw.status != 401:
            return raw
        token = await self.tokens.renewed(self.wire, within, refused=token)
        return await send(_with_token(request, token), within)

    def understood(self, request: Request, raw: Raw) -> Raw:
        """Return an answer of the API; raise BadAnswer for a success that is a page or text."""
        if raw.status < 400 and isinstance(raw.body, str):
            raise self._not_the_api(request, raw, f"no JSON but: {raw.body[:80].strip()}")
        return raw

    def _not_the_api(self, request: Request, raw: Raw, what: str) -> BadAnswer:
        return BadAnswer(
            f"target {self.settings.name}, {request.method} {request.path}: the answer "
            f"(status {raw.status}) is {what}",
            hint="are 'url' and 'api_path' of the target right, and is no proxy in between?",
        )


def _is_page(raw: Raw) -> bool:
    return (header(raw.headers, "content-type") or "").startswith("text/html")


def _only_asks(method: str, body: Json) -> bool:
    """Tell whether the request changes nothing, or nothing more when it is repeated."""
    return method == "GET" or (isinstance(body, dict) and body.get("action") == "slots")


def _with_token(request: Request, token: str) -> Request:
    return Request(
        method=request.method,
        path=request.path,
        headers=(*request.headers, ("Authorization", f"Bearer {token}")),
        body=request.body,
    )


_FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


class Tokens:
    """Holds the token of one target; `hide` is told every token, for the mask."""

    def __init__(self, settings: RingMeSettings, hide: Callable[[str], None] | None = None) -> None:
        self._settings = settings
        self._hide = hide
        self._token = ""
        self._refresh = ""
        self._lock = asyncio.Lock()

    async def current(self, wire: Wire, within: int) -> str:
        """Return the token, asking for one where there is none yet; raises BadCredentials."""
        if self._token:
            return self._token
        return await self.renewed(wire, within, refused="")

    async def renewed(self, wire: Wire, within: int, *, refused: str) -> str:
        """Return another token than the one that was refused; raises BadCredentials.

        Whoever comes while another one is asking gets the same new token.
        """
        async with self._lock:
            if self._token == refused:
                self._token = await self._granted(wire, within)
            return self._token

    async def _granted(self, wire: Wire, within: int) -> str:
        if self._refresh:
            refresh, self._refresh = self._refresh, ""
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
            token, _ = await self._ask(form, wire, within)
            if token:
                return token
        token, told = await self._ask(self._first_form(), wire, within)
        if not token:
            raise BadCredentials(
                f"target {self._settings.name}, POST {self._settings.token_path}: the PBX gives "
                f"no token: {told}",
                hint=f"check {self._named()} in the targets file",
            )
        return token

    def _named(self) -> str:
        password = ", username and password" if self._settings.credentials.username else ""
        return f"client_id and client_secret{password}"

    def _first_form(self) -> dict[str, str]:
        credentials = self._settings.credentials
        if not credentials.username:
            return {"grant_type": "client_credentials"}
        return {
            "grant_type": "password",
            "username": credentials.username,
            "password": credentials.password,
        }

    async def _ask(self, form: dict[str, str], wire: Wire, within: int) -> tuple[str, str]:
        """Return the token, or "" and what the PBX said instead."""
        credentials = self._settings.credentials
        form |= {"client_id": credentials.client_id, "client_secret": credentials.client_secret}
        body = urlencode(form).encode()
        path = self._settings.token_path
        request = Request(method="POST", path=path, headers=_FORM, body=body)
        raw = await wire.unseen().patiently(request, within)
        answer = raw.body if isinstance(raw.body, dict) else {}
        token = answer.get("access_token")
        if raw.status in (400, 401, 403):
            return "", f"status {raw.status}, {answer.get('error') or words(raw.body)}"
        if raw.status >= 400 or not isinstance(token, str) or not token:
            raise self._no_answer(raw)
        refresh = answer.get("refresh_token")
        self._refresh = refresh if isinstance(refresh, str) else ""
        for secret in (token, self._refresh):
            if self._hide is not None and len(secret) >= SHORTEST:
                self._hide(secret)
        return token, ""

    def _no_answer(self, raw: Raw) -> PbxError:
        where = f"target {self._settings.name}, POST {self._settings.token_path}"
        if raw.status == 429:
            return RateLimited(f"{where}: the PBX gives no more tokens for now (status 429)")
        return BadAnswer(
            f"{where}: the answer (status {raw.status}) holds no access_token",
            hint="are 'url' and 'token_path' of the target right?",
        )
