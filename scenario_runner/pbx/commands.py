"""What a PBX can be asked to do: a closed union of commands.

A command is data: whoever passes it on (guard, journal, synchronous tests) does not know which
ones there are. A driver says by its target's capabilities which of those that need one it can do;
the guard refuses the others before the driver is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from scenario_runner.errors import NotPossible
from scenario_runner.exchange import Request
from scenario_runner.language.vocabulary import Capability, Party
from scenario_runner.pbx.protocol import PlacedCall
from scenario_runner.references import Json

if TYPE_CHECKING:
    from scenario_runner.pbx.protocol import Traits


class CallAddress(Struct, frozen=True, kw_only=True):
    """The call a command is about: its id, and the extension the command names."""

    call_api_id: str
    extension: str


class AnySlot(Struct, frozen=True):
    """A bridge that names no slot: the PBX takes any parked call."""


BridgeSlot: TypeAlias = Json | AnySlot


class CommandBase(Struct, frozen=True):
    """A command; `needs` is what a target must be able to do for it, None: every target can."""

    @property
    def needs(self) -> Capability | None:
        """Return what the target must be able to do."""
        return None


class PlaceCall(CommandBase, frozen=True, kw_only=True):
    """Bring a call up: `Done.ids` are its ids; the session owns the call from here on.

    `flow` is "in" when `party` calls the extension, "out" when it is called. `instruction` is what
    a person is told where a person has to dial; `window` is how long the call may take to come up,
    in microseconds. `placing` is what the journal calls it until its ids are known.
    """

    extension: str
    flow: Literal["in", "out"]
    party: str
    answered: bool = True
    instruction: str = ""
    window: int = 30_000_000
    placing: str = ""


class AnswerCall(CommandBase, frozen=True, kw_only=True):
    """Answer a ringing call."""

    call: CallAddress

    @property
    def needs(self) -> Capability | None:
        """Return what the target must be able to do."""
        return Capability.ANSWER


class ParkCall(CommandBase, frozen=True, kw_only=True):
    """Park the call in the slot; `slot` is what the scenario said, of any type."""

    call: CallAddress
    slot: Json


class AskSlot(CommandBase, frozen=True, kw_only=True):
    """Ask who is parked in the slot: `Done.uuid`, `Done.slot`."""

    call: CallAddress
    slot: Json


class BridgeCall(CommandBase, frozen=True, kw_only=True):
    """Join the call with the one in the slot, or with any: `Done.uuid`, `Done.slot`."""

    call: CallAddress
    slot: BridgeSlot

    @property
    def needs(self) -> Capability | None:
        """Return what the target must be able to do."""
        return Capability.RANDOM_BRIDGE if isinstance(self.slot, AnySlot) else None


class HangUp(CommandBase, frozen=True, kw_only=True):
    """End the call as the remote party or as the extension."""

    call: CallAddress
    by: Party


class ShowCalls(CommandBase, frozen=True, kw_only=True):
    """List the extension's current calls: `Done.listed`."""

    extension: str


class ShowCall(CommandBase, frozen=True, kw_only=True):
    """Ask about one call: `Done.state` (`ended` is no refusal), `Done.ids` as they are now."""

    call: CallAddress


class AskExtension(CommandBase, frozen=True, kw_only=True):
    """Ask what the extension is doing: `Done.extension_state`. Parked calls do not count."""

    extension: str

    @property
    def needs(self) -> Capability | None:
        """Return what the target must be able to do."""
        return Capability.EXTENSION_STATE


class FindPlaced(CommandBase, frozen=True, kw_only=True):
    """Look what is left of a call that a run which is over has placed.

    `Done.listed` is what the PBX lists of it now, each to be hung up where it is listed; nothing
    means that the call is over. What could not be asked is refused or raised, never an empty list.
    """

    call: PlacedCall


class SendRequest(CommandBase, frozen=True, kw_only=True):
    """Send a raw request below the API's root."""

    request: Request

    @property
    def needs(self) -> Capability | None:
        """Return what the target must be able to do."""
        return Capability.RAW_REQUESTS


class Unsubscribe(CommandBase, frozen=True, kw_only=True):
    """End the deliveries of events to `url` that a run before has subscribed below `path`.

    `Done.raw.body` lists the ids of the subscriptions that were removed.
    """

    path: str
    url: str

    @property
    def needs(self) -> Capability | None:
        """Return what the target must be able to do."""
        return Capability.RAW_REQUESTS


Question: TypeAlias = AskSlot | ShowCalls | ShowCall | AskExtension | FindPlaced
"""Changes nothing on the PBX, so it may be asked again."""

Command: TypeAlias = (
    PlaceCall | AnswerCall | ParkCall | BridgeCall | HangUp | SendRequest | Unsubscribe | Question
)

_IMPOSSIBLE = {
    Capability.ANSWER: "the runner can't answer a telephone",
    Capability.RANDOM_BRIDGE: "a bridge has to name its slot",
    Capability.EXTENSION_STATE: "it does not tell what an extension is doing",
    Capability.RAW_REQUESTS: "there are no raw requests",
}


def require(command: Command, traits: Traits) -> None:
    """Raise NotPossible for a command that the target is not able to do."""
    needs = command.needs
    if needs is None or needs in traits.capabilities:
        return
    leave_out = f"leave such steps out here: when: {{target_can: {needs}}}"
    remedy = dict(traits.remedies).get(needs)
    hint = leave_out if remedy is None else f"{remedy}; or {leave_out}"
    raise NotPossible(f"target {traits.name}: {_IMPOSSIBLE[needs]}", hint=hint)
