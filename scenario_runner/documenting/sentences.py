"""What a step does, as a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from scenario_runner.documenting.values import Values, call_text, listing
from scenario_runner.model.steps import (
    Answer,
    AwaitEvent,
    Bridge,
    Call,
    CallStatus,
    Check,
    Hangup,
    ListCalls,
    Park,
    RawRequest,
    Repeat,
    Set,
    Slots,
    Together,
    Use,
    Wait,
)
from scenario_runner.model.vocabulary import Party

if TYPE_CHECKING:
    from scenario_runner.model.steps import Action

_OnCall = Answer | Park | Slots | Bridge | Hangup | ListCalls | CallStatus
_AtHand = Wait | RawRequest | Set | Check | AwaitEvent
_Composite = Together | Repeat | Use


def sentence(action: Action, values: Values) -> str:
    """Return a sentence without its full stop."""
    match action:
        case Call():
            return _call(action, values)
        case Answer() | Park() | Slots() | Bridge() | Hangup() | ListCalls() | CallStatus():
            return _on_call(action, values)
        case Wait() | RawRequest() | Set() | Check() | AwaitEvent():
            return _at_hand(action, values)
        case Together() | Repeat() | Use():
            return _composite(action, values)
        case _:
            assert_never(action)


def _call(action: Call, values: Values) -> str:
    extension, party = values.text(action.extension), values.text(action.party)
    ringing = action.answered is not None and values.value(action.answered) is False
    if action.flow == "in":
        text = f"{party} calls extension {extension}"
        end = "which keeps ringing" if ringing else "which answers"
    else:
        text = f"Extension {extension} calls {party}"
        end = "who lets it ring" if ringing else "who answers"
    return f"{text}, {end}; this call is named *{action.as_}*"


def _on_call(action: _OnCall, values: Values) -> str:
    match action:
        case Answer(call):
            return f"The call {call_text(call, values)} is answered"
        case Park(call, slot):
            return f"The call {call_text(call, values)} is parked in slot {values.text(slot)}"
        case Slots(call, slot):
            return f"On {call_text(call, values)}, it is asked who is in slot {values.text(slot)}"
        case Bridge(call, slot):
            whom = "any parked call" if slot is None else f"the call in slot {values.text(slot)}"
            return f"The call {call_text(call, values)} is joined with {whom}"
        case Hangup(call, by):
            who = "the party at the other end" if by is Party.REMOTE else "the extension"
            return f"The call {call_text(call, values)} is ended by {who}"
        case ListCalls(extension):
            return f"The current calls of extension {values.text(extension)} are listed"
        case CallStatus(call):
            return f"It is asked what the call {call_text(call, values)} is doing"
        case _:
            assert_never(action)


def _at_hand(action: _AtHand, values: Values) -> str:
    match action:
        case Wait(duration):
            return f"{values.duration(duration)} pass"
        case RawRequest(method=method, path=path):
            return f"The request `{method} {values.text(path)}` is sent"
        case Set(bindings):
            told = tuple(f"`{one.name}` is {values.text(one.value)}" for one in bindings)
            return f"From here on, {listing(told)}"
        case Check(that, spanned):
            return f"`{Values().text(that)}` is compared: {values.matcher(spanned.matcher)}"
        case AwaitEvent(type=type_, call=call):
            about = f" about *{call.name}*" if call is not None else ""
            return f"The PBX's event `{type_.value}`{about} is awaited"
        case _:
            assert_never(action)


def _composite(action: _Composite, values: Values) -> str:
    match action:
        case Together(branches):
            return f"{len(branches)} things happen at the same moment"
        case Repeat(times=times, each=each, as_=as_):
            if times is not None:
                return f"This is done {values.text(times)} times"
            items = values.text(each) if each is not None else ""
            return f"This is done for each `{as_}` of {items}"
        case Use(fragment=fragment):
            return f"{fragment.name} (from {fragment.file})"
        case _:
            assert_never(action)
