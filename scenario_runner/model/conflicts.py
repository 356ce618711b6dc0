"""Which operations commute: what each reads and changes of calls, slots, lists and counts.

Two operations can be swapped unless one changes what the other one reads or changes. What is only
counted up or down (the calls of an extension, all calls, the slots that are taken) can be changed
by two in either order, and not be read in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from scenario_runner.language.vocabulary import Reason
from scenario_runner.mock_pbx.calls import (
    AskSlot,
    Bridge,
    HangUp,
    Joined,
    ListCalls,
    Park,
    Parked,
    PlaceCall,
    ShowCall,
    Transfer,
)
from scenario_runner.model.history import Done, Lost, Operation, Refused, Report
from scenario_runner.model.reference import Expiry, is_unnamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scenario_runner.mock_pbx.calls import Call
    from scenario_runner.mock_pbx.profile import Profile
    from scenario_runner.model.reference import ModelState, Reference

Thing: TypeAlias = str | int | tuple[str, int]
"""What operations meet in: a call's name, a slot's number, or one of those below."""

LOT: Final = ("lot", 0)
LIMIT: Final = ("limit", 0)
UNNAMED: Final = ("unnamed", 0)
"""The calls whose placing was not answered."""

ASKING: Final = (AskSlot, ShowCall, ListCalls)
"""The commands that change nothing."""


def extension_thing(extension: int | None) -> Thing:
    """Return what stands for the calls of an extension; None: of all."""
    return ("extension", extension or 0)


class Scope(Struct, frozen=True):
    """What of a history matters beside the calls and slots that its operations name.

    With `limit` the number of calls may come to the PBX's limit; with `lot` somebody bridged with
    any parked call; `extensions` are those whose calls somebody lists; `placed` are the names of
    the calls whose placing was answered, and with `unnamed` some was not; `end` is when the last
    operation was over.
    """

    limit: bool
    lot: bool
    extensions: frozenset[int]
    placed: frozenset[str]
    unnamed: bool
    end: int

    @classmethod
    def of(cls, history: Sequence[Operation], profile: Profile) -> Scope:
        """Return the scope of a history on a PBX of this profile."""
        commands = [one.command for one in history]
        names = [one.answer.call for one in history if isinstance(one.answer, Done)]
        extensions = {one.extension or 0 for one in commands if isinstance(one, ListCalls)}
        if profile.return_busy == "ends":
            extensions |= {one.extension for one in commands if isinstance(one, PlaceCall)}
        unanswered = (one.command for one in history if isinstance(one.answer, Lost))
        return cls(
            limit=profile.calls_at_once == "slots" and _may_reach(history, profile.slots),
            lot=any(_names_no_slot(one) for one in history),
            extensions=frozenset(extensions),
            placed=frozenset(name for name in names if name is not UNSET),
            unnamed=any(isinstance(command, PlaceCall) for command in unanswered),
            end=max((one.returned_at for one in history), default=0),
        )

    def named(self, operation: Operation) -> Iterator[Thing]:
        """Give what an operation names: calls and slots, by its command or its answer."""
        command, said = operation.command, operation.answer
        names = [getattr(command, "call", None)]
        if isinstance(said, Done):
            names += [said.call, said.uuid]
            if self.unnamed and said.listed is not UNSET and not said.listed <= self.placed:
                yield UNNAMED
        for name in names:
            if isinstance(name, str):
                yield name
                if self.unnamed and name not in self.placed:
                    yield UNNAMED
        if isinstance(command, PlaceCall) and isinstance(said, Lost):
            yield UNNAMED
        slot = slot_met(operation)
        if slot is not None:
            yield slot

    def counted(self, operation: Operation) -> Iterator[Thing]:
        """Give what an operation changes by counting up or down."""
        command = operation.command
        about_slot = slot_met(operation) is not None or isinstance(command, HangUp)
        if self.lot and about_slot:
            yield LOT
        if self.limit and not isinstance(command, (*ASKING, Report)):
            yield LIMIT
        match command:
            case PlaceCall(extension=extension) | Transfer(to=extension):
                yield from self.lists(extension)
            case _:
                pass

    def whole(self, operation: Operation) -> Iterator[Thing]:
        """Give what an operation is about as a whole: a list, all slots, the number of calls."""
        command = operation.command
        if isinstance(command, ListCalls):
            yield extension_thing(command.extension)
        if _meets_any_slot(operation):
            yield LOT
        if self.limit and isinstance(command, PlaceCall):
            yield LIMIT

    def lists(self, extension: int) -> Iterator[Thing]:
        """Give what stands for the lists that a call of this extension is in."""
        if extension in self.extensions:
            yield extension_thing(extension)
        if 0 in self.extensions:
            yield extension_thing(None)


def slot_met(operation: Operation) -> int | None:
    """Return the slot that an operation names, by its command or its answer."""
    command, said = operation.command, operation.answer
    if not isinstance(command, Park | AskSlot | Bridge):
        return None
    if command.slot is None and isinstance(said, Done) and said.slot is not UNSET:
        return said.slot
    return slot_named(command.slot)


def slot_named(slot: object) -> int | None:
    """Return the number that a command's slot may be read as, however it is written."""
    if isinstance(slot, int | float):
        return int(slot)
    if isinstance(slot, str):
        digits = slot.strip().partition(".")[0].removeprefix("-")
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
    return None


def _names_no_slot(one: Operation) -> bool:
    return isinstance(one.command, Bridge) and one.command.slot is None


def _meets_any_slot(one: Operation) -> bool:
    """Tell whether an operation is about any slot, and its answer does not tell which it was."""
    if not _names_no_slot(one):
        return False
    if isinstance(one.answer, Refused):
        return one.answer.reason in (Reason.NOTHING_PARKED, Reason.OTHER)
    return slot_met(one) is None


def _may_reach(history: Sequence[Operation], limit: int) -> bool:
    """Tell whether there may have been more calls than the limit, or one was refused."""
    changes: list[tuple[int, int]] = []
    for one in history:
        if isinstance(one.command, PlaceCall) and isinstance(one.answer, Refused):
            if one.answer.reason in (Reason.NO_CAPACITY, Reason.OTHER):
                return True
        elif isinstance(one.command, PlaceCall):
            changes.append((one.invoked_at, 1))
        elif isinstance(one.command, HangUp) and isinstance(one.answer, Done):
            changes.append((one.returned_at, -1))
    alive = 0
    for _, change in sorted(changes, key=lambda change: (change[0], -change[1])):
        alive += change
        if alive > limit:
            return True
    return False


class Footprint(NamedTuple):
    """What an operation touches, and what it must not be swapped with, as sets of bits.

    Each thing has two bits. Who changes it touches both and meets both; who reads it touches the
    second and meets the first; who counts it up or down the other way round.
    """

    touches: int
    meets: int

    def conflicts(self, other: Footprint) -> bool:
        """Tell whether the two can't be swapped."""
        return self.touches & other.meets != 0

    def __or__(self, other: Footprint) -> Footprint:
        return Footprint(self.touches | other.touches, self.meets | other.meets)


NOTHING: Final = Footprint(0, 0)

_ANY: Final = "any slot"


class Need(NamedTuple):
    """Why an operation does not fit: what may help touches `from_any`, and it is about `about`.

    Both are sets of bits, the second as `Footprint.meets`.
    """

    from_any: int
    about: int


IMPOSSIBLE: Final = Need(0, 0)
"""There is nothing that may help, whatever else happens."""


class Footprints:
    """The footprints of the operations of a history; those in `free` may have done anything.

    Where the reference is plain, a slot that is taken lets nobody else in, and who is in it leaves
    by being taken out, by hanging up, or when the time is over.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        scope: Scope,
        free: frozenset[int],
        reference: Reference,
    ) -> None:
        self._operations = operations
        self._scope = scope
        self._free = free
        self._reference = reference
        self._plain = reference.is_plain
        self._needed: list[int] = []
        self._possible: dict[int, bool] = {}
        self._bits: dict[Thing, int] = {}
        self._calls: list[tuple[str, ...]] = []
        self._slots: list[int | str | None] = []
        self._named: list[Footprint] = []
        for number, operation in enumerate(operations):
            self._add(operation, free=number in free)

    def of(self, item: int | Expiry, state: ModelState) -> Footprint:
        """Return the footprint of an operation, or of a time-out, at this state of the PBX."""
        if isinstance(item, Expiry):
            limit = self.counts(LIMIT) if self._scope.limit else NOTHING
            return limit | self._of_call(item.call, state)
        found = self._named[item]
        for call in self._calls[item]:
            found |= self._of_call(call, state)
        slot = self._slots[item]
        if slot is not None:
            for place, uuid in state.switch.slots.items():
                if slot in (place[1], _ANY):
                    found |= self._of_call(uuid, state)
        return found

    def needs(self, item: int | Expiry, state: ModelState) -> Need:
        """Return what must change before an operation can fit.

        Where several things must, one of them is enough: nothing fits before it has changed.
        """
        if isinstance(item, Expiry):
            meets = self.of(item, state).meets
            return Need(meets, meets)
        operation = self._operations[item]
        if self._plain and item not in self._free and not self._is_possible(item):
            return IMPOSSIBLE
        wrong: Thing | None = None
        if isinstance(operation.command, ListCalls):
            wrong = _wrongly_listed(operation, state)
            if self._scope.unnamed and wrong not in self._scope.placed:
                wrong = None
        elif operation.answer == Refused(Reason.NOTHING_PARKED):
            wrong = next((place[1] for place in state.switch.slots), None)
        elif self._plain and item not in self._free:
            need = self._slot_need(operation, state)
            if need is not None:
                return need
        meets = self._needed[item] if wrong is None else self.reads(wrong).meets
        return Need(meets, meets)

    def _is_possible(self, item: int) -> bool:
        if item not in self._possible:
            self._possible[item] = self._reference.is_possible(self._operations[item])
        return self._possible[item]

    def _slot_need(self, operation: Operation, state: ModelState) -> Need | None:
        """Return what must become of a slot, where it is the slot that does not fit."""
        slot = slot_met(operation)
        if slot is None:
            return None
        there = (uuid for place, uuid in state.switch.slots.items() if place[1] == slot)
        uuid = next(there, None)
        wanted = _wanted_in_slot(operation)
        if wanted is UNSET or wanted == uuid or (wanted is True and uuid is not None):
            return None
        if uuid is not None and is_unnamed(uuid):
            return None
        match wanted:
            case None:
                need: Thing = ("leaves", slot)
            case True:
                need = ("comes", slot)
            case _:
                need = (f"comes {wanted}", slot)
        if wanted is not None and need not in self._bits:
            return IMPOSSIBLE
        return Need(self._mark(need), self.reads(slot).meets)

    def _mark(self, thing: Thing) -> int:
        return 1 << self._bit(thing)

    def changes(self, thing: Thing) -> Footprint:
        """Return the footprint of who changes a thing."""
        both = 3 << self._bit(thing)
        return Footprint(both, both)

    def reads(self, thing: Thing) -> Footprint:
        """Return the footprint of who reads a thing."""
        first = 1 << self._bit(thing)
        return Footprint(first << 1, first)

    def counts(self, thing: Thing) -> Footprint:
        """Return the footprint of who counts a thing up or down."""
        first = 1 << self._bit(thing)
        return Footprint(first, first << 1)

    def _add(self, operation: Operation, *, free: bool) -> None:
        named, scope = set(self._scope.named(operation)), self._scope
        # Whoever tells a name that was not known changes what the call is known by.
        changes = free or UNNAMED in named or _changes(operation)
        found = NOTHING
        for thing in named:
            found |= self.changes(thing) if changes else self.reads(thing)
        for thing in scope.counted(operation):
            found |= self.counts(thing) if changes or thing is LOT else NOTHING
        for thing in scope.whole(operation):
            found |= self.changes(thing) if changes else self.reads(thing)
        command, slot = operation.command, slot_met(operation)
        any_slot = _names_no_slot(operation) if free else _meets_any_slot(operation)
        if any_slot and changes:
            found |= self.changes(LOT)
        if changes and isinstance(command, Park) and slot is not None:
            marks = self._mark(("comes", slot)) | self._mark((f"comes {command.call}", slot))
            found |= Footprint(marks, 0)
        needed = NOTHING
        for thing in (*named, *scope.whole(operation)):
            needed |= self.reads(thing)
        self._needed.append(needed.meets)
        self._named.append(found)
        calls = (thing for thing in named if isinstance(thing, str))
        self._calls.append(tuple(calls) if changes else ())
        taken = changes and not (self._plain and isinstance(command, Park))
        self._slots.append((_ANY if any_slot else slot) if taken else None)

    def _of_call(self, name: str, state: ModelState) -> Footprint:
        """Return the footprint of who changes a call: its slot, its partner and lists, too."""
        found = self.changes(name)
        call = state.switch.calls.get(name)
        if call is None:
            return found
        found |= self._of_links(call)
        if isinstance(call.phase, Joined):
            found |= self.changes(call.phase.partner)
        return found

    def _of_links(self, call: Call) -> Footprint:
        found = NOTHING
        for thing in self._scope.lists(call.extension):
            found |= self.counts(thing)
        if isinstance(call.phase, Parked):
            slot = call.phase.place[1]
            found |= self.changes(slot) | Footprint(self._mark(("leaves", slot)), 0)
            if self._scope.lot:
                found |= self.counts(LOT)
        return found

    def _bit(self, thing: Thing) -> int:
        bit = self._bits.get(thing)
        if bit is None:
            bit = self._bits[thing] = 2 * len(self._bits)
        return bit


def _wanted_in_slot(operation: Operation) -> str | bool | UnsetType | None:
    """Return who must be in the slot for the answer to fit: a call, None, or True for anybody."""
    match operation.command, operation.answer:
        case AskSlot(), Done(uuid=uuid):
            return uuid
        case Bridge(), Done(uuid=uuid):
            return True if uuid is UNSET else uuid
        case (Bridge(), Refused(Reason.SLOT_EMPTY)) | (Park(), Done()):
            return None
        case Park(), Refused(Reason.SLOT_FULL):
            return True
        case _:
            return UNSET


def _changes(operation: Operation) -> bool:
    """Tell whether an operation may have changed anything."""
    return not isinstance(operation.answer, Refused) and not isinstance(operation.command, ASKING)


def _wrongly_listed(operation: Operation, state: ModelState) -> str | None:
    """Return a call that is in a list and not at its extension, or the other way round."""
    command, said = operation.command, operation.answer
    assert isinstance(command, ListCalls)
    if not isinstance(said, Done) or said.listed is UNSET:
        return None
    there = {
        uuid
        for uuid, call in state.switch.calls.items()
        if command.extension in (None, call.extension)
    }
    return min(said.listed ^ there, default=None)
