"""Finds the call and the slot that a command is about, and says why it can't be dealt with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.protocol import LONGEST_SLOT, Raw, Refused
from scenario_runner.references import Json, as_text

if TYPE_CHECKING:
    from scenario_runner.pbx.commands import CallAddress
    from scenario_runner.pbx.tracked.calls import Call, CallTable

_WORDS = {
    Reason.NO_SUCH_CALL: "there is no such call at this extension",
    Reason.CALL_NOT_ANSWERED: "the call is not answered yet",
    Reason.CALL_ALREADY_PARKED: "the call is parked already",
    Reason.SLOT_REQUIRED: "no slot is given",
    Reason.SLOT_INVALID: "the slot is not a number",
    Reason.SLOT_UNKNOWN: "there is no such slot",
    Reason.SLOT_FULL: "the slot is full: somebody is parked there",
    Reason.SLOT_EMPTY: "nobody is parked in this slot",
    Reason.NOTHING_PARKED: "nobody is parked in any slot",
}


def find_call(calls: CallTable, address: CallAddress) -> Call | Reason:
    """Return the call that is alive under this id at this extension, or why there is none."""
    call = calls.find(address.call_api_id)
    if call is None or not call.alive or call.extension != address.extension:
        return Reason.NO_SUCH_CALL
    return call


def find_talking(calls: CallTable, address: CallAddress) -> Call | Reason:
    """Return the call, which must be answered and not parked."""
    call = find_call(calls, address)
    if isinstance(call, Reason):
        return call
    if call.state is CallState.RINGING:
        return Reason.CALL_NOT_ANSWERED
    return Reason.CALL_ALREADY_PARKED if call.parked else call


def slot_number(slot: Json, slots: tuple[int, int]) -> int | Reason:
    """Return the number of a slot as a scenario says it, or why there is none in this range.

    The PBX is never asked for such: it would park the call somewhere else, or end it (measured).
    """
    if slot is None:
        return Reason.SLOT_REQUIRED
    text = as_text(slot)
    if isinstance(slot, bool) or not is_number(text):
        return Reason.SLOT_INVALID
    first, last = slots
    known = len(text) <= LONGEST_SLOT and first <= int(text) <= last
    return int(text) if known else Reason.SLOT_UNKNOWN


def is_number(text: str) -> bool:
    """Tell whether a text is a number in plain digits."""
    return text.isascii() and text.isdecimal()


@dataclass(frozen=True, slots=True)
class Refusals:
    """The driver's own refusals of what a PBX would let happen somehow.

    `would` says for each reason what the PBX would do instead of refusing.
    """

    pbx: str
    would: dict[Reason, str]

    def words(self, reason: Reason) -> str:
        """Say why, and what the PBX would do."""
        would = self.would.get(reason)
        return _WORDS[reason] + (f"; {self.pbx} would {would}" if would else "")

    def refuse(self, reason: Reason, raw: Raw) -> Refused:
        """Refuse in the driver's own words."""
        word = f"refused by the driver: {self.pbx} itself would not"
        return Refused(raw=raw, reason=reason, message=self.words(reason), driver_word=word)
