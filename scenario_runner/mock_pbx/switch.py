"""The switch: a pure state machine that places, answers, parks, joins and ends calls.

A `Switch` is one move: made of a state, it carries out one command on a working copy and closes
with the state that has become of it. Each rule is decided in one method, so that a class with
another method is a PBX that breaks that rule and keeps the others; see `mock_pbx.mutants`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, assert_never

from msgspec.structs import replace

from scenario_runner.mock_pbx.calls import (
    NEVER,
    AnswerCall,
    AskSlot,
    Bridge,
    Call,
    CallEvent,
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
    State,
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
    CALL_FOREIGN,
    CALL_UNKNOWN,
    CAPACITY,
    EVENTS_ANSWER,
    EVENTS_DIAL_IN,
    EVENTS_DIAL_OUT,
    EVENTS_HANGUP,
    EXTENSION_UNKNOWN,
    HANGUP_BRIDGED,
    HANGUP_FREES,
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
from scenario_runner.mock_pbx.seeding import choice, hex_name, uuid_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenario_runner.mock_pbx.calls import EventType
    from scenario_runner.mock_pbx.rules import Rule

_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")
_DIGITS: Final = re.compile(r"[0-9]{1,18}")

_EVENT_RULES: Final = {
    "dial-in": EVENTS_DIAL_IN,
    "dial-out": EVENTS_DIAL_OUT,
    "answer": EVENTS_ANSWER,
    "hangup": EVENTS_HANGUP,
}


class _WorkingCopy:
    """What one command makes of a state; the state itself is never changed.

    Calls and slots are copied by the first write, so that reading costs no copy. `now` is in
    microseconds; timers that are due move it back to their own time while they fire.
    """

    __slots__ = (
        "_owned", "_state", "calls", "deadline", "draws", "ended", "events", "legs", "now",
        "placed", "profile", "rules", "slots",
    )  # fmt: skip

    def __init__(self, state: State, now: int) -> None:
        self._state = state
        self._owned = False
        self.now = now
        self.profile = state.profile
        self.calls = state.calls
        self.slots = state.slots
        self.placed = state.placed
        self.ended = state.ended
        self.legs = state.legs
        self.draws = state.draws
        self.deadline = state.deadline
        self.events: list[CallEvent] = []
        self.rules: list[Rule] = []

    def refuse(self, rule: Rule) -> Refusal:
        """Say that `rule` forbids the command."""
        self.rules.append(rule)
        return Refusal(rule)

    def note(self, rule: Rule) -> None:
        """Remember that `rule` decided something."""
        self.rules.append(rule)

    def put(self, call: Call) -> None:
        """Write a call, new or changed."""
        before = self.calls.get(call.uuid)
        calls, _ = self._own()
        calls[call.uuid] = call
        until = call.phase.until
        if until < self.deadline:
            self.deadline = until
        elif before is not None and before.phase.until == self.deadline != until:
            self._find_deadline()

    def fill(self, place: Place, uuid: str) -> None:
        """Put a call into a slot."""
        _, slots = self._own()
        slots[place] = uuid

    def empty(self, place: Place) -> None:
        """Take whoever is there out of a slot."""
        _, slots = self._own()
        del slots[place]

    def emit(self, kind: EventType, call: Call, status: CallStatus) -> None:
        """Report something about the call's leg."""
        self.rules.append(_EVENT_RULES[kind])
        talked = None
        if kind == "hangup":
            talked = 0 if call.answered_at is None else self.now - call.answered_at
        self.events.append(CallEvent(kind, self.now, call, status, talked))

    def new_uuid(self) -> str:
        """Name a call that is being placed, and count it."""
        self.placed += 1
        return uuid_name(self._state.seed, self.placed)

    def new_leg(self) -> str:
        """Name a leg."""
        self.legs += 1
        return hex_name(self._state.seed, "leg", self.legs)

    def draw(self, among: int) -> int:
        """Choose a number from 0 below `among` by the seed."""
        self.draws += 1
        return choice(self._state.seed, self.draws, among)

    def finish(self, answer: SwitchAnswer) -> Step:
        """Close the move: the state it has become, with what happened on the way."""
        events, rules = tuple(self.events), tuple(self.rules)
        if not self._owned:
            return Step(self._state, answer, events, rules)
        state = State(
            self.profile, self._state.seed, self.calls, self.slots,
            self.placed, self.ended, self.legs, self.draws, self.deadline,
        )  # fmt: skip
        return Step(state, answer, events, rules)

    def _own(self) -> tuple[dict[str, Call], dict[Place, str]]:
        if not self._owned:
            self._owned = True
            self.calls = dict(self.calls)
            self.slots = dict(self.slots)
        return self.calls, self.slots  # type: ignore[return-value]

    def _find_deadline(self) -> None:
        self.deadline = min((call.phase.until for call in self.calls.values()), default=NEVER)


class Switch(_WorkingCopy):
    """One move of the switch; each rule is a method."""

    __slots__ = ()

    def obey(self, command: Command) -> SwitchAnswer:
        """Carry out one command."""
        match command:
            case AskSlot():
                return self.ask(command)
            case Park():
                return self.park(command)
            case Bridge():
                return self.bridge(command)
            case ListCalls():
                return self.list_calls(command)
            case _:
                return self._about_call(command)

    def _about_call(
        self, command: PlaceCall | AnswerCall | Transfer | HangUp | ShowCall
    ) -> OneCall | Ended | Refusal:
        match command:
            case PlaceCall():
                return self.place(command)
            case HangUp():
                return self.hang_up(command)
            case ShowCall():
                return self.show(command)
            case AnswerCall():
                return self.answer(command)
            case Transfer():
                return self.transfer(command)
            case _ as never:
                assert_never(never)

    def reach(self, uuid: str, extension: int | None) -> Call | Refusal:
        """Return the call of that name at that extension (None: at any), or the rule broken."""
        call = self.calls.get(uuid)
        if call is None:
            return self.refuse(CALL_UNKNOWN)
        if extension not in (None, call.extension) and self.profile.foreign_call == "refuse":
            return self.refuse(CALL_FOREIGN)
        return call

    # Slots: their numbers, whose they are, who is there.

    def slot_place(self, call: Call, slot: object, missing: Rule) -> Place | Refusal:
        """Return the slot that a request names; `missing` is the rule where it names none."""
        if slot is None:
            return self.refuse(missing)
        number = self.slot_number(slot)
        if isinstance(number, Refusal):
            return number
        if not self.is_in_range(number):
            return self.refuse(PARK_RANGE)
        return (self.owner(call), number)

    def slot_number(self, slot: object) -> int | Refusal:
        """Read a slot's number, which may be an integer or its digits as text."""
        words = self.profile.slot_words
        if isinstance(slot, int) and not isinstance(slot, bool):
            return slot if slot >= 0 or words != "digits" else self.refuse(SLOT_TYPE)
        if isinstance(slot, str) and words != "number":
            self.note(SLOT_TYPE)
            if (_DIGITS if words == "digits" else _NUMBER).fullmatch(slot):
                return int(slot)
        return self.refuse(SLOT_TYPE)

    def is_in_range(self, number: int) -> bool:
        """Tell whether there is a slot of that number."""
        first = self.profile.first_slot
        return first <= number < first + self.profile.slots

    def owner(self, call: Call) -> int:
        """Return whose slots the call's extension uses: its own, or 0 for those that all share."""
        return 0 if self.profile.slots_of == "client" else call.extension

    def occupant(self, call: Call, place: Place) -> str | None:
        """Return the uuid of the call in a slot, as told to whoever asks through `call`."""
        uuid = self.slots.get(place)
        if uuid is not None:
            self.note(SLOTS_REPORTS)
            self.note_sharing(call, uuid)
        return uuid

    def note_sharing(self, call: Call, uuid: str) -> None:
        """Remember that one extension met a call in a slot that another one parked."""
        if self.calls[uuid].extension != call.extension:
            self.note(SLOT_SHARED)

    def ask(self, command: AskSlot) -> InSlot | Refusal:
        """Say who is in a slot."""
        call = self.reach(command.call, command.extension)
        if isinstance(call, Refusal):
            return call
        place = self.slot_place(call, command.slot, SLOTS_SLOT_REQUIRED)
        if isinstance(place, Refusal):
            return place
        uuid = self.occupant(call, place)
        if uuid is None:
            if self.profile.empty_slot == "refused":
                return self.refuse(SLOTS_EMPTY)
            self.note(SLOTS_EMPTY)
        return InSlot(place[1], uuid)

    # Parking, and the return of a parked call.

    def park(self, command: Park) -> InSlot | Refusal:
        """Put a call into a slot."""
        call = self.reach(command.call, command.extension)
        if isinstance(call, Refusal):
            return call
        place = self.slot_place(call, command.slot, PARK_SLOT_REQUIRED)
        if isinstance(place, Refusal):
            return place
        forbidden = self.why_not_parked(call, place)
        if forbidden is not None:
            return self.refuse(forbidden)
        if call.flow == "out":
            self.note(PARK_BOTH_FLOWS)
        if isinstance(call.phase, Parked):
            self.move(call, call.phase, place)
        else:
            self.put_away(call, place)
        self.note(PARK_OCCUPIES)
        return InSlot(place[1], call.uuid)

    def why_not_parked(self, call: Call, place: Place) -> Rule | None:
        """Return the rule that forbids to park the call in that slot, if there is one."""
        match call.phase:
            case Ringing() | Recalled():
                return PARK_NOT_RINGING
            case Parked() if self.profile.park_again == "refuse":
                return PARK_NOT_TWICE
            case Parked() | Up() | Joined():
                pass
            case _ as never:
                assert_never(never)
        if call.flow not in self.profile.parkable_flows:
            return PARK_BOTH_FLOWS
        return PARK_FULL if place in self.slots else None

    def put_away(self, call: Call, place: Place) -> None:
        """Park a call that talks: its extension's part ends, its time begins."""
        self.let_go(call)
        self.release(call)
        self.put(replace(call, phase=Parked(place, self.parked_until()), leg=""))
        self.fill(place, call.uuid)

    def parked_until(self) -> int:
        """Return when a call that is parked now goes back."""
        return self.now + self.profile.park_timeout

    def release(self, call: Call) -> None:
        """Report that parking ended the conversation of the parker."""
        self.note(PARK_RELEASES)
        if self.profile.park_event == "hangup":
            self.emit("hangup", call, "ANSWER")

    def move(self, call: Call, phase: Parked, place: Place) -> None:
        """Take a parked call to another slot; its time runs on."""
        self.empty(phase.place)
        self.put(replace(call, phase=Parked(place, phase.until)))
        self.fill(place, call.uuid)

    def fire(self) -> None:
        """Fire every timer that is due, in order, each at its own time."""
        now = self.now
        while self.deadline <= now:
            self.now = self.deadline
            due = next(call for call in self.calls.values() if call.phase.until == self.deadline)
            self.expire(due)
        self.now = now

    def expire(self, call: Call) -> None:
        """Let the time of a call be over: in its slot, or ringing whoever parked it."""
        if isinstance(call.phase, Parked):
            self.come_back(call, call.phase)
        else:
            self.give_up(call)

    def come_back(self, call: Call, phase: Parked) -> None:
        """Take a parked call out of its slot and ring whoever parked it."""
        self.note(PARK_RETURNS)
        busy = self.is_busy(call)
        self.empty(phase.place)
        leg = self.dialled_in(call, call.extension)
        back = replace(leg, phase=Recalled(self.now + self.profile.ring_timeout))
        self.put(back)
        if self.profile.return_event == "dial-in":
            self.emit("dial-in", back, "CALLING")
        if busy:
            self.note(PARK_RETURN_BUSY)
            if self.profile.return_busy == "ends":
                self.end(back, "BUSY")

    def is_busy(self, call: Call) -> bool:
        """Tell whether the extension that parked the call has another one."""
        return any(
            other.extension == call.extension and not isinstance(other.phase, Parked)
            for other in self.calls.values()
        )

    def give_up(self, call: Call) -> None:
        """End the ringing of a returned call that nobody answers."""
        self.note(PARK_RETURN_UNANSWERED)
        if self.profile.return_unanswered == "ends":
            self.end(call, "NOANSWER")
        else:
            self.put(replace(call, phase=Recalled(NEVER)))

    # Bridging.

    def bridge(self, command: Bridge) -> InSlot | Refusal:
        """Join a call with a parked one."""
        call = self.reach(command.call, command.extension)
        if isinstance(call, Refusal):
            return call
        forbidden = self.why_not_bridged(call)
        if forbidden is not None:
            return self.refuse(forbidden)
        if command.slot is None:
            place = self.any_place(call)
        else:
            place = self.taken_place(call, command.slot)
        if isinstance(place, Refusal):
            return place
        uuid = self.slots[place]
        self.note_sharing(call, uuid)
        self.join(call, self.calls[uuid], place)
        return InSlot(place[1], uuid)

    def why_not_bridged(self, call: Call) -> Rule | None:
        """Return the rule that forbids the call to bridge, if there is one."""
        match call.phase:
            case Ringing() | Recalled():
                return BRIDGE_NOT_RINGING
            case Parked():
                return BRIDGE_NOT_PARKED
            case Up() | Joined():
                return None
            case _ as never:
                assert_never(never)

    def any_place(self, call: Call) -> Place | Refusal:
        """Return the slot of any parked call."""
        owner = self.owner(call)
        places = [place for place in self.slots if place[0] == owner]
        if not places:
            return self.refuse(BRIDGE_NOTHING)
        self.note(BRIDGE_RANDOM)
        return self.pick(places)

    def pick(self, places: Sequence[Place]) -> Place:
        """Choose one of the slots that hold a call."""
        return places[self.draw(len(places))]

    def taken_place(self, call: Call, slot: object) -> Place | Refusal:
        """Return the slot that a request names, where a call is in it."""
        place = self.slot_place(call, slot, BRIDGE_EMPTY)
        if isinstance(place, Refusal):
            return place
        if place not in self.slots:
            return self.refuse(BRIDGE_EMPTY)
        self.note(BRIDGE_SLOT)
        return place

    def join(self, call: Call, parked: Call, place: Place) -> None:
        """Make one conversation of two calls, at the extension of the bridging one."""
        self.note(BRIDGE_PARTIES)
        self.let_go(call)
        self.empty(place)
        self.put(replace(call, party=parked.party, phase=Joined(parked.uuid)))
        picked_up = self.dialled_in(parked, call.extension)
        self.put(replace(picked_up, phase=Joined(call.uuid), answered_at=self.now))

    def let_go(self, call: Call) -> None:
        """End the call that `call` is joined with, if any."""
        if isinstance(call.phase, Joined):
            self.end(self.calls[call.phase.partner], "ANSWER")

    def dialled_in(self, call: Call, extension: int) -> Call:
        """Return the call with a new leg, not answered yet, that is dialled to the extension."""
        return replace(
            call, extension=extension, leg=self.new_leg(), leg_flow="in", answered_at=None
        )

    # Calls: placed, answered, transferred, hung up, shown.

    def place(self, command: PlaceCall) -> OneCall | Refusal:
        """Bring a call up."""
        if not self.profile.has_extension(command.extension):
            return self.refuse(EXTENSION_UNKNOWN)
        if not self.has_room():
            return self.refuse(CAPACITY)
        call = Call(
            self.new_uuid(), command.extension, command.flow, command.party,
            self.now, Ringing(), self.new_leg(), command.flow, None,
        )  # fmt: skip
        self.emit("dial-in" if command.flow == "in" else "dial-out", call, "CALLING")
        if command.answered:
            call = self.pick_up(call)
        self.put(call)
        return OneCall(call)

    def has_room(self) -> bool:
        """Tell whether one more call may be placed."""
        return self.profile.calls_at_once == "any" or len(self.calls) < self.profile.slots

    def pick_up(self, call: Call) -> Call:
        """Return the call as it is once answered."""
        talking = replace(call, phase=Up(), answered_at=self.now)
        self.emit("answer", talking, "ANSWER")
        return talking

    def answer(self, command: AnswerCall) -> OneCall | Refusal:
        """Answer a call that rings."""
        call = self.reach(command.call, None)
        if isinstance(call, Refusal):
            return call
        if not isinstance(call.phase, Ringing | Recalled):
            return self.refuse(ANSWER_RINGING)
        talking = self.pick_up(call)
        self.put(talking)
        return OneCall(talking)

    def transfer(self, command: Transfer) -> OneCall | Refusal:
        """Move a call to another extension."""
        call = self.reach(command.call, command.extension)
        if isinstance(call, Refusal):
            return call
        if not isinstance(call.phase, Up | Joined):
            return self.refuse(TRANSFER_MOVES)
        if not self.profile.has_extension(command.to):
            return self.refuse(EXTENSION_UNKNOWN)
        self.note(TRANSFER_MOVES)
        self.let_go(call)
        self.emit("hangup", call, "ANSWER")
        moved = self.dialled_in(call, command.to)
        self.emit("dial-in", moved, "CALLING")
        talking = self.pick_up(moved)
        self.put(talking)
        return OneCall(talking)

    def hang_up(self, command: HangUp) -> Ended | Refusal:
        """End a call, and the one that it is joined with."""
        call = self.reach(command.call, command.extension)
        if isinstance(call, Refusal):
            return call
        self.end(call, self.why_over(call, command))
        if isinstance(call.phase, Joined):
            self.note(HANGUP_BRIDGED)
            self.left_alone(self.calls[call.phase.partner])
        return Ended()

    def end(self, call: Call, status: CallStatus) -> None:
        """End a call: it leaves its slot and is counted; a leg that is there is hung up."""
        calls, _ = self._own()
        del calls[call.uuid]
        self.ended += 1
        if isinstance(call.phase, Parked):
            self.note(HANGUP_FREES)
            self.empty(call.phase.place)
        if call.leg:
            self.emit("hangup", call, status)
        if call.phase.until == self.deadline != NEVER:
            self._find_deadline()

    def left_alone(self, partner: Call) -> None:
        """Do with a call what happens when the one it is joined with was hung up."""
        if self.profile.bridged_hangup == "ends-both":
            self.end(partner, "ANSWER")
        else:
            self.put(replace(partner, phase=Up()))

    def why_over(self, call: Call, command: HangUp) -> CallStatus:
        """Return how the end of a call is reported."""
        if call.answered_at is not None:
            return "ANSWER"
        gave_up = (command.by == "remote") == (call.leg_flow == "in")
        return "CANCEL" if gave_up else "BUSY"

    def show(self, command: ShowCall) -> OneCall | Refusal:
        """Show one call."""
        call = self.reach(command.call, command.extension)
        return call if isinstance(call, Refusal) else OneCall(call)

    def list_calls(self, command: ListCalls) -> Calls | Refusal:
        """List the calls of an extension, or all."""
        profile, extension = self.profile, command.extension
        if extension is not None and not profile.has_extension(extension):
            return self.refuse(EXTENSION_UNKNOWN)
        calls = [call for call in self.calls.values() if extension in (None, call.extension)]
        if profile.parked_in_lists == "hidden":
            calls = [call for call in calls if not isinstance(call.phase, Parked)]
        return Calls(tuple(calls))


def step(state: State, command: Command, now: int, switch: type[Switch] = Switch) -> Step:
    """Carry out one command at the time `now` (microseconds); timers that are due fire first."""
    move = switch(state, now)
    if state.deadline <= now:
        move.fire()
    return move.finish(move.obey(command))


def advance(state: State, now: int, switch: type[Switch] = Switch) -> Step:
    """Let time pass: fire every timer that is due by `now`."""
    move = switch(state, now)
    move.fire()
    return move.finish(TimePassed())
