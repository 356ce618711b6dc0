"""The switch: a pure state machine that places, answers, parks, joins and ends calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from scenario_runner.mock_pbx.calls import Call, CallStatus, Joined, Parked, Recalled, Ringing, Up
from scenario_runner.mock_pbx.commands import (
    AnswerCall,
    AskSlot,
    Bridge,
    Calls,
    Command,
    Ended,
    HangUp,
    ListCalls,
    OneCall,
    Park,
    PlaceCall,
    Refusal,
    ShowCall,
    Step,
    SwitchAnswer,
    TimePassed,
    Transfer,
)
from scenario_runner.mock_pbx.draft import Draft
from scenario_runner.mock_pbx.parking import about_slots
from scenario_runner.mock_pbx.reaching import dialled_in, let_go, reach
from scenario_runner.mock_pbx.rules import (
    ANSWER_RINGING,
    CAPACITY,
    EXTENSION_UNKNOWN,
    HANGUP_BRIDGED,
    TRANSFER_MOVES,
)
from scenario_runner.mock_pbx.timers import fire

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import State


def step(state: State, command: Command, now: int) -> Step:
    """Carry out one command at the time `now` (microseconds); timers that are due fire first."""
    draft = Draft(state, now)
    if state.deadline <= now:
        fire(draft)
    return draft.finish(_obey(draft, command))


def advance(state: State, now: int) -> Step:
    """Let time pass: fire every timer that is due by `now`."""
    draft = Draft(state, now)
    fire(draft)
    return draft.finish(TimePassed())


def _obey(draft: Draft, command: Command) -> SwitchAnswer:
    match command:
        case Park() | AskSlot() | Bridge():
            return about_slots(draft, command)
        case PlaceCall():
            return _place_call(draft, command)
        case HangUp():
            return _hang_up(draft, command)
        case ListCalls():
            return _list_calls(draft, command)
        case ShowCall():
            return _show(draft, command)
        case AnswerCall():
            return _answer(draft, command)
        case Transfer():
            return _transfer(draft, command)
        case _ as never:
            assert_never(never)


def _place_call(draft: Draft, command: PlaceCall) -> OneCall | Refusal:
    if not draft.profile.has_extension(command.extension):
        return draft.refuse(EXTENSION_UNKNOWN)
    if draft.profile.calls_at_once == "slots" and len(draft.calls) >= draft.profile.slots:
        return draft.refuse(CAPACITY)
    call = Call(
        draft.new_uuid(), command.extension, command.flow, command.party,
        draft.now, Ringing(), draft.new_leg(), command.flow, None,
    )  # fmt: skip
    draft.emit("dial-in" if command.flow == "in" else "dial-out", call, "CALLING")
    if command.answered:
        call = _pick_up(draft, call)
    draft.put(call)
    return OneCall(call)


def _pick_up(draft: Draft, call: Call) -> Call:
    talking = call._replace(phase=Up(), answered_at=draft.now)
    draft.emit("answer", talking, "ANSWER")
    return talking


def _answer(draft: Draft, command: AnswerCall) -> OneCall | Refusal:
    call = reach(draft, command.call, None)
    if isinstance(call, Refusal):
        return call
    if not isinstance(call.phase, Ringing | Recalled):
        return draft.refuse(ANSWER_RINGING)
    talking = _pick_up(draft, call)
    draft.put(talking)
    return OneCall(talking)


def _transfer(draft: Draft, command: Transfer) -> OneCall | Refusal:
    call = reach(draft, command.call, command.extension)
    if isinstance(call, Refusal):
        return call
    if not isinstance(call.phase, Up | Joined):
        return draft.refuse(TRANSFER_MOVES)
    if not draft.profile.has_extension(command.to):
        return draft.refuse(EXTENSION_UNKNOWN)
    draft.note(TRANSFER_MOVES)
    let_go(draft, call)
    draft.emit("hangup", call, "ANSWER")
    moved = dialled_in(draft, call, command.to)
    draft.emit("dial-in", moved, "CALLING")
    talking = _pick_up(draft, moved)
    draft.put(talking)
    return OneCall(talking)


def _hang_up(draft: Draft, command: HangUp) -> Ended | Refusal:
    call = reach(draft, command.call, command.extension)
    if isinstance(call, Refusal):
        return call
    draft.end(call, _why_over(call, command))
    if isinstance(call.phase, Joined):
        draft.note(HANGUP_BRIDGED)
        partner = draft.calls[call.phase.partner]
        if draft.profile.bridged_hangup == "ends-both":
            draft.end(partner, "ANSWER")
        else:
            draft.put(partner._replace(phase=Up()))
    return Ended()


def _why_over(call: Call, command: HangUp) -> CallStatus:
    if call.answered_at is not None:
        return "ANSWER"
    gave_up = (command.by == "remote") == (call.leg_flow == "in")
    return "CANCEL" if gave_up else "BUSY"


def _show(draft: Draft, command: ShowCall) -> OneCall | Refusal:
    call = reach(draft, command.call, command.extension)
    return call if isinstance(call, Refusal) else OneCall(call)


def _list_calls(draft: Draft, command: ListCalls) -> Calls | Refusal:
    profile, extension = draft.profile, command.extension
    if extension is not None and not profile.has_extension(extension):
        return draft.refuse(EXTENSION_UNKNOWN)
    calls = [call for call in draft.calls.values() if extension in (None, call.extension)]
    if profile.parked_in_lists == "hidden":
        calls = [call for call in calls if not isinstance(call.phase, Parked)]
    return Calls(tuple(calls))
