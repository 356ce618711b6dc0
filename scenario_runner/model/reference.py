"""The reference: which answers a PBX may give, by the switch's own rules with time and chance open.

The mock's switch draws by a seed, names calls itself and fires its timers at exact instants. The
reference runs the same switch and leaves all of that open: it follows every choice, takes the
names that the PBX gave, and lets a time-out come anywhere in its window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as with_options
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, cast

from msgspec import UNSET, Struct
from msgspec.structs import replace

from scenario_runner.language.vocabulary import Reason
from scenario_runner.mock_pbx.calls import (
    NEVER,
    AskSlot,
    Bridge,
    Call,
    Calls,
    Ended,
    HangUp,
    InSlot,
    Joined,
    OneCall,
    Park,
    Parked,
    PlaceCall,
    Recalled,
    Refusal,
    Ringing,
    ShowCall,
    State,
    Up,
    fresh_state,
)
from scenario_runner.mock_pbx.profile import Profile
from scenario_runner.mock_pbx.rules import (
    ANSWER_RINGING,
    BRIDGE_EMPTY,
    BRIDGE_NOT_PARKED,
    BRIDGE_NOT_RINGING,
    BRIDGE_NOTHING,
    CALL_FOREIGN,
    CALL_UNKNOWN,
    CAPACITY,
    EXTENSION_UNKNOWN,
    PARK_BOTH_FLOWS,
    PARK_FULL,
    PARK_NOT_RINGING,
    PARK_NOT_TWICE,
    PARK_RANGE,
    PARK_SLOT_REQUIRED,
    SLOT_TYPE,
    SLOTS_EMPTY,
    SLOTS_SLOT_REQUIRED,
    TRANSFER_MOVES,
    Rule,
)
from scenario_runner.mock_pbx.switch import Switch
from scenario_runner.model.history import UNTOLD, Done, Lost, Operation, Refused, Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scenario_runner.mock_pbx.calls import Command, Phase, Place, Step, SwitchAnswer

REASONS: Final[Mapping[Rule, Reason]] = {
    PARK_FULL: Reason.SLOT_FULL,
    PARK_SLOT_REQUIRED: Reason.SLOT_REQUIRED,
    PARK_RANGE: Reason.SLOT_UNKNOWN,
    PARK_NOT_RINGING: Reason.CALL_NOT_ANSWERED,
    PARK_NOT_TWICE: Reason.CALL_ALREADY_PARKED,
    PARK_BOTH_FLOWS: Reason.OTHER,
    SLOTS_EMPTY: Reason.SLOT_EMPTY,
    SLOTS_SLOT_REQUIRED: Reason.SLOT_REQUIRED,
    BRIDGE_EMPTY: Reason.SLOT_EMPTY,
    BRIDGE_NOTHING: Reason.NOTHING_PARKED,
    BRIDGE_NOT_RINGING: Reason.CALL_NOT_ANSWERED,
    BRIDGE_NOT_PARKED: Reason.CALL_ALREADY_PARKED,
    ANSWER_RINGING: Reason.OTHER,
    TRANSFER_MOVES: Reason.OTHER,
    CALL_UNKNOWN: Reason.NO_SUCH_CALL,
    CALL_FOREIGN: Reason.NO_SUCH_CALL,
    EXTENSION_UNKNOWN: Reason.NOT_FOUND,
    SLOT_TYPE: Reason.SLOT_INVALID,
    CAPACITY: Reason.NO_CAPACITY,
}
"""How each refusal of the switch is told in the words that all PBXs share."""

_OUTSIDE: Final = frozenset(
    {
        Reason.UNAUTHORIZED, Reason.FORBIDDEN, Reason.RATE_LIMITED, Reason.MALFORMED,
        Reason.ACTION_UNKNOWN,
    }
)  # fmt: skip
"""Refusals that are not about calls and slots; the reference has no opinion on them."""


class Window(NamedTuple):
    """When a time-out may come, in microseconds: not before, and not after."""

    earliest: int
    latest: int


class Terms(Struct, frozen=True, kw_only=True):
    """What the reference must know of a target, and of the driver that it is seen through.

    `tolerance` is how far a time-out may lie from its time (microseconds); `rings` how long a
    returned call rings, at least and at most, where the profile does not say it. `ours` are the
    slots that nobody else uses (None: all); what touches another one is not judged. With `followed`
    the driver looks at the call before it looks at the slot, as those of Asterisk and FreeSWITCH
    do. With `phones` it is phones and people who decide whether a call comes up, and when it ends.
    With `vague` the driver may tell `up` of a call that is parked or bridged. `watched` are the
    extensions whose events the history has, each reported within `patience` (microseconds).
    """

    profile: Profile
    tolerance: int = 0
    rings: Window | None = None
    ours: frozenset[int] | None = None
    followed: bool = False
    phones: bool = False
    vague: bool = False
    watched: frozenset[int] = frozenset()
    patience: int = 0


class ModelState(Struct, frozen=True):
    """What the reference takes a PBX to be like.

    `due` are the time-outs of calls, by name; `owed` the events that are still to be reported, by
    type and call, each with the latest moment for it. Of a call in `doubt` nothing is known but
    that it is in no slot.
    """

    switch: State
    due: Mapping[str, Window]
    owed: Mapping[Event, tuple[int, ...]] = {}
    doubt: frozenset[str] = frozenset()


Event: TypeAlias = tuple[str, str]
"""The type of an event, and the name of its call."""


class Expiry(NamedTuple):
    """Nobody's command: the time of this call is over, or with `gone` somebody hung it up."""

    call: str
    window: Window
    gone: bool = False


class _Open(Switch):
    """The switch with names and choices that are given to it."""

    __slots__ = ("among", "chosen", "name")

    def __init__(self, state: State, now: int) -> None:
        super().__init__(state, now)
        self.name, self.chosen, self.among = "", 0, 1

    def new_uuid(self) -> str:
        self.placed += 1
        return self.name

    def new_leg(self) -> str:
        return "leg"

    def draw(self, among: int) -> int:
        self.among = among
        return self.chosen


class _Followed(Switch):
    """The switch through a driver that looks at the call first, and at the slot afterwards."""

    __slots__ = ()

    def park(self, command: Any) -> InSlot | Refusal:  # noqa: ANN401 -- see Switch.park
        call = self.reach(command.call, command.extension)
        if not isinstance(call, Refusal):
            why = self.why_not_parked(call, (self.owner(call), -1))
            if why is not None:
                return self.refuse(why)
        return super().park(command)


def _open(base: type[Switch], *, followed: bool) -> type[_Open]:
    """Return the switch, or a mutant of it, with names and choices left open."""
    bases = (_Open, _Followed, base) if followed else (_Open, base)
    return cast("type[_Open]", type("OpenSwitch", bases, {}))


_UNNAMED: Final = "?"
"""How the name begins of a call whose placing was not answered; see `Operation`."""


def is_unnamed(call: str) -> bool:
    """Tell whether the PBX's name of a call is not known yet."""
    return call.startswith(_UNNAMED)


class Reference:
    """What a PBX on these terms may do; `switch` may be a mutant of the mock's.

    `placed` are the names that are known to be those of calls whose placing was answered: no other
    call can go by them.
    """

    def __init__(
        self, terms: Terms, switch: type[Switch] = Switch, placed: frozenset[str] = frozenset()
    ) -> None:
        self.terms = terms
        self._base = switch
        self._switch = _open(switch, followed=terms.followed)
        self._placed = placed

    def about(self, placed: frozenset[str], *, limit: bool) -> Reference:
        """Return the same reference where these names are taken; without the limit if it is far."""
        profile = self.terms.profile
        if not limit:
            profile = with_options(profile, calls_at_once="any")
        return Reference(replace(self.terms, profile=profile), self._base, placed)

    @property
    def is_plain(self) -> bool:
        """Whether it keeps all the rules, being no mutant."""
        return self._base is Switch

    def begin(self) -> ModelState:
        """Return a PBX without calls."""
        return ModelState(fresh_state(self.terms.profile, 0), {})

    def after(self, state: ModelState, operation: Operation, key: str) -> Iterator[ModelState]:
        """Give what the PBX may be like after an operation; nothing where its answer contradicts.

        `key` is another one for each operation; a call whose name the PBX did not tell goes by it.
        """
        said, command = operation.answer, operation.command
        for known in self._named(state, command):
            if isinstance(command, Report):
                yield from _reported(known, (command.event, command.call), operation.returned_at)
                continue
            if getattr(command, "call", None) in known.doubt:
                yield known
            if isinstance(said, Refused):
                yield from self._refused(known, operation, said)
            elif isinstance(said, Lost):
                yield from self.anything(known, operation, key)
            else:
                yield from self._done(known, operation, said, key)

    def anything(self, state: ModelState, operation: Operation, key: str) -> Iterator[ModelState]:
        """Give what the PBX may be like after an operation, whatever it answered.

        Having done nothing is left out: then the operation need not have come at all.
        """
        if isinstance(operation.command, Report):
            yield from self.after(state, operation, key)
            return
        for move in self._moves(state, operation, key):
            if move.state is not state.switch:
                yield self._with_due(state, move, operation)

    def loosely(self, state: ModelState, operation: Operation, key: str) -> Iterator[ModelState]:
        """Give what the PBX may be like after an operation if its answer is not to be believed.

        That a call was not placed is believed all the same: nobody would know its name.
        """
        yield state
        refused = isinstance(operation.answer, Refused)
        if not (refused and isinstance(operation.command, PlaceCall)):
            yield from self.anything(state, operation, key)

    def is_possible(self, operation: Operation) -> bool:
        """Tell whether an answer about a slot can be one to the command, on whatever PBX."""
        command, said = operation.command, operation.answer
        if not isinstance(command, Park | AskSlot | Bridge):
            return True
        other = said.uuid if isinstance(said, Done) else None
        name = other if isinstance(other, str) and other != command.call else _UNNAMED
        told = said.slot if isinstance(said, Done) and said.slot is not UNSET else None
        slot = told if command.slot is None else command.slot
        states = self._imaginable(replace(command, slot=slot), name)
        return any(True for state in states for _ in self.after(state, operation, ""))

    def _imaginable(self, command: Park | AskSlot | Bridge, other: str) -> Iterator[ModelState]:
        """Give what a PBX may be like when a call comes with a command about a slot.

        The call may not be there, ring, talk, or be parked; `other` may be in the slot.
        """
        empty, extension = self.begin().switch, command.extension
        yield ModelState(empty, {})
        call = Call(command.call, extension, "in", "", 0, Up(), "leg", "in", 0)
        move, first = self._switch(empty, 0), self.terms.profile.first_slot
        named = move.slot_number(command.slot)
        number = first if isinstance(named, Refusal) else named
        here = (move.owner(call), number)
        there = (move.owner(call), first if number != first else first + 1)
        phases: list[Phase] = [Ringing(), Up(), Parked(here, NEVER), Parked(there, NEVER)]
        for phase in phases:
            one = replace(call, phase=phase)
            mine = {phase.place: one.uuid} if isinstance(phase, Parked) else {}
            yield ModelState(replace(empty, calls={one.uuid: one}, slots=mine), {})
            if here not in mine:
                calls = {one.uuid: one, other: replace(call, uuid=other, phase=Parked(here, NEVER))}
                yield ModelState(replace(empty, calls=calls, slots={**mine, here: other}), {})

    def expiries(self, state: ModelState) -> Iterator[Expiry]:
        """Give the time-outs that are ahead, which must come in their windows."""
        return (Expiry(call, window) for call, window in state.due.items())

    def hangups(self, state: ModelState) -> Iterator[Expiry]:
        """Give the calls that may end at any time, since somebody hangs up."""
        for name, call in state.switch.calls.items():
            if self.terms.phones or name in state.doubt:
                yield Expiry(name, Window(call.placed_at, NEVER), gone=True)

    def expire(self, state: ModelState, expiry: Expiry) -> ModelState:
        """Let the time of a call be over, or the call itself."""
        call, window = state.switch.calls[expiry.call], expiry.window
        move = self._switch(state.switch, window.earliest)
        if expiry.gone:
            move.hang_up(HangUp(call.uuid, None, "remote"))
        else:
            move.expire(call)
        done = move.finish(Ended())
        due = {name: at for name, at in state.due.items() if name != expiry.call}
        back = done.state.calls.get(expiry.call)
        if back is not None and isinstance(back.phase, Parked | Recalled):
            due[expiry.call] = self._later(back.phase, window)
        return replace(
            state, switch=done.state, due=due, owed=self._owed(state, done, window.latest)
        )

    def would(self, state: ModelState, operation: Operation) -> tuple[SwitchAnswer, Sequence[Rule]]:
        """Return what the reference itself answers, and the rules that it decides by."""
        move = next(self._moves(state, operation, _UNNAMED))
        return move.answer, move.rules

    def _moves(self, state: ModelState, operation: Operation, key: str) -> Iterator[Step]:
        """Carry the command out, once for each choice that it leaves."""
        assert not isinstance(operation.command, Report)
        said = operation.answer
        name = said.call if isinstance(said, Done) and said.call is not UNSET else _UNNAMED + key
        chosen, among = 0, 1
        while chosen < among:
            move = self._switch(state.switch, operation.invoked_at)
            move.name, move.chosen = name, chosen
            yield move.finish(move.obey(operation.command))
            among = move.among
            chosen += 1

    def _refused(
        self, state: ModelState, operation: Operation, said: Refused
    ) -> Iterator[ModelState]:
        if said.reason in _OUTSIDE or (
            self.terms.phones and isinstance(operation.command, PlaceCall)
        ):
            yield state
            return
        answer = next(self._moves(state, operation, _UNNAMED)).answer
        if not isinstance(answer, Refusal):
            return
        if said.reason not in (REASONS[answer.rule], Reason.OTHER):
            return
        if not said.left:
            yield state
            return
        # The extension has left its conversation; what becomes of it is told by nobody.
        call = state.switch.calls[getattr(operation.command, "call", "")]
        partner = {call.phase.partner} if isinstance(call.phase, Joined) else set[str]()
        yield replace(state, doubt=state.doubt | {call.uuid} | partner)

    def _done(
        self, state: ModelState, operation: Operation, said: Done, key: str
    ) -> Iterator[ModelState]:
        for move in self._moves(state, operation, key):
            after = state if move.state is state.switch else self._with_due(state, move, operation)
            explained = self._explained(after, move.answer, said, operation.command)
            if explained is not None:
                yield explained

    def _explained(
        self, after: ModelState, answer: SwitchAnswer, said: Done, command: Command | Report
    ) -> ModelState | None:
        """Return the state, with names bound that the answer tells, or None for a contradiction."""
        match answer:
            case Refusal(rule):
                gone = rule in (CALL_UNKNOWN, CALL_FOREIGN) and isinstance(command, ShowCall)
                return after if gone and said.state in ("ended", UNTOLD) else None
            case InSlot(slot, uuid):
                return self._bound(after, uuid, said.uuid) if said.slot in (slot, UNTOLD) else None
            case OneCall(call):
                if not self._is_state(call.phase.word, said.state):
                    return None
                return self._bound(after, call.uuid, said.call)
            case Calls(calls):
                return self._listed(after, calls, said.listed)
            case _:
                return after if said.state in ("ended", UNTOLD) else None

    def _is_state(self, word: str, said: object) -> bool:
        vague = self.terms.vague and said == "up" and word in ("parked", "bridged")
        return said is UNTOLD or said == word or vague

    def _with_due(self, before: ModelState, move: Step, operation: Operation) -> ModelState:
        """Return the state after a command, with the windows of the time-outs that it began."""
        old, new = before.switch.calls, move.state.calls
        due = {name: at for name, at in before.due.items() if new.get(name) is old.get(name)}
        for name, call in new.items():
            was = old.get(name)
            if was is call or not isinstance(call.phase, Parked | Recalled):
                continue
            if was is not None and name in before.due and was.phase.until == call.phase.until:
                due[name] = before.due[name]
            else:
                begun = Window(operation.invoked_at, operation.end)
                due[name] = self._window(call.phase, begun)
        owed = self._owed(before, move, operation.end)
        return replace(before, switch=move.state, due=due, owed=owed)

    def _owed(self, before: ModelState, move: Step, latest: int) -> Mapping[Event, tuple[int, ...]]:
        """Return the events to be reported, with those that came about by the moment `latest`."""
        watched = self.terms.watched
        if not watched:
            return before.owed
        owed = dict(before.owed)
        for event in move.events:
            if event.call.extension in watched:
                key: Event = (event.type, event.call.uuid)
                owed[key] = (*owed.get(key, ()), min(latest + self.terms.patience, NEVER))
        return owed

    def _window(self, phase: Parked | Recalled, begun: Window) -> Window:
        """Return when a time-out may come that began in `begun`, by its exact time."""
        if phase.until >= NEVER:
            return Window(NEVER, NEVER)
        lasts, tolerance = phase.until - begun.earliest, self.terms.tolerance
        latest = begun.latest + lasts + tolerance
        return Window(phase.until - tolerance, min(latest, NEVER))

    def _later(self, phase: Parked | Recalled, begun: Window) -> Window:
        rings = self.terms.rings
        if rings is None or isinstance(phase, Parked):
            return self._window(phase, begun)
        return Window(begun.earliest + rings.earliest, min(begun.latest + rings.latest, NEVER))

    def _named(self, state: ModelState, command: Command | Report) -> Iterator[ModelState]:
        """Give the state, and each in which a call has the name that the command gives it.

        A call whose placing was not answered may be known by its name all the same.
        """
        yield state
        name = getattr(command, "call", None)
        if name is not None and name not in state.switch.calls and name not in self._placed:
            for call in state.switch.calls:
                if is_unnamed(call):
                    yield renamed(state, call, name)

    def _bound(self, state: ModelState, ours: str | None, told: object) -> ModelState | None:
        """Return the state where a name that was told is the call's, or is from now on."""
        if told is UNTOLD or told == ours:
            return state
        if ours is None or not is_unnamed(ours) or not isinstance(told, str):
            return None
        taken = told in self._placed or told in state.switch.calls
        return None if taken else renamed(state, ours, told)

    def _listed(
        self, state: ModelState, listed: tuple[Call, ...], told: object
    ) -> ModelState | None:
        """Return the state where a list has the calls that it should; others may call, too."""
        if told is UNTOLD:
            return state
        assert isinstance(told, frozenset)
        told -= state.doubt
        calls = [call for call in listed if call.uuid not in state.doubt]
        known = {call.uuid for call in calls if not is_unnamed(call.uuid)}
        unnamed = [call.uuid for call in calls if is_unnamed(call.uuid)]
        strange = told - known
        if not known <= told or strange & (self._placed | state.switch.calls.keys()):
            return None
        if self.terms.ours is not None or (not strange and not unnamed):
            return state
        if len(strange) != len(unnamed):
            return None
        return renamed(state, unnamed[0], next(iter(strange))) if len(unnamed) == 1 else state


def renamed(state: ModelState, old: str, new: str) -> ModelState:
    """Return the state with a call under another name."""

    def name(one: str) -> str:
        return new if one == old else one

    def call_with_name(call: Call) -> Call:
        phase = call.phase
        if isinstance(phase, Joined):
            phase = Joined(name(phase.partner))
        return replace(call, uuid=name(call.uuid), phase=phase)

    calls = {name(uuid): call_with_name(call) for uuid, call in state.switch.calls.items()}
    slots: dict[Place, str] = {place: name(uuid) for place, uuid in state.switch.slots.items()}
    due = {name(uuid): window for uuid, window in state.due.items()}
    owed = {(kind, name(uuid)): until for (kind, uuid), until in state.owed.items()}
    doubt = frozenset(name(uuid) for uuid in state.doubt)
    return ModelState(replace(state.switch, calls=calls, slots=slots), due, owed, doubt)


def _reported(state: ModelState, event: Event, at: int) -> Iterator[ModelState]:
    """Give the state in which an event that is owed has been reported, in time."""
    waiting = sorted(state.owed.get(event, ()))
    in_time = [until for until in waiting if until >= at]
    if in_time:
        waiting.remove(in_time[0])
        yield replace(state, owed={**state.owed, event: tuple(waiting)})
