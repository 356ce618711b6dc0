"""Events without deliveries: the current calls are looked at again and again, and compared."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from scenario_runner.durations import SECOND
from scenario_runner.errors import PbxError
from scenario_runner.pbx.deaf import Deaf
from scenario_runner.pbx.ringme.answers import entries_of, uuid_of
from scenario_runner.references import Json, as_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.protocol import Leftover
    from scenario_runner.pbx.ringme.rest import Rest

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
        await asyncio.gather(*tasks, return_exceptions=True)
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
    rest = replace(rest, wire=replace(rest.wire, watcher=Deaf()))
    path = f"/extension/{quote(extension_id, safe='')}/current_calls/"
    raw = await rest.call("GET", path, within)
    return glances(entries_of(raw) if raw.status < 400 else ())
