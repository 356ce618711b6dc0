"""Finds calls among the current ones of an extension, and waits until one is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from scenario_runner.durations import MILLISECOND, SECOND, duration_text
from scenario_runner.errors import BadAnswer, BadCredentials, TimedOut, Unreachable
from scenario_runner.model.vocabulary import CallState
from scenario_runner.pbx.ringme.answers import entries_of, entry_state, ids_of, party_of, words
from scenario_runner.references import as_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.protocol import CallIds, CallRequest, Raw
    from scenario_runner.pbx.ringme.rest import Rest
    from scenario_runner.references import Json

ANYBODY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """A call that a session wants to be brought up.

    `own` is told its ids as soon as they are known, and again when more is known: from then on
    the session hangs it up. `unsent` is told that nothing was asked for. `strangers` takes the
    UUIDs of calls that are there already. `within` bounds one exchange, in microseconds.
    """

    rest: Rest
    request: CallRequest
    extension_id: str
    own: Callable[[CallIds], None]
    unsent: Callable[[], None]
    strangers: set[str]
    within: int

    async def sent(self, command: Awaitable[Raw]) -> Raw:
        """Wait for the answer to the command that places the call."""
        try:
            return await command
        except (Unreachable, BadCredentials):
            self.unsent()
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """How the current calls are looked at: every so many microseconds; `sleep` takes seconds.

    `waiting` is told before each further look how many microseconds are left.
    """

    sleep: Callable[[float], Awaitable[None]]
    every: int = 500 * MILLISECOND
    waiting: Callable[[int], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A call as it was listed: its ids, its state, and the answer that lists it."""

    raw: Raw
    ids: CallIds
    state: CallState
    flow: str
    party: str


async def current_calls(placing: Placing) -> tuple[Sight, ...]:
    """List the extension's current calls; raise BadAnswer where the PBX refuses."""
    path = f"/extension/{quote(placing.extension_id, safe='')}/current_calls/"
    raw = await placing.rest.call("GET", path, placing.within)
    if raw.status >= 400:
        extension = placing.request.extension
        raise BadAnswer(
            f"target {placing.rest.settings.name}, GET {path}: the PBX does not list the calls of "
            f"extension {extension} (status {raw.status}): {words(raw.body)}",
            hint=f"check extension {extension} and its id under 'extensions' in the targets file",
        )
    return tuple(_sight(raw, entry, placing) for entry in entries_of(raw))


def _sight(raw: Raw, entry: dict[str, Json], placing: Placing) -> Sight:
    return Sight(
        raw=raw,
        ids=ids_of(entry, placing.request.extension, placing.extension_id),
        state=entry_state(entry),
        flow=as_text(entry.get("call_flow")).lower(),
        party=party_of(entry),
    )


async def until_there(placing: Placing, look: Looking, is_it: Callable[[Sight], bool]) -> Sight:
    """Wait until the call is listed, and answered if that is wanted; raise TimedOut.

    The session owns it as soon as it is listed.
    """
    clock, request = placing.rest.wire.clock, placing.request
    until, seen = clock.now() + request.within, None
    while True:
        found = next((one for one in await current_calls(placing) if is_it(one)), None)
        if found is not None and seen is None:
            placing.own(found.ids)
        if found is not None and (found.state is CallState.UP or not request.answered):
            return found
        if found is None and seen is not None:
            raise TimedOut(f"{_said(placing)}: the call ended before it was answered")
        seen = found
        left = until - clock.now()
        if left <= 0:
            raise TimedOut(f"{_said(placing)}: {_late(seen, request.within)}")
        look.waiting(left)
        await look.sleep(min(look.every, left) / SECOND)


def _said(placing: Placing) -> str:
    request = placing.request
    arrow = "from" if request.flow == "in" else "to"
    name = placing.rest.settings.name
    return f"target {name}, call at {request.extension} {arrow} {request.party}"


def _late(seen: Sight | None, within: int) -> str:
    limit = duration_text(within)
    return f"no call within {limit}" if seen is None else f"it rang, and nobody answered in {limit}"


def same_number(one: str, other: str) -> bool:
    """Tell whether two telephone numbers are the same but for spaces, brackets and a plus."""
    return one == other or (_digits(one) == _digits(other) != "")


def _digits(number: str) -> str:
    return "".join(letter for letter in number if letter.isdigit() or letter in "*#")
