"""The `request` action: a raw request, for what has no verb and for malformed ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, assert_never
from urllib.parse import urlencode

from scenario_runner.exchange import Headers, Request
from scenario_runner.model.steps import FormBody, JsonBody, RawRequest, TextBody
from scenario_runner.references import as_text

if TYPE_CHECKING:
    from scenario_runner.engine.scope import Scope


def build_request(action: RawRequest, scope: Scope) -> Request:
    """Return the request as it will be sent, but for the runner's own Authorization.

    A header given as null is kept with an empty value: drivers take that for "not sent".
    """
    content_type, body = _body(action, scope)
    given: Headers = tuple(
        (name, "" if value is None else as_text(value))
        for name, value in ((name, scope.resolve(value)) for name, value in action.headers)
    )
    if content_type and "content-type" not in {name.lower() for name, _ in given}:
        given = (("Content-Type", content_type), *given)
    path = as_text(scope.resolve(action.path))
    return Request(method=action.method, path=path, headers=given, body=body)


def _body(action: RawRequest, scope: Scope) -> tuple[str, bytes]:
    match action.body:
        case None:
            return "", b""
        case JsonBody(value):
            text = json.dumps(scope.resolve(value), ensure_ascii=False)
            return "application/json", text.encode()
        case TextBody(typed_text):
            return "application/json", as_text(scope.resolve(typed_text)).encode()
        case FormBody(fields):
            pairs = [(name, as_text(scope.resolve(value))) for name, value in fields]
            return "application/x-www-form-urlencoded", urlencode(pairs).encode()
        case _:
            assert_never(action.body)
