"""What the switch holds, is asked and answers: calls and slots, commands, answers, events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final, Literal, TypeAlias

from msgspec import Struct

from scenario_runner.mock_pbx.profile import Profile
from scenario_runner.mock_pbx.rules import Rule

NEVER: Final = 1 << 62
"""A time that does not come."""

Flow: TypeAlias = Literal["in", "out"]
EventType: TypeAlias = Literal["dial-in", "dial-out", "answer", "hangup"]
CallStatus: TypeAlias = Literal["CALLING", "ANSWER", "BUSY", "NOANSWER", "CANCEL"]
Place: TypeAlias = tuple[int, int]
"""A slot: whose it is (an extension, or 0 where all share) and its number."""


class Ringing(Struct, frozen=True):
    """Not answered yet."""

    word: ClassVar = "ringing"
    until: ClassVar[int] = NEVER


class Up(Struct, frozen=True):
    """Its extension and the remote party talk."""

    word: ClassVar = "up"
    until: ClassVar[int] = NEVER


class Parked(Struct, frozen=True):
    """The remote party is in a slot, until the parking time is over."""

    word: ClassVar = "parked"
    place: Place
    until: int


class Recalled(Struct, frozen=True):
    """Back from its slot and ringing whoever parked it."""

    word: ClassVar = "ringing"
    until: int


class Joined(Struct, frozen=True):
    """One conversation under two calls' names; `partner` is the other call's uuid."""

    word: ClassVar = "bridged"
    until: ClassVar[int] = NEVER
    partner: str


Phase: TypeAlias = Ringing | Up | Parked | Recalled | Joined


class Call(Struct, frozen=True):
    """A call that is alive.

    `extension` is the one it is at, or that parked it; `party` the number at the other end.
    `leg` names the extension's part (empty while parked), `leg_flow` whether that leg was dialled
    to or from the extension, `answered_at` when it was answered.
    """

    uuid: str
    extension: int
    flow: Flow
    party: str
    placed_at: int
    phase: Phase
    leg: str
    leg_flow: Flow
    answered_at: int | None

    @property
    def call_id(self) -> str:
        """The id that stays the same over all legs."""
        return self.uuid.replace("-", "")


class CallEvent(Struct, frozen=True):
    """Something worth reporting about a call, which is as it was at the time `at`.

    `duration` is how long the leg talked, told at its end.
    """

    type: EventType
    at: int
    call: Call
    status: CallStatus
    duration: int | None = None


class State(Struct, frozen=True):
    """The switch at one moment. Calls by uuid, slots by place; `placed` is alive and `ended`.

    `legs` and `draws` count names and random choices made, so that a seed decides all of them;
    `deadline` is the earliest timer, or NEVER.
    """

    profile: Profile
    seed: int
    calls: Mapping[str, Call]
    slots: Mapping[Place, str]
    placed: int = 0
    ended: int = 0
    legs: int = 0
    draws: int = 0
    deadline: int = NEVER


def fresh_state(profile: Profile, seed: int) -> State:
    """Return a switch without calls."""
    return State(profile, seed, {}, {})


def next_deadline(state: State) -> int | None:
    """Return the time of the earliest timer, or None while nothing waits."""
    return None if state.deadline == NEVER else state.deadline


class PlaceCall(Struct, frozen=True):
    """Bring a call up: from `party` to the extension (flow "in"), or the other way ("out")."""

    flow: Flow
    extension: int
    party: str
    answered: bool


class AnswerCall(Struct, frozen=True):
    """Answer a call that rings."""

    call: str


class Park(Struct, frozen=True):
    """Put the call's remote party into a slot; `slot` is what the request said, of any type."""

    call: str
    extension: int
    slot: object


class AskSlot(Struct, frozen=True):
    """Ask who is in a slot."""

    call: str
    extension: int
    slot: object


class Bridge(Struct, frozen=True):
    """Join the call with the one in a slot, or with any parked call where `slot` is None."""

    call: str
    extension: int
    slot: object


class Transfer(Struct, frozen=True):
    """Move the call to another extension."""

    call: str
    extension: int
    to: int


class HangUp(Struct, frozen=True):
    """End a call, by the remote party or by its extension (None: whichever it is)."""

    call: str
    extension: int | None
    by: Literal["remote", "extension"]


class ShowCall(Struct, frozen=True):
    """Ask about one call of an extension."""

    call: str
    extension: int


class ListCalls(Struct, frozen=True):
    """List the calls of an extension, or all of them where `extension` is None."""

    extension: int | None


Command: TypeAlias = (
    PlaceCall | AnswerCall | Park | AskSlot | Bridge | Transfer | HangUp | ShowCall | ListCalls
)


class OneCall(Struct, frozen=True):
    """The call that was placed, answered, transferred or asked about, as it is now."""

    call: Call


class InSlot(Struct, frozen=True):
    """What was parked or joined, or who is in the slot (None: nobody)."""

    slot: int
    uuid: str | None


class Ended(Struct, frozen=True):
    """The call is over."""


class Calls(Struct, frozen=True):
    """The calls that are alive, in the order they were placed."""

    calls: tuple[Call, ...]


class TimePassed(Struct, frozen=True):
    """Nothing was asked; timers that were due have fired."""


class Refusal(Struct, frozen=True):
    """The rule that forbids what was asked; nothing has changed but by timers that were due."""

    rule: Rule


SwitchAnswer: TypeAlias = OneCall | InSlot | Ended | Calls | TimePassed | Refusal


class Step(Struct, frozen=True):
    """One move of the switch: how it is now, its answer, what happened, the rules that decided."""

    state: State
    answer: SwitchAnswer
    events: tuple[CallEvent, ...]
    rules: tuple[Rule, ...]
