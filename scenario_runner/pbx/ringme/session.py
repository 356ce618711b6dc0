"""One scenario's dealings with a PBX of the RingMe dialect."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never
from urllib.parse import quote

from msgspec.structs import replace

from scenario_runner.durations import SECOND
from scenario_runner.errors import PbxError
from scenario_runner.exchange import header
from scenario_runner.language.vocabulary import CallState, Party, Reason
from scenario_runner.pbx.commands import (
    AnswerCall,
    AnySlot,
    AskExtension,
    AskSlot,
    BridgeCall,
    BridgeSlot,
    CallAddress,
    FindPlaced,
    HangUp,
    ParkCall,
    PlaceCall,
    SendRequest,
    ShowCall,
    ShowCalls,
    Unsubscribe,
)
from scenario_runner.pbx.protocol import (
    CallIds,
    Done,
    Holding,
    Leftover,
    Listed,
    Outcome,
    Raw,
    Refused,
)
from scenario_runner.pbx.rate import read_limit
from scenario_runner.pbx.ringme.answers import (
    call_list,
    entry_state,
    extension_state,
    object_of,
    refused,
    uuid_of,
)
from scenario_runner.pbx.ringme.closing import Closing, call_lists, find_placed, says_nothing
from scenario_runner.pbx.ringme.dialers import Placing
from scenario_runner.pbx.ringme.events import unsubscribe
from scenario_runner.pbx.ringme.recovery import (
    LOST,
    after_answer,
    after_bridge,
    after_hangup,
    after_park,
)
from scenario_runner.references import Json, as_text

if TYPE_CHECKING:
    from scenario_runner.exchange import Request
    from scenario_runner.pbx.commands import Command, Question
    from scenario_runner.pbx.protocol import CallIds, Plan
    from scenario_runner.pbx.ringme.dialers import Callers
    from scenario_runner.pbx.ringme.events import Feed
    from scenario_runner.pbx.ringme.rest import Rest


@dataclass(frozen=True, slots=True)
class Parked:
    """Where a call was parked, and until when it can be there, in microseconds."""

    slot: str
    until: int


@dataclass(slots=True)
class Memory:
    """The calls a session placed or met: their ids, slots and partners.

    `placing` are the calls that were asked for and whose ids are not known, or not yet;
    `strangers` are the UUIDs of calls that were there before. What a joined call does is assumed:
    `homes` are the ids of calls before they were taken to be at another extension, `presumed`
    those of calls taken to be over since the one they were joined with is.
    """

    park_timeout: int
    placing: list[PlaceCall] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)
    own: dict[str, CallIds] = field(default_factory=dict)
    ids: dict[str, CallIds] = field(default_factory=dict)
    homes: dict[str, CallIds] = field(default_factory=dict)
    presumed: dict[str, CallIds] = field(default_factory=dict)
    slots: dict[str, None] = field(default_factory=dict)
    _parked: dict[str, Parked] = field(default_factory=dict)
    _partners: dict[str, str] = field(default_factory=dict)

    def placed(self, ids: CallIds) -> None:
        """Remember a call that this session owns and will hang up."""
        self.own[ids.uuid] = ids
        self.ids[ids.uuid] = ids

    def came_up(self, request: PlaceCall, ids: CallIds) -> None:
        """Remember the ids of a call that was asked for."""
        if request in self.placing:
            self.placing.remove(request)
        self.placed(ids)

    def parked(self, uuid: str, slot: str, at: int) -> None:
        """Remember that a call went into a slot, and let its partner go."""
        self.slots[slot] = None
        self._part(uuid)
        self._parked = {u: p for u, p in self._parked.items() if p.slot != slot}
        self._parked[uuid] = Parked(slot, at + self.park_timeout)

    def bridged(self, uuid: str, slot: str | None, extension: str, extension_id: str) -> str | None:
        """Remember that a call was joined with the one in `slot`; return that one's UUID.

        None where this session does not know who was there. The parked call is at the bridging
        call's extension from now on (assumed).
        """
        other = next((u for u, p in self._parked.items() if p.slot == slot), None)
        if other is None:
            return None
        del self._parked[other]
        self._part(uuid)
        self._partners |= {uuid: other, other: uuid}
        if other in self.ids:
            self.homes.setdefault(other, self.ids[other])
            moved = replace(self.ids[other], extension=extension, extension_id=extension_id)
            self.ids[other] = moved
        return other

    def slot_of(self, uuid: str, now: int) -> str | None:
        """Return the slot that the call was parked in, unless its time there is over."""
        parked = self._parked.get(uuid)
        return parked.slot if parked is not None and now < parked.until else None

    def parked_in(self, slot: str, now: int) -> str | None:
        """Return the UUID of the call that this session parked in the slot."""
        return next((u for u, p in self._parked.items() if p.slot == slot and now < p.until), None)

    def partner_of(self, uuid: str) -> str | None:
        """Return the UUID of the call that this one is joined with."""
        return self._partners.get(uuid)

    def ended(self, uuid: str) -> None:
        """Remember that a call is over; the one it is joined with is, too (assumed)."""
        partner = self._partners.get(uuid)
        if partner is not None and partner in self.own:
            self.presumed[partner] = self.own[partner]
        for gone in (uuid, partner):
            if gone is not None:
                self.own.pop(gone, None)
                self._parked.pop(gone, None)
        self._part(uuid)

    def _part(self, uuid: str) -> None:
        partner = self._partners.pop(uuid, None)
        if partner is not None:
            self._partners.pop(partner, None)


CLOSING = 10 * SECOND
"""The longest that one exchange of the cleanup may take, in microseconds."""


_INFERRED = "inferred from this scenario's own park; not reported by the PBX"


class RingMeSession:
    """Speaks the dialect for one scenario; see `pbx.protocol.Session`."""

    def __init__(self, rest: Rest, callers: Callers, feed: Feed | None, plan: Plan) -> None:
        self._rest = rest
        self._settings = rest.settings
        self._callers = callers
        self._feed = feed
        self._plan = plan
        self._memory = Memory(rest.settings.park_timeout)
        self._numbers = {v: k for k, v in rest.settings.extension_ids.items()}

    async def open(self) -> None:
        """Watch the extensions that the scenario names, where it waits for events."""
        for extension in self._plan.extensions:
            await self._watch(extension, CLOSING)

    async def _watch(self, extension: str, within: int) -> None:
        if self._feed is not None:
            await self._feed.watch(self._extension_id(extension), self._rest.unseen(), within)

    async def _look(self, extension: str, within: int) -> None:
        """See what came of a command, where events are not delivered; the command stands anyway."""
        if self._feed is not None:
            with suppress(PbxError):
                await self._feed.look(self._extension_id(extension), self._rest.unseen(), within)

    def _extension_id(self, extension: str) -> str:
        return self._settings.extension_ids.get(extension, extension)

    def _refused(self, raw: Raw, *, about_call: bool = True) -> Outcome:
        outcome = refused(raw, self._settings, about_call=about_call)
        limit = read_limit(raw.headers) if outcome.reason is Reason.RATE_LIMITED else None
        return outcome if limit is None else replace(outcome, driver_word=str(limit))

    async def do(self, command: Command, within: int) -> Outcome:
        """Do what is asked; see `pbx.protocol.Session`.

        A call that is unknown at the extension it was taken to be at is looked for where it was.
        """
        outcome = await self._done(command, within)
        if outcome.raw.status != 404:
            return outcome
        there = await self._at_home(command, within)
        return outcome if there is None else await self._done(there, within)

    async def _at_home(self, command: Command, within: int) -> Command | None:
        """Return the command for the extension that the call never left, as the PBX says."""
        match command:
            case ParkCall() | BridgeCall() | HangUp() | AskSlot() | ShowCall():
                uuid = uuid_of(command.call.call_api_id)
                home, taken = self._memory.homes.get(uuid), self._memory.ids.get(uuid)
            case _:
                return None
        if home is None or taken is None or command.call.extension != taken.extension:
            return None
        address = CallAddress(call_api_id=home.call_api_id, extension=home.extension)
        raw = await self._rest.call("GET", self._one(address), within)
        if raw.status >= 400:
            return None
        self._memory.ids[uuid] = home
        return replace(command, call=address)

    async def _done(self, command: Command, within: int) -> Outcome:
        match command:
            case PlaceCall():
                outcome = await self._place(command, within)
            case AnswerCall(call=call):
                outcome = await self._answer(call, within)
            case ParkCall(call=call, slot=slot):
                outcome = await self._park(call, slot, within)
            case BridgeCall(call=call, slot=wanted):
                outcome = await self._bridge(call, wanted, within)
            case HangUp(call=call, by=by):
                outcome = await self._hang_up(call, by, within)
            case SendRequest(request=request):
                outcome = await self._request(request, within)
            case Unsubscribe(path=path, url=url):
                outcome = await unsubscribe(path, url, self._rest, within)
            case _:
                outcome = await self._ask(command, within)
        return outcome

    async def _ask(self, question: Question, within: int) -> Outcome:
        match question:
            case AskSlot(call=call, slot=slot):
                return await self._slots(call, slot, within)
            case ShowCalls(extension=extension):
                return await self._list_calls(extension, within)
            case ShowCall(call=call):
                return await self._call_status(call, within)
            case AskExtension(extension=extension):
                raw = await self._callers.extension(self._rest, extension, within)
                if raw.status >= 400:
                    return self._refused(raw, about_call=False)
                return Done(raw=raw, extension_state=extension_state(raw))
            case FindPlaced(call=placed):
                found = await find_placed(placed, self._rest, within)
                return Done(raw=Raw(at=self._rest.wire.clock.now()), listed=found)
            case _:
                assert_never(question)

    async def _place(self, request: PlaceCall, within: int) -> Outcome:
        await self._watch(request.extension, within)
        self._memory.placing.append(request)
        placing = Placing(
            rest=self._rest,
            request=request,
            extension_id=self._extension_id(request.extension),
            own=lambda ids: self._memory.came_up(request, ids),
            unsent=lambda: self._memory.placing.remove(request),
            strangers=self._memory.strangers,
            within=within,
        )
        placed = await self._callers.place(placing)
        if placed.ids is None:
            if placed.raw.status < 500:
                self._memory.placing.remove(request)
            return self._not_placed(placed.raw, request.extension)
        await self._look(request.extension, within)
        state = CallState.UP if request.answered else CallState.RINGING
        return Done(raw=placed.raw, ids=placed.ids, state=state, driver_word=placed.word)

    def _not_placed(self, raw: Raw, extension: str) -> Outcome:
        outcome = self._refused(raw, about_call=False)
        if raw.status != 404 or extension in self._settings.extension_ids:
            return outcome
        word = f"the targets file names no extension {extension} of {self._settings.name}"
        return replace(outcome, driver_word=word)

    async def _answer(self, call: CallAddress, within: int) -> Outcome:
        uuid = uuid_of(call.call_api_id)
        try:
            raw = await self._callers.answer(self._rest, uuid, within)
        except LOST as error:
            return await after_answer(self, call, error, within)
        return self._refused(raw) if raw.status >= 400 else Done(raw=raw, state=CallState.UP)

    async def _valet(self, action: str, call: CallAddress, slot: BridgeSlot, within: int) -> Raw:
        extension = quote(self._extension_id(call.extension), safe="")
        path = f"/extension/{extension}/valet_park/{quote(call.call_api_id, safe='')}"
        body: dict[str, Json] = {"action": action}
        if not isinstance(slot, AnySlot):
            body["slot"] = slot
        return await self._rest.call("PUT", path, within, body)

    async def _park(self, call: CallAddress, slot: Json, within: int) -> Outcome:
        try:
            raw = await self._valet("park", call, slot, within)
            done = Done(raw=raw, slot=as_text(slot))
        except LOST as error:
            done = await after_park(self, call, slot, error, within)
        if done.raw.status >= 400:
            return self._refused(done.raw)
        self._memory.parked(uuid_of(call.call_api_id), as_text(slot), done.raw.at)
        if self._feed is not None:
            self._feed.parked(call.call_api_id)
        return done

    async def _slots(self, call: CallAddress, slot: Json, within: int) -> Outcome:
        """Ask who is parked in the slot; null, nothing and no UUID at all mean nobody."""
        raw = await self._valet("slots", call, slot, within)
        if raw.status == 404 and self._settings.empty_slot_404:
            word = "empty: by its profile this PBX answers 404 about an empty slot"
            return Done(raw=raw, slot=as_text(slot), driver_word=word)
        if raw.status >= 400:
            return self._refused(raw)
        answer = object_of(raw, "slots")
        uuid = answer.get("UUID")
        reported = as_text(answer["slot"]) if "slot" in answer else as_text(slot)
        return Done(raw=raw, slot=reported, uuid=as_text(uuid) if uuid else None)

    async def _bridge(self, call: CallAddress, slot: BridgeSlot, within: int) -> Outcome:
        try:
            raw = await self._valet("bridge", call, slot, within)
        except LOST as error:
            return await self._after_bridge(call, slot, error, within)
        if raw.status >= 400:
            return self._refused(raw)
        answer = raw.body if isinstance(raw.body, dict) else {}
        taken = answer.get("slot", None if isinstance(slot, AnySlot) else slot)
        reported = None if taken is None else as_text(taken)
        extension_id = self._extension_id(call.extension)
        known = None if reported is None else self._memory.parked_in(reported, raw.at)
        if known is not None:
            self._memory.bridged(uuid_of(call.call_api_id), reported, call.extension, extension_id)
        told = answer.get("UUID")
        word = "" if told else _INFERRED
        uuid = as_text(told) if told else known
        return Done(raw=raw, slot=reported, uuid=uuid, driver_word=word)

    async def _after_bridge(
        self, call: CallAddress, slot: BridgeSlot, error: PbxError, within: int
    ) -> Outcome:
        number = "" if isinstance(slot, AnySlot) else as_text(slot)
        known = self._memory.parked_in(number, self._rest.wire.clock.now())
        parked = None
        if known is not None and known in self._memory.ids:
            ids = self._memory.ids[known]
            parked = CallAddress(call_api_id=ids.call_api_id, extension=ids.extension)
        done = await after_bridge(self, (call, parked), slot, error, within)
        extension_id = self._extension_id(call.extension)
        self._memory.bridged(uuid_of(call.call_api_id), number, call.extension, extension_id)
        return done

    async def _hang_up(self, call: CallAddress, by: Party, within: int) -> Outcome:
        try:
            return await self._hung_up(call, by, within)
        except LOST as error:
            done = await after_hangup(self, call, error, within)
            self._memory.ended(uuid_of(call.call_api_id))
            return done

    async def _hung_up(self, call: CallAddress, by: Party, within: int) -> Outcome:
        raw, word = None, ""
        if by is Party.REMOTE:
            raw = await self._callers.hangup_remote(self._rest, call, within)
            word = "" if raw else "ended at the extension: nobody can make the remote party do it"
        if raw is None:
            raw = await self._rest.call("DELETE", self._one(call), within)
        if raw.status >= 400:
            return self._refused(raw)
        self._memory.ended(uuid_of(call.call_api_id))
        await self._look(call.extension, within)
        return Done(raw=raw, state=CallState.ENDED, driver_word=word)

    def _one(self, call: CallAddress) -> str:
        extension = quote(self._extension_id(call.extension), safe="")
        return f"/extension/{extension}/current_calls/{quote(call.call_api_id, safe='')}"

    async def _list_calls(self, extension: str, within: int) -> Outcome:
        extension_id = quote(self._extension_id(extension), safe="")
        raw = await self._rest.call("GET", f"/extension/{extension_id}/current_calls/", within)
        if raw.status >= 400:
            return self._refused(raw, about_call=False)
        return Done(raw=raw, listed=call_list(raw, self._numbers))

    async def _call_status(self, call: CallAddress, within: int) -> Outcome:
        """Ask about one call; one that the session placed and the PBX forgot has ended."""
        uuid = uuid_of(call.call_api_id)
        raw = await self._rest.call("GET", self._one(call), within)
        if raw.status == 404 and uuid in self._memory.ids:
            word = "ended: the PBX no longer knows the call, which this scenario placed"
            return Done(raw=raw, state=CallState.ENDED, driver_word=word)
        if raw.status >= 400:
            return self._refused(raw)
        state = entry_state(object_of(raw, "current_calls"))
        word = ""
        if state is CallState.UP:
            state, word = await self._closer_state(call, raw, within)
        return Done(raw=raw, state=state, ids=self._memory.ids.get(uuid), driver_word=word)

    async def _closer_state(
        self, call: CallAddress, raw: Raw, within: int
    ) -> tuple[CallState, str]:
        """Tell parked and bridged calls, which the PBX lists like any other."""
        uuid = uuid_of(call.call_api_id)
        slot = self._memory.slot_of(uuid, raw.at)
        if slot is not None:
            seen = await self._slots(call, slot, within)
            if isinstance(seen, Done) and seen.uuid == uuid:
                return CallState.PARKED, f"parked: slot {slot} holds it"
        if self._memory.partner_of(uuid) is not None:
            return CallState.BRIDGED, "bridged: by what this scenario did"
        return CallState.UP, ""

    async def _request(self, request: Request, within: int) -> Outcome:
        """Send a raw request; a header with an empty value is left out.

        The API answers JSON: a success that is none raises BadAnswer, unless the request's own
        `Accept` asks for something else.
        """
        outside = request.path.startswith(("/oauth/", "/mock/"))
        path = request.path if outside else self._settings.api_root + request.path
        own = any(name.lower() == "authorization" for name, _ in request.headers)
        headers = tuple((name, value) for name, value in request.headers if value)
        sent = type(request)(method=request.method, path=path, headers=headers, body=request.body)
        if own or outside:
            raw = await self._rest.wire.send(sent, within)
        else:
            raw = await self._rest.authorised(sent, within)
        if not outside and header(headers, "accept") is None:
            self._rest.understood(sent, raw)
        about_call = "/valet_park/" in path or "/current_calls/" in path
        return self._refused(raw, about_call=about_call) if raw.status >= 400 else Done(raw=raw)

    def ids(self, uuid: str) -> CallIds | None:
        """Return the ids of a call as last known."""
        return self._memory.ids.get(uuid)

    async def close(self) -> tuple[Leftover, ...]:
        """Hang up what was placed, look for residue, unsubscribe."""
        closing = Closing(self, self._rest, self._memory, self._plan, CLOSING)
        return await closing.close() + await self._unwatch()

    async def release(self) -> None:
        """End watching, where the session was not closed in order."""
        with suppress(PbxError):
            await self._unwatch()

    async def _unwatch(self) -> tuple[Leftover, ...]:
        feed, self._feed = self._feed, None
        return () if feed is None else await feed.stop(self._rest, CLOSING)

    async def holding(self) -> Holding:
        """Look at the live calls and the slots this scenario dealt with."""
        listed: list[Listed] = []
        unasked: list[str] = []
        for path in call_lists(self._settings, self._memory.own.values()):
            raw = await self._rest.call("GET", path, CLOSING)
            if raw.status < 400:
                listed += call_list(raw, self._numbers)
            else:
                unasked.append(f"calls: could not be asked (status {raw.status})")
        strangers = any(call.uuid not in self._memory.own for call in listed)
        slots: list[tuple[str, str]] = []
        for witness in list(self._memory.own.values())[:1]:
            address = CallAddress(call_api_id=witness.call_api_id, extension=witness.extension)
            for slot in self._interesting(strangers=strangers):
                seen = await self._slots(address, slot, CLOSING)
                if isinstance(seen, Refused) and says_nothing(seen):
                    unasked.append(f"slot {slot}: could not be asked about ({seen.message})")
                elif isinstance(seen, Done) and seen.uuid is not None:
                    slots.append((slot, seen.uuid))
        parked = {uuid for _, uuid in slots}
        calls = tuple(self._as_known(call, parked) for call in listed)
        return Holding(slots=tuple(slots), calls=calls, unasked=tuple(unasked))

    def _as_known(self, call: Listed, parked: set[str]) -> Listed:
        """Give a listed call the state that `calls` of it answers; see `_closer_state`."""
        state = call.state
        if call.uuid in parked:
            state = CallState.PARKED
        elif state is CallState.UP and self._memory.partner_of(call.uuid) is not None:
            state = CallState.BRIDGED
        return call if state is call.state else replace(call, state=state, listed_as=call.state)

    def _interesting(self, *, strangers: bool) -> tuple[str, ...]:
        """Return the slots worth a look: the scenario's own, or all where others may be parked."""
        if self._settings.shared or not strangers:
            return tuple(dict.fromkeys((*self._plan.slots, *self._memory.slots)))
        first, last = self._settings.slots
        return tuple(str(slot) for slot in range(first, last + 1))
