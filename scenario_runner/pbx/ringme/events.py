"""Events as the RingMe dialect reports them: form fields, read into events of the runner."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, quote, urlencode

from msgspec import structs

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.errors import BadAnswer, NotPossible, PbxError
from scenario_runner.language.vocabulary import EventType
from scenario_runner.pbx.journal import NoJournal
from scenario_runner.pbx.protocol import Done, Leftover, NullWatcher, PbxEvent
from scenario_runner.pbx.ringme.answers import entries_of, refused, uuid_of, words
from scenario_runner.references import Json, as_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.journal import Journaling
    from scenario_runner.pbx.protocol import Outcome
    from scenario_runner.pbx.ringme.rest import Rest


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
        """Remove every subscription that was made, or may have been made; each one by itself."""
        self._unlisten()
        left: list[Leftover] = []
        for path, event_ids in self._subscribed.items():
            kept = await self._removed(path, event_ids, rest, within)
            left += [Leftover(what=what) for what in kept]
            if not kept:
                self._journal.unwatched(path, self._url)
        return tuple(left)

    async def _removed(self, path: str, known: list[str], rest: Rest, within: int) -> list[str]:
        """Remove the subscriptions below a path; return what could not be removed or asked."""
        kept: list[str] = []
        if path in self._unsure:
            try:
                raw = await rest.call("GET", path, within)
                if raw.status >= 400:
                    raise BadAnswer(f"status {raw.status}")
                known.extend(o for o in subscriptions_to(self._url, raw.body) if o not in known)
            except PbxError as error:
                kept.append(f"it could not be asked what is subscribed at {path} ({error.message})")
        for one in known:
            try:
                raw = await rest.call("DELETE", f"{path}{one}", within)
                gone = raw.status < 400 or raw.status == 404
            except PbxError:
                gone = False
            if not gone:
                kept.append(f"event subscription {path}{one}")
        return kept


def subscriptions_to(url: str, listed: Json) -> list[str]:
    """Return the ids of the subscriptions in a list that deliver to this URL."""
    entries = listed if isinstance(listed, list) else []
    ours = (entry for entry in entries if isinstance(entry, dict) and entry.get("url") == url)
    return [as_text(entry.get("id")) for entry in ours]


async def unsubscribe(path: str, url: str, rest: Rest, within: int) -> Outcome:
    """Remove the subscriptions below `path` that deliver to `url`; see `commands.Unsubscribe`."""
    raw = await rest.call("GET", path, within)
    if raw.status >= 400:
        return refused(raw, rest.settings, about_call=False)
    removed: list[Json] = []
    for one in subscriptions_to(url, raw.body):
        gone = await rest.call("DELETE", f"{path}{one}", within)
        if gone.status >= 400 and gone.status != 404:
            return refused(gone, rest.settings, about_call=False)
        removed.append(one)
    return Done(raw=structs.replace(raw, body=removed))


EVERY = 1 * SECOND
_ENOUGH = 5

Entry = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Glance:
    """What is looked at of one listed call."""

    entry: Entry = field(compare=False)
    answered: bool
    born: str


def glances(entries: tuple[Entry, ...]) -> dict[str, Glance]:
    """Return the listed calls by their `call_api_id`."""
    return {
        as_text(entry.get("call_api_id")): Glance(
            entry, bool(entry.get("answer_time_gmt")), as_text(entry.get("init_time_gmt"))
        )
        for entry in entries
    }


def differences(before: dict[str, Glance], after: dict[str, Glance]) -> list[tuple[str, Entry]]:
    """Return what happened between two looks as (event type, call), in the order it must have been.

    A call that was answered and rings now has come back: it is told as a new leg.
    """
    told: list[tuple[str, Entry]] = []
    for key, old in before.items():
        new = after.get(key)
        if new is None:
            told.append(("hangup", old.entry))
        elif old.answered and not new.answered:
            told.append((_dial(new.entry), new.entry))
        elif new.answered and not old.answered:
            told.append(("answer", new.entry))
    for key, new in after.items():
        if key not in before:
            told.append((_dial(new.entry), new.entry))
            told += [("answer", new.entry)] if new.answered else []
    return told


def _dial(entry: Entry) -> str:
    return "dial-in" if as_text(entry.get("call_flow")).lower() == "in" else "dial-out"


def form_of(kind: str, entry: Entry, extension_id: str) -> str:
    """Write what was seen as the form that the PBX would have delivered."""
    call_api_id = as_text(entry.get("call_api_id"))
    hexes = uuid_of(call_api_id).replace("-", "")
    status = {"answer": "ANSWER", "hangup": "ANSWER" if entry.get("answer_time_gmt") else "CANCEL"}
    fields = {
        "EventType": kind,
        "CallID": hexes,
        "SubCallID": f"{extension_id}-{hexes}",
        "CallAPIID": call_api_id,
        "CallStatus": status.get(kind, "CALLING"),
        "CallFlow": as_text(entry.get("call_flow")).lower(),
        "CallerIDNum": as_text(entry.get("caller_id_number") or ""),
        "CalledNumber": as_text(entry.get("called_number") or ""),
    }
    return urlencode(fields)


class PollingFeed:
    """Events of the extensions that are watched, as far as their current calls tell.

    `heard` is called with forms like those of deliveries, which lack `EventTime`; `sleep` takes
    seconds. Looking that fails five times in a row is told to `worry`, once.
    """

    def __init__(
        self,
        heard: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]],
        worry: Callable[[str], None],
        every: int = EVERY,
    ) -> None:
        self._heard = heard
        self._sleep = sleep
        self._worry = worry
        self._every = every
        self._watched: dict[str, _Watched] = {}
        self._in_slots: set[str] = set()

    async def watch(self, extension_id: str, rest: Rest, within: int) -> None:
        """Begin to look; calls that are there already are no events."""
        if extension_id in self._watched:
            return
        watched = _Watched(await _listed(extension_id, rest, within))
        self._watched[extension_id] = watched
        watched.task = asyncio.create_task(self._again_and_again(extension_id, rest, within))

    async def look(self, extension_id: str, rest: Rest, within: int) -> None:
        """Look now: what the runner itself does may begin and end between two looks."""
        watched = self._watched.get(extension_id)
        if watched is None:
            return
        async with watched.lock:
            now = await _listed(extension_id, rest, within)
            before, watched.seen = watched.seen, now
            for kind, entry in differences(before, now):
                self._tell(kind, entry, extension_id)

    def parked(self, call_api_id: str) -> None:
        """Tell the end of the parker's leg, although the call stays listed."""
        for extension_id, watched in self._watched.items():
            if call_api_id in watched.seen:
                self._tell("hangup", watched.seen[call_api_id].entry, extension_id)
                self._in_slots.add(call_api_id)

    async def stop(self, rest: Rest, within: int) -> tuple[Leftover, ...]:
        """End all looking."""
        del rest, within
        tasks = [watched.task for watched in self._watched.values() if watched.task is not None]
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        return ()

    def _tell(self, kind: str, entry: Entry, extension_id: str) -> None:
        """Pass an event on; a call in a slot has no leg that could end or be answered."""
        call_api_id = as_text(entry.get("call_api_id"))
        if call_api_id in self._in_slots:
            if kind in ("hangup", "answer"):
                return
            self._in_slots.discard(call_api_id)
            if entry.get("answer_time_gmt"):
                return  # it moved to the extension that took it from its slot
        self._heard(form_of(kind, entry, extension_id))

    async def _again_and_again(self, extension_id: str, rest: Rest, within: int) -> None:
        failed = 0
        while True:
            await self._sleep(self._every / SECOND)
            try:
                await self.look(extension_id, rest, within)
                failed = 0
            except PbxError as error:
                failed += 1
                if failed == _ENOUGH:
                    self._worry(error.message)


@dataclass(slots=True)
class _Watched:
    """What is known of one extension."""

    seen: dict[str, Glance]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None


async def _listed(extension_id: str, rest: Rest, within: int) -> dict[str, Glance]:
    rest = replace(rest, wire=replace(rest.wire, watcher=NullWatcher()))
    path = f"/extension/{quote(extension_id, safe='')}/current_calls/"
    raw = await rest.call("GET", path, within)
    return glances(entries_of(raw) if raw.status < 400 else ())


LATE = 5 * SECOND
"""How long a delivery may take before it is called late: the vendor documents no limit."""


class Deliveries:
    """Looks at each delivery of one scenario before it is passed on to `heard`.

    Doubled and malformed ones are not passed on. What went wrong is told as a notice.
    """

    def __init__(self, heard: Callable[[str], None], context: Context) -> None:
        self._heard = heard
        self._context = context
        self._seen: set[tuple[str, str, str]] = set()
        self._latest: dict[str, int] = {}
        self._kinds: dict[str, set[str]] = {}

    def __call__(self, form: str) -> None:
        """Take in one delivery."""
        fields = dict(parse_qsl(form, keep_blank_values=True))
        kind, leg, time = (fields.get(name, "") for name in ("EventType", "SubCallID", "EventTime"))
        if not (kind and fields.get("CallAPIID")):
            self._told("event-malformed", "an event without EventType or CallAPIID", form[:200])
            return
        if time and (kind, leg, time) in self._seen:
            self._told("event-doubled", f"the event {kind} of {leg} was delivered twice")
            return
        self._seen.add((kind, leg, time))
        self._kinds.setdefault(leg, set()).add(kind)
        if time.isascii() and time.isdigit():
            self._look_at_time(f"the event {kind} of {leg}", leg, int(time))
        self._heard(form)

    def _look_at_time(self, what: str, leg: str, time: int) -> None:
        late = self._context.wall() - time
        if late > LATE:
            hint = "if every event is late, compare the clocks: scenario-runner targets --check"
            self._told("event-late", f"{what} was delivered {duration_text(late)} late", hint)
        if time < self._latest.get(leg, 0):
            self._told("event-reordered", f"{what} was delivered after a later one")
        self._latest[leg] = max(time, self._latest.get(leg, 0))

    def finish(self) -> None:
        """Tell which events must have been lost: a later one of the same leg came."""
        for leg, kinds in self._kinds.items():
            if kinds & {"answer", "hangup"} and not kinds & {"dial-in", "dial-out"}:
                later = ", ".join(sorted(kinds))
                self._told("event-lost", f"no dial-in or dial-out of {leg} came, only {later}")

    def _told(self, code: str, message: str, hint: str | None = None) -> None:
        self._context.notice(code, message, hint)
