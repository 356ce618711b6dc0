"""What became of a command whose answer was lost: it is not repeated, the PBX is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.errors import AnswerLost, PbxError, TimedOut
from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.commands import AnySlot, AskSlot, CallAddress, ShowCall
from scenario_runner.pbx.protocol import Done, Outcome, Refused
from scenario_runner.pbx.ringme.answers import uuid_of
from scenario_runner.references import as_text

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from scenario_runner.pbx.commands import BridgeSlot
    from scenario_runner.pbx.protocol import Session
    from scenario_runner.references import Json


LOST = (AnswerLost, TimedOut)
"""What leaves it open whether the PBX did what it was told."""

_ASKED = "the answer was lost, the PBX was asked"


async def after_park(
    session: Session, call: CallAddress, slot: Json, error: PbxError, within: int
) -> Done:
    """Return Done where the slot holds the call by now; else raise the error, saying what is so."""
    seen = await _asked(session.do(AskSlot(call=call, slot=slot), within), error)
    if isinstance(seen, Done) and seen.uuid == uuid_of(call.call_api_id):
        return Done(raw=seen.raw, slot=seen.slot, driver_word=f"parked: {_ASKED}")
    raise _open(error, f"slot {as_text(slot)} {_held(seen)}")


async def after_bridge(
    session: Session, calls: tuple[CallAddress, CallAddress | None], slot: BridgeSlot,
    error: PbxError, within: int,
) -> Done:  # fmt: skip
    """Return Done where the slot is empty by now and both calls go on; else raise the error.

    `calls` are the call and the one that this session parked in the slot, if it did; that one may
    be at the extension of the first by now (assumed).
    """
    call, parked = calls
    if isinstance(slot, AnySlot) or parked is None:
        raise _open(error, "whom it was joined with can't be asked for")
    seen = await _asked(session.do(AskSlot(call=call, slot=slot), within), error)
    if not isinstance(seen, Done) or seen.uuid is not None:
        raise _open(error, f"slot {as_text(slot)} {_held(seen)}")
    moved = CallAddress(call_api_id=parked.call_api_id, extension=call.extension)
    alive = [await _alive(session, one, error, within) for one in (call, moved, parked)]
    if not alive[0] or not any(alive[1:]):
        raise _open(error, "the slot is empty, and one of the two calls is over")
    word = f"joined: {_ASKED}; the slot is empty and both calls go on"
    return Done(
        raw=seen.raw, slot=as_text(slot), uuid=uuid_of(parked.call_api_id), driver_word=word
    )


async def _alive(session: Session, call: CallAddress, error: PbxError, within: int) -> bool:
    found = await _asked(session.do(ShowCall(call=call), within), error)
    return isinstance(found, Done) and found.state is not CallState.ENDED


async def after_hangup(session: Session, call: CallAddress, error: PbxError, within: int) -> Done:
    """Return Done where the PBX no longer knows the call; else raise the error."""
    found = await _asked(session.do(ShowCall(call=call), within), error)
    gone = isinstance(found, Refused) and found.reason is Reason.NO_SUCH_CALL
    if gone or (isinstance(found, Done) and found.state is CallState.ENDED):
        return Done(raw=found.raw, state=CallState.ENDED, driver_word=f"ended: {_ASKED}")
    raise _open(error, "the call goes on")


async def after_answer(session: Session, call: CallAddress, error: PbxError, within: int) -> Done:
    """Return Done where the call is up by now; else raise the error."""
    found = await _asked(session.do(ShowCall(call=call), within), error)
    if isinstance(found, Done) and found.state is CallState.UP:
        return Done(raw=found.raw, state=CallState.UP, driver_word=f"answered: {_ASKED}")
    raise _open(error, "the call is not up")


async def _asked(question: Awaitable[Outcome], error: PbxError) -> Outcome:
    try:
        return await question
    except PbxError as again:
        raise _open(error, f"asking failed, too ({again.message})") from again


def _open(error: PbxError, saw: str) -> PbxError:
    """Return the error with what was seen since; what the PBX did with the command stays open."""
    hint = "what the PBX did with the command is not known for sure; it was not repeated"
    return type(error)(f"{error.message}; asked what became of it: {saw}", hint=hint)


def _held(seen: Outcome) -> str:
    match seen:
        case Done(uuid=None):
            return "is empty"
        case Done(uuid=uuid):
            return f"holds {uuid}"
        case Refused(message=message):
            return f"can't be asked about ({message})"
