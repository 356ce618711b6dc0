"""The rules of call parking that the mock follows, each declared once: id, sentence, source."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

Source: TypeAlias = Literal["documented", "assumed", "partly assumed"]


class Location(NamedTuple):
    """Where something is declared: a file, from the package's folder on, and a line from 1."""

    file: str
    line: int


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One thing a PBX does: `says` is a sentence for people, `source` who says so.

    A rule that is documented in part names in `assumed` what the vendor does not say. `place` is
    where it is declared.
    """

    id: str
    says: str
    source: Source
    assumed: str
    place: Location

    @property
    def field(self) -> str:
        """The rule's id as the name of a field: `park.not-twice` is `park_not_twice`."""
        return self.id.replace(".", "_").replace("-", "_")


def declared_at(depth: int) -> Location:
    """Return where the function was called that asks, `depth` calls further out."""
    frame = sys._getframe(depth + 1)  # noqa: SLF001 -- what namedtuple and logging do, too
    module: str = frame.f_globals["__name__"]
    return Location(module.replace(".", "/") + ".py", frame.f_lineno)


def _documented(rule: str, says: str, assumed: str = "") -> Rule:
    source: Source = "partly assumed" if assumed else "documented"
    return Rule(rule, says, source, assumed, declared_at(1))


def _assumed(rule: str, says: str) -> Rule:
    return Rule(rule, says, "assumed", "", declared_at(1))


PARK_OCCUPIES: Final = _documented(
    "park.occupies", "Parking in a free slot puts the call there: the slot reports it."
)
PARK_FULL: Final = _documented(
    "park.full",
    "An occupied slot refuses another call and nothing changes.",
    assumed="the status code",
)
PARK_SLOT_REQUIRED: Final = _documented(
    "park.slot-required", "Parking without a slot is refused.", assumed="the status code"
)
PARK_RELEASES: Final = _documented(
    "park.releases-extension",
    "Parking ends the parker's conversation; the call goes on in the slot.",
    assumed="the hangup event of the parker's leg",
)
PARK_RANGE: Final = _documented(
    "park.range",
    "There are as many slots as simultaneous calls; a slot outside of them is refused.",
    assumed="that the first is 1, and the refusal",
)
PARK_NOT_RINGING: Final = _assumed(
    "park.not-ringing", "A call that is not answered can't be parked."
)
PARK_NOT_TWICE: Final = _assumed(
    "park.not-twice",
    "A parked call can't be parked again, which is refused first, before a full slot; its time "
    "runs on.",
)
PARK_RETURNS: Final = _documented(
    "park.returns",
    "After the parking time the call goes back to whoever parked it and the slot is free.",
    assumed="the dial-in event with the same CallID and a new SubCallID",
)
PARK_RETURN_UNANSWERED: Final = _assumed(
    "park.return-unanswered", "A returned call that nobody answers ends."
)
PARK_RETURN_BUSY: Final = _assumed(
    "park.return-busy", "A call that returns to a busy parker rings beside the other call."
)
PARK_BOTH_FLOWS: Final = _documented(
    "park.both-flows", "Incoming and outgoing calls are parked alike."
)
SLOTS_REPORTS: Final = _documented(
    "slots.reports", "Asking for a slot returns the UUID of the call that is there."
)
SLOTS_EMPTY: Final = _assumed("slots.empty", "Asking for an empty slot answers a UUID of null.")
SLOTS_SLOT_REQUIRED: Final = _documented(
    "slots.slot-required", "Asking without a slot is refused.", assumed="the status code"
)
BRIDGE_SLOT: Final = _documented(
    "bridge.slot", "Bridging joins the call with the one in the slot and frees it."
)
BRIDGE_RANDOM: Final = _documented(
    "bridge.random", "Bridging without a slot joins with any one of the parked calls."
)
BRIDGE_PARTIES: Final = _assumed(
    "bridge.parties",
    "A bridge leaves one conversation, of the bridging extension with the parked party, under "
    "both calls' names; the party the extension talked to before is let go.",
)
BRIDGE_EMPTY: Final = _assumed(
    "bridge.empty", "Bridging with an empty slot is refused and the call stays as it is."
)
BRIDGE_NOTHING: Final = _assumed(
    "bridge.nothing", "Bridging with any parked call is refused where there is none."
)
BRIDGE_NOT_RINGING: Final = _assumed(
    "bridge.not-ringing", "A call that is not answered can't be bridged."
)
BRIDGE_NOT_PARKED: Final = _assumed(
    "bridge.not-parked", "A parked call can't bridge: its extension has left."
)
HANGUP_FREES: Final = _documented(
    "hangup.frees", "A parked caller who hangs up leaves the slot empty."
)
HANGUP_BRIDGED: Final = _assumed(
    "hangup.bridged", "Either call of a joined pair that is hung up ends both."
)
ANSWER_RINGING: Final = _assumed("answer.ringing", "Only a ringing call can be answered.")
TRANSFER_MOVES: Final = _assumed(
    "transfer.moves", "A call that talks is transferred and answered at once; others are refused."
)
CALL_UNKNOWN: Final = _assumed("call.unknown", "A call that never was, or has ended, is refused.")
CALL_FOREIGN: Final = _assumed(
    "call.foreign", "A call of another extension than the one in the path is refused."
)
EXTENSION_UNKNOWN: Final = _assumed(
    "extension.unknown", "An extension that does not exist is refused."
)
ACTION_UNKNOWN: Final = _documented(
    "action.unknown",
    "Actions other than park, bridge and slots are refused.",
    assumed="the status code",
)
SLOT_TYPE: Final = _assumed(
    "slot.type", "A number and its digits as text are one slot; anything else is refused."
)
SLOT_SHARED: Final = _assumed("slot.shared", "All extensions of a client share its slots.")
CAPACITY: Final = _documented("capacity", "More simultaneous calls than the limit are refused.")
AUTH_REQUIRED: Final = _documented(
    "auth.required", "No token, a wrong or an expired one is refused."
)
AUTH_FORBIDDEN: Final = _documented(
    "auth.forbidden", "An application without access to a resource is refused."
)
RATE_LIMIT: Final = _documented(
    "rate.limit", "Requests above the hourly limit are refused; every answer carries the limit."
)
EVENTS_DIAL_IN: Final = _documented(
    "events.dial-in", "A call that begins to ring an extension is reported."
)
EVENTS_DIAL_OUT: Final = _documented(
    "events.dial-out", "A call that an extension dials is reported."
)
EVENTS_ANSWER: Final = _documented("events.answer", "The answer of a call is reported.")
EVENTS_HANGUP: Final = _documented(
    "events.hangup", "The end of an extension's part in a call is reported."
)

RULES: Final = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
"""All rules, in the order they are declared."""
