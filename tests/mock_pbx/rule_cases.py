"""One case or more for each rule that the switch decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.mock_pbx.calls import (
    AnswerCall,
    AskSlot,
    Bridge,
    Ended,
    HangUp,
    InSlot,
    Park,
    Refusal,
    SwitchAnswer,
    TimePassed,
    Transfer,
)
from scenario_runner.mock_pbx.profile import Profile
from scenario_runner.mock_pbx.rules import RULES
from tests.mock_pbx.switching import NOBODY, A, B, C, incoming, outgoing, ringing

if TYPE_CHECKING:
    from tests.mock_pbx.switching import Move


@dataclass(frozen=True, slots=True)
class Case:
    """The last move is answered so, by that rule; the slots hold that; None: any call is shown."""

    rule: str
    moves: tuple[Move, ...]
    answer: SwitchAnswer | None
    events: tuple[str, ...] = ()
    slots: dict[int, str] = field(default_factory=dict)
    profile: Profile = field(default_factory=Profile)


PARK_A = Park(A, 341, 6)
SMALL = Profile(slots=2)
PARKED = (incoming(), PARK_A)
JOINED = (*PARKED, outgoing(), Bridge(B, 342, 6))
IN_6 = {6: A}


BY_ID = {rule.id: rule for rule in RULES}


def refused(rule: str, *moves: Move, **slots_and_profile: object) -> Case:
    return Case(rule, moves, Refusal(BY_ID[rule]), **slots_and_profile)  # type: ignore[arg-type]


CASES = (
    Case("park.occupies", PARKED, InSlot(6, A), ("hangup A ANSWER",), IN_6),
    Case("park.releases-extension", PARKED, InSlot(6, A), ("hangup A ANSWER",), IN_6),
    Case(
        "park.releases-extension", PARKED, InSlot(6, A), (), IN_6, Profile(park_event="none")
    ),
    refused("park.full", *PARKED, outgoing(), Park(B, 342, 6), slots=IN_6),
    refused("park.slot-required", incoming(), Park(A, 341, None)),
    refused("park.range", incoming(), Park(A, 341, 0)),
    refused("park.range", incoming(), Park(A, 341, 21)),
    refused("park.range", incoming(), Park(A, 341, "-6")),
    refused("park.range", incoming(), Bridge(A, 341, 21)),
    refused("park.range", incoming(), AskSlot(A, 341, 10**30)),
    Case(
        "park.occupies", (incoming(), Park(A, 341, 20)), InSlot(20, A), ("hangup A ANSWER",),
        {20: A},
    ),
    Case(
        "park.occupies", (incoming(), Park(A, 341, 702)), InSlot(702, A), ("hangup A ANSWER",),
        {702: A}, Profile(slots=2, first_slot=701),
    ),
    refused("park.not-ringing", ringing(), PARK_A),
    refused("park.not-ringing", *PARKED, 180, PARK_A),
    refused("park.not-twice", *PARKED, Park(A, 341, 7), slots=IN_6),
    refused("park.not-twice", *PARKED, PARK_A, slots=IN_6),
    Case(
        "park.occupies", (*PARKED, Park(A, 341, 7)), InSlot(7, A), (), {7: A},
        Profile(park_again="move"),
    ),
    refused("park.full", *PARKED, PARK_A, slots=IN_6, profile=Profile(park_again="move")),
    Case("park.both-flows", (outgoing(), Park(A, 342, 3)), InSlot(3, A), ("hangup A ANSWER",),
         {3: A}),
    refused(
        "park.both-flows", outgoing(), Park(A, 342, 3), profile=Profile(parkable_flows=("in",))
    ),
    Case("park.returns", (*PARKED, 180), TimePassed(), ("dial-in A CALLING",)),
    Case(
        "park.returns", (*PARKED, 180), TimePassed(), (), profile=Profile(return_event="none")
    ),
    Case("park.return-unanswered", (*PARKED, 180, 210), TimePassed(), ("hangup A NOANSWER",)),
    Case(
        "park.return-unanswered", (*PARKED, 180, 210), TimePassed(), (),
        profile=Profile(return_unanswered="rings-on"),
    ),
    Case(
        "park.return-busy", (*PARKED, incoming(), 180), TimePassed(), ("dial-in A CALLING",)
    ),
    Case(
        "park.return-busy", (*PARKED, incoming(), 180), TimePassed(),
        ("dial-in A CALLING", "hangup A BUSY"), profile=Profile(return_busy="ends"),
    ),
    Case("slots.reports", (*PARKED, AskSlot(A, 341, 6)), InSlot(6, A), (), IN_6),
    Case("slots.empty", (*PARKED, AskSlot(A, 341, 7)), InSlot(7, None), (), IN_6),
    refused("slots.empty", incoming(), AskSlot(A, 341, 7), profile=Profile(empty_slot="refused")),
    refused("slots.slot-required", incoming(), AskSlot(A, 341, None)),
    Case("bridge.slot", JOINED, InSlot(6, A)),
    Case("bridge.random", (*PARKED, outgoing(), Bridge(B, 342, None)), InSlot(6, A)),
    Case("bridge.parties", JOINED, InSlot(6, A)),
    Case(
        "bridge.parties", (*JOINED, incoming(343), Park(C, 343, 1), Bridge(B, 342, 1)),
        InSlot(1, C), ("hangup A ANSWER",),
    ),
    refused("bridge.empty", *PARKED, outgoing(), Bridge(B, 342, 7), slots=IN_6),
    refused("bridge.nothing", incoming(), Bridge(A, 341, None)),
    refused("bridge.not-ringing", *PARKED, ringing(342), Bridge(B, 342, 6), slots=IN_6),
    refused("bridge.not-parked", *PARKED, Bridge(A, 341, 6), slots=IN_6),
    Case("hangup.frees", (*PARKED, HangUp(A, None, "remote")), Ended()),
    Case(
        "hangup.bridged", (*JOINED, HangUp(A, None, "remote")), Ended(),
        ("hangup A ANSWER", "hangup B ANSWER"),
    ),
    Case(
        "hangup.bridged", (*JOINED, HangUp(B, 342, "extension")), Ended(),
        ("hangup B ANSWER", "hangup A ANSWER"),
    ),
    Case(
        "hangup.bridged", (*JOINED, HangUp(B, 342, "extension")), Ended(),
        ("hangup B ANSWER",), profile=Profile(bridged_hangup="ends-one"),
    ),
    refused("answer.ringing", incoming(), AnswerCall(A)),
    Case("transfer.moves", (incoming(), Transfer(A, 341, 345)), None,
         ("hangup A ANSWER", "dial-in A CALLING", "answer A ANSWER")),
    Case("transfer.moves", (*JOINED, Transfer(A, 342, 345)), None,
         ("hangup B ANSWER", "hangup A ANSWER", "dial-in A CALLING", "answer A ANSWER")),
    refused("transfer.moves", ringing(), Transfer(A, 341, 345)),
    refused("transfer.moves", *PARKED, Transfer(A, 341, 345), slots=IN_6),
    refused("call.unknown", Park(NOBODY, 341, 6)),
    refused("call.unknown", incoming(), AskSlot(NOBODY, 341, 6)),
    refused("call.unknown", incoming(), Bridge(NOBODY, 341, 6)),
    refused("call.unknown", *PARKED, HangUp(A, 341, "extension"), HangUp(A, 341, "extension")),
    refused("call.unknown", AnswerCall(NOBODY)),
    refused("call.unknown", *JOINED, Park(B, 342, 7), Park(A, 342, 8), slots={7: B}),
    refused("call.foreign", incoming(), Park(A, 342, 6)),
    refused("call.foreign", *JOINED, Park(A, 341, 6)),
    refused("call.foreign", incoming(), Transfer(A, 342, 345)),
    refused("call.foreign", incoming(), HangUp(A, 342, "extension")),
    Case(
        "park.occupies", (incoming(), Park(A, 342, 6)), InSlot(6, A), ("hangup A ANSWER",), IN_6,
        Profile(foreign_call="allow"),
    ),
    refused("extension.unknown", incoming(340)),
    refused("extension.unknown", incoming(361)),
    refused("extension.unknown", incoming(), Transfer(A, 341, 999)),
    Case("slot.type", (incoming(), Park(A, 341, "06")), InSlot(6, A), ("hangup A ANSWER",), IN_6),
    *(refused("slot.type", incoming(), Park(A, 341, wrong))
      for wrong in ("", "six", "6 ", "٦", "6.0", "9" * 5000, 6.0, True, [6], {"slot": 6})),
    refused("slot.type", incoming(), Bridge(A, 341, "x")),
    refused("slot.type", incoming(), Park(A, 341, "6"), profile=Profile(slot_words="number")),
    *(refused("slot.type", incoming(), Park(A, 341, negative), profile=Profile(slot_words="digits"))
      for negative in (-1, "-1")),
    Case("slot.type", (incoming(), Park(A, 341, "06")), InSlot(6, A), ("hangup A ANSWER",), IN_6,
         Profile(slot_words="digits")),
    Case("slot.shared", (*PARKED, outgoing(), AskSlot(B, 342, 6)), InSlot(6, A), (), IN_6),
    Case("slot.shared", JOINED, InSlot(6, A)),
    Case(
        "slots.empty", (*PARKED, outgoing(), AskSlot(B, 342, 6)), InSlot(6, None), (), IN_6,
        Profile(slots_of="extension"),
    ),
    refused(
        "bridge.nothing", *PARKED, outgoing(), Bridge(B, 342, None), slots=IN_6,
        profile=Profile(slots_of="extension"),
    ),
    refused("capacity", incoming(), incoming(), incoming(), profile=SMALL),
    refused("capacity", *PARKED, outgoing(), outgoing(), slots=IN_6,
            profile=Profile(slots=2, first_slot=5)),
    Case("events.dial-in", (ringing(),), None, ("dial-in A CALLING",)),
    Case("events.dial-out", (outgoing(),), None, ("dial-out A CALLING", "answer A ANSWER")),
    Case("events.answer", (ringing(), AnswerCall(A)), None, ("answer A ANSWER",)),
    Case("events.answer", (*PARKED, 180, AnswerCall(A)), None, ("answer A ANSWER",)),
    Case("events.hangup", (incoming(), HangUp(A, None, "remote")), Ended(), ("hangup A ANSWER",)),
    Case("events.hangup", (ringing(), HangUp(A, None, "remote")), Ended(), ("hangup A CANCEL",)),
    Case("events.hangup", (ringing(), HangUp(A, 341, "extension")), Ended(), ("hangup A BUSY",)),
)  # fmt: skip

RULES_BY_REST = {"action.unknown", "auth.required", "auth.forbidden", "rate.limit"}
"""The rules that the REST layer decides, tested in `test_mock_rest.py`."""
