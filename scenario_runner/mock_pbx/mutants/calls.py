"""Mutants of the rules of calls: hung up, answered, transferred, unknown, too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.durations import SECOND
from scenario_runner.mock_pbx.calls import (
    Ended,
    HangUp,
    InSlot,
    Joined,
    OneCall,
    Parked,
    Refusal,
    Ringing,
    Up,
)
from scenario_runner.mock_pbx.mutants.mutant import Kind, breaks, with_profile, with_refusal
from scenario_runner.mock_pbx.profile import Said
from scenario_runner.mock_pbx.rules import (
    ANSWER_RINGING,
    CALL_FOREIGN,
    CALL_UNKNOWN,
    CAPACITY,
    EXTENSION_UNKNOWN,
    HANGUP_BRIDGED,
    HANGUP_FREES,
    TRANSFER_MOVES,
)
from scenario_runner.mock_pbx.switch import Switch

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import AnswerCall, AskSlot, Call, PlaceCall, Transfer


# hangup.frees


@breaks(HANGUP_FREES, "goes-on", Kind.STATE_KEPT)
class _ParkedGoesOn(Switch):
    """A parked caller who had hung up was still in the slot."""

    def hang_up(self, command: HangUp) -> Ended | Refusal:
        call = self.reach(command.call, command.extension)
        if not isinstance(call, Refusal) and isinstance(call.phase, Parked):
            return Ended()
        return super().hang_up(command)


@breaks(HANGUP_FREES, "refused", Kind.WRONG_ANSWER)
class _ParkedHangUpRefused(Switch):
    """A parked caller who hangs up was refused."""

    def hang_up(self, command: HangUp) -> Ended | Refusal:
        call = self.reach(command.call, command.extension)
        if not isinstance(call, Refusal) and isinstance(call.phase, Parked):
            return self.refuse(CALL_UNKNOWN)
        return super().hang_up(command)


@breaks(HANGUP_FREES, "frees-late", Kind.TIMING)
class _FreesLate(Switch):
    """The slot was free only 5 seconds after its caller had hung up."""

    def hang_up(self, command: HangUp) -> Ended | Refusal:
        call = self.reach(command.call, command.extension)
        if isinstance(call, Refusal) or not isinstance(call.phase, Parked):
            return super().hang_up(command)
        phase = Parked(call.phase.place, self.now + 5 * SECOND)
        self.put(replace(call, phase=phase, answered_at=None))
        return Ended()

    def come_back(self, call: Call, phase: Parked) -> None:
        if call.answered_at is None:
            self.end(call, "ANSWER")
        else:
            super().come_back(call, phase)


# hangup.bridged

with_profile(
    HANGUP_BRIDGED,
    "ends-one",
    Kind.STATE_KEPT,
    "the other call of a joined pair went on",
    bridged_hangup="ends-one",
)


@breaks(HANGUP_BRIDGED, "only-remote", Kind.STATE_KEPT)
class _OnlyTheRemoteEndsBoth(Switch):
    """A joined pair went on when its extension hung one up."""

    def hang_up(self, command: HangUp) -> Ended | Refusal:
        call = self.reach(command.call, command.extension)
        if isinstance(call, Refusal) or not isinstance(call.phase, Joined):
            return super().hang_up(command)
        if command.by == "remote":
            return super().hang_up(command)
        partner = self.calls[call.phase.partner]
        self.put(replace(partner, phase=Up()))
        self.end(call, "ANSWER")
        return Ended()


@breaks(HANGUP_BRIDGED, "partner-unreported", Kind.MISSING_EVENT)
class _PartnerUnreported(Switch):
    """The end of the other call of a joined pair was not reported."""

    def left_alone(self, partner: Call) -> None:
        super().left_alone(replace(partner, leg=""))


# answer.ringing


@breaks(ANSWER_RINGING, "again", Kind.IDEMPOTENCE)
class _AnswersAgain(Switch):
    """Answering a call that talks already was confirmed."""

    def answer(self, command: AnswerCall) -> OneCall | Refusal:
        answer = super().answer(command)
        if isinstance(answer, Refusal) and answer.rule is ANSWER_RINGING:
            return OneCall(self.calls[command.call])
        return answer


@breaks(ANSWER_RINGING, "rings-on", Kind.STATE_LOST, everywhere=True)
class _AnswerRingsOn(Switch):
    """An answer was confirmed and the call rang on."""

    def answer(self, command: AnswerCall) -> OneCall | Refusal:
        call = self.calls.get(command.call)
        if call is not None and isinstance(call.phase, Ringing):
            return OneCall(call)
        return super().answer(command)


# transfer.moves


@breaks(TRANSFER_MOVES, "stays", Kind.WRONG_EXTENSION)
class _TransferStays(Switch):
    """A transfer was confirmed and the call stayed at its extension."""

    def transfer(self, command: Transfer) -> OneCall | Refusal:
        call = self.reach(command.call, command.extension)
        return super().transfer(replace(command, to=_at(call, command)))


def _at(call: Call | Refusal, command: Transfer) -> int:
    return command.to if isinstance(call, Refusal) else call.extension


@breaks(TRANSFER_MOVES, "rings", Kind.STATE_LOST)
class _TransferRings(Switch):
    """A transferred call rang at its new extension."""

    def transfer(self, command: Transfer) -> OneCall | Refusal:
        answer = super().transfer(command)
        if isinstance(answer, Refusal):
            return answer
        ringing = replace(answer.call, phase=Ringing(), answered_at=None)
        self.put(ringing)
        return OneCall(ringing)


@breaks(TRANSFER_MOVES, "parked-too", Kind.CHECK_SKIPPED)
class _TransfersParked(Switch):
    """A parked call could be transferred."""

    def transfer(self, command: Transfer) -> OneCall | Refusal:
        call = self.reach(command.call, command.extension)
        if not isinstance(call, Refusal) and isinstance(call.phase, Parked):
            self.empty(call.phase.place)
            self.put(replace(call, phase=Up(), answered_at=self.now))
        return super().transfer(command)


# call.unknown


@breaks(CALL_UNKNOWN, "hung-up-twice", Kind.IDEMPOTENCE)
class _HungUpTwice(Switch):
    """Hanging up a call that has ended was confirmed."""

    def hang_up(self, command: HangUp) -> Ended | Refusal:
        answer = super().hang_up(command)
        gone = isinstance(answer, Refusal) and answer.rule is CALL_UNKNOWN
        return Ended() if gone else answer


@breaks(CALL_UNKNOWN, "asks", Kind.CHECK_SKIPPED)
class _NobodyAsks(Switch):
    """A call that never was could ask for a slot."""

    def ask(self, command: AskSlot) -> InSlot | Refusal:
        answer = super().ask(command)
        number = self.slot_number(command.slot)
        if isinstance(answer, Refusal) and answer.rule is CALL_UNKNOWN:
            return number if isinstance(number, Refusal) else self._in(number)
        return answer

    def _in(self, number: int) -> InSlot:
        return InSlot(number, self.slots.get((0, number)))


with_refusal(
    CALL_UNKNOWN,
    "other-status",
    "an unknown call was refused as one that is gone",
    Said(410, "Gone"),
)


# call.foreign

with_profile(
    CALL_FOREIGN,
    "allowed",
    Kind.CHECK_SKIPPED,
    "one extension could park a call of another",
    foreign_call="allow",
)
with_refusal(
    CALL_FOREIGN,
    "forbidden",
    "a call of another extension was refused as forbidden",
    Said(403, "Access denied", "access_denied"),
)


# extension.unknown


@breaks(EXTENSION_UNKNOWN, "first-one", Kind.WRONG_EXTENSION)
class _FirstExtension(Switch):
    """A call to an extension that does not exist came in at the first one."""

    def place(self, command: PlaceCall) -> OneCall | Refusal:
        known = self.profile.has_extension(command.extension)
        extension = command.extension if known else self.profile.extensions[0]
        return super().place(replace(command, extension=extension))


with_refusal(
    EXTENSION_UNKNOWN,
    "other-status",
    "an unknown extension was refused as a bad request",
    Said(400, "Record not found"),
)


# capacity

with_profile(
    CAPACITY,
    "no-limit",
    Kind.CHECK_SKIPPED,
    "there was no limit to simultaneous calls",
    calls_at_once="any",
)


@breaks(CAPACITY, "one-more", Kind.LIMIT)
class _OneCallMore(Switch):
    """One call more than the limit was taken."""

    def has_room(self) -> bool:
        return len(self.calls) <= self.profile.slots


@breaks(CAPACITY, "one-fewer", Kind.LIMIT, everywhere=True)
class _OneCallFewer(Switch):
    """The last call of the limit was refused."""

    def has_room(self) -> bool:
        return len(self.calls) < self.profile.slots - 1


@breaks(CAPACITY, "ended-count", Kind.STATE_KEPT, everywhere=True)
class _EndedCallsCount(Switch):
    """Calls that have ended counted towards the limit."""

    def has_room(self) -> bool:
        return self.placed < self.profile.slots


@breaks(CAPACITY, "parked-free", Kind.CHECK_SKIPPED)
class _ParkedCallsAreFree(Switch):
    """Parked calls did not count towards the limit."""

    def has_room(self) -> bool:
        return len(self.calls) - len(self.slots) < self.profile.slots
