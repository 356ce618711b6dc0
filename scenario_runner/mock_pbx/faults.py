"""Faults: what goes wrong between a client and the mock, chosen by count, action and seed."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec.structs import replace

from scenario_runner.durations import SECOND, parse_duration
from scenario_runner.errors import did_you_mean
from scenario_runner.exchange import Answer, Loss, Response
from scenario_runner.mock_pbx.seeding import hex_name
from scenario_runner.mock_pbx.world import Reply, complaint, json_object, not_allowed, told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenario_runner.exchange import Headers, Request
    from scenario_runner.mock_pbx.notifications import Delivery


class Kind(Enum):
    """What can go wrong with an exchange."""

    LATENCY = "latency"
    TOO_MANY = "429"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    DROP_BEFORE = "drop-before"
    DROP_AFTER = "drop-after"
    TRUNCATED = "truncated"
    OVERSIZED = "oversized"
    NOT_JSON = "not-json"
    EXPIRED_TOKEN = "expired-token"
    SLOW_BODY = "slow-body"


class EventKind(Enum):
    """What can go wrong with the delivery of an event."""

    LOST = "event-lost"
    DOUBLED = "event-doubled"
    LATE = "event-late"
    REORDERED = "event-reordered"


AnyKind: TypeAlias = Kind | EventKind

BY: Final[dict[AnyKind, int]] = {
    Kind.LATENCY: 5 * SECOND,
    Kind.SLOW_BODY: 5 * SECOND,
    Kind.TOO_MANY: 60 * SECOND,
    EventKind.LATE: 5 * SECOND,
    EventKind.REORDERED: 5 * SECOND,
}
"""The kinds that take time, and how much (microseconds) unless told otherwise."""

SAYS: Final[dict[AnyKind, str]] = {
    Kind.LATENCY: "the command takes effect, the answer comes later, by `by`",
    Kind.TOO_MANY: "refused with 429 until `by` is over, says X-RateLimit-Reset; no effect",
    Kind.SERVER_ERROR: "refused with 500, nothing takes effect",
    Kind.BAD_GATEWAY: "a gateway's HTML page with 502, nothing takes effect",
    Kind.DROP_BEFORE: "the connection is dropped, nothing takes effect",
    Kind.DROP_AFTER: "the command takes effect, then the connection is dropped",
    Kind.TRUNCATED: "the command takes effect, the JSON of the answer ends in its middle",
    Kind.OVERSIZED: "the command takes effect, the answer is 11 MiB long",
    Kind.NOT_JSON: "the command takes effect, an HTML page with 200 comes for the answer",
    Kind.EXPIRED_TOKEN: "the token of the request is no longer good",
    Kind.SLOW_BODY: "the answer's head comes at once, its body piece by piece over `by`",
    EventKind.LOST: "the notification is never delivered",
    EventKind.DOUBLED: "the notification is delivered twice",
    EventKind.LATE: "the notification is delivered later, by `by`",
    EventKind.REORDERED: "the notification is delivered after the next one, or after `by`",
}

ACTIONS: Final = (
    "call", "answer", "park", "slots", "bridge", "hangup", "calls", "transfer", "event", "token",
    "request",
)  # fmt: skip
"""The actions that a fault can be about; `request` is whatever is none of the others."""

EVENTS: Final = ("dial-in", "dial-out", "answer", "hangup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault and when it strikes.

    `on` is an action, for faults of deliveries an event's type; empty: any request of the
    vendor's API, any event. `after` lets that many pass first, `times` bounds how often it
    strikes (0: always), `probability` lets the seed choose. `by_us` is in microseconds.
    """

    kind: AnyKind
    on: str = ""
    by_us: int = 0
    probability: float = 1.0
    times: int = 0
    after: int = 0


@dataclass(slots=True)
class Striking:
    """A fault at work: how many exchanges it could have struck, and how many it did."""

    fault: Fault
    number: int
    met: int = 0
    struck: int = 0

    def strikes(self, seed: int) -> bool:
        """Count one exchange that the fault is about; tell whether it strikes."""
        fault = self.fault
        self.met += 1
        if self.met <= fault.after or (fault.times and self.struck >= fault.times):
            return False
        if not _chance(seed, self.number, self.met) < fault.probability:
            return False
        self.struck += 1
        return True


def _chance(seed: int, number: int, met: int) -> float:
    """Return a number from 0 below 1 that follows from the seed."""
    return int(hex_name(seed, f"fault-{number}", met)[:13], 16) / 16**13


class FaultPlan:
    """The faults of one mock, in the order they were added; the first that strikes counts."""

    def __init__(self, seed: int, faults: tuple[Fault, ...] = ()) -> None:
        self._seed = seed
        self._made = 0
        self._held: list[tuple[int, bool, Delivery]] = []
        self.exchange: list[Striking] = []
        self.delivery: list[Striking] = []
        for fault in faults:
            self.add(fault)

    def copy(self) -> FaultPlan:
        """Return the same faults with the same counts, to strike apart from these."""
        other: FaultPlan = copy(self)
        other._held = list(self._held)
        other.exchange = [copy(one) for one in self.exchange]
        other.delivery = [copy(one) for one in self.delivery]
        return other

    def add(self, fault: Fault) -> None:
        """Add a fault behind the others."""
        self._made += 1
        of_events = isinstance(fault.kind, EventKind)
        (self.delivery if of_events else self.exchange).append(Striking(fault, self._made))

    def clear(self) -> None:
        """Remove all faults; deliveries that are held back still come."""
        self.exchange.clear()
        self.delivery.clear()

    @property
    def all(self) -> list[Striking]:
        """Every fault with its counts, in the order they were added."""
        return sorted(self.exchange + self.delivery, key=lambda one: one.number)

    def strike(self, action: str, *, in_api: bool) -> Fault | None:
        """Return the fault that strikes this exchange, if any.

        `in_api` tells whether the request is one of the vendor's API, which a fault without
        `on` is about.
        """
        for one in self.exchange:
            about = one.fault.on == action if one.fault.on else in_api
            if about and one.strikes(self._seed):
                return one.fault
        return None

    @property
    def next_release(self) -> int | None:
        """When the earliest delivery that is held back comes (microseconds), if there is one."""
        return min((until for until, _, _ in self._held), default=None)

    def delivered(self, deliveries: tuple[Delivery, ...], now_us: int) -> tuple[Delivery, ...]:
        """Return what is delivered at `now_us` of these and of those held back before."""
        if not deliveries and not self._held:
            return ()
        coming: list[Delivery] = []
        for delivery in deliveries:
            self._deliver(delivery, coming, now_us)
        due = [held for held in self._held if held[0] <= now_us]
        self._held = [held for held in self._held if held[0] > now_us]
        return (*coming, *(delivery for _, _, delivery in sorted(due, key=lambda held: held[0])))

    def _deliver(self, delivery: Delivery, coming: list[Delivery], now_us: int) -> None:
        fault = self._struck_delivery(delivery)
        match fault.kind if fault is not None else None:
            case EventKind.LOST:
                return
            case EventKind.LATE | EventKind.REORDERED as kind:
                assert fault is not None
                swapped = kind is EventKind.REORDERED
                self._held.append((now_us + fault.by_us, swapped, delivery))
                return
            case EventKind.DOUBLED:
                coming.append(delivery)
        coming.append(delivery)
        coming += [held for _, swapped, held in self._held if swapped]
        self._held = [held for held in self._held if not held[1]]

    def _struck_delivery(self, delivery: Delivery) -> Fault | None:
        if not self.delivery:
            return None
        event = b"EventType=%s&"
        for one in self.delivery:
            on = one.fault.on.encode()
            if (not on or event % on in delivery.form_body) and one.strikes(self._seed):
                return one.fault
        return None


KINDS: Final[dict[str, AnyKind]] = {kind.value: kind for kind in (*Kind, *EventKind)}
_KEYS: Final = ("fault", "on", "by", "probability", "times", "after")


def fault_from_text(text: str) -> Fault:
    """Read `KIND` or `KIND,on=park,times=1,…`; raises ValueError with a message for people."""
    kind, *options = (word.strip() for word in text.split(","))
    said: dict[str, object] = {"fault": kind}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals:
            raise ValueError(f"'{option}' says nothing: options look like on=park")
        if key in said:
            raise ValueError(f"{key} is said twice")
        said[key] = value
    return fault_from(said)


def fault_from(said: Mapping[str, object]) -> Fault:
    """Read a fault from names and values; raises ValueError with a message for people."""
    for key in said:
        if key not in _KEYS:
            raise ValueError(_unknown("option", key, _KEYS))
    name = str(said.get("fault", ""))
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(_unknown("fault", name, KINDS))
    return Fault(
        kind=kind,
        on=_on(kind, str(said.get("on", ""))),
        by_us=_by(kind, said.get("by")),
        probability=_probability(said.get("probability", 1)),
        times=_count("times", said.get("times", 0)),
        after=_count("after", said.get("after", 0)),
    )


def fault_view(one: Striking) -> dict[str, object]:
    """Show a fault as it can be asked for, with how often it met its action and struck."""
    fault = one.fault
    shown: dict[str, object] = {"fault": fault.kind.value}
    if fault.on:
        shown["on"] = fault.on
    if fault.by_us:
        shown["by"] = f"{fault.by_us / SECOND:.6f}".rstrip("0").rstrip(".") + "s"
    if fault.probability < 1:
        shown["probability"] = fault.probability
    counts = {"times": fault.times, "after": fault.after}
    shown |= {name: count for name, count in counts.items() if count}
    return shown | {"met": one.met, "struck": one.struck}


def _on(kind: AnyKind, on: str) -> str:
    known = EVENTS if isinstance(kind, EventKind) else ACTIONS
    if on and on not in known:
        what = "event" if isinstance(kind, EventKind) else "action"
        raise ValueError(_unknown(what, on, known))
    return on


def _by(kind: AnyKind, by: object) -> int:
    if by is None:
        return BY.get(kind, 0)
    if kind not in BY:
        raise ValueError(f"{kind.value} takes no time, so it has no 'by'")
    duration = parse_duration(by) if isinstance(by, str) else None
    if not duration:
        raise ValueError(f"by is a duration such as 5s, not {by}")
    return duration


def _probability(said: object) -> float:
    try:
        number = float(said) if isinstance(said, (str, int, float)) else 0.0
    except ValueError:
        number = 0.0
    if not 0 < number <= 1 or isinstance(said, bool):
        raise ValueError(f"probability is a number above 0 and up to 1, not {said}")
    return number


def _count(name: str, said: object) -> int:
    word = str(said)
    if isinstance(said, bool) or not (word.isascii() and word.isdigit()) or len(word) > 9:
        raise ValueError(f"{name} is a whole number, not {said}")
    return int(word)


def _unknown(what: str, word: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    near = did_you_mean(word, known)
    hint = near or f"there are: {', '.join(known)}"
    return f"unknown {what} '{word}': {hint}" if word else f"no {what} is named; {hint}"


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
            raise ValueError(f"{kind.value} is not a fault of an answer")


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


def fault_resource(plan: FaultPlan, method: str, body: bytes) -> Reply:
    """Answer a request to `/mock/faults`."""
    match method:
        case "GET":
            return told(200, {"faults": [fault_view(one) for one in plan.all]})
        case "POST":
            return _add(plan, body)
        case "DELETE":
            plan.clear()
            return Reply(204)
        case _:
            return not_allowed("GET", "POST", "DELETE")


def _add(plan: FaultPlan, body: bytes) -> Reply:
    said = json_object(body)
    if said is None:
        return complaint(400, "request body must be a JSON object")
    try:
        plan.add(fault_from(said))
    except ValueError as error:
        return complaint(400, str(error))
    return told(201, fault_view(plan.all[-1]))
