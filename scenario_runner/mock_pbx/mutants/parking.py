"""Mutants of the rules of parking, and of the return of a parked call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.durations import SECOND
from scenario_runner.mock_pbx.api import Api
from scenario_runner.mock_pbx.calls import (
    NEVER,
    InSlot,
    Joined,
    Parked,
    Recalled,
    Refusal,
    Ringing,
    Up,
)
from scenario_runner.mock_pbx.mutants.mutant import Kind, breaks, with_profile, with_refusal
from scenario_runner.mock_pbx.notifications import Notifier
from scenario_runner.mock_pbx.profile import Said
from scenario_runner.mock_pbx.rules import (
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
)
from scenario_runner.mock_pbx.switch import Switch

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import Call, CallEvent, Park, Place
    from scenario_runner.mock_pbx.notifications import Fields
    from scenario_runner.mock_pbx.rules import Rule


def first_free(switch: Switch, call: Call) -> Place | None:
    """Return the lowest slot that holds nobody, if there is one."""
    first = switch.profile.first_slot
    places = [(switch.owner(call), first + n) for n in range(switch.profile.slots)]
    return next((place for place in places if place not in switch.slots), None)


# park.occupies


@breaks(PARK_OCCUPIES, "next-slot", Kind.WRONG_SLOT)
class _ParkInNextSlot(Switch):
    """A call was parked in the next slot."""

    def put_away(self, call: Call, place: Place) -> None:
        there = (place[0], place[1] + 1)
        free = self.is_in_range(there[1]) and there not in self.slots
        super().put_away(call, there if free else place)


@breaks(PARK_OCCUPIES, "first-free-slot", Kind.WRONG_SLOT)
class _ParkInFirstFreeSlot(Switch):
    """A call was parked in the first free slot, whatever slot was asked for."""

    def put_away(self, call: Call, place: Place) -> None:
        super().put_away(call, first_free(self, call) or place)


@breaks(PARK_OCCUPIES, "not-parked", Kind.STATE_LOST)
class _ParkNothing(Switch):
    """Parking was confirmed and the call went on as it was."""

    def put_away(self, call: Call, place: Place) -> None:
        pass


@breaks(PARK_OCCUPIES, "other-call", Kind.WRONG_CALL)
class _ParkAnotherCall(Switch):
    """Another call of the extension was parked."""

    def put_away(self, call: Call, place: Place) -> None:
        others = (
            other
            for other in self.calls.values()
            if other.extension == call.extension
            and isinstance(other.phase, Up)
            and other.uuid != call.uuid
        )
        super().put_away(next(others, call), place)


@breaks(PARK_OCCUPIES, "hung-up", Kind.STATE_LOST)
class _ParkHangsUp(Switch):
    """A call that was parked was hung up."""

    def put_away(self, call: Call, place: Place) -> None:
        self.let_go(call)
        self.end(call, "ANSWER")


@breaks(PARK_OCCUPIES, "told-slot", Kind.WRONG_ANSWER)
class _ParkTellsAnotherSlot(Api):
    """The answer to parking named another slot."""

    def done_view(self, action: str, slot: object, answer: InSlot) -> dict[str, object]:
        told = answer.slot + 1 if action == "park" else slot
        return super().done_view(action, told, answer)


# park.full


@breaks(PARK_FULL, "joins", Kind.STATE_LOST)
class _ParkJoins(Switch):
    """A second call parked in an occupied slot was joined with the one that waits there."""

    def why_not_parked(self, call: Call, place: Place) -> Rule | None:
        why = super().why_not_parked(call, place)
        return None if why is PARK_FULL else why

    def put_away(self, call: Call, place: Place) -> None:
        there = self.slots.get(place)
        if there is None:
            super().put_away(call, place)
        else:
            self.join(call, self.calls[there], place)


@breaks(PARK_FULL, "replaces", Kind.STATE_LOST)
class _ParkReplaces(_ParkJoins):
    """A second call took the slot, and the one that waited there was hung up."""

    def put_away(self, call: Call, place: Place) -> None:
        there = self.slots.get(place)
        if there is not None:
            self.end(self.calls[there], "ANSWER")
        Switch.put_away(self, call, place)


@breaks(PARK_FULL, "next-free-slot", Kind.WRONG_SLOT)
class _ParkInNextFreeSlot(_ParkJoins):
    """A second call was parked in the next free slot, and nobody was told."""

    def put_away(self, call: Call, place: Place) -> None:
        free = first_free(self, call)
        Switch.put_away(self, call, place if place not in self.slots or free is None else free)


@breaks(PARK_FULL, "ends-call", Kind.STATE_LOST)
class _ParkFullEndsCall(Switch):
    """The call that was refused a slot was hung up."""

    def park(self, command: Park) -> InSlot | Refusal:
        answer = super().park(command)
        if isinstance(answer, Refusal) and answer.rule is PARK_FULL:
            call = self.calls[command.call]
            self.let_go(call)
            self.end(call, "ANSWER")
        return answer


@breaks(PARK_FULL, "both-parked", Kind.RACE)
class _BothParked(_ParkReplaces):
    """Two calls parked in one slot at the same moment were both confirmed."""

    def why_not_parked(self, call: Call, place: Place) -> Rule | None:
        there = self.slots.get(place)
        since = None if there is None else self.calls[there].phase.until
        if since == self.parked_until():
            return super().why_not_parked(call, place)
        return Switch.why_not_parked(self, call, place)


with_refusal(
    PARK_FULL,
    "other-words",
    "an occupied slot was refused in other words",
    Said(400, "slot is busy"),
)
with_refusal(
    PARK_FULL,
    "other-status",
    "an occupied slot was refused with another status code",
    Said(409, "slot already have parked member, slot is full"),
)


# park.slot-required


@breaks(PARK_SLOT_REQUIRED, "first-free-slot", Kind.CHECK_SKIPPED)
class _ParkAnywhere(Switch):
    """Parking without a slot took the first free one."""

    def slot_place(self, call: Call, slot: object, missing: Rule) -> Place | Refusal:
        if slot is None and missing is PARK_SLOT_REQUIRED:
            return first_free(self, call) or self.refuse(PARK_FULL)
        return super().slot_place(call, slot, missing)


@breaks(PARK_SLOT_REQUIRED, "confirmed", Kind.CHECK_SKIPPED)
class _ParkNowhere(Switch):
    """Parking without a slot was confirmed and did nothing."""

    def park(self, command: Park) -> InSlot | Refusal:
        answer = super().park(command)
        if isinstance(answer, Refusal) and answer.rule is PARK_SLOT_REQUIRED:
            return InSlot(self.profile.first_slot, command.call)
        return answer


with_refusal(
    PARK_SLOT_REQUIRED,
    "other-words",
    "a missing slot was refused as if it were no number",
    Said(400, "slot must be an integer"),
)


# park.releases-extension

with_profile(
    PARK_RELEASES,
    "no-event",
    Kind.MISSING_EVENT,
    "the end of the parker's conversation was not reported",
    park_event="none",
)


@breaks(PARK_RELEASES, "two-events", Kind.DOUBLED_EVENT)
class _ReleaseTwice(Switch):
    """The end of the parker's conversation was reported twice."""

    def release(self, call: Call) -> None:
        super().release(call)
        super().release(call)


@breaks(PARK_RELEASES, "cancelled", Kind.EVENT_FIELD)
class _ReleaseCancelled(Switch):
    """The parker's conversation was reported as given up."""

    def release(self, call: Call) -> None:
        self.note(PARK_RELEASES)
        self.emit("hangup", call, "CANCEL")


# park.range


@breaks(PARK_RANGE, "one-more", Kind.LIMIT)
class _OneSlotMore(Switch):
    """There was one slot more than there should be."""

    def is_in_range(self, number: int) -> bool:
        return super().is_in_range(number) or super().is_in_range(number - 1)


@breaks(PARK_RANGE, "one-fewer", Kind.LIMIT, everywhere=True)
class _OneSlotFewer(Switch):
    """The last slot was refused."""

    def is_in_range(self, number: int) -> bool:
        return super().is_in_range(number) and super().is_in_range(number + 1)


@breaks(PARK_RANGE, "slot-zero", Kind.LIMIT)
class _SlotBeforeFirst(Switch):
    """There was a slot before the first."""

    def is_in_range(self, number: int) -> bool:
        return super().is_in_range(number) or super().is_in_range(number + 1)


@breaks(PARK_RANGE, "any-number", Kind.CHECK_SKIPPED)
class _AnySlot(Switch):
    """Any number named a slot."""

    def is_in_range(self, number: int) -> bool:
        return True


# park.not-ringing


@breaks(PARK_NOT_RINGING, "parked", Kind.CHECK_SKIPPED)
class _ParkRinging(Switch):
    """A call that rings could be parked."""

    def why_not_parked(self, call: Call, place: Place) -> Rule | None:
        return super().why_not_parked(replace(call, phase=_talking(call)), place)


def _talking(call: Call) -> Up | Parked | Joined:
    return Up() if isinstance(call.phase, Ringing | Recalled) else call.phase


@breaks(PARK_NOT_RINGING, "answers", Kind.STATE_LOST)
class _ParkAnswers(Switch):
    """A ringing call was answered by parking it."""

    def park(self, command: Park) -> InSlot | Refusal:
        answer = super().park(command)
        if isinstance(answer, Refusal) and answer.rule is PARK_NOT_RINGING:
            self.put(self.pick_up(self.calls[command.call]))
        return answer


with_refusal(
    PARK_NOT_RINGING,
    "other-words",
    "a ringing call was refused as if it were parked",
    Said(400, "call is already parked"),
)


# park.not-twice

with_profile(
    PARK_NOT_TWICE,
    "moves",
    Kind.CHECK_SKIPPED,
    "parking a parked call again moved it to the other slot",
    park_again="move",
)


@breaks(PARK_NOT_TWICE, "restarts", Kind.TIMING)
class _ParkAgainRestarts(Switch):
    """The time of a parked call began anew when somebody tried to park it again."""

    def park(self, command: Park) -> InSlot | Refusal:
        answer = super().park(command)
        if isinstance(answer, Refusal) and answer.rule is PARK_NOT_TWICE:
            call = self.calls[command.call]
            if isinstance(call.phase, Parked):
                again = Parked(call.phase.place, self.parked_until())
                self.put(replace(call, phase=again))
        return answer


@breaks(PARK_NOT_TWICE, "full-first", Kind.WRONG_ANSWER)
class _FullComesFirst(Switch):
    """A parked call was refused its own slot because that is full."""

    def why_not_parked(self, call: Call, place: Place) -> Rule | None:
        why = super().why_not_parked(call, place)
        return PARK_FULL if why is PARK_NOT_TWICE and place in self.slots else why


@breaks(PARK_NOT_TWICE, "same-slot", Kind.IDEMPOTENCE)
class _ParkAgainInSameSlot(Switch):
    """Parking a parked call again in its own slot was confirmed."""

    def why_not_parked(self, call: Call, place: Place) -> Rule | None:
        if isinstance(call.phase, Parked) and call.phase.place == place:
            return None
        return super().why_not_parked(call, place)


@breaks(PARK_NOT_TWICE, "takes-out", Kind.STATE_LOST)
class _ParkAgainTakesOut(Switch):
    """A parked call left its slot when somebody tried to park it again."""

    def park(self, command: Park) -> InSlot | Refusal:
        answer = super().park(command)
        if isinstance(answer, Refusal) and answer.rule is PARK_NOT_TWICE:
            call = self.calls[command.call]
            if isinstance(call.phase, Parked):
                self.empty(call.phase.place)
                back = self.dialled_in(call, call.extension)
                self.put(replace(back, phase=Up(), answered_at=self.now))
        return answer


# park.returns


@breaks(PARK_RETURNS, "never", Kind.TIMING)
class _NeverReturns(Switch):
    """A parked call never came back."""

    def parked_until(self) -> int:
        return NEVER


@breaks(PARK_RETURNS, "early", Kind.TIMING)
class _ReturnsEarly(Switch):
    """A parked call came back 2 % too early."""

    def parked_until(self) -> int:
        return self.now + self.profile.park_timeout * 98 // 100


@breaks(PARK_RETURNS, "late", Kind.TIMING)
class _ReturnsLate(Switch):
    """A parked call came back 2 % too late."""

    def parked_until(self) -> int:
        return self.now + self.profile.park_timeout * 102 // 100


@breaks(PARK_RETURNS, "wrong-extension", Kind.WRONG_EXTENSION)
class _ReturnsElsewhere(Switch):
    """A returned call went to the wrong extension."""

    def come_back(self, call: Call, phase: Parked) -> None:
        first, last = self.profile.extensions
        other = call.extension + 1 if call.extension < last else first
        super().come_back(replace(call, extension=other), phase)


@breaks(PARK_RETURNS, "slot-kept", Kind.STATE_KEPT)
class _ReturnsAndStays(Switch):
    """The slot stayed taken although its call rang at the parker."""

    def come_back(self, call: Call, phase: Parked) -> None:
        self.note(PARK_RETURNS)
        self.emit("dial-in", self.dialled_in(call, call.extension), "CALLING")
        self.put(replace(call, phase=Parked(phase.place, NEVER)))


@breaks(PARK_RETURNS, "ends", Kind.STATE_LOST)
class _EndsInsteadOfReturning(Switch):
    """A call whose time was over ended at once."""

    def come_back(self, call: Call, phase: Parked) -> None:
        self.note(PARK_RETURNS)
        self.end(call, "NOANSWER")


@breaks(PARK_RETURNS, "answered", Kind.STATE_LOST)
class _ReturnsAnswered(Switch):
    """A returned call was connected without ringing."""

    def come_back(self, call: Call, phase: Parked) -> None:
        super().come_back(call, phase)
        self.put(self.pick_up(self.calls[call.uuid]))


with_profile(
    PARK_RETURNS,
    "no-event",
    Kind.MISSING_EVENT,
    "the return of a call was not reported",
    return_event="none",
)


@breaks(PARK_RETURNS, "two-events", Kind.DOUBLED_EVENT)
class _ReturnsTwice(Switch):
    """The return of a call was reported twice."""

    def come_back(self, call: Call, phase: Parked) -> None:
        super().come_back(call, phase)
        self.events += self.events[-1:]


@breaks(PARK_RETURNS, "other-call-id", Kind.EVENT_FIELD)
class _ReturnsRenamed(Notifier):
    """A returned call was reported under another CallID."""

    def fields(self, event: CallEvent) -> Fields:
        told = dict(super().fields(event))
        if isinstance(event.call.phase, Recalled):
            told["CallID"] = event.call.leg
        return tuple(told.items())


# park.return-unanswered

with_profile(
    PARK_RETURN_UNANSWERED,
    "rings-on",
    Kind.TIMING,
    "a returned call that nobody answers rang for ever",
    return_unanswered="rings-on",
)
with_profile(
    PARK_RETURN_UNANSWERED,
    "gives-up-early",
    Kind.TIMING,
    "a returned call rang for 2 seconds only",
    everywhere=True,
    ring_timeout=2 * SECOND,
)


@breaks(PARK_RETURN_UNANSWERED, "parked-again", Kind.STATE_KEPT)
class _UnansweredParksAgain(Switch):
    """A returned call that nobody answers went back into a slot."""

    def give_up(self, call: Call) -> None:
        self.note(PARK_RETURN_UNANSWERED)
        free = first_free(self, call)
        if free is None:
            super().give_up(call)
            return
        phase = Parked(free, self.parked_until())
        self.put(replace(call, phase=phase, leg="", answered_at=self.now))
        self.fill(free, call.uuid)


@breaks(PARK_RETURN_UNANSWERED, "answered", Kind.STATE_KEPT)
class _UnansweredConnects(Switch):
    """A returned call that nobody answers was connected all the same."""

    def give_up(self, call: Call) -> None:
        self.note(PARK_RETURN_UNANSWERED)
        self.put(self.pick_up(call))


@breaks(PARK_RETURN_UNANSWERED, "cancelled", Kind.EVENT_FIELD)
class _UnansweredCancelled(Switch):
    """A returned call that nobody answers was reported as given up by the caller."""

    def give_up(self, call: Call) -> None:
        self.note(PARK_RETURN_UNANSWERED)
        self.end(call, "CANCEL")


# park.return-busy

with_profile(
    PARK_RETURN_BUSY,
    "ends",
    Kind.STATE_LOST,
    "a call that returns to a busy parker was hung up",
    return_busy="ends",
)


@breaks(PARK_RETURN_BUSY, "waits", Kind.TIMING)
class _WaitsWhileBusy(Switch):
    """A parked call waited in its slot for as long as its parker was busy."""

    def come_back(self, call: Call, phase: Parked) -> None:
        if self.is_busy(call):
            self.note(PARK_RETURN_BUSY)
            self.put(replace(call, phase=Parked(phase.place, self.now + 10 * SECOND)))
        else:
            super().come_back(call, phase)


@breaks(PARK_RETURN_BUSY, "ends-other", Kind.STATE_LOST)
class _ReturnEndsOther(Switch):
    """The parker's other call was hung up when the parked one came back."""

    def come_back(self, call: Call, phase: Parked) -> None:
        super().come_back(call, phase)
        for other in list(self.calls.values()):
            away = isinstance(other.phase, Parked) or other.extension != call.extension
            if not away and other.uuid != call.uuid:
                self.end(other, "ANSWER")


# park.both-flows

with_profile(
    PARK_BOTH_FLOWS,
    "no-outgoing",
    Kind.CHECK_SKIPPED,
    "outgoing calls could not be parked",
    parkable_flows=("in",),
)


@breaks(PARK_BOTH_FLOWS, "outgoing-stays", Kind.TIMING)
class _OutgoingStays(Switch):
    """A parked outgoing call never came back."""

    def put_away(self, call: Call, place: Place) -> None:
        super().put_away(call, place)
        if call.flow == "out":
            self.put(replace(self.calls[call.uuid], phase=Parked(place, NEVER)))
