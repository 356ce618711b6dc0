"""The HTTP request that a gesture is, in the vendor's API and in a test PBX's `/mock/calls`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, assert_never
from urllib.parse import quote, urlencode

from scenario_runner.events import Exchange
from scenario_runner.exchange import Request
from scenario_runner.masking import MASK
from scenario_runner.reporters.failures import curl_line
from scenario_runner.ui.gestures import (
    ExtensionDials,
    LookAtCall,
    LookAtExtension,
    LookIntoSlot,
    ParkCall,
    PickUp,
    PutDown,
    SendRequest,
    SomebodyCalls,
    TakeFromSlot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenario_runner.exchange import Headers, Response
    from scenario_runner.pbx.ringme.settings import Credentials
    from scenario_runner.references import Json
    from scenario_runner.ui.gestures import Gesture

_JSON: Headers = (("Content-Type", "application/json"),)
_FORM: Headers = (("Content-Type", "application/x-www-form-urlencoded"),)


class Address(NamedTuple):
    """Where a call is found: its ids, and the number of the extension it is at."""

    uuid: str
    call_api_id: str
    extension: str


FindCall: TypeAlias = "Callable[[str], Address]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Where the API is, and the ids by which it knows the extensions."""

    extension_ids: Mapping[str, str]
    api_root: str = "/api/ver1.0"
    token_path: str = "/oauth/token"

    def extension_id(self, number: str) -> str:
        """Return the id of an extension; one that is not known goes by its number."""
        return quote(self.extension_ids.get(number, number), safe="")


def request_of(gesture: Gesture, find: FindCall, dialect: Dialect) -> Request:
    """Return the request that a gesture sends; raises KeyError for a call that never was."""
    match gesture:
        case SomebodyCalls() | ExtensionDials():
            return _placing(gesture)
        case PickUp(call=call):
            return Request(method="POST", path=f"/mock/calls/{find(call).uuid}/answer")
        case ParkCall() | LookIntoSlot() | TakeFromSlot():
            return _valet(gesture, find(gesture.call), dialect)
        case PutDown():
            return _hanging_up(gesture, find(gesture.call), dialect)
        case LookAtCall(call=call):
            return Request(method="GET", path=_one(find(call), dialect))
        case LookAtExtension(extension=number):
            path = f"{dialect.api_root}/extension/{dialect.extension_id(number)}/current_calls/"
            return Request(method="GET", path=path)
        case SendRequest(request=request):
            return request
        case _ as never:
            assert_never(never)


def _placing(gesture: SomebodyCalls | ExtensionDials) -> Request:
    party = "from" if isinstance(gesture, SomebodyCalls) else "to"
    body: Json = {
        "extension": gesture.extension,
        party: gesture.number,
        "answered": gesture.answered,
    }
    return Request(method="POST", path="/mock/calls", headers=_JSON, body=_encoded(body))


def _hanging_up(gesture: PutDown, call: Address, dialect: Dialect) -> Request:
    remote = gesture.by == "remote"
    path = f"/mock/calls/{call.uuid}" if remote else _one(call, dialect)
    return Request(method="DELETE", path=path)


def _valet(
    gesture: ParkCall | LookIntoSlot | TakeFromSlot, call: Address, dialect: Dialect
) -> Request:
    body: dict[str, Json] = {"action": gesture.action}
    if gesture.slot is not None:
        body["slot"] = gesture.slot
    extension = dialect.extension_id(gesture.extension or call.extension)
    path = f"{dialect.api_root}/extension/{extension}/valet_park/{quote(call.call_api_id, safe='')}"
    return Request(method="PUT", path=path, headers=_JSON, body=_encoded(body))


def _one(call: Address, dialect: Dialect) -> str:
    extension = dialect.extension_id(call.extension)
    call_api_id = quote(call.call_api_id, safe="")
    return f"{dialect.api_root}/extension/{extension}/current_calls/{call_api_id}"


def _encoded(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def token_request(dialect: Dialect, credentials: Credentials) -> Request:
    """Return the request for a token with which the page acts on a mock."""
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
    }
    body = urlencode(form).encode()
    return Request(method="POST", path=dialect.token_path, headers=_FORM, body=body)


def with_token(request: Request, token: str) -> Request:
    """Return the request with the token in it."""
    headers = (*request.headers, ("Authorization", f"Bearer {token}"))
    return Request(method=request.method, path=request.path, headers=headers, body=request.body)


def wants_token(request: Request) -> bool:
    """Tell whether the page's token goes along: not outside of the API, nor in place of another."""
    outside = request.path.startswith(("/oauth/", "/mock/", "/openapi.json"))
    return not outside and all(name.lower() != "authorization" for name, _ in request.headers)


def sent_text(request: Request) -> str:
    """Write a request for people, with its credentials masked."""
    headers = "".join(
        f"{name}: {'Bearer ' + MASK if name.lower() == 'authorization' else value}\n"
        for name, value in request.headers
    )
    body = request.body.decode("utf-8", "replace")
    if request.path.startswith("/oauth/"):
        body = _without_secrets(body)
    return f"{request.method} {request.path}\n{headers}\n{body}"


def received_text(response: Response) -> str:
    """Write an answer for people; a token in it is masked."""
    headers = "".join(f"{name}: {value}\n" for name, value in response.headers)
    body = response.body[:_LONGEST].decode("utf-8", "replace")
    if '"access_token"' in body:
        body = json.dumps({"access_token": MASK})
    return f"{response.status}\n{headers}\n{body}"


_LONGEST = 100_000


def _without_secrets(form: str) -> str:
    pairs = (pair.partition("=") for pair in form.split("&"))
    return "&".join(
        f"{name}={MASK if name in ('client_secret', 'password') else value}"
        for name, _, value in pairs
    )


def curl_of(request: Request, base_url: str) -> str:
    """Return the command that sends a request, with the token read from the shell's `$TOKEN`."""
    shown = with_token(request, MASK) if wants_token(request) else request
    exchange = Exchange(
        scenario="",
        step="",
        protocol="http",
        sent=sent_text(shown),
        received="",
        outcome="ok",
        at=0,
        took=0,
    )
    return curl_line(exchange, base_url)
