"""What a gesture is to a driver: the command it sends, and what the outcome means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, assert_never

from msgspec.structs import replace

from scenario_runner.language.vocabulary import Party
from scenario_runner.pbx import commands
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.ui.answers import Answer, Pin
from scenario_runner.ui.gestures import (
    ExtensionDials,
    LookAtCall,
    LookAtExtension,
    LookIntoSlot,
    ParkCall,
    PickUp,
    PutDown,
    SendRequest,
    SomebodyCalls,
    TakeFromSlot,
    call_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenario_runner.pbx.commands import CallAddress, Command
    from scenario_runner.pbx.protocol import Outcome
    from scenario_runner.references import Json
    from scenario_runner.ui.gestures import Gesture

_API_ROOT = "/api/ver1.0"

Locate: TypeAlias = "Callable[[str, str], CallAddress]"
"""Finds a call by its name; the second is the extension to name in place of the call's own."""


def command_of(gesture: Gesture, locate: Locate) -> Command:
    """Return what a gesture asks of a PBX; raises KeyError for a call that never was."""
    match gesture:
        case SomebodyCalls() | ExtensionDials():
            return _placing(gesture)
        case PickUp(call=call):
            return commands.AnswerCall(call=locate(call, ""))
        case ParkCall(call=call, extension=extension, slot=slot):
            return commands.ParkCall(call=locate(call, extension), slot=slot)
        case TakeFromSlot(call=call, extension=extension, slot=slot):
            wanted = commands.AnySlot() if slot is None else slot
            return commands.BridgeCall(call=locate(call, extension), slot=wanted)
        case PutDown(call=call, by=by):
            return commands.HangUp(call=locate(call, ""), by=Party(by))
        case _:
            return _question(gesture, locate)


def _question(
    gesture: LookIntoSlot | LookAtExtension | LookAtCall | SendRequest, locate: Locate
) -> Command:
    match gesture:
        case LookIntoSlot(call=call, extension=extension, slot=slot):
            return commands.AskSlot(call=locate(call, extension), slot=slot)
        case LookAtExtension(extension=extension):
            return commands.ShowCalls(extension=extension)
        case LookAtCall(call=call):
            return commands.ShowCall(call=locate(call, ""))
        case SendRequest(request=request):
            path = request.path.removeprefix(_API_ROOT)
            return commands.SendRequest(request=replace(request, path=path))
        case _ as never:
            assert_never(never)


def _placing(gesture: SomebodyCalls | ExtensionDials) -> Command:
    return commands.PlaceCall(
        extension=gesture.extension,
        flow="in" if isinstance(gesture, SomebodyCalls) else "out",
        party=gesture.number,
        answered=gesture.answered,
    )


def answer_of(gesture: Gesture, outcome: Outcome, names: Mapping[str, str]) -> Answer:
    """Return what came of a gesture; `names` are those of the calls by uuid."""
    match outcome:
        case Refused(reason=reason, message=message):
            pin = Pin(key="refused", value=reason.value)
            return Answer(
                outcome="refused",
                saw=f"refused: {message}",
                words=message,
                reason=reason,
                pins=(pin, Pin(key="message", value=message)),
                needed=(pin,),
            )
        case Done() as done:
            saw, pins = _Reading(names).read(gesture, done)
            return Answer(outcome="ok", saw=saw, pins=pins)
        case _ as never:
            assert_never(never)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Understands what a driver says of something that was done."""

    names: Mapping[str, str]

    def read(self, gesture: Gesture, done: Done) -> tuple[str, tuple[Pin, ...]]:
        """Return the answer in short, and what can be expected of it."""
        match gesture:
            case LookIntoSlot(slot=slot):
                return self._in_slot(str(slot), done.uuid)
            case TakeFromSlot():
                taken = self.names.get(done.uuid or "", "")
                pins = (Pin(key="with", value=taken),) if taken else ()
                return f"joined with {taken or 'a call of others'}", pins
            case LookAtExtension():
                count = len(done.listed)
                return f"{count} call{'s' * (count != 1)}", (Pin(key="count", value=count),)
            case LookAtCall():
                state = "" if done.state is None else done.state.value
                return f"the call is {state}", (Pin(key="state", value=state),)
            case SendRequest():
                status: Json = done.raw.status
                return f"status {status}", (Pin(key="status", value=status),)
            case gesture:
                return f"{call_of(gesture) or 'the call'}: done", ()

    def _in_slot(self, slot: str, uuid: str | None) -> tuple[str, tuple[Pin, ...]]:
        if uuid is None:
            return f"slot {slot} is empty", (Pin(key="empty", value=True),)
        name = self.names.get(uuid)
        if name is None:
            return f"slot {slot} holds a call of others ({uuid})", (Pin(key="empty", value=False),)
        return f"slot {slot} holds {name}", (Pin(key="holds", value=name),)
