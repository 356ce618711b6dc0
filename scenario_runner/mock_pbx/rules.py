"""The rules of call parking that the mock follows, each with an id, a sentence and its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

PARK_OCCUPIES: Final = "park.occupies"
PARK_FULL: Final = "park.full"
PARK_SLOT_REQUIRED: Final = "park.slot-required"
PARK_RELEASES: Final = "park.releases-extension"
PARK_RANGE: Final = "park.range"
PARK_NOT_RINGING: Final = "park.not-ringing"
PARK_NOT_TWICE: Final = "park.not-twice"
PARK_RETURNS: Final = "park.returns"
PARK_RETURN_UNANSWERED: Final = "park.return-unanswered"
PARK_RETURN_BUSY: Final = "park.return-busy"
PARK_BOTH_FLOWS: Final = "park.both-flows"
SLOTS_REPORTS: Final = "slots.reports"
SLOTS_EMPTY: Final = "slots.empty"
SLOTS_SLOT_REQUIRED: Final = "slots.slot-required"
BRIDGE_SLOT: Final = "bridge.slot"
BRIDGE_RANDOM: Final = "bridge.random"
BRIDGE_PARTIES: Final = "bridge.parties"
BRIDGE_EMPTY: Final = "bridge.empty"
BRIDGE_NOTHING: Final = "bridge.nothing"
BRIDGE_NOT_RINGING: Final = "bridge.not-ringing"
BRIDGE_NOT_PARKED: Final = "bridge.not-parked"
HANGUP_FREES: Final = "hangup.frees"
HANGUP_BRIDGED: Final = "hangup.bridged"
ANSWER_RINGING: Final = "answer.ringing"
TRANSFER_MOVES: Final = "transfer.moves"
CALL_UNKNOWN: Final = "call.unknown"
CALL_FOREIGN: Final = "call.foreign"
EXTENSION_UNKNOWN: Final = "extension.unknown"
ACTION_UNKNOWN: Final = "action.unknown"
SLOT_TYPE: Final = "slot.type"
SLOT_SHARED: Final = "slot.shared"
CAPACITY: Final = "capacity"
AUTH_REQUIRED: Final = "auth.required"
AUTH_FORBIDDEN: Final = "auth.forbidden"
RATE_LIMIT: Final = "rate.limit"
EVENTS_DIAL_IN: Final = "events.dial-in"
EVENTS_DIAL_OUT: Final = "events.dial-out"
EVENTS_ANSWER: Final = "events.answer"
EVENTS_HANGUP: Final = "events.hangup"

Source: TypeAlias = Literal["documented", "assumed", "partly assumed"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing a PBX does: `says` is a sentence for people, `source` whose word it is.

    A rule that is documented in part names in `assumed` what the vendor does not say.
    """

    id: str
    says: str
    source: Source
    assumed: str = ""


def _documented(rule: str, says: str, assumed: str = "") -> Rule:
    return Rule(rule, says, "partly assumed" if assumed else "documented", assumed)


def _assumed(rule: str, says: str) -> Rule:
    return Rule(rule, says, "assumed")


RULES: Final = (
    _documented(PARK_OCCUPIES, "Parking in a free slot puts the call there: the slot reports it."),
    _documented(
        PARK_FULL, "An occupied slot refuses another call and nothing changes.", "the status code"
    ),
    _documented(PARK_SLOT_REQUIRED, "Parking without a slot is refused.", "the status code"),
    _documented(
        PARK_RELEASES,
        "Parking ends the parker's conversation; the call goes on in the slot.",
        "the hangup event of the parker's leg",
    ),
    _documented(
        PARK_RANGE,
        "There are as many slots as simultaneous calls; a slot outside of them is refused.",
        "that the first is 1, and the refusal",
    ),
    _assumed(PARK_NOT_RINGING, "A call that is not answered can't be parked."),
    _assumed(
        PARK_NOT_TWICE,
        "A parked call can't be parked again, which is told before a full slot is; "
        "its time runs on.",
    ),
    _documented(
        PARK_RETURNS,
        "After the parking time the call goes back to whoever parked it and the slot is free.",
        "the dial-in event with the same CallID and a new SubCallID",
    ),
    _assumed(PARK_RETURN_UNANSWERED, "A returned call that nobody answers ends."),
    _assumed(PARK_RETURN_BUSY, "A call that returns to a busy parker rings beside the other call."),
    _documented(PARK_BOTH_FLOWS, "Incoming and outgoing calls are parked alike."),
    _documented(SLOTS_REPORTS, "Asking for a slot tells the UUID of the call that is there."),
    _assumed(SLOTS_EMPTY, "Asking for an empty slot answers a UUID of null."),
    _documented(SLOTS_SLOT_REQUIRED, "Asking without a slot is refused.", "the status code"),
    _documented(BRIDGE_SLOT, "Bridging joins the call with the one in the slot and frees it."),
    _documented(BRIDGE_RANDOM, "Bridging without a slot joins with any one of the parked calls."),
    _assumed(
        BRIDGE_PARTIES,
        "A bridge leaves one conversation, of the bridging extension with the parked party, under "
        "both calls' names; the party the extension talked to before is let go.",
    ),
    _assumed(BRIDGE_EMPTY, "Bridging with an empty slot is refused and the call stays as it is."),
    _assumed(BRIDGE_NOTHING, "Bridging with any parked call is refused where there is none."),
    _assumed(BRIDGE_NOT_RINGING, "A call that is not answered can't be bridged."),
    _assumed(BRIDGE_NOT_PARKED, "A parked call can't bridge: its extension has left."),
    _documented(HANGUP_FREES, "A parked caller who hangs up leaves the slot empty."),
    _assumed(HANGUP_BRIDGED, "Either call of a joined pair that is hung up ends both."),
    _assumed(ANSWER_RINGING, "Only a ringing call can be answered."),
    _assumed(
        TRANSFER_MOVES, "A call that talks is transferred and answered at once; others are refused."
    ),
    _assumed(CALL_UNKNOWN, "A call that never was, or has ended, is refused."),
    _assumed(CALL_FOREIGN, "A call of another extension than the one in the path is refused."),
    _assumed(EXTENSION_UNKNOWN, "An extension that does not exist is refused."),
    _documented(
        ACTION_UNKNOWN, "Actions other than park, bridge and slots are refused.", "the status code"
    ),
    _assumed(SLOT_TYPE, "A number and its digits as text are one slot; anything else is refused."),
    _assumed(SLOT_SHARED, "All extensions of a client share its slots."),
    _documented(CAPACITY, "More simultaneous calls than the limit are refused."),
    _documented(AUTH_REQUIRED, "No token, a wrong or an expired one is refused."),
    _documented(AUTH_FORBIDDEN, "An application without access to a resource is refused."),
    _documented(
        RATE_LIMIT, "Requests above the hourly limit are refused; every answer tells the limit."
    ),
    _documented(EVENTS_DIAL_IN, "A call that begins to ring an extension is reported."),
    _documented(EVENTS_DIAL_OUT, "A call that an extension dials is reported."),
    _documented(EVENTS_ANSWER, "The answer of a call is reported."),
    _documented(EVENTS_HANGUP, "The end of an extension's part in a call is reported."),
)
