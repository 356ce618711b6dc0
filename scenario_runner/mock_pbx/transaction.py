"""The working copy of a switch's state while one command is carried out."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from scenario_runner.mock_pbx.calls import (
    NEVER,
    CallEvent,
    Flow,
    Joined,
    Parked,
    Refusal,
    State,
    Step,
    SwitchAnswer,
)
from scenario_runner.mock_pbx.rules import (
    CALL_FOREIGN,
    CALL_UNKNOWN,
    EVENTS_ANSWER,
    EVENTS_DIAL_IN,
    EVENTS_DIAL_OUT,
    EVENTS_HANGUP,
    HANGUP_FREES,
)

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import Call, CallStatus, EventType, Place


def hex_name(seed: int, kind: str, count: int) -> str:
    """Return 32 hex digits."""
    return blake2b(f"{seed}/{kind}/{count}".encode(), digest_size=16).hexdigest()


def uuid_name(seed: int, count: int) -> str:
    """Return a uuid in the shape of version 4."""
    digits = hex_name(seed, "call", count)
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def choice(seed: int, count: int, among: int) -> int:
    """Return a number from 0 below `among`, each as likely as any other."""
    return int(hex_name(seed, "draw", count), 16) % among


_EVENT_RULES: Final = {
    "dial-in": EVENTS_DIAL_IN,
    "dial-out": EVENTS_DIAL_OUT,
    "answer": EVENTS_ANSWER,
    "hangup": EVENTS_HANGUP,
}


class Transaction:
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
        self.rules: list[str] = []

    def refuse(self, rule: str) -> Refusal:
        """Say that `rule` forbids the command."""
        self.rules.append(rule)
        return Refusal(rule)

    def note(self, rule: str) -> None:
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
        """Close the draft: the state it has become, with what happened on the way."""
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


def reach(draft: Transaction, uuid: str, extension: int | None) -> Call | Refusal:
    """Return the call of that name at that extension (None: at any), or the rule broken."""
    call = draft.calls.get(uuid)
    if call is None:
        return draft.refuse(CALL_UNKNOWN)
    if extension not in (None, call.extension) and draft.profile.foreign_call == "refuse":
        return draft.refuse(CALL_FOREIGN)
    return call


def let_go(draft: Transaction, call: Call) -> None:
    """End the call that `call` is joined with, if any."""
    if isinstance(call.phase, Joined):
        draft.end(draft.calls[call.phase.partner], "ANSWER")


def dialled_in(draft: Transaction, call: Call, extension: int) -> Call:
    """Return the call with a new leg, not answered yet, that is dialled to the extension."""
    flow: Flow = "in"
    return call._replace(extension=extension, leg=draft.new_leg(), leg_flow=flow, answered_at=None)
