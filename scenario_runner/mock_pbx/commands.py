"""What the switch can be told, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import Call, CallEvent, Flow, State


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
