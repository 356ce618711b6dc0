"""Plays a fault around one exchange: which action a request is, and what comes of it instead."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scenario_runner.exchange import Response
from scenario_runner.mock_pbx.answer import Answer, Loss
from scenario_runner.mock_pbx.faults import SECOND, Kind
from scenario_runner.mock_pbx.replies import complaint, json_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.exchange import Headers, Request
    from scenario_runner.mock_pbx.faults import Fault

_API: Final = "/api/ver1.0/"
_JSON: Final = ("Content-Type", "application/json")
_HTML: Final = ("Content-Type", "text/html; charset=utf-8")
_PAGE: Final = b"<html><head><title>%s</title></head><body><h1>%s</h1></body></html>\n"
_OVERSIZE: Final = 11 * 1024 * 1024

_RESOURCES: Final = {
    ("GET", "current_calls"): "calls",
    ("DELETE", "current_calls"): "hangup",
    ("PUT", "current_calls"): "transfer",
    ("POST", "callback"): "call",
}
_CONTROLS: Final = {("POST", 1): "call", ("POST", 3): "answer", ("DELETE", 2): "hangup"}


def action_of(request: Request) -> str:
    """Return the action that a request is, as a fault's `on` names it; empty for the mock's own."""
    path = request.path.partition("?")[0]
    if path.startswith(_API):
        return _api_action(request, path[len(_API) :].split("/"))
    if path == "/oauth/token":
        return "token"
    parts = path.split("/")[2:]
    if path.startswith("/mock/") and parts[0] == "calls":
        return _CONTROLS.get((request.method, len(parts)), "")
    return ""


def _api_action(request: Request, parts: list[str]) -> str:
    name = parts[2] if len(parts) == 4 else ""
    if name == "event":
        return "event"
    if name == "valet_park" and request.method == "PUT":
        action = (json_object(request.body) or {}).get("action")
        return str(action) if action in ("park", "slots", "bridge") else "request"
    return _RESOURCES.get((request.method, name), "request")


def is_in_api(request: Request) -> bool:
    """Tell whether a request is one of the vendor's API."""
    return request.path.startswith(_API)


def played(fault: Fault, serve: Callable[[], Answer], expire: Callable[[], None]) -> Answer:
    """Return what a client gets when the fault strikes.

    `serve` carries the request out; `expire` makes the request's token worthless.
    """
    match fault.kind:
        case Kind.TOO_MANY | Kind.SERVER_ERROR | Kind.BAD_GATEWAY:
            return Answer(response=_refusal(fault))
        case Kind.DROP_BEFORE:
            return Answer(response=Response(status=502), loss=Loss.BEFORE)
        case Kind.EXPIRED_TOKEN:
            expire()
            return serve()
        case _:
            return _changed(fault, serve())


def _changed(fault: Fault, answer: Answer) -> Answer:
    """Return what a fault makes of an answer to what took effect."""
    match fault.kind:
        case Kind.DROP_AFTER:
            return replace(answer, loss=Loss.AFTER)
        case Kind.LATENCY:
            return replace(answer, delay_us=fault.by_us)
        case Kind.SLOW_BODY:
            return replace(answer, body_us=fault.by_us)
        case Kind.TRUNCATED | Kind.OVERSIZED | Kind.NOT_JSON as kind:
            return replace(answer, response=_spoilt(kind, answer.response))
        case kind:
            raise ValueError(f"{kind.value} is no fault of an answer")


def _refusal(fault: Fault) -> Response:
    if fault.kind is Kind.TOO_MANY:
        reply = complaint(429, "Too Many Requests", "rate_limit_exceeded")
        reset = str(-(-fault.by_us // SECOND))
        headers: Headers = (_JSON, ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", reset))
        return Response(status=429, headers=headers, body=reply.body)
    if fault.kind is Kind.SERVER_ERROR:
        body = complaint(500, "Internal Server Error").body
        return Response(status=500, headers=(_JSON,), body=body)
    return _page(502, b"502 Bad Gateway", ())


def _spoilt(kind: Kind, response: Response) -> Response:
    """Return the answer with a body that is cut, too long, or a page; an empty one becomes one."""
    others = tuple(pair for pair in response.headers if pair[0] != "Content-Type")
    if kind is Kind.NOT_JSON:
        return _page(200, b"It works!", others)
    body = response.body or b'{"message": "OK"}'
    status = response.status if response.body else 200
    body = body[: len(body) // 2] if kind is Kind.TRUNCATED else body + b" " * _OVERSIZE
    return Response(status=status, headers=(_JSON, *others), body=body)


def _page(status: int, title: bytes, headers: Headers) -> Response:
    return Response(status=status, headers=(_HTML, *headers), body=_PAGE % (title, title))
