"""Replies: a status and a JSON body, before the headers that every answer carries."""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.mock_pbx.profile import Refusals, Said

_encode: Final = json.JSONEncoder(ensure_ascii=False).encode


class Reply(NamedTuple):
    """What is answered: HTTP status and body."""

    status: int
    body: bytes = b""


def told(status: int, body: object) -> Reply:
    """Answer with a JSON body."""
    return Reply(status, _encode(body).encode())


def complaint(status: int, message: str, word: str = "") -> Reply:
    """Answer with a message, and with the `status` word where there is one."""
    return told(status, {"message": message, "status": word} if word else {"message": message})


def refusal(said: Said) -> Reply:
    """Answer with a refusal in the profile's words."""
    return complaint(said.status, said.message, said.word)


@cache
def refusal_replies(refusals: Refusals) -> Mapping[str, Reply]:
    """Return the reply of each refusal by the rule's name, with `_` for its dots and dashes."""
    named = {field.name: refusal(getattr(refusals, field.name)) for field in fields(refusals)}
    return MappingProxyType(named)


NO_ROUTE: Final = complaint(404, "Not found")
NOT_ALLOWED: Final = complaint(405, "Method Not Allowed")


def json_object(body: bytes) -> dict[str, object] | None:
    """Read a JSON object, or return None where the body is none."""
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
