"""One client's world: the switch's state over time, subscriptions, and what is to be delivered."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar
from urllib.parse import urlencode

from scenario_runner.mock_pbx.calls import Refusal, fresh_state, next_deadline
from scenario_runner.mock_pbx.rules import RULES
from scenario_runner.mock_pbx.switch import advance, step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.mock_pbx.calls import Call, CallEvent, Command, Step, SwitchAnswer
    from scenario_runner.mock_pbx.profile import Profile, Refusals, Said


Fields = tuple[tuple[str, str], ...]


class Delivery(NamedTuple):
    """One notification to be sent: the form goes into the query string (GET) or the body (POST).

    `at_us` is when it happened, in microseconds of the mock's clock.
    """

    url: str
    method: str
    form_body: bytes
    at_us: int


def event_fields(profile: Profile, event: CallEvent, epoch_us: int) -> Fields:
    """Return the fields of a notification.

    `EventTime` counts microseconds since 1970, `Duration` (of a hangup) the microseconds talked.
    """
    call = event.call
    extension_id = profile.extension_id(call.extension)
    flow = call.leg_flow if profile.events_flow == "lower" else call.leg_flow.upper()
    return (
        ("EventType", event.type),
        ("EventTime", str(epoch_us + event.at)),
        ("CallID", call.call_id),
        ("SubCallID", f"{extension_id}-{call.leg}"),
        ("CallAPIID", f"{profile.media_server}-{call.uuid}"),
        ("CallStatus", event.status),
        *(() if event.duration is None else (("Duration", str(event.duration)),)),
        ("CallFlow", flow),
        *_parties(profile, event),
    )


def _parties(profile: Profile, event: CallEvent) -> Fields:
    call = event.call
    extension_id = str(profile.extension_id(call.extension))
    short, full = profile.short_name(call.extension), profile.full_name(call.extension)
    if call.leg_flow == "out":
        return (
            ("CalledNumber", call.party),
            ("CallerIDNum", short),
            ("CallerIDName", short),
            ("CallerExtensionID", extension_id),
            ("CallerExtension", full),
        )
    did = (("CalledDID", profile.called_did),) if call.flow == "in" else ()
    return (
        *did,
        ("CalledNumber", short),
        ("CalledExtensionID", extension_id),
        ("CalledExtension", full),
        ("CallerIDNum", call.party),
        ("CallerIDName", call.party),
    )


EVENT_TYPES: Final = (
    "dial-in", "dial-out", "answer", "hangup", "message-in", "message-out", "voicemail",
)  # fmt: skip
METHODS: Final = ("GET", "POST")


class Wish(NamedTuple):
    """What a subscriber asks for: an event's type, the address to tell, and how."""

    url: str
    method: str
    event_type: str


class Subscriptions:
    """The subscriptions of all extensions, by their ids."""

    def __init__(self) -> None:
        self._last_id = 1000
        self._by_extension: dict[int, dict[int, Wish]] = {}

    def add(self, extension: int, wish: Wish) -> int:
        """Take a subscription in and return its id."""
        self._last_id += 1
        self._by_extension.setdefault(extension, {})[self._last_id] = wish
        return self._last_id

    def of(self, extension: int) -> dict[int, Wish]:
        """Return the subscriptions of one extension, oldest first; changing them counts."""
        return self._by_extension.setdefault(extension, {})

    def deliveries(
        self, profile: Profile, events: tuple[CallEvent, ...], epoch_us: int
    ) -> list[Delivery]:
        """Return the notifications that these events cause, in the order they happened."""
        if not self._by_extension:
            return []
        found = []
        for event in events:
            wishes = self._by_extension.get(event.call.extension, {})
            wanted = [wish for wish in wishes.values() if wish.event_type == event.type]
            if wanted:
                form = urlencode(event_fields(profile, event, epoch_us)).encode()
                found += [Delivery(wish.url, wish.method, form, event.at) for wish in wanted]
        return found


def wish_from(body: dict[str, object]) -> Wish | str:
    """Read a subscription from a request, or say what is wrong with it."""
    url, method, event_type = (body.get(key) for key in ("url", "method", "event_type"))
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return "url must be an http or https address"
    if not isinstance(method, str) or method not in METHODS:
        return "method must be GET or POST"
    if not isinstance(event_type, str) or event_type not in EVENT_TYPES:
        return "event_type must be one of " + ", ".join(EVENT_TYPES)
    return Wish(url, method, event_type)


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


A = TypeVar("A", bound="SwitchAnswer")

_FIELD_OF: Final = {rule.id: rule.id.replace(".", "_").replace("-", "_") for rule in RULES}


class World:
    """Keeps the state between commands. Times are microseconds of the mock's clock.

    `clock` never goes back: a command that comes with an earlier time happens now.
    """

    def __init__(self, profile: Profile, seed: int, epoch_us: int) -> None:
        self.profile = profile
        self.epoch_us = epoch_us
        self.clock = 0
        self.state = fresh_state(profile, seed)
        self.subscriptions = Subscriptions()
        self.outbox: list[Delivery] = []
        self.exercised: set[str] = set()
        self._refusals = refusal_replies(profile.refusals)

    def do(self, command: Command, expected: type[A]) -> A | Refusal:
        """Carry a command out at the clock's time; its answer is of the expected class."""
        answer = self._took(step(self.state, command, self.clock))
        if isinstance(answer, expected):
            return answer
        if isinstance(answer, Refusal):
            return answer
        raise TypeError(f"{command} was answered by {answer}")

    def pass_time(self, now_us: int) -> None:
        """Move the clock and fire the timers that are due."""
        if now_us > self.clock:
            self.clock = now_us
        if self.state.deadline <= self.clock:
            self._took(advance(self.state, self.clock))

    def refused(self, refusal: Refusal) -> Reply:
        """Return the reply to a command that a rule forbade."""
        return self._refusals[_FIELD_OF[refusal.rule]]

    def refuse(self, rule: str) -> Reply:
        """Refuse by a rule that is decided outside the switch."""
        self.exercised.add(rule)
        return self._refusals[_FIELD_OF[rule]]

    def complain(self, refusal: str) -> Reply:
        """Refuse by what is no rule of call parking: the name of a field of `Refusals`."""
        return self._refusals[refusal]

    def _took(self, move: Step) -> SwitchAnswer:
        self.state = move.state
        self.exercised.update(move.rules)
        if move.events:
            self.outbox += self.subscriptions.deliveries(self.profile, move.events, self.epoch_us)
        return move.answer


View = dict[str, object]


def call_api_id(profile: Profile, uuid: str) -> str:
    """Write a call's name in the API: the media server's number and the uuid."""
    return f"{profile.media_server}-{uuid}"


def listed_call(world: World, call: Call) -> View:
    """Show a call as `current_calls` lists it; times are in GMT."""
    profile = world.profile
    answered = call.answered_at
    short = profile.short_name(call.extension)
    own = _extension(profile, call.extension)
    incoming = call.flow == "in"
    return {
        "call_api_id": call_api_id(profile, call.uuid),
        "call_flow": call.flow.upper(),
        "extension_id": profile.extension_id(call.extension),
        "init_time_gmt": _gmt(world.epoch_us + call.placed_at),
        "answer_time_gmt": None if answered is None else _gmt(world.epoch_us + answered),
        "caller_id_number": call.party if incoming else short,
        "caller_id_name": call.party if incoming else short,
        "caller_extension": None if incoming else own,
        "called_number": short if incoming else call.party,
        "called_did": profile.called_did if incoming else None,
        "called_extension": own if incoming else None,
        "callback_id": None,
        "record_uuid": None,
        "real_call": True,
    }


def _extension(profile: Profile, number: int) -> View:
    return {
        "id": profile.extension_id(number),
        "type": "phone",
        "name": profile.full_name(number),
        "client_id": profile.client_number,
        "extension_group_id": None,
    }


def _gmt(epoch_us: int) -> str:
    seconds, rest = divmod(epoch_us, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S},{rest // 10_000:02d}"


def call_ids(profile: Profile, call: Call) -> View:
    """Show the names of a call."""
    return {
        "call_api_id": call_api_id(profile, call.uuid),
        "uuid": call.uuid,
        "call_id": call.call_id,
        "extension": str(call.extension),
        "extension_id": profile.extension_id(call.extension),
    }


def state_view(world: World) -> View:
    """Show everything the switch holds; times are microseconds of the mock's clock."""
    state = world.state
    slots = sorted((place[1], uuid) for place, uuid in state.slots.items())
    return {
        "clock": world.clock,
        "next_deadline": next_deadline(state),
        "placed": state.placed,
        "alive": len(state.calls),
        "ended": state.ended,
        "slots": [
            {"slot": str(slot), "uuid": uuid, "extension": str(state.calls[uuid].extension)}
            for slot, uuid in slots
        ],
        "calls": [_controlled_call(state.profile, call) for call in state.calls.values()],
    }


def _controlled_call(profile: Profile, call: Call) -> View:
    more: View = {"state": call.phase.word, "flow": call.flow, "party": call.party}
    return call_ids(profile, call) | more
