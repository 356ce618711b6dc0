"""What the switch remembers: calls, the phase each is in, and the slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.mock_pbx.profile import Profile


NEVER: Final = 1 << 62
"""A time that does not come."""

Flow: TypeAlias = Literal["in", "out"]
EventType: TypeAlias = Literal["dial-in", "dial-out", "answer", "hangup"]
CallStatus: TypeAlias = Literal["CALLING", "ANSWER", "BUSY", "NOANSWER", "CANCEL"]
Place: TypeAlias = tuple[int, int]
"""A slot: whose it is (an extension, or 0 where all share) and its number."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """Not answered yet."""

    word: ClassVar = "ringing"
    until: ClassVar[int] = NEVER


@dataclass(frozen=True, slots=True)
class Up:
    """Its extension and the remote party talk."""

    word: ClassVar = "up"
    until: ClassVar[int] = NEVER


@dataclass(frozen=True, slots=True)
class Parked:
    """The remote party is in a slot, until the parking time is over."""

    word: ClassVar = "parked"
    place: Place
    until: int


@dataclass(frozen=True, slots=True)
class Recalled:
    """Back from its slot and ringing whoever parked it."""

    word: ClassVar = "ringing"
    until: int


@dataclass(frozen=True, slots=True)
class Joined:
    """One conversation under two calls' names; `partner` is the other call's uuid."""

    word: ClassVar = "bridged"
    until: ClassVar[int] = NEVER
    partner: str


Phase: TypeAlias = Ringing | Up | Parked | Recalled | Joined


class Call(NamedTuple):
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


class CallEvent(NamedTuple):
    """Something worth reporting about a call, which is as it was at the time `at`.

    `duration` is how long the leg talked, told at its end.
    """

    type: EventType
    at: int
    call: Call
    status: CallStatus
    duration: int | None = None


class State(NamedTuple):
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


@dataclass(frozen=True, slots=True)
class PlaceCall:
    """Bring a call up: from `party` to the extension (flow "in"), or the other way ("out")."""

    flow: Flow
    extension: int
    party: str
    answered: bool


@dataclass(frozen=True, slots=True)
class AnswerCall:
    """Answer a call that rings."""

    call: str


@dataclass(frozen=True, slots=True)
class Park:
    """Put the call's remote party into a slot; `slot` is what the request said, of any type."""

    call: str
    extension: int
    slot: object


@dataclass(frozen=True, slots=True)
class AskSlot:
    """Ask who is in a slot."""

    call: str
    extension: int
    slot: object


@dataclass(frozen=True, slots=True)
class Bridge:
    """Join the call with the one in a slot, or with any parked call where `slot` is None."""

    call: str
    extension: int
    slot: object


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move the call to another extension."""

    call: str
    extension: int
    to: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """End a call, by the remote party or by its extension (None: whichever it is)."""

    call: str
    extension: int | None
    by: Literal["remote", "extension"]


@dataclass(frozen=True, slots=True)
class ShowCall:
    """Ask about one call of an extension."""

    call: str
    extension: int


@dataclass(frozen=True, slots=True)
class ListCalls:
    """List the calls of an extension, or all of them where `extension` is None."""

    extension: int | None


Command: TypeAlias = (
    PlaceCall | AnswerCall | Park | AskSlot | Bridge | Transfer | HangUp | ShowCall | ListCalls
)


@dataclass(frozen=True, slots=True)
class OneCall:
    """The call that was placed, answered, transferred or asked about, as it is now."""

    call: Call


@dataclass(frozen=True, slots=True)
class InSlot:
    """What was parked or joined, or who is in the slot (None: nobody)."""

    slot: int
    uuid: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls that are alive, in the order they were placed."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing was asked; timers that were due have fired."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rule that forbids what was asked; nothing has changed but by timers that were due."""

    rule: str


SwitchAnswer: TypeAlias = OneCall | InSlot | Ended | Calls | TimePassed | Refusal


class Step(NamedTuple):
    """One move of the switch: how it is now, its answer, what happened, the rules that decided."""

    state: State
    answer: SwitchAnswer
    events: tuple[CallEvent, ...]
    rules: tuple[str, ...]
