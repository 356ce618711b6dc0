"""Notifications: what is told about calls, in the vendor's fields, and who has asked for it."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

from msgspec import Struct

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import CallEvent
    from scenario_runner.mock_pbx.profile import Profile

Fields = tuple[tuple[str, str], ...]

EVENT_TYPES: Final = (
    "dial-in", "dial-out", "answer", "hangup", "message-in", "message-out", "voicemail",
)  # fmt: skip
METHODS: Final = ("GET", "POST")


class Delivery(NamedTuple):
    """One notification to be sent: the form goes into the query string (GET) or the body (POST).

    `at_us` is when it happened, in microseconds of the mock's clock.
    """

    url: str
    method: str
    form_body: bytes
    at_us: int


class Wish(Struct, frozen=True):
    """What a subscriber asks for: an event's type, the address to tell, and how."""

    url: str
    method: str
    event_type: str


def wish_from(url: object, method: object, event_type: object) -> Wish | str:
    """Read a subscription from a request, or say what is wrong with it."""
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return "url must be an http or https address"
    if not isinstance(method, str) or method not in METHODS:
        return "method must be GET or POST"
    if not isinstance(event_type, str) or event_type not in EVENT_TYPES:
        return "event_type must be one of " + ", ".join(EVENT_TYPES)
    return Wish(url, method, event_type)


class Notifier:
    """Tells subscribers what happens to calls; subscriptions are kept by extension and id."""

    def __init__(self, profile: Profile, epoch_us: int) -> None:
        self.profile = profile
        self.epoch_us = epoch_us
        self._last_id = 1000
        self._by_extension: dict[int, dict[int, Wish]] = {}

    def copy(self) -> Notifier:
        """Return the same subscriptions, to be changed apart from these."""
        other: Notifier = copy(self)
        other._by_extension = {number: dict(of) for number, of in self._by_extension.items()}
        return other

    def add(self, extension: int, wish: Wish) -> int:
        """Take a subscription in and return its id."""
        self._last_id += 1
        self._by_extension.setdefault(extension, {})[self._last_id] = wish
        return self._last_id

    def of(self, extension: int) -> dict[int, Wish]:
        """Return the subscriptions of one extension, oldest first; changing them counts."""
        return self._by_extension.setdefault(extension, {})

    def deliveries(self, events: tuple[CallEvent, ...]) -> list[Delivery]:
        """Return the notifications that these events cause, in the order they happened."""
        if not self._by_extension:
            return []
        found = []
        for event in events:
            wishes = self._by_extension.get(event.call.extension, {})
            wanted = [wish for wish in wishes.values() if wish.event_type == event.type]
            if wanted:
                form = urlencode(self.fields(event)).encode()
                found += [Delivery(wish.url, wish.method, form, event.at) for wish in wanted]
        return found

    def fields(self, event: CallEvent) -> Fields:
        """Return the fields of a notification.

        `EventTime` counts microseconds since 1970, `Duration` (of a hangup) the microseconds
        talked.
        """
        call, profile = event.call, self.profile
        extension_id = profile.extension_id(call.extension)
        flow = call.leg_flow if profile.events_flow == "lower" else call.leg_flow.upper()
        return (
            ("EventType", event.type),
            ("EventTime", str(self.epoch_us + event.at)),
            ("CallID", call.call_id),
            ("SubCallID", f"{extension_id}-{call.leg}"),
            ("CallAPIID", profile.call_api_id(call.uuid)),
            ("CallStatus", event.status),
            *(() if event.duration is None else (("Duration", str(event.duration)),)),
            ("CallFlow", flow),
            *self.parties(event),
        )

    def parties(self, event: CallEvent) -> Fields:
        """Return the fields that say who calls whom."""
        call, profile = event.call, self.profile
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
