"""Mutants of the rules of asking who is parked, and of bridging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.durations import MINUTE
from scenario_runner.mock_pbx.api import Api
from scenario_runner.mock_pbx.calls import InSlot, Joined, Parked, Refusal, Ringing, Up
from scenario_runner.mock_pbx.mutants.mutant import Kind, breaks, with_profile, with_refusal
from scenario_runner.mock_pbx.profile import Said
from scenario_runner.mock_pbx.rules import (
    BRIDGE_EMPTY,
    BRIDGE_NOT_PARKED,
    BRIDGE_NOT_RINGING,
    BRIDGE_NOTHING,
    BRIDGE_PARTIES,
    BRIDGE_RANDOM,
    BRIDGE_SLOT,
    SLOT_SHARED,
    SLOT_TYPE,
    SLOTS_EMPTY,
    SLOTS_REPORTS,
    SLOTS_SLOT_REQUIRED,
)
from scenario_runner.mock_pbx.switch import Switch

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import Bridge, Call, Place
    from scenario_runner.mock_pbx.rules import Rule


# slots.reports


@breaks(SLOTS_REPORTS, "own-uuid", Kind.WRONG_CALL)
class _ReportsAsker(Switch):
    """Asking for a slot told the asker's own UUID."""

    def occupant(self, call: Call, place: Place) -> str | None:
        return None if super().occupant(call, place) is None else call.uuid


@breaks(SLOTS_REPORTS, "next-slot", Kind.WRONG_SLOT)
class _ReportsNextSlot(Switch):
    """Asking for a slot told who is in the next one."""

    def occupant(self, call: Call, place: Place) -> str | None:
        return super().occupant(call, (place[0], place[1] + 1))


@breaks(SLOTS_REPORTS, "forgets", Kind.STATE_LOST)
class _ForgetsAfterAMinute(Switch):
    """A slot was told to be empty once its call had waited for a minute."""

    def occupant(self, call: Call, place: Place) -> str | None:
        uuid = super().occupant(call, place)
        if uuid is None or self.calls[uuid].phase.until <= self.parked_until() - MINUTE:
            return None
        return uuid


@breaks(SLOTS_REPORTS, "no-dashes", Kind.WRONG_ANSWER)
class _ReportsWithoutDashes(Api):
    """The UUID of a parked call lacked its dashes."""

    def slot_view(self, answer: InSlot) -> dict[str, object]:
        uuid = answer.uuid
        return super().slot_view(InSlot(answer.slot, uuid and uuid.replace("-", "")))


@breaks(SLOTS_REPORTS, "slot-as-number", Kind.WRONG_ANSWER)
class _ReportsSlotAsNumber(Api):
    """The slot was answered as a number, where it is text."""

    def slot_view(self, answer: InSlot) -> dict[str, object]:
        return super().slot_view(answer) | {"slot": answer.slot}


@breaks(SLOTS_REPORTS, "sends-back", Kind.STATE_LOST)
class _AskingSendsBack(Switch):
    """A parked call went back to its parker when somebody asked for its slot."""

    def occupant(self, call: Call, place: Place) -> str | None:
        uuid = super().occupant(call, place)
        if uuid is not None:
            self.expire(self.calls[uuid])
        return uuid


# slots.empty

with_profile(
    SLOTS_EMPTY,
    "refused",
    Kind.WRONG_ANSWER,
    "asking for an empty slot was refused",
    empty_slot="refused",
)
with_profile(
    SLOTS_EMPTY,
    "empty-text",
    Kind.WRONG_ANSWER,
    "the UUID of an empty slot was empty text",
    empty_slot="empty-text",
)
with_profile(
    SLOTS_EMPTY,
    "no-key",
    Kind.WRONG_ANSWER,
    "the answer about an empty slot had no UUID at all",
    empty_slot="no-key",
)


@breaks(SLOTS_EMPTY, "still-there", Kind.STATE_KEPT)
class _StillThere(Switch):
    """A slot was told to hold the call that was taken out of it."""

    def occupant(self, call: Call, place: Place) -> str | None:
        uuid = super().occupant(call, place)
        if uuid is not None:
            return uuid
        joined = (one.uuid for one in self.calls.values() if isinstance(one.phase, Joined))
        return next(joined, None)


# slots.slot-required


@breaks(SLOTS_SLOT_REQUIRED, "any-slot", Kind.CHECK_SKIPPED)
class _AskAnySlot(Switch):
    """Asking without a slot told of the first one that is taken."""

    def slot_place(self, call: Call, slot: object, missing: Rule) -> Place | Refusal:
        if slot is None and missing is SLOTS_SLOT_REQUIRED:
            return min(self.slots, default=(self.owner(call), self.profile.first_slot))
        return super().slot_place(call, slot, missing)


with_refusal(
    SLOTS_SLOT_REQUIRED,
    "other-words",
    "asking without a slot was refused as if it were no number",
    Said(400, "slot must be an integer"),
)


# slot.type

with_profile(
    SLOT_TYPE,
    "numbers-only",
    Kind.PARSING,
    "a slot's number was refused as text",
    slot_words="number",
)


@breaks(SLOT_TYPE, "no-leading-zero", Kind.PARSING)
class _NoLeadingZero(Switch):
    """A slot's number with a leading zero was refused."""

    def slot_number(self, slot: object) -> int | Refusal:
        if isinstance(slot, str) and slot.startswith("0"):
            return self.refuse(SLOT_TYPE)
        return super().slot_number(slot)


@breaks(SLOT_TYPE, "digits-first", Kind.PARSING)
class _DigitsFirst(Switch):
    """Text that only begins with digits was taken for a slot's number."""

    def slot_number(self, slot: object) -> int | Refusal:
        if isinstance(slot, str) and slot[:1].isdigit():
            digits = next((n for n, c in enumerate(slot) if not c.isdigit()), len(slot))
            return super().slot_number(slot[:digits])
        return super().slot_number(slot)


@breaks(SLOT_TYPE, "true-is-one", Kind.PARSING)
class _TrueIsOne(Switch):
    """True was taken for slot 1."""

    def slot_number(self, slot: object) -> int | Refusal:
        return super().slot_number(int(slot) if isinstance(slot, bool) else slot)


@breaks(SLOT_TYPE, "rounds", Kind.PARSING)
class _Rounds(Switch):
    """A number with a fraction was cut to a slot's number."""

    def slot_number(self, slot: object) -> int | Refusal:
        return super().slot_number(int(slot) if isinstance(slot, float) else slot)


# slot.shared

with_profile(
    SLOT_SHARED,
    "own-slots",
    Kind.STATE_LOST,
    "each extension had slots of its own",
    slots_of="extension",
)


@breaks(SLOT_SHARED, "hidden", Kind.STATE_LOST)
class _HiddenFromOthers(Switch):
    """A call that another extension parked was told to nobody else."""

    def occupant(self, call: Call, place: Place) -> str | None:
        uuid = super().occupant(call, place)
        foreign = uuid is not None and self.calls[uuid].extension != call.extension
        return None if foreign else uuid


@breaks(SLOT_SHARED, "own-calls-only", Kind.CHECK_SKIPPED)
class _OnlyTheParkerTakes(Switch):
    """Nobody but its parker could take a call out of its slot."""

    def taken_place(self, call: Call, slot: object) -> Place | Refusal:
        place = super().taken_place(call, slot)
        if not isinstance(place, Refusal) and self._parker(place) != call.extension:
            return self.refuse(BRIDGE_EMPTY)
        return place

    def _parker(self, place: Place) -> int:
        return self.calls[self.slots[place]].extension


# bridge.slot


@breaks(BRIDGE_SLOT, "does-nothing", Kind.STATE_KEPT)
class _JoinNothing(Switch):
    """Bridging was confirmed and the call stayed in its slot."""

    def join(self, call: Call, parked: Call, place: Place) -> None:
        pass


@breaks(BRIDGE_SLOT, "longest-waiting", Kind.WRONG_CALL)
class _TakesTheLongestWaiting(Switch):
    """Bridging took the call that waits longest, whatever slot was named."""

    def taken_place(self, call: Call, slot: object) -> Place | Refusal:
        place = super().taken_place(call, slot)
        return place if isinstance(place, Refusal) else min(self.slots, key=self._until)

    def _until(self, place: Place) -> int:
        return self.calls[self.slots[place]].phase.until


@breaks(BRIDGE_SLOT, "ends-parked", Kind.STATE_LOST)
class _JoinEndsParked(Switch):
    """Bridging was confirmed and the parked call was hung up."""

    def join(self, call: Call, parked: Call, place: Place) -> None:
        self.end(parked, "ANSWER")


@breaks(BRIDGE_SLOT, "told-slot", Kind.WRONG_ANSWER)
class _BridgeTellsAnotherSlot(Api):
    """The answer to bridging named another slot."""

    def done_view(self, action: str, slot: object, answer: InSlot) -> dict[str, object]:
        told = answer.slot + 1 if action == "bridge" else slot
        return super().done_view(action, told, answer)


@breaks(BRIDGE_SLOT, "taken-twice", Kind.RACE)
class _TakenTwice(Switch):
    """Two agents who took one parked call at the same moment both got it."""

    def bridge(self, command: Bridge) -> InSlot | Refusal:
        answer = super().bridge(command)
        if not isinstance(answer, Refusal) or answer.rule is not BRIDGE_EMPTY:
            return answer
        taken = [one for one in self.calls.values() if self._was_taken_now(one)]
        if not taken:
            return answer
        call = self.calls[command.call]
        self.let_go(call)
        self.let_go(taken[0])
        self.put(replace(call, party=taken[0].party, phase=Joined(taken[0].uuid)))
        moved = replace(taken[0], extension=call.extension, phase=Joined(call.uuid))
        self.put(moved)
        slot = self.slot_number(command.slot)
        return slot if isinstance(slot, Refusal) else InSlot(slot, moved.uuid)

    def _was_taken_now(self, call: Call) -> bool:
        return isinstance(call.phase, Joined) and call.answered_at == self.now


# bridge.random


@breaks(BRIDGE_RANDOM, "never-last-slot", Kind.RANDOM_CHOICE)
class _NeverTheLastSlot(Switch):
    """Bridging with any parked call never took the one in the last slot."""

    def any_place(self, call: Call) -> Place | Refusal:
        last = (self.owner(call), self.profile.first_slot + self.profile.slots - 1)
        if set(self.slots) == {last}:
            return self.refuse(BRIDGE_NOTHING)
        place = super().any_place(call)
        others = (other for other in self.slots if other != last)
        return next(others) if place == last else place


@breaks(BRIDGE_RANDOM, "not-a-single-one", Kind.LIMIT)
class _NotASingleOne(Switch):
    """Bridging with any parked call did not find one that is alone."""

    def any_place(self, call: Call) -> Place | Refusal:
        return self.refuse(BRIDGE_NOTHING) if len(self.slots) == 1 else super().any_place(call)


@breaks(BRIDGE_RANDOM, "not-parked", Kind.WRONG_CALL)
class _TakesWhoIsNotParked(Switch):
    """Bridging with any parked call took one that is not parked."""

    def bridge(self, command: Bridge) -> InSlot | Refusal:
        call = self.calls.get(command.call)
        talking = (
            one for one in self.calls.values() if isinstance(one.phase, Up) and one is not call
        )
        other = next(talking, None)
        if command.slot is not None or call is None or other is None or not self.slots:
            return super().bridge(command)
        place = next(iter(self.slots))
        self.let_go(call)
        self.put(replace(call, party=other.party, phase=Joined(other.uuid)))
        self.put(replace(other, extension=call.extension, phase=Joined(call.uuid)))
        return InSlot(place[1], other.uuid)


with_profile(
    BRIDGE_RANDOM,
    "untold",
    Kind.WRONG_ANSWER,
    "nobody was told which slot the call came from",
    random_report="no-slot",
)


# bridge.parties


@breaks(BRIDGE_PARTIES, "former-stays", Kind.STATE_KEPT)
class _FormerStays(Switch):
    """The party that the extension talked to before stayed in a call."""

    def join(self, call: Call, parked: Call, place: Place) -> None:
        if isinstance(call.phase, Joined):
            former = self.calls[call.phase.partner]
            self.put(replace(former, phase=Up()))
            call = replace(call, phase=Up())
        super().join(call, parked, place)


@breaks(BRIDGE_PARTIES, "parkers-extension", Kind.WRONG_EXTENSION)
class _JoinAtTheParkers(Switch):
    """The conversation was one of the extension that had parked."""

    def join(self, call: Call, parked: Call, place: Place) -> None:
        super().join(call, parked, place)
        for uuid in (call.uuid, parked.uuid):
            self.put(replace(self.calls[uuid], extension=parked.extension))


@breaks(BRIDGE_PARTIES, "one-name", Kind.STATE_LOST)
class _OneNameIsLeft(Switch):
    """The parked call's name was no longer good after the bridge."""

    def join(self, call: Call, parked: Call, place: Place) -> None:
        self.note(BRIDGE_PARTIES)
        self.let_go(call)
        self.end(parked, "ANSWER")
        self.put(replace(call, party=parked.party, phase=Up()))


@breaks(BRIDGE_PARTIES, "own-party", Kind.WRONG_CALL)
class _KeepsItsParty(Switch):
    """The bridging call was listed with the party it had before."""

    def join(self, call: Call, parked: Call, place: Place) -> None:
        super().join(call, parked, place)
        self.put(replace(self.calls[call.uuid], party=call.party))


# bridge.empty


@breaks(BRIDGE_EMPTY, "parks-agent", Kind.STATE_LOST)
class _EmptySlotParksAgent(Switch):
    """An agent who wanted an empty slot was parked there."""

    def bridge(self, command: Bridge) -> InSlot | Refusal:
        answer = super().bridge(command)
        number = self.slot_number(command.slot)
        if not isinstance(answer, Refusal) or answer.rule is not BRIDGE_EMPTY:
            return answer
        if isinstance(number, Refusal):
            return answer
        call = self.calls[command.call]
        self.put_away(call, (self.owner(call), number))
        return InSlot(number, call.uuid)


@breaks(BRIDGE_EMPTY, "ends-agent", Kind.STATE_LOST)
class _EmptySlotEndsAgent(Switch):
    """An agent who wanted an empty slot was hung up."""

    def bridge(self, command: Bridge) -> InSlot | Refusal:
        answer = super().bridge(command)
        if isinstance(answer, Refusal) and answer.rule is BRIDGE_EMPTY:
            call = self.calls[command.call]
            self.let_go(call)
            self.end(call, "ANSWER")
        return answer


@breaks(BRIDGE_EMPTY, "takes-another", Kind.WRONG_CALL)
class _EmptySlotTakesAnother(Switch):
    """An agent who wanted an empty slot got a call from another one."""

    def taken_place(self, call: Call, slot: object) -> Place | Refusal:
        place = super().taken_place(call, slot)
        if isinstance(place, Refusal) and place.rule is BRIDGE_EMPTY and self.slots:
            return next(iter(self.slots))
        return place


with_refusal(
    BRIDGE_EMPTY,
    "other-words",
    "an empty slot was refused for no reason that anybody knows",
    Said(400, "no such member"),
)


# bridge.nothing


@breaks(BRIDGE_NOTHING, "confirmed", Kind.CHECK_SKIPPED)
class _NothingIsConfirmed(Switch):
    """Bridging with any parked call was confirmed where there is none."""

    def bridge(self, command: Bridge) -> InSlot | Refusal:
        answer = super().bridge(command)
        if isinstance(answer, Refusal) and answer.rule is BRIDGE_NOTHING:
            return InSlot(self.profile.first_slot, None)
        return answer


@breaks(BRIDGE_NOTHING, "ends-agent", Kind.STATE_LOST)
class _NothingEndsAgent(Switch):
    """An agent who wanted any parked call was hung up where there is none."""

    def bridge(self, command: Bridge) -> InSlot | Refusal:
        answer = super().bridge(command)
        if isinstance(answer, Refusal) and answer.rule is BRIDGE_NOTHING:
            call = self.calls[command.call]
            self.let_go(call)
            self.end(call, "ANSWER")
        return answer


with_refusal(
    BRIDGE_NOTHING,
    "other-words",
    "nothing parked was refused as if one slot were empty",
    Said(404, "slot has no parked member"),
)


# bridge.not-ringing


@breaks(BRIDGE_NOT_RINGING, "answers", Kind.CHECK_SKIPPED)
class _BridgeAnswers(Switch):
    """A call that rings was answered by bridging it."""

    def bridge(self, command: Bridge) -> InSlot | Refusal:
        call = self.calls.get(command.call)
        if call is not None and isinstance(call.phase, Ringing):
            self.put(self.pick_up(call))
        return super().bridge(command)


with_refusal(
    BRIDGE_NOT_RINGING,
    "other-words",
    "a ringing call was refused as if it were parked",
    Said(400, "call is already parked"),
)


# bridge.not-parked


@breaks(BRIDGE_NOT_PARKED, "leaves-slot", Kind.CHECK_SKIPPED)
class _ParkedCallBridges(Switch):
    """A parked call left its slot to be joined with another parked one."""

    def bridge(self, command: Bridge) -> InSlot | Refusal:
        call = self.calls.get(command.call)
        if call is not None and isinstance(call.phase, Parked):
            self.empty(call.phase.place)
            back = self.dialled_in(call, call.extension)
            self.put(replace(back, phase=Up(), answered_at=self.now))
        return super().bridge(command)


@breaks(BRIDGE_NOT_PARKED, "confirmed", Kind.IDEMPOTENCE)
class _BridgeOwnSlot(Switch):
    """Bridging a parked call with its own slot was confirmed."""

    def bridge(self, command: Bridge) -> InSlot | Refusal:
        answer = super().bridge(command)
        if isinstance(answer, Refusal) and answer.rule is BRIDGE_NOT_PARKED:
            phase = self.calls[command.call].phase
            number = self.slot_number(command.slot)
            if isinstance(phase, Parked) and phase.place[1] == number:
                return InSlot(phase.place[1], command.call)
        return answer


with_refusal(
    BRIDGE_NOT_PARKED,
    "other-words",
    "a parked call that bridges was refused as if it rang",
    Said(400, "call is not answered"),
)
