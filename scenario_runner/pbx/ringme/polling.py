"""Events without deliveries: the current calls are looked at again and again, and compared."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from scenario_runner.durations import SECOND
from scenario_runner.errors import PbxError
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
        self._looking: dict[str, asyncio.Task[None]] = {}

    async def watch(self, extension_id: str, rest: Rest, within: int) -> None:
        """Begin to look; calls that are there already are no events."""
        if extension_id in self._looking:
            return
        seen = await _look(extension_id, rest, within)
        task = asyncio.create_task(self._look_again(extension_id, rest, seen, within))
        self._looking[extension_id] = task

    async def stop(self, rest: Rest, within: int) -> tuple[Leftover, ...]:
        """End all looking."""
        del rest, within
        for task in self._looking.values():
            task.cancel()
        await asyncio.gather(*self._looking.values(), return_exceptions=True)
        return ()

    async def _look_again(
        self, extension_id: str, rest: Rest, seen: dict[str, Glance], within: int
    ) -> None:
        failed = 0
        while True:
            await self._sleep(self._every / SECOND)
            try:
                now = await _look(extension_id, rest, within)
            except PbxError as error:
                failed += 1
                if failed == _ENOUGH:
                    self._worry(error.message)
                continue
            failed = 0
            for kind, entry in differences(seen, now):
                self._heard(form_of(kind, entry, extension_id))
            seen = now


async def _look(extension_id: str, rest: Rest, within: int) -> dict[str, Glance]:
    path = f"/extension/{quote(extension_id, safe='')}/current_calls/"
    raw = await rest.call("GET", path, within)
    return glances(entries_of(raw) if raw.status < 400 else ())
