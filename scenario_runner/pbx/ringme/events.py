"""Events as the RingMe dialect reports them: form fields, read into events of the runner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, quote

from scenario_runner.errors import NotPossible
from scenario_runner.model.vocabulary import EventType
from scenario_runner.pbx.journal import NoJournal
from scenario_runner.pbx.protocol import Leftover, PbxEvent
from scenario_runner.pbx.ringme.answers import uuid_of, words
from scenario_runner.references import as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.journal import Journaling
    from scenario_runner.pbx.ringme.rest import Rest
    from scenario_runner.references import Json

REPORTED = tuple(EventType)
_KNOWN = {kind.value for kind in EventType}


class Feed(Protocol):
    """Brings the PBX's events to one scenario."""

    async def watch(self, extension_id: str, rest: Rest, within: int) -> None:
        """See to it that this extension's events come."""
        ...

    async def look(self, extension_id: str, rest: Rest, within: int) -> None:
        """Something was done at this extension: see what came of it, if nobody tells."""
        ...

    def parked(self, call_api_id: str) -> None:
        """A call was parked: its leg at the extension is over."""
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
    """Events by subscription: one for each extension and type, removed at the end.

    Each extension is noted in the journal before; `method` is how the PBX shall deliver.
    """

    def __init__(
        self,
        receiver: Receiver,
        heard: Callable[[str], None],
        journal: Journaling | None = None,
        method: str = "POST",
    ) -> None:
        self._url = receiver.url
        self._unlisten = receiver.listen(heard)
        self._journal = journal or NoJournal()
        self._method = method
        self._subscribed: dict[str, list[str]] = {}
        self._unsure: set[str] = set()

    async def watch(self, extension_id: str, rest: Rest, within: int) -> None:
        """Subscribe to the extension's four call events."""
        path = f"/extension/{quote(extension_id, safe='')}/event/"
        if path in self._subscribed:
            return
        self._journal.watching(path, self._url)
        self._subscribed[path] = []
        self._unsure.add(path)
        for kind in REPORTED:
            body = {"url": self._url, "method": self._method, "event_type": kind.value}
            raw = await rest.call("POST", path, within, dict(body))
            answer = raw.body if isinstance(raw.body, dict) else {}
            if raw.status >= 400 or "id" not in answer:
                raise NotPossible(
                    f"target {rest.settings.name}, POST {path}: the PBX takes no subscription to "
                    f"events of this extension (status {raw.status}): {words(raw.body)}",
                    hint="check 'extensions' of the target, and what its application may do",
                )
            self._subscribed[path].append(str(answer["id"]))
        self._unsure.discard(path)

    async def look(self, extension_id: str, rest: Rest, within: int) -> None:
        """Do nothing: the PBX tells."""

    def parked(self, call_api_id: str) -> None:
        """Do nothing: the PBX tells."""

    async def stop(self, rest: Rest, within: int) -> tuple[Leftover, ...]:
        """Remove every subscription that was made, or may have been made."""
        self._unlisten()
        left: list[Leftover] = []
        for path, event_ids in self._subscribed.items():
            if path in self._unsure:
                event_ids.extend(await self._found(path, event_ids, rest, within))
            kept = [one for one in event_ids if not await _removed(path + one, rest, within)]
            left += [Leftover(what=f"event subscription {path}{one}") for one in kept]
            if not kept:
                self._journal.unwatched(path, self._url)
        return tuple(left)

    async def _found(self, path: str, known: list[str], rest: Rest, within: int) -> list[str]:
        """Return the subscriptions of ours that are there and not known."""
        raw = await rest.call("GET", path, within)
        return [one for one in subscriptions_to(self._url, raw.body) if one not in known]


def subscriptions_to(url: str, listed: Json) -> list[str]:
    """Return the ids of the subscriptions in a list that deliver to this URL."""
    entries = listed if isinstance(listed, list) else []
    ours = (entry for entry in entries if isinstance(entry, dict) and entry.get("url") == url)
    return [as_text(entry.get("id")) for entry in ours]


async def _removed(path: str, rest: Rest, within: int) -> bool:
    raw = await rest.call("DELETE", path, within)
    return raw.status < 400 or raw.status == 404
