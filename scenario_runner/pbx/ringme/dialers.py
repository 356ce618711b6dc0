"""How `call` steps come about: asked of the PBX's control interface."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import quote

from msgspec import structs

from scenario_runner.durations import MILLISECOND, SECOND
from scenario_runner.errors import (
    AnswerLost,
    BadAnswer,
    BadCredentials,
    HeldBack,
    NotPossible,
    PbxError,
    TimedOut,
    Unreachable,
)
from scenario_runner.exchange import Request
from scenario_runner.language.vocabulary import CallState, Capability
from scenario_runner.pbx.people import Appeal, is_wanted, not_placed, same_number, too_late
from scenario_runner.pbx.protocol import CallIds
from scenario_runner.pbx.ringme.answers import (
    dashed,
    entries_of,
    entry_state,
    ids_of,
    object_of,
    party_of,
    uuid_of,
    words,
)
from scenario_runner.references import Json, as_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.commands import CallAddress, PlaceCall
    from scenario_runner.pbx.protocol import Raw
    from scenario_runner.pbx.ringme.rest import Rest
    from scenario_runner.references import Json


class Placed(NamedTuple):
    """The answer to placing a call, and the call's ids; None where the PBX refused.

    `word` says what the driver had to find out by itself.
    """

    raw: Raw
    ids: CallIds | None = None
    word: str = ""


class Callers(Protocol):
    """Brings calls up and lets the remote party act."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the target can do thanks to this way of calling."""
        ...

    async def place(self, placing: Placing) -> Placed:
        """Bring a call up."""
        ...

    async def answer(self, rest: Rest, uuid: str, within: int) -> Raw:
        """Answer a ringing call; raises NotPossible where nobody can."""
        ...

    async def hangup_remote(self, rest: Rest, call: CallAddress, within: int) -> Raw | None:
        """Let the remote party hang up; None where nobody can make it do so."""
        ...

    async def extension(self, rest: Rest, number: str, within: int) -> Raw:
        """Ask what an extension is doing; raises NotPossible where nobody can tell."""
        ...


class ControlCallers:
    """Calls brought in from outside through `/mock/calls`, as a test PBX offers it."""

    capabilities = frozenset(
        {Capability.ANSWER, Capability.REMOTE_HANGUP, Capability.EXTENSION_STATE}
    )

    async def place(self, placing: Placing) -> Placed:
        """Bring a call up."""
        request = placing.request
        party = "from" if request.flow == "in" else "to"
        body: Json = {
            "extension": request.extension,
            party: request.party,
            "answered": request.answered,
        }
        command = _control(placing.rest, "POST", "/mock/calls", placing.within, body)
        raw = await placing.sent(command)
        if raw.status >= 400:
            return Placed(raw)
        answer = object_of(raw, "placing a call")
        ids = ids_of(answer, request.extension, placing.extension_id)
        placing.own(ids)
        return Placed(raw, ids)

    async def answer(self, rest: Rest, uuid: str, within: int) -> Raw:
        """Answer a ringing call."""
        return await _control(rest, "POST", f"/mock/calls/{uuid}/answer", within)

    async def hangup_remote(self, rest: Rest, call: CallAddress, within: int) -> Raw | None:
        """Let the remote party hang up."""
        uuid = call.call_api_id.partition("-")[2]
        return await _control(rest, "DELETE", f"/mock/calls/{uuid}", within)

    async def extension(self, rest: Rest, number: str, within: int) -> Raw:
        """Ask what an extension is doing."""
        path = f"/mock/extensions/{quote(number, safe='')}"
        return await _control(rest, "GET", path, within)


async def _control(rest: Rest, method: str, path: str, within: int, body: Json = None) -> Raw:
    data = b"" if body is None else json.dumps(body).encode()
    headers = (("Content-Type", "application/json"),) if data else ()
    request = Request(method=method, path=path, headers=headers, body=data)
    return rest.understood(request, await rest.authorised(request, within))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """A call that a session wants to be brought up.

    `own` is told its ids as soon as they are known, and again when more is known: from then on
    the session hangs it up. `unsent` is told that nothing was asked for. `strangers` takes the
    UUIDs of calls that are there already. `within` bounds one exchange, in microseconds.
    """

    rest: Rest
    request: PlaceCall
    extension_id: str
    own: Callable[[CallIds], None]
    unsent: Callable[[], None]
    strangers: set[str]
    within: int

    async def sent(self, command: Awaitable[Raw]) -> Raw:
        """Wait for the answer to the command that places the call."""
        try:
            return await command
        except (Unreachable, BadCredentials, HeldBack):
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
    until, seen = clock.now() + request.window, None
    while True:
        found = next((one for one in await current_calls(placing) if is_it(one)), None)
        if found is not None and seen is None:
            placing.own(found.ids)
        if found is not None and (found.state is CallState.UP or not request.answered):
            return found
        if found is None and seen is not None:
            raise TimedOut(_not_placed(placing, "the call ended before it was answered"))
        seen = found
        left = until - clock.now()
        if left <= 0:
            raise TimedOut(_not_placed(placing, too_late(request, rang=seen is not None)))
        look.waiting(left)
        await look.sleep(min(look.every, left) / SECOND)


def _not_placed(placing: Placing, why: str) -> str:
    return not_placed(placing.rest.settings.name, placing.request, why)


_SOON = 10 * SECOND
_NO_ANSWER = (AnswerLost, TimedOut, BadAnswer)


class CallbackCallers:
    """Calls that the PBX brings up itself.

    An outgoing call rings the extension first, an incoming one the party outside. `pickup` is how
    long the first party rings, in microseconds (0: the PBX's own choice).
    """

    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, look: Looking, pickup: int = 0) -> None:
        self._look = look
        self._pickup = pickup

    async def place(self, placing: Placing) -> Placed:
        """Bring a call up, and wait until it is listed and answered.

        The id in the answer to a callback may lack its number and its dashes, so the call is
        found by its UUID; an incoming one has a leg of its own and is found by its party.
        """
        placing.strangers.update(sight.ids.uuid for sight in await current_calls(placing))
        lost: PbxError | None = None
        told = ""
        try:
            raw = await self._ask(placing)
            if raw.status >= 400:
                return Placed(raw)
            told = _own_as_told(raw, placing)
        except _NO_ANSWER as error:
            lost = error

        def is_it(sight: Sight) -> bool:
            by_party = same_number(sight.party, placing.request.party)
            return sight.ids.uuid == told or (sight.ids.uuid not in placing.strangers and by_party)

        if lost is not None:
            soon = min(placing.request.window, _SOON)
            brief = structs.replace(placing.request, window=soon)
            placing = replace(placing, request=brief)
        found = await until_there(placing, self._look, is_it)
        word = f"up: {lost.message}; such a call is listed since" if lost is not None else ""
        return Placed(found.raw, found.ids, word)

    async def _ask(self, placing: Placing) -> Raw:
        request = placing.request
        parties = request.extension, request.party
        first, second = parties if request.flow == "out" else parties[::-1]
        body: dict[str, Json] = {"src_num": [first], "dst_num": second}
        if self._pickup:
            body["wait_for_pickup"] = self._pickup // SECOND
        path = f"/extension/{quote(placing.extension_id, safe='')}/callback/"
        return await placing.sent(placing.rest.call("POST", path, placing.within, body))

    async def answer(self, rest: Rest, uuid: str, within: int) -> Raw:
        """Raise NotPossible: telephones are answered by people."""
        del uuid, within
        raise nobody_answers(rest)

    async def hangup_remote(self, rest: Rest, call: CallAddress, within: int) -> Raw | None:
        """Return None: nobody can make the party outside hang up."""
        del rest, call, within
        return None

    async def extension(self, rest: Rest, number: str, within: int) -> Raw:
        """Raise NotPossible: the API lists calls, and does not tell which are parked."""
        del number, within
        raise NotPossible(f"target {rest.settings.name}: it does not tell what extensions do")


def nobody_answers(rest: Rest) -> NotPossible:
    """Return the error for a call that is to be answered by the runner."""
    return NotPossible(
        f"target {rest.settings.name}: the runner can't answer a telephone",
        hint="let somebody answer it, or leave the step out: when: {target_can: answer}",
    )


def _own_as_told(raw: Raw, placing: Placing) -> str:
    """Let the session own the call by the id in the answer; return its UUID."""
    answer = object_of(raw, "the callback")
    call_api_id = as_text(answer.get("call_api_id") or "")
    if not call_api_id:
        raise BadAnswer("the answer to the callback has no call_api_id")
    uuid = dashed(uuid_of(call_api_id))
    placing.own(
        CallIds(
            uuid=uuid,
            call_api_id=call_api_id,
            extension=placing.request.extension,
            extension_id=placing.extension_id,
            call_id=as_text(answer.get("call_id") or ""),
        )
    )
    return uuid


class WaitCallers:
    """Calls that people place; `announce` shows a person a line."""

    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, look: Looking, announce: Callable[[str], None]) -> None:
        self._look = look
        self._announce = announce

    async def place(self, placing: Placing) -> Placed:
        """Ask for the call, count down, and return once it is there and answered."""
        request = placing.request
        placing.strangers.update(sight.ids.uuid for sight in await current_calls(placing))

        def is_it(sight: Sight) -> bool:
            fresh = sight.ids.uuid not in placing.strangers
            return fresh and sight.flow == request.flow and is_wanted(request, sight.party)

        appeal = Appeal(self._announce, request)
        appeal.begin()
        found = await until_there(placing, replace(self._look, waiting=appeal.left), is_it)
        appeal.end(found.party)
        return Placed(found.raw, found.ids)

    async def answer(self, rest: Rest, uuid: str, within: int) -> Raw:
        """Raise NotPossible: telephones are answered by people."""
        del uuid, within
        raise nobody_answers(rest)

    async def hangup_remote(self, rest: Rest, call: CallAddress, within: int) -> Raw | None:
        """Return None: nobody can make the party outside hang up."""
        del rest, call, within
        return None

    async def extension(self, rest: Rest, number: str, within: int) -> Raw:
        """Raise NotPossible: the API lists calls, and does not tell which are parked."""
        del number, within
        raise NotPossible(f"target {rest.settings.name}: it does not tell what extensions do")
