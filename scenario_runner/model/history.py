"""What a run did on a PBX: commands, what was answered, and when; plain values, made by anybody.

A history says nothing of how it came about: a driver's commands, a recorded run and a generated
one are judged alike. Calls go by the names that the PBX gave them. All times are in microseconds
of one clock.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from scenario_runner.language.vocabulary import Reason
from scenario_runner.mock_pbx.calls import NEVER, Command, EventType

UNTOLD: Final = UNSET
"""What the PBX did not tell, and its driver did not find out."""

StateWord: TypeAlias = Literal["ringing", "up", "parked", "bridged", "ended"]


class Done(Struct, frozen=True, kw_only=True):
    """The PBX did what was asked; what it did not tell is `UNTOLD`.

    `call` is the name of a call that was placed; `slot` and `uuid` are where something was parked
    or taken from and who is there (None: nobody); `listed` are the names of the calls in a list.
    """

    call: str | UnsetType = UNTOLD
    slot: int | UnsetType = UNTOLD
    uuid: str | UnsetType | None = UNTOLD
    state: StateWord | UnsetType = UNTOLD
    listed: frozenset[str] | UnsetType = UNTOLD


class Refused(Struct, frozen=True):
    """The PBX refused, and its state is as before.

    `left` says that the bridging call's extension had left its conversation by then, as it has
    where an Asterisk sent it to a slot that somebody else was faster at.
    """

    reason: Reason
    left: bool = False


class Lost(Struct, frozen=True):
    """No answer came: the command may have taken effect, may do so later, or never."""


class Report(Struct, frozen=True):
    """Not a command but an event that the PBX reported by itself, about a call of that name."""

    event: EventType
    call: str


Answer: TypeAlias = Done | Refused | Lost


class Operation(Struct, frozen=True, kw_only=True):
    """A command and its answer, or a report, as one client saw it.

    `invoked_at` is when it was sent, `returned_at` when the answer came, or the client gave up.
    The operations of one client come one after the other, also where their times are the same.
    `label` says for people which one it is, a step's id for example.
    """

    command: Command | Report
    answer: Answer
    invoked_at: int
    returned_at: int
    client: str = ""
    label: str = ""

    @property
    def end(self) -> int:
        """The latest moment at which it can have taken effect; a lost command has none."""
        return NEVER if isinstance(self.answer, Lost) else self.returned_at
