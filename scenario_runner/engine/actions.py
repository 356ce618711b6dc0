"""One coroutine for each action that deals with the PBX, with time, or with values."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never

from scenario_runner.durations import SECOND
from scenario_runner.engine.addresses import address_of, named_call
from scenario_runner.engine.at_hand import take_at_hand
from scenario_runner.engine.awaiting import await_event
from scenario_runner.engine.raw import build_request
from scenario_runner.engine.scope import NamedCallValue
from scenario_runner.engine.seen import Seen
from scenario_runner.model.steps import (
    Answer,
    AwaitEvent,
    Bridge,
    Call,
    CallStatus,
    CallTarget,
    Check,
    Hangup,
    ListCalls,
    NamedCall,
    Park,
    RawRequest,
    Set,
    Slots,
    Step,
    Wait,
)
from scenario_runner.model.vocabulary import CallState, EventType
from scenario_runner.pbx.protocol import AnySlot, CallRequest, Done, Outcome, Refused
from scenario_runner.references import as_text

if TYPE_CHECKING:
    from scenario_runner.engine.frame import Frame

Looking: TypeAlias = ListCalls | CallStatus | AwaitEvent | Wait | RawRequest | Set | Check
Plain: TypeAlias = Call | Answer | Park | Slots | Bridge | Hangup | Looking

_COMING_UP = (EventType.DIAL_IN, EventType.DIAL_OUT, EventType.ANSWER)
_PERSON_WINDOW = 120 * SECOND


async def act(action: Plain, step: Step, frame: Frame) -> Seen:
    """Take one action and return what it saw; raises PbxError, Unresolved and NotSeen."""
    match action:
        case Park() | Slots() | Bridge():
            return await _valet(action, step, frame)
        case Call():
            return await _call(action, step, frame)
        case Answer(call):
            return await _answer(call, step, frame)
        case Hangup():
            return await _hangup(action, step, frame)
        case _:
            return await _look(action, step, frame)


async def _look(action: Looking, step: Step, frame: Frame) -> Seen:
    match action:
        case ListCalls() | CallStatus():
            return await _calls(action, step, frame)
        case AwaitEvent():
            return await await_event(action, step, frame)
        case RawRequest():
            return await _request(action, step, frame)
        case Wait() | Set() | Check():
            return await take_at_hand(action, frame)
        case _:
            assert_never(action)


def _outcome(frame: Frame, sent: int, outcome: Outcome, saw: str) -> Seen:
    if isinstance(outcome, Refused):
        saw = f"refused ({outcome.reason}): {outcome.message}"
    at = outcome.raw.at or frame.now()
    return Seen(sent=sent, at=at, saw=saw, outcome=outcome, note=outcome.driver_word)


async def _valet(action: Park | Slots | Bridge, step: Step, frame: Frame) -> Seen:
    address = address_of(action.call, action.extension, frame)
    slot = None if action.slot is None else frame.scope.resolve(action.slot)
    within = frame.scope.duration(step.timeout)
    sent = frame.now()
    match action:
        case Park():
            outcome = await frame.session.park(address, slot, within)
            saw = f"parked in slot {as_text(slot)}"
        case Slots():
            outcome = await frame.session.slots(address, slot, within)
            saw = _slot_saw(outcome, as_text(slot), frame)
        case Bridge():
            wanted = AnySlot() if action.slot is None else slot
            outcome = await frame.session.bridge(address, wanted, within)
            saw = _bridge_saw(outcome, frame)
        case _:
            assert_never(action)
    if isinstance(outcome, Done) and not isinstance(action, Slots):
        _moved(action, outcome, as_text(slot), frame)
    return _outcome(frame, sent, outcome, saw)


def _moved(action: Park | Bridge, done: Done, slot: str, frame: Frame) -> None:
    match action:
        case Park():
            frame.changed(action.call, CallState.PARKED, slot)
        case Bridge():
            frame.changed(action.call, CallState.BRIDGED)
            if done.uuid is not None:
                frame.changed_uuid(done.uuid, CallState.BRIDGED)


def _slot_saw(outcome: Outcome, slot: str, frame: Frame) -> str:
    match outcome:
        case Done(uuid=None):
            return f"slot {slot} is empty"
        case Done(uuid=str(uuid)):
            return f"slot {slot} holds {frame.who(uuid)}"
        case _:
            return ""


def _bridge_saw(outcome: Outcome, frame: Frame) -> str:
    match outcome:
        case Done(uuid=str(uuid), slot=slot):
            return f"joined with {frame.who(uuid)}" + (f" from slot {slot}" if slot else "")
        case _:
            return "joined"


async def _call(action: Call, step: Step, frame: Frame) -> Seen:
    scope = frame.scope
    extension, party = scope.resolve(action.extension), scope.resolve(action.party)
    answered = True if action.answered is None else scope.resolve(action.answered) is True
    window = scope.duration(step.within) if step.within is not None else _PERSON_WINDOW
    request = CallRequest(
        extension=as_text(extension),
        flow=action.flow,
        party=as_text(party),
        answered=answered,
        instruction="" if step.name is None else as_text(scope.resolve(step.name)),
        within=window,
    )
    sent = frame.now()
    outcome = await frame.session.call(request, scope.duration(step.timeout))
    if isinstance(outcome, Done) and outcome.ids is not None:
        uuid = outcome.ids.uuid
        value = NamedCallValue(name=action.as_, uuid=uuid, party=request.party, flow=action.flow)
        frame.placed(uuid, value)
        state = CallState.UP if answered else CallState.RINGING
        frame.changed_uuid(uuid, state)
        frame.log.take_all(0, lambda event: event.uuid == uuid and event.type in _COMING_UP)
    arrow = "from" if action.flow == "in" else "to"
    saw = f"{action.as_}: {request.extension} {arrow} {request.party}"
    return _outcome(frame, sent, outcome, saw)


async def _answer(call: CallTarget, step: Step, frame: Frame) -> Seen:
    address = address_of(call, None, frame)
    sent = frame.now()
    outcome = await frame.session.answer(address, frame.scope.duration(step.timeout))
    if isinstance(outcome, Done) and isinstance(call, NamedCall):
        uuid = named_call(call, frame).uuid
        frame.changed(call, CallState.UP)
        frame.log.take(0, lambda event: event.uuid == uuid and event.type is EventType.ANSWER)
    return _outcome(frame, sent, outcome, "answered")


async def _hangup(action: Hangup, step: Step, frame: Frame) -> Seen:
    address = address_of(action.call, None, frame)
    sent = frame.now()
    within = frame.scope.duration(step.timeout)
    outcome = await frame.session.hangup(address, action.by, within)
    if isinstance(outcome, Done):
        frame.changed(action.call, CallState.ENDED)
    return _outcome(frame, sent, outcome, f"hung up by the {action.by} party")


async def _calls(action: ListCalls | CallStatus, step: Step, frame: Frame) -> Seen:
    within = frame.scope.duration(step.timeout)
    sent = frame.now()
    match action:
        case CallStatus(call):
            outcome = await frame.session.call_status(address_of(call, None, frame), within)
            state = outcome.state if isinstance(outcome, Done) else None
            return _outcome(frame, sent, outcome, f"the call is {state}")
        case ListCalls(expression):
            extension = as_text(frame.scope.resolve(expression))
            outcome = await frame.session.list_calls(extension, within)
            listed = outcome.listed if isinstance(outcome, Done) else ()
            who = ", ".join(frame.who(call.uuid) for call in listed) or "none"
            return _outcome(frame, sent, outcome, f"{len(listed)} calls: {who}")
        case _:
            assert_never(action)


async def _request(action: RawRequest, step: Step, frame: Frame) -> Seen:
    request = build_request(action, frame.scope)
    sent = frame.now()
    outcome = await frame.session.request(request, frame.scope.duration(step.timeout))
    return _outcome(frame, sent, outcome, f"status {outcome.raw.status}")
