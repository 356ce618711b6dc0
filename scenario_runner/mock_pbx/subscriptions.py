"""Event subscriptions: who wants to be told what about an extension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlencode

from scenario_runner.mock_pbx.notices import Delivery, event_fields

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import CallEvent
    from scenario_runner.mock_pbx.profile import Profile

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
