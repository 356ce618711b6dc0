"""Faults: what goes wrong between a client and the mock, chosen by count, action and seed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

from scenario_runner.mock_pbx.identity import hex_name

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.notices import Delivery

SECOND: Final = 1_000_000


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
