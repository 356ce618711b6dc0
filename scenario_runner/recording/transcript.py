"""Reads recorded exchanges as steps: ids become named calls, credentials are left out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, quote_plus, unquote

from scenario_runner.durations import parse_duration
from scenario_runner.exchange import header
from scenario_runner.language.actions import Bridge, Park, Slots
from scenario_runner.language.vocabulary import Reason
from scenario_runner.masking import SHORTEST
from scenario_runner.pbx.ringme.answers import read_json, reason_of, words
from scenario_runner.recording.scenario import (
    SHORTEST_WAIT,
    Actor,
    Cast,
    Fields,
    Recorded,
    Told,
    escaped,
    finished,
    folded,
)
from scenario_runner.references import Json, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scenario_runner.exchange import Request, Response
    from scenario_runner.language.matchers import Matcher


_UNTOLD: Final = frozenset({401, 429})
"""What says nothing about the calls: the client asks again with another token, or later."""
_VALET: Final = frozenset({Park.word, Slots.word, Bridge.word})
"""The API's own actions on a call, which are called as in the language."""
_SHORT_NAME: Final = re.compile(r"[0-9]+\*([0-9]+)(?:@.*)?")
_NUMBER: Final = re.compile(r"[0-9]{2,8}")

Body = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that went through, its answer, when it was sent (microseconds).

    `looked` is what the PBX said about the call that the request names, asked by the proxy the
    first time that a call is named.
    """

    request: Request
    response: Response
    at: int
    looked: Json = None


def json_of(message: Request | Response) -> Json:
    """Return a body as JSON, or None where it is none."""
    try:
        return read_json(message.body)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPbx:
    """What is known of a PBX before it is recorded.

    `numbers` maps its extension ids to numbers; what is missing is learned from answers. `reasons`
    are what its words mean. `park_timeout` is in microseconds.
    """

    api_root: str
    numbers: Mapping[str, str]
    park_timeout: int
    reasons: tuple[tuple[Reason, Matcher], ...] = ()


class Transcript:
    """Takes exchanges in the order they were sent; `steps` is what they are as a scenario."""

    def __init__(self, pbx: RecordedPbx) -> None:
        self._api_root = pbx.api_root
        self._numbers = dict(pbx.numbers)
        self._reasons = pbx.reasons
        self._cast = Cast(pbx.park_timeout)
        self._moved = 0
        self._moved_calls: list[Actor | None] = []
        self._secrets: dict[str, str] = {}
        self.steps: list[Told] = []
        self.subscriptions = 0

    @property
    def astray(self) -> tuple[str, ...]:
        """The calls that were transferred and not ended: the runner can't know where they are."""
        moved = [actor for actor in self._moved_calls if actor and actor.phase != "ended"]
        return tuple(dict.fromkeys(actor.name for actor in moved))

    def take(self, exchange: Exchange) -> None:
        """Read one exchange."""
        self._secrets |= _secrets_in(exchange)
        status, path = exchange.response.status, exchange.request.path.partition("?")[0]
        if status in _UNTOLD or status >= 500:
            return
        exchange = replace(exchange, at=exchange.at + self._moved)
        if path.startswith("/mock/"):
            self._control(exchange, path.split("/")[2:])
        elif path.startswith(f"{self._api_root}/"):
            self._api(exchange, path[len(self._api_root) + 1 :].split("/"))

    def _tell(self, at: int, action: str, fields: Fields, expect: Fields = ()) -> None:
        self.steps.append(Told(at=at, action=action, fields=fields, expect=expect))

    def _control(self, exchange: Exchange, parts: list[str]) -> None:
        """Read a request to a mock's own resources, where calls come from outside."""
        at, told = exchange.at, _object(exchange.response)
        if exchange.response.status >= 400:
            return
        match exchange.request.method, parts:
            case "POST", ["calls"]:
                self._numbers[as_text(told["extension_id"])] = as_text(told["extension"])
                self._placed(exchange, as_text(told["extension_id"]), _object(exchange.request))
            case "POST", ["calls", uuid, "answer"] if actor := self._cast.find(uuid):
                self._answered(actor, at)
            case "DELETE", ["calls", uuid] if actor := self._cast.find(uuid):
                self._hung_up(actor, at)
            case "POST", ["clock", "advance"]:
                by = as_text(_object(exchange.request).get("by"))
                self._moved += parse_duration(by) or 0

    def _placed(self, exchange: Exchange, extension_id: str, asked: Body) -> None:
        told = _object(exchange.response)
        answered = asked.get("answered", True) is not False
        actor = self._cast.add(
            as_text(told["call_api_id"]), extension_id, "up" if answered else "ringing"
        )
        flow = "from" if "from" in asked else "to"
        self._tell_call(actor, exchange.at, flow, as_text(asked[flow]))

    def _tell_call(self, actor: Actor, at: int, flow: str, party: str) -> None:
        fields: Fields = (
            ("as", actor.name),
            ("extension", self._number(actor.extension_id)),
            (flow, escaped(party) or "anonymous"),
        )
        self._tell(
            at, "call", fields + ((("answered", False),) if actor.phase == "ringing" else ())
        )

    def _number(self, extension_id: str) -> str:
        return self._numbers.get(extension_id, extension_id)

    def _api(self, exchange: Exchange, parts: list[str]) -> None:
        match exchange.request.method, parts:
            case _, ["extension" | "client", _, "event" | "phone_events", _]:
                self.subscriptions += 1
            case "PUT", ["extension", extension_id, "valet_park", call]:
                self._valet(exchange, extension_id, self._meet(exchange, extension_id, call))
            case "GET", ["extension", extension_id, "current_calls", ""]:
                self._listed(exchange, extension_id)
            case "GET", ["extension", extension_id, "current_calls", call]:
                self._shown(exchange, self._meet(exchange, extension_id, call))
            case "PUT", ["extension", extension_id, "current_calls", call]:
                self._moved_calls.append(self._meet(exchange, extension_id, call))
                self._raw(exchange, "/" + "/".join(parts))
            case "DELETE", ["extension", extension_id, "current_calls", call]:
                self._deleted(exchange, self._meet(exchange, extension_id, call))
            case "POST", ["extension", extension_id, "callback", ""] if (
                exchange.response.status < 400
            ):
                self._called_back(exchange, extension_id)
            case _:
                self._raw(exchange, "/" + "/".join(parts))

    def _meet(self, exchange: Exchange, extension_id: str, call: str) -> Actor | None:
        """Return the call that a path names, taken in where the PBX knew it already."""
        call_api_id = unquote(call)
        actor = self._cast.find(call_api_id)
        if actor is None and isinstance(exchange.looked, dict):
            actor = self._take_in(exchange.looked, extension_id, exchange.at)
        return actor

    def _take_in(self, entry: Body, extension_id: str, at: int) -> Actor:
        """Take in a call that came from outside, as the PBX lists it."""
        incoming = as_text(entry.get("call_flow")).lower() == "in"
        side = entry.get("called_extension" if incoming else "caller_extension")
        name = as_text(side.get("name")) if isinstance(side, dict) else ""
        if (short := _SHORT_NAME.fullmatch(name)) is not None:
            self._numbers.setdefault(extension_id, short[1])
        phase = "up" if entry.get("answer_time_gmt") else "ringing"
        actor = self._cast.add(as_text(entry["call_api_id"]), extension_id, phase)  # type: ignore[arg-type]
        party = entry.get("caller_id_number" if incoming else "called_number")
        self._tell_call(actor, at, "from" if incoming else "to", as_text(party))
        return actor

    def _valet(self, exchange: Exchange, extension_id: str, actor: Actor | None) -> None:
        asked = _object(exchange.request)
        action, slot, at = asked.get("action"), asked.get("slot"), exchange.at
        done = exchange.response.status < 400
        if actor is None or action not in _VALET:
            self._raw(exchange, exchange.request.path.removeprefix(self._api_root))
            return
        if actor.phase == "ringing" and done and action != "slots":
            self._answered(actor, at)
        self._gone(exchange, actor)
        own = actor.extension_id == extension_id
        fields: Fields = (
            ("call", actor.name),
            *(() if slot is None else (("slot", slot),)),
            *(() if own else (("extension", self._number(extension_id)),)),
        )
        self._tell(at, action, fields, self._came_of(exchange, action, slot))
        if done and action != "slots":
            self._changed(exchange, actor)

    def _came_of(self, exchange: Exchange, action: str, slot: Json) -> Fields:
        told = _object(exchange.response)
        if exchange.response.status >= 400:
            return self._refusal(exchange)
        if action == "slots":
            uuid = as_text(told.get("UUID") or "")
            holder = self._cast.find(uuid) if uuid else None
            return (("holds", holder.name),) if holder else (("empty", not uuid),)
        if action == "bridge":
            parked = self._cast.parked(exchange.at)
            other = self._cast.parked_in(as_text(told.get("slot", slot)), exchange.at)
            if other is not None and (slot is not None or len(parked) == 1):
                return (("with", other.name),)
        return ()

    def _refusal(self, exchange: Exchange) -> Fields:
        """Return the reason of a refusal, or status and words where it is not known.

        A status of 404 alone tells no reason: it may be about the call, the slot or the extension.
        """
        code, message = exchange.response.status, words(json_of(exchange.response))
        reason = reason_of(code, message, self._reasons, about_call=False)
        if reason not in (Reason.OTHER, Reason.NOT_FOUND):
            return (("refused", reason.value),)
        status: Fields = (("status", code),)
        return (*status, ("message", escaped(message))) if message else status

    def _changed(self, exchange: Exchange, actor: Actor) -> None:
        asked, told = _object(exchange.request), _object(exchange.response)
        slot = as_text(asked.get("slot") or told.get("slot") or "")
        if asked["action"] == "park":
            self._cast.park(actor, slot, exchange.at)
        elif (other := self._cast.parked_in(slot, exchange.at)) is not None:
            self._cast.bridge(actor, other)

    def _listed(self, exchange: Exchange, extension_id: str) -> None:
        entries = _object(exchange.response).get("call_list")
        if exchange.response.status >= 400 or not isinstance(entries, list):
            self._raw(exchange, exchange.request.path.removeprefix(self._api_root))
            return
        present = [
            self._entry(e, extension_id, exchange.at) for e in entries if isinstance(e, dict)
        ]
        for actor in list(self._cast):
            if actor.extension_id == extension_id and actor not in present:
                self._ended_outside(actor, exchange.at)
        names: list[Json] = [actor.name for actor in present]
        expect: Fields = (("includes", names),) if names else (("count", 0),)
        fields: Fields = (("extension", self._number(extension_id)),)
        self._tell(exchange.at, "calls", fields, expect)

    def _entry(self, entry: Body, extension_id: str, at: int) -> Actor:
        actor = self._cast.find(as_text(entry.get("call_api_id")))
        if actor is None:
            return self._take_in(entry, extension_id, at)
        if actor.phase == "ringing" and entry.get("answer_time_gmt"):
            self._answered(actor, at)
        return actor

    def _shown(self, exchange: Exchange, actor: Actor | None) -> None:
        if actor is None:
            self._raw(exchange, exchange.request.path.removeprefix(self._api_root))
            return
        if exchange.response.status == 200:
            self._entry(_object(exchange.response), actor.extension_id, exchange.at)
        self._gone(exchange, actor)
        phase: str = actor.phase
        if phase == "parked" and not self._cast.is_parked(actor, exchange.at):
            phase = "ringing"
        self._tell(exchange.at, "calls", (("call", actor.name),), (("state", phase),))

    def _deleted(self, exchange: Exchange, actor: Actor | None) -> None:
        if actor is None:
            self._raw(exchange, exchange.request.path.removeprefix(self._api_root))
            return
        self._gone(exchange, actor)
        fields: Fields = (("call", actor.name), ("by", "extension"))
        if exchange.response.status >= 400:
            self._tell(exchange.at, "hangup", fields, self._refusal(exchange))
            return
        self._tell(exchange.at, "hangup", fields)
        self._cast.end(actor)

    def _called_back(self, exchange: Exchange, extension_id: str) -> None:
        asked = _object(exchange.request)
        sources = asked.get("src_num")
        first = as_text(sources[0]) if isinstance(sources, list) and sources else ""
        if _NUMBER.fullmatch(first):
            self._numbers.setdefault(extension_id, first)
        self._placed(exchange, extension_id, {"to": asked.get("dst_num")})

    def _answered(self, actor: Actor, at: int) -> None:
        self._tell(at, "answer", (("call", actor.name),))
        actor.phase = "up"

    def _hung_up(self, actor: Actor, at: int) -> None:
        self._tell(at, "hangup", (("call", actor.name),))
        self._cast.end(actor)

    def _gone(self, exchange: Exchange, actor: Actor) -> None:
        """Let the remote party hang up where the PBX no longer knows a call."""
        if exchange.response.status == 404 and words(json_of(exchange.response)) == "Not found":
            self._ended_outside(actor, exchange.at)

    def _ended_outside(self, actor: Actor, at: int) -> None:
        if actor.phase == "ended":
            return
        if actor.phase == "parked" and not self._cast.is_parked(actor, at):
            self._cast.end(actor)
            return
        self._hung_up(actor, at)

    def _raw(self, exchange: Exchange, path: str) -> None:
        """Tell a request that has no verb, with the names of calls in place of ids."""
        request, body = exchange.request, json_of(exchange.request)
        fields: Fields = ((request.method.lower(), self._named(escaped(path))),)
        if body is not None:
            fields += (("json", self._named_in(body)),)
        elif request.body:
            fields += (("text", self._named(escaped(request.body.decode("utf-8", "replace")))),)
        expect: Fields = (("status", exchange.response.status),)
        self.steps.append(
            Told(at=exchange.at, action="request", fields=fields, expect=expect, raw=True)
        )

    def _named(self, text: str) -> str:
        """Write the names of calls and of secrets in place of them, in a text that is escaped."""
        for secret, name in self._secrets.items():
            for form in (escaped(secret), quote_plus(secret), quote(secret, safe="")):
                text = text.replace(form, f"${{secret.{name}}}")
        for actor in self._cast:
            text = text.replace(actor.call_api_id, f"${{{actor.name}.call_api_id}}")
            text = text.replace(actor.uuid, f"${{{actor.name}.uuid}}")
        return text

    def _named_in(self, value: Json) -> Json:
        match value:
            case str():
                return self._named(escaped(value))
            case list():
                return [self._named_in(item) for item in value]
            case dict():
                return {
                    key: f"$secret.{_secret_name(key)}" if _is_secret(key) else self._named_in(item)
                    for key, item in value.items()
                }
            case _:
                return value


_SECRET: Final = re.compile(r"password|passwd|secret|token|api_?key|credential", re.IGNORECASE)


def _is_secret(key: str) -> bool:
    return _SECRET.search(key) is not None and key.lower() != "token_type"


def _secret_name(key: str) -> str:
    return re.sub(r"[^A-Z0-9_]", "_", key.upper())


def _secrets_in(exchange: Exchange) -> dict[str, str]:
    """Return the secrets that went through, with the names of the variables to read them from."""
    found: list[tuple[str, Json]] = []
    for message in (exchange.request, exchange.response):
        form = parse_qsl(message.body.decode("utf-8", "replace"))
        found += [*_leaves(json_of(message)), *form]
    found += parse_qsl(exchange.request.path.partition("?")[2])
    token = (header(exchange.request.headers, "authorization") or "").partition(" ")[2]
    found.append(("token", token))
    return {
        as_text(value): _secret_name(key)
        for key, value in found
        if _is_secret(key) and isinstance(value, str | int) and len(as_text(value)) >= SHORTEST
    }


def _leaves(value: Json) -> Iterator[tuple[str, Json]]:
    """Give the keys and values of all maps in a JSON value."""
    match value:
        case dict():
            for key, item in value.items():
                yield key, item
                yield from _leaves(item)
        case list():
            for item in value:
                yield from _leaves(item)


def _object(message: object) -> Body:
    parsed = json_of(message)  # type: ignore[arg-type]
    return parsed if isinstance(parsed, dict) else {}


def scenario_of_exchanges(
    exchanges: Sequence[Exchange], pbx: RecordedPbx, shortest: int = SHORTEST_WAIT
) -> str:
    """Return the scenario file of what went through a proxy; raises UsageError for nothing.

    `shortest`, the shortest pause that becomes a wait, is in microseconds.
    """
    transcript = Transcript(pbx)
    for exchange in exchanges:
        transcript.take(exchange)
    told = f"{len(exchanges)} requests went through the proxy."
    if transcript.subscriptions:
        told += " Event subscriptions are left out: the runner makes its own."
    hint = "let the client park a call or ask about one through the proxy"
    recorded = Recorded(
        name="Recorded through a proxy",
        description=told,
        steps=folded(transcript.steps),
        astray=transcript.astray,
    )
    return finished(recorded, shortest, hint)
