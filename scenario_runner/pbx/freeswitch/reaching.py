"""Finds the call that a command is about, and says why it can't be dealt with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.protocol import Raw, Refused

if TYPE_CHECKING:
    from scenario_runner.pbx.commands import CallAddress
    from scenario_runner.pbx.freeswitch.board import Board, Call

OWN_RULE = "refused by the driver: FreeSWITCH itself would not"
_WORDS = {
    Reason.NO_SUCH_CALL: "there is no such call at this extension",
    Reason.CALL_NOT_ANSWERED: "the call is not answered yet; FreeSWITCH would park it all the same",
    Reason.CALL_ALREADY_PARKED: "the call is parked already; FreeSWITCH would move it, or join it "
    "with itself where the slot is its own",
    Reason.SLOT_REQUIRED: "no slot is given; FreeSWITCH would park nobody and hang up",
    Reason.SLOT_INVALID: "the slot is no number; FreeSWITCH would take any text for a slot",
    Reason.SLOT_UNKNOWN: "there is no such slot; FreeSWITCH would make one",
    Reason.SLOT_FULL: "the slot is full: somebody is parked there; FreeSWITCH would join the two",
    Reason.SLOT_EMPTY: "nobody is parked in this slot; FreeSWITCH would park whoever dials it",
    Reason.NOTHING_PARKED: "nobody is parked in any slot",
}


def reach(board: Board, address: CallAddress) -> Call | Reason:
    """Return the call that is alive under this id at this extension, or why there is none."""
    call = board.find(address.call_api_id)
    if call is None or not call.alive or call.extension != address.extension:
        return Reason.NO_SUCH_CALL
    return call


def reach_talking(board: Board, address: CallAddress) -> Call | Reason:
    """Return the call, which must be answered and not parked."""
    call = reach(board, address)
    if isinstance(call, Reason):
        return call
    if call.state is CallState.RINGING:
        return Reason.CALL_NOT_ANSWERED
    return Reason.CALL_ALREADY_PARKED if call.state is CallState.PARKED else call


def refuse(reason: Reason, raw: Raw) -> Refused:
    """Refuse in the driver's own words what FreeSWITCH would let happen somehow."""
    return Refused(raw=raw, reason=reason, message=_WORDS[reason], driver_word=OWN_RULE)
