"""Events as the RingMe dialect reports them: form fields, read into events of the runner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

from scenario_runner.errors import NotPossible
from scenario_runner.model.vocabulary import EventType
from scenario_runner.pbx.protocol import Leftover, PbxEvent
from scenario_runner.pbx.ringme.answers import uuid_of, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.ringme.rest import Rest

REPORTED = tuple(EventType)
_KNOWN = {kind.value for kind in EventType}


class Feed(Protocol):
    """Brings the PBX's events to one scenario."""

    async def watch(self, extension_id: str, rest: Rest, within: int) -> None:
        """See to it that this extension's events come."""
        ...

    async def stop(self, rest: Rest, within: int) -> tuple[Leftover, ...]:
        """End all watching; return what could not be undone."""
        ...


def read_event(form: str, at: int, numbers: dict[str, str]) -> PbxEvent | None:
    """Read one delivery; None for a type that the runner does not know.

    `numbers` maps the PBX's extension ids to numbers, `at` is when the delivery came. The leg's
    extension is what stands before the dash of `SubCallID` (documented).
    """
    fields = parse_qsl(form, keep_blank_values=True)
    named = dict(fields)
    kind = named.get("EventType", "")
    if kind not in _KNOWN:
        return None
    extension_id = named.get("SubCallID", "").partition("-")[0]
    return PbxEvent(
        type=EventType(kind),
        uuid=uuid_of(named.get("CallAPIID", "")),
        extension=numbers.get(extension_id, extension_id),
        at=at,
        fields=tuple(fields),
    )


class Receiver(Protocol):
    """A place that the PBX delivers to."""

    @property
    def url(self) -> str:
        """Where the PBX shall deliver."""
        ...

    def listen(self, heard: Callable[[str], None]) -> Callable[[], None]:
        """Call `heard` with each delivery's form; the returned function ends that."""
        ...


class SubscribedFeed:
    """Events by subscription: one for each extension and type, removed at the end."""

    def __init__(self, receiver: Receiver, heard: Callable[[str], None]) -> None:
        self._url = receiver.url
        self._unlisten = receiver.listen(heard)
        self._subscribed: list[tuple[str, str]] = []
        self._watched: set[str] = set()

    async def watch(self, extension_id: str, rest: Rest, within: int) -> None:
        """Subscribe to the extension's four call events."""
        if extension_id in self._watched:
            return
        self._watched.add(extension_id)
        path = f"/extension/{extension_id}/event/"
        for kind in REPORTED:
            body = {"url": self._url, "method": "POST", "event_type": kind.value}
            raw = await rest.call("POST", path, within, dict(body))
            answer = raw.body if isinstance(raw.body, dict) else {}
            if raw.status >= 400 or "id" not in answer:
                raise NotPossible(f"the PBX takes no subscription to events: {words(raw.body)}")
            self._subscribed.append((extension_id, str(answer["id"])))

    async def stop(self, rest: Rest, within: int) -> tuple[Leftover, ...]:
        """Remove every subscription that was made."""
        self._unlisten()
        left: list[Leftover] = []
        for extension_id, event_id in self._subscribed:
            path = f"/extension/{extension_id}/event/{event_id}"
            raw = await rest.call("DELETE", path, within)
            if raw.status >= 400 and raw.status != 404:
                left.append(Leftover(what=f"event subscription {event_id} of {extension_id}"))
        return tuple(left)
