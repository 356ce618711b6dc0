"""The switch: a pure state machine that places, answers, parks, joins and ends calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, assert_never

from scenario_runner.mock_pbx.calls import (
    NEVER,
    AnswerCall,
    AskSlot,
    Bridge,
    Call,
    Calls,
    CallStatus,
    Command,
    Ended,
    HangUp,
    InSlot,
    Joined,
    ListCalls,
    OneCall,
    Park,
    Parked,
    Place,
    PlaceCall,
    Recalled,
    Refusal,
    Ringing,
    ShowCall,
    Step,
    SwitchAnswer,
    TimePassed,
    Transfer,
    Up,
)
from scenario_runner.mock_pbx.rules import (
    ANSWER_RINGING,
    BRIDGE_EMPTY,
    BRIDGE_NOT_PARKED,
    BRIDGE_NOT_RINGING,
    BRIDGE_NOTHING,
    BRIDGE_PARTIES,
    BRIDGE_RANDOM,
    BRIDGE_SLOT,
    CAPACITY,
    EXTENSION_UNKNOWN,
    HANGUP_BRIDGED,
    PARK_BOTH_FLOWS,
    PARK_FULL,
    PARK_NOT_RINGING,
    PARK_NOT_TWICE,
    PARK_OCCUPIES,
    PARK_RANGE,
    PARK_RELEASES,
    PARK_RETURN_BUSY,
    PARK_RETURN_UNANSWERED,
    PARK_RETURNS,
    PARK_SLOT_REQUIRED,
    SLOT_SHARED,
    SLOT_TYPE,
    SLOTS_EMPTY,
    SLOTS_REPORTS,
    SLOTS_SLOT_REQUIRED,
    TRANSFER_MOVES,
)
from scenario_runner.mock_pbx.transaction import Transaction, dialled_in, let_go, reach

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import State


_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")
_DIGITS: Final = re.compile(r"[0-9]{1,18}")


def about_slots(draft: Transaction, command: Park | AskSlot | Bridge) -> InSlot | Refusal:
    """Carry out a command that is about a slot."""
    match command:
        case Park():
            return _park(draft, command)
        case AskSlot():
            return _ask_slot(draft, command)
        case Bridge():
            return _bridge(draft, command)
        case _ as never:
            assert_never(never)


def _park(draft: Transaction, command: Park) -> InSlot | Refusal:
    call = reach(draft, command.call, command.extension)
    if isinstance(call, Refusal):
        return call
    place = _place(draft, call, command.slot, PARK_SLOT_REQUIRED)
    if isinstance(place, Refusal):
        return place
    forbidden = _why_not_parked(draft, call, place)
    if forbidden:
        return draft.refuse(forbidden)
    if call.flow == "out":
        draft.note(PARK_BOTH_FLOWS)
    if isinstance(call.phase, Parked):
        _move(draft, call, call.phase, place)
    else:
        _put_away(draft, call, place)
    draft.note(PARK_OCCUPIES)
    return InSlot(place[1], call.uuid)


def _why_not_parked(draft: Transaction, call: Call, place: Place) -> str:
    profile = draft.profile
    match call.phase:
        case Ringing() | Recalled():
            return PARK_NOT_RINGING
        case Parked() if profile.park_again == "refuse":
            return PARK_NOT_TWICE
        case Parked() | Up() | Joined():
            pass
        case _ as never:
            assert_never(never)
    if call.flow not in profile.parkable_flows:
        return PARK_BOTH_FLOWS
    return PARK_FULL if place in draft.slots else ""


def _put_away(draft: Transaction, call: Call, place: Place) -> None:
    let_go(draft, call)
    draft.note(PARK_RELEASES)
    if draft.profile.park_event == "hangup":
        draft.emit("hangup", call, "ANSWER")
    phase = Parked(place, draft.now + draft.profile.park_timeout)
    draft.put(call._replace(phase=phase, leg=""))
    draft.fill(place, call.uuid)


def _move(draft: Transaction, call: Call, phase: Parked, place: Place) -> None:
    draft.empty(phase.place)
    draft.put(call._replace(phase=Parked(place, phase.until)))
    draft.fill(place, call.uuid)


def _ask_slot(draft: Transaction, command: AskSlot) -> InSlot | Refusal:
    call = reach(draft, command.call, command.extension)
    if isinstance(call, Refusal):
        return call
    place = _place(draft, call, command.slot, SLOTS_SLOT_REQUIRED)
    if isinstance(place, Refusal):
        return place
    uuid = draft.slots.get(place)
    if uuid is not None:
        _note_sharing(draft, call, uuid)
        draft.note(SLOTS_REPORTS)
    elif draft.profile.empty_slot == "refused":
        return draft.refuse(SLOTS_EMPTY)
    else:
        draft.note(SLOTS_EMPTY)
    return InSlot(place[1], uuid)


def _bridge(draft: Transaction, command: Bridge) -> InSlot | Refusal:
    call = reach(draft, command.call, command.extension)
    if isinstance(call, Refusal):
        return call
    match call.phase:
        case Ringing() | Recalled():
            return draft.refuse(BRIDGE_NOT_RINGING)
        case Parked():
            return draft.refuse(BRIDGE_NOT_PARKED)
        case Up() | Joined():
            pass
        case _ as never:
            assert_never(never)
    place = _any_place(draft, call) if command.slot is None else _taken(draft, call, command.slot)
    if isinstance(place, Refusal):
        return place
    uuid = draft.slots[place]
    _note_sharing(draft, call, uuid)
    _join(draft, call, draft.calls[uuid], place)
    return InSlot(place[1], uuid)


def _any_place(draft: Transaction, call: Call) -> Place | Refusal:
    owner = _owner(draft, call)
    places = [place for place in draft.slots if place[0] == owner]
    if not places:
        return draft.refuse(BRIDGE_NOTHING)
    draft.note(BRIDGE_RANDOM)
    return places[draft.draw(len(places))]


def _taken(draft: Transaction, call: Call, slot: object) -> Place | Refusal:
    place = _place(draft, call, slot, BRIDGE_EMPTY)
    if isinstance(place, Refusal):
        return place
    if place not in draft.slots:
        return draft.refuse(BRIDGE_EMPTY)
    draft.note(BRIDGE_SLOT)
    return place


def _join(draft: Transaction, call: Call, parked: Call, place: Place) -> None:
    draft.note(BRIDGE_PARTIES)
    let_go(draft, call)
    draft.empty(place)
    draft.put(call._replace(party=parked.party, phase=Joined(parked.uuid)))
    picked_up = dialled_in(draft, parked, call.extension)
    draft.put(picked_up._replace(phase=Joined(call.uuid), answered_at=draft.now))


def _place(draft: Transaction, call: Call, slot: object, missing: str) -> Place | Refusal:
    number = _slot_number(draft, slot, missing)
    if isinstance(number, Refusal):
        return number
    first = draft.profile.first_slot
    if not first <= number < first + draft.profile.slots:
        return draft.refuse(PARK_RANGE)
    return (_owner(draft, call), number)


def _slot_number(draft: Transaction, slot: object, missing: str) -> int | Refusal:
    if slot is None:
        return draft.refuse(missing)
    words = draft.profile.slot_words
    if isinstance(slot, int) and not isinstance(slot, bool) and (slot >= 0 or words != "digits"):
        return slot
    if isinstance(slot, str) and words != "number":
        draft.note(SLOT_TYPE)
        if (_DIGITS if words == "digits" else _NUMBER).fullmatch(slot):
            return int(slot)
    return draft.refuse(SLOT_TYPE)


def _owner(draft: Transaction, call: Call) -> int:
    return 0 if draft.profile.slots_of == "client" else call.extension


def _note_sharing(draft: Transaction, call: Call, uuid: str) -> None:
    if draft.calls[uuid].extension != call.extension:
        draft.note(SLOT_SHARED)


def fire(draft: Transaction) -> None:
    """Fire every timer that is due, in order, each at its own time."""
    now = draft.now
    while draft.deadline <= now:
        draft.now = draft.deadline
        due = next(call for call in draft.calls.values() if call.phase.until == draft.deadline)
        if isinstance(due.phase, Parked):
            _return(draft, due, due.phase)
        else:
            _give_up(draft, due)
    draft.now = now


def _return(draft: Transaction, call: Call, phase: Parked) -> None:
    draft.note(PARK_RETURNS)
    busy = _is_busy(draft, call)
    draft.empty(phase.place)
    leg = dialled_in(draft, call, call.extension)
    back = leg._replace(phase=Recalled(draft.now + draft.profile.ring_timeout))
    draft.put(back)
    if draft.profile.return_event == "dial-in":
        draft.emit("dial-in", back, "CALLING")
    if busy:
        draft.note(PARK_RETURN_BUSY)
        if draft.profile.return_busy == "ends":
            draft.end(back, "BUSY")


def _is_busy(draft: Transaction, call: Call) -> bool:
    return any(
        other.extension == call.extension and not isinstance(other.phase, Parked)
        for other in draft.calls.values()
    )


def _give_up(draft: Transaction, call: Call) -> None:
    draft.note(PARK_RETURN_UNANSWERED)
    if draft.profile.return_unanswered == "ends":
        draft.end(call, "NOANSWER")
    else:
        draft.put(call._replace(phase=Recalled(NEVER)))


def step(state: State, command: Command, now: int) -> Step:
    """Carry out one command at the time `now` (microseconds); timers that are due fire first."""
    draft = Transaction(state, now)
    if state.deadline <= now:
        fire(draft)
    return draft.finish(_obey(draft, command))


def advance(state: State, now: int) -> Step:
    """Let time pass: fire every timer that is due by `now`."""
    draft = Transaction(state, now)
    fire(draft)
    return draft.finish(TimePassed())


def _obey(draft: Transaction, command: Command) -> SwitchAnswer:
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


def _place_call(draft: Transaction, command: PlaceCall) -> OneCall | Refusal:
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


def _pick_up(draft: Transaction, call: Call) -> Call:
    talking = call._replace(phase=Up(), answered_at=draft.now)
    draft.emit("answer", talking, "ANSWER")
    return talking


def _answer(draft: Transaction, command: AnswerCall) -> OneCall | Refusal:
    call = reach(draft, command.call, None)
    if isinstance(call, Refusal):
        return call
    if not isinstance(call.phase, Ringing | Recalled):
        return draft.refuse(ANSWER_RINGING)
    talking = _pick_up(draft, call)
    draft.put(talking)
    return OneCall(talking)


def _transfer(draft: Transaction, command: Transfer) -> OneCall | Refusal:
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


def _hang_up(draft: Transaction, command: HangUp) -> Ended | Refusal:
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


def _show(draft: Transaction, command: ShowCall) -> OneCall | Refusal:
    call = reach(draft, command.call, command.extension)
    return call if isinstance(call, Refusal) else OneCall(call)


def _list_calls(draft: Transaction, command: ListCalls) -> Calls | Refusal:
    profile, extension = draft.profile, command.extension
    if extension is not None and not profile.has_extension(extension):
        return draft.refuse(EXTENSION_UNKNOWN)
    calls = [call for call in draft.calls.values() if extension in (None, call.extension)]
    if profile.parked_in_lists == "hidden":
        calls = [call for call in calls if not isinstance(call.phase, Parked)]
    return Calls(tuple(calls))
