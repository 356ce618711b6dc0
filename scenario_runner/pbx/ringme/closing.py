"""The end of a scenario on the PBX: hangs up what was placed and looks for what is left.

What the PBX lists decides, and where it lists it: a request about a call is also refused when the
call is at another extension than thought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from scenario_runner.durations import MILLISECOND, SECOND
from scenario_runner.errors import BadAnswer, PbxError, TimedOut
from scenario_runner.language.vocabulary import Party
from scenario_runner.pbx.commands import AskSlot, CallAddress, HangUp
from scenario_runner.pbx.people import same_number
from scenario_runner.pbx.protocol import CallIds, Done, Leftover, Refused
from scenario_runner.pbx.ringme.answers import (
    call_list,
    dashed,
    entries_of,
    ids_of,
    party_of,
    words,
)
from scenario_runner.references import as_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from scenario_runner.pbx.commands import PlaceCall
    from scenario_runner.pbx.protocol import Listed, PlacedCall, Plan, Raw, Session
    from scenario_runner.pbx.ringme.rest import Rest
    from scenario_runner.pbx.ringme.session import Memory
    from scenario_runner.pbx.ringme.settings import RingMeSettings
    from scenario_runner.references import Json


_T = TypeVar("_T")
_ROUNDS = 3
_PAUSE = 200 * MILLISECOND
"""A PBX may list a call for a moment after it ended."""

_IMPATIENT = 2 * SECOND
"""What is left for each exchange with a PBX that once did not answer: all calls are to be tried
before the cleanup's own time is up."""

_CLIENT_LIST = "/client/@me/current_calls/"


class Closing:
    """Ends one scenario's calls. Every question and every hang-up is tried, whatever others said.

    `within` bounds one exchange, in microseconds.
    """

    def __init__(
        self, session: Session, rest: Rest, memory: Memory, plan: Plan, within: int
    ) -> None:
        self._session = session
        self._rest = rest
        self._memory = memory
        self._plan = plan
        self._within = within
        self._left: list[Leftover] = []
        self._why: dict[str, str] = {}

    async def close(self) -> tuple[Leftover, ...]:
        """Hang up every call of the scenario and return the slots and calls left behind.

        Asking about slots needs a call, so the slots are asked about before the last one is hung
        up.
        """
        for request in self._memory.placing:
            await self._find_lost(request)
        placed = self._memory.own | self._memory.presumed
        if not placed and self._rest.settings.shared:
            return tuple(self._left)
        own = tuple(self._memory.own.values())
        witness = next((ids for ids in own if not _is_parked(ids, self._memory)), None)
        for ids in own:
            if ids.uuid in self._memory.own and not _keeps(witness, ids, self._memory):
                await self._hang_up(ids)
        if witness is not None and witness.uuid in self._memory.own:
            await self._ask_slots(witness)
            await self._hang_up(witness)
        await self._until_gone(placed)
        return tuple(self._left)

    async def _find_lost(self, request: PlaceCall) -> None:
        """Take in a call that came about although the answer to placing it never came."""
        extension_id = self._rest.settings.extension_ids.get(request.extension, request.extension)

        async def ask(within: int) -> list[tuple[CallIds, str]]:
            raw = await _list(self._rest, _extension_list(extension_id), within)
            return [
                (ids_of(entry, request.extension, extension_id), party_of(entry))
                for entry in entries_of(raw)
            ]

        found = await self._twice(ask)
        if isinstance(found, PbxError):
            call = f"the call at {request.extension} with {request.party}"
            what = f"it could not be asked whether {call} came about ({found.message})"
            self._left.append(Leftover(what=what))
            return
        for ids, party in found:
            fresh = ids.uuid not in self._memory.ids and ids.uuid not in self._memory.strangers
            if fresh and party == request.party:
                self._memory.placed(ids)
                break

    async def _twice(self, ask: Callable[[int], Awaitable[_T]]) -> _T | PbxError:
        """Ask, once more where the answer was lost: what is asked here may be repeated safely."""
        for last in (False, True):
            try:
                return await ask(self._within)
            except PbxError as error:
                if isinstance(error, TimedOut):
                    self._within = min(self._within, _IMPATIENT)
                if last:
                    return error
        raise AssertionError

    async def _hang_up(self, ids: CallIds) -> None:
        """Hang a call up; whether that was enough is seen by what is listed after it."""
        address = self._address(ids)
        outcome = await self._twice(
            lambda within: self._session.do(HangUp(call=address, by=Party.EXTENSION), within)
        )
        if not isinstance(outcome, Done):
            self._why[ids.uuid] = outcome.message

    def _address(self, ids: CallIds) -> CallAddress:
        now = self._session.ids(ids.uuid) or ids
        return CallAddress(call_api_id=now.call_api_id, extension=now.extension)

    async def _ask_slots(self, witness: CallIds) -> None:
        """Look for who is still in a slot; a PBX that does not answer is asked no further."""
        address, silent = self._address(witness), ""
        for slot in dict.fromkeys((*self._plan.slots, *self._memory.slots)):
            if silent:
                self._unasked_slot(slot, silent)
                continue
            question = AskSlot(call=address, slot=slot)
            seen = await self._twice(lambda within, ask=question: self._session.do(ask, within))  # type: ignore[misc]
            if isinstance(seen, PbxError) or (isinstance(seen, Refused) and says_nothing(seen)):
                self._unasked_slot(slot, seen.message)
                silent = seen.message if isinstance(seen, TimedOut) else ""
            elif isinstance(seen, Done) and seen.uuid not in (None, witness.uuid):
                occupied = Leftover(what=f"slot {slot} is occupied", uuid=seen.uuid, slot=slot)
                self._left.append(occupied)

    def _unasked_slot(self, slot: str, why: str) -> None:
        what = f"slot {slot} could not be asked about ({why})"
        self._left.append(Leftover(what=what, slot=slot))

    async def _until_gone(self, placed: dict[str, CallIds]) -> None:
        """Hang up where it is listed what is still listed, and tell what does not end."""
        now = {uuid: self._memory.ids.get(uuid, ids) for uuid, ids in placed.items()}
        paths = call_lists(self._rest.settings, (*placed.values(), *now.values()))
        for number in range(_ROUNDS):
            if number:
                await self._rest.wire.patience.sleep(_PAUSE / SECOND)
            listed, unasked = await self._listed(paths)
            mine = [call for call in listed if call.uuid in placed]
            if not mine or number == _ROUNDS - 1:
                break
            for call in mine:
                await self._hang_up_there(call)
        alive = {call.uuid for call in listed}
        self._left = [one for one in self._left if not self._ended_late(one, alive)]
        self._left += [self._alive(call) for call in listed if self._counts(call, placed)]
        self._left += unasked

    def _ended_late(self, left: Leftover, alive: set[str]) -> bool:
        """Tell whether a slot was seen occupied only because hanging up had not worked yet."""
        return bool(left.slot) and left.uuid in self._why and left.uuid not in alive

    def _counts(self, call: Listed, placed: dict[str, CallIds]) -> bool:
        """On a shared PBX only what was placed counts as left."""
        return call.uuid in placed or not self._rest.settings.shared

    def _alive(self, call: Listed) -> Leftover:
        why = self._why.get(call.uuid)
        more = "" if why is None else f", which could not be hung up ({why})"
        return Leftover(what=f"a call at extension {call.extension}{more}", uuid=call.uuid)

    async def _listed(self, paths: list[str]) -> tuple[list[Listed], list[Leftover]]:
        """Return the calls in these lists, and which lists could not be asked."""
        numbers = {v: k for k, v in self._rest.settings.extension_ids.items()}
        listed: dict[str, Listed] = {}
        unasked: list[Leftover] = []
        for path in paths:

            async def ask(within: int, path: str = path) -> tuple[Listed, ...]:
                return call_list(await _list(self._rest, path, within), numbers)

            found = await self._twice(ask)
            if isinstance(found, PbxError):
                what = f"it could not be asked which calls are left ({found.message})"
                unasked.append(Leftover(what=what))
            else:
                listed |= {call.uuid: call for call in found}
        return list(listed.values()), unasked

    async def _hang_up_there(self, call: Listed) -> None:
        raw = await self._twice(lambda within: _delete(self._rest, call, within))
        if isinstance(raw, PbxError):
            self._why[call.uuid] = raw.message
        elif raw.status >= 400:
            self._why[call.uuid] = words(raw.body) or f"status {raw.status}"


def says_nothing(refused: Refused) -> bool:
    """Tell whether a refusal leaves it open who is in the slot.

    Others say that it is no slot, or that there is no call left to ask with.
    """
    return refused.raw.status in (401, 403, 429) or refused.raw.status >= 500


def _keeps(witness: CallIds | None, ids: CallIds, memory: Memory) -> bool:
    """Tell whether hanging this call up would end the witness, too."""
    return witness is not None and (ids is witness or memory.partner_of(ids.uuid) == witness.uuid)


def _is_parked(ids: CallIds, memory: Memory) -> bool:
    return memory.slot_of(ids.uuid, 0) is not None


def call_lists(settings: RingMeSettings, placed: Iterable[CallIds]) -> list[str]:
    """Return the paths of the lists in which a scenario's calls are.

    A shared PBX is asked about the scenario's own extensions only: with many scenarios side by
    side the list of all calls grows long, and each scenario would ask for it.
    """
    if not settings.shared:
        return [_CLIENT_LIST]
    extension_ids = dict.fromkeys(ids.extension_id for ids in placed)
    return [_extension_list(one) for one in extension_ids]


async def find_placed(call: PlacedCall, rest: Rest, within: int) -> tuple[Listed, ...]:
    """Return what the PBX lists of a call that a run before has placed; see `FindPlaced`.

    The list of all calls is asked for, and where that is refused those of all extensions that the
    target names. Raises BadAnswer where one of them can't be had.
    """
    raw = await rest.call("GET", _CLIENT_LIST, within)
    answers = [raw]
    if raw.status >= 400:
        paths = _extension_lists_of(call, rest.settings)
        answers = [await _list(rest, path, within) for path in paths]
    numbers = {v: k for k, v in rest.settings.extension_ids.items()}
    uuid = None if call.ids is None else dashed(call.ids.uuid)
    return tuple(
        listed
        for answer in answers
        for entry, listed in zip(entries_of(answer), call_list(answer, numbers), strict=True)
        if (_is_like(entry, call) if uuid is None else dashed(listed.uuid) == uuid)
    )


def _extension_lists_of(call: PlacedCall, settings: RingMeSettings) -> list[str]:
    """Return the lists a call may be in: first its own extension's, by the journal's id."""
    known = "" if call.ids is None else call.ids.extension_id
    own = known or settings.extension_ids.get(call.extension, call.extension)
    return [_extension_list(one) for one in dict.fromkeys((own, *settings.extension_ids.values()))]


def _is_like(entry: dict[str, Json], call: PlacedCall) -> bool:
    """Tell whether a listed call may be one whose ids never became known."""
    flow = as_text(entry.get("call_flow")).lower()
    return flow == call.flow and same_number(party_of(entry), call.party)


async def _list(rest: Rest, path: str, within: int) -> Raw:
    """Ask for a list of calls; a refusal is no empty list, and raises BadAnswer."""
    raw = await rest.call("GET", path, within)
    if raw.status >= 400:
        whose = path.split("/")[2]
        raise BadAnswer(
            f"the calls of extension {whose} are not listed (status {raw.status}): "
            f"{words(raw.body)}"
        )
    return raw


def _extension_list(extension_id: str) -> str:
    return f"/extension/{quote(extension_id, safe='')}/current_calls/"


async def _delete(rest: Rest, call: Listed, within: int) -> Raw:
    extension_id = rest.settings.extension_ids.get(call.extension, call.extension)
    path = f"{_extension_list(extension_id)}{quote(call.call_api_id, safe='')}"
    return await rest.call("DELETE", path, within)
