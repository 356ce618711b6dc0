"""The end of a scenario on the PBX: hangs up what was placed and looks for what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from scenario_runner.errors import PbxError
from scenario_runner.language.vocabulary import Party
from scenario_runner.pbx.commands import AskSlot, CallAddress, HangUp
from scenario_runner.pbx.protocol import CallIds, Done, Leftover, Refused
from scenario_runner.pbx.ringme.answers import call_list, entries_of, ids_of, party_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.protocol import Plan, Session
    from scenario_runner.pbx.ringme.rest import Rest
    from scenario_runner.pbx.ringme.session import Memory
    from scenario_runner.pbx.ringme.settings import RingMeSettings


_T = TypeVar("_T")


async def hang_up_and_look(
    session: Session, rest: Rest, memory: Memory, plan: Plan, within: int
) -> tuple[Leftover, ...]:
    """Hang up every call of the scenario and return the slots and calls left behind.

    Asking about slots needs a call, so the slots are asked about before the last one is hung up.
    """
    await _find_lost(rest, memory, within)
    if not memory.own and rest.settings.shared:
        return ()
    placed = dict(memory.own)
    witness = next((i for i in placed.values() if not _is_parked(i, memory)), None)
    left: list[Leftover] = []
    for ids in list(placed.values()):
        if ids.uuid in memory.own and not _keeps(witness, ids, memory):
            left += await _hang_up(session, ids, within)
    if witness is not None and witness.uuid in memory.own:
        slots = tuple(dict.fromkeys((*plan.slots, *memory.slots)))
        left += await _occupied(session, witness, slots, within)
        left += await _hang_up(session, witness, within)
    left += await _alive(rest, placed, within)
    return tuple(left)


def _keeps(witness: CallIds | None, ids: CallIds, memory: Memory) -> bool:
    """Tell whether hanging this call up would end the witness, too."""
    return witness is not None and (ids is witness or memory.partner_of(ids.uuid) == witness.uuid)


def _is_parked(ids: CallIds, memory: Memory) -> bool:
    return memory.slot_of(ids.uuid, 0) is not None


async def _find_lost(rest: Rest, memory: Memory, within: int) -> None:
    """Take in the calls that came about although the answer to placing them never came."""
    for request in memory.placing:
        extension_id = rest.settings.extension_ids.get(request.extension, request.extension)
        path = f"/extension/{quote(extension_id, safe='')}/current_calls/"
        raw = await _twice(lambda path=path: rest.call("GET", path, within))  # type: ignore[misc]
        for entry in entries_of(raw) if raw.status < 400 else ():
            ids = ids_of(entry, request.extension, extension_id)
            fresh = ids.uuid not in memory.ids and ids.uuid not in memory.strangers
            if fresh and party_of(entry) == request.party:
                memory.placed(ids)
                break


async def _twice(ask: Callable[[], Awaitable[_T]]) -> _T:
    """Ask once more where the answer was lost: what is asked here may be repeated safely."""
    try:
        return await ask()
    except PbxError:
        return await ask()


async def _hang_up(session: Session, ids: CallIds, within: int) -> list[Leftover]:
    current = session.ids(ids.uuid) or ids
    address = CallAddress(call_api_id=current.call_api_id, extension=current.extension)
    outcome = await _twice(lambda: session.do(HangUp(call=address, by=Party.EXTENSION), within))
    if isinstance(outcome, Refused) and outcome.raw.status != 404:
        what = f"a call that could not be hung up ({outcome.message})"
        return [Leftover(what=what, uuid=ids.uuid)]
    return []


async def _occupied(
    session: Session, witness: CallIds, slots: tuple[str, ...], within: int
) -> list[Leftover]:
    current = session.ids(witness.uuid) or witness
    address = CallAddress(call_api_id=current.call_api_id, extension=current.extension)
    left: list[Leftover] = []
    for slot in slots:
        seen = await _twice(lambda slot=slot: session.do(AskSlot(call=address, slot=slot), within))  # type: ignore[misc]
        if isinstance(seen, Done) and seen.uuid not in (None, witness.uuid):
            left.append(Leftover(what=f"slot {slot} is occupied", uuid=seen.uuid, slot=slot))
    return left


async def _alive(rest: Rest, placed: dict[str, CallIds], within: int) -> list[Leftover]:
    """Return the calls still there: all of them, or on a shared PBX those that were placed."""
    left: list[Leftover] = []
    numbers = {v: k for k, v in rest.settings.extension_ids.items()}
    for path in call_lists(rest.settings, placed):
        raw = await _twice(lambda path=path: rest.call("GET", path, within))  # type: ignore[misc]
        if raw.status >= 400:
            what = f"it could not be asked which calls are left ({raw.status})"
            left.append(Leftover(what=what))
            continue
        left += [
            Leftover(what=f"a call at extension {call.extension}", uuid=call.uuid)
            for call in call_list(raw, numbers)
            if call.uuid in placed or not rest.settings.shared
        ]
    return left


def call_lists(settings: RingMeSettings, placed: dict[str, CallIds]) -> list[str]:
    """Return the paths of the lists in which a scenario's calls are.

    A shared PBX is asked about the scenario's own extensions only: with many scenarios side by
    side the list of all calls grows long, and each scenario would ask for it.
    """
    if not settings.shared:
        return ["/client/@me/current_calls/"]
    ids = dict.fromkeys(ids.extension_id for ids in placed.values())
    return [f"/extension/{quote(one, safe='')}/current_calls/" for one in ids]
