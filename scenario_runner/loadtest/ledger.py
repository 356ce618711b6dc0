"""Keeps book of who is parked where, while scenarios come and go, and says what can't be true.

It knows only what commands say: what was asked, what was answered, and which commands overlapped.
Where two might have changed the same slot nothing is claimed of it until it is looked at again, so
that whatever is claimed is certain. What is known of a slot is forgotten when nobody is there and
nothing is under way.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND
from scenario_runner.language.vocabulary import EventType
from scenario_runner.pbx.commands import (
    AskSlot,
    BridgeCall,
    HangUp,
    ParkCall,
    PlaceCall,
    SendRequest,
)
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.references import as_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from scenario_runner.clock import Clock
    from scenario_runner.pbx.commands import CallAddress, Command
    from scenario_runner.pbx.protocol import (
        CallIds,
        Connection,
        Holding,
        Leftover,
        Outcome,
        PbxEvent,
        Plan,
        Session,
        Trace,
        Traits,
        Watcher,
    )


MOST_VIOLATIONS = 100
_EARLY = 2 * SECOND
"""How long before its time-out a parked call may be gone already, by the PBX's clock."""


@dataclass(slots=True)
class _Slot:
    """What is known of a slot: who is there, since when, and whether that may have changed."""

    name: str
    known: bool = False
    holder: str | None = None
    since: int = 0
    may_be_gone: bool = False
    pending: int = 0
    looking: int = 0
    epoch: int = 0


@dataclass(slots=True)
class _Touch:
    """A command under way that changes or reads a slot; `clean` while no other one changes it."""

    slot: _Slot
    epoch: int
    world: int
    clean: bool


class Touches(dict[str, _Touch]):
    """The slots that a command may change, by name; `anywhere` says that it may be any."""

    anywhere = False


class Ledger:
    """The book of one target; `now` tells microseconds, of which only differences count."""

    def __init__(self, park_timeout: int, now: Callable[[], int]) -> None:
        self._park_timeout = park_timeout
        self._now = now
        self._slots: dict[str, _Slot] = {}
        self._parked: dict[str, str] = {}
        self._ending: set[str] = set()
        self._looks = 0
        self._anywhere = 0
        self._world = 0
        self.placed = 0
        self.violations: list[str] = []
        self.violated = 0

    def _violation(self, text: str) -> None:
        self.violated += 1
        if self.violated <= MOST_VIOLATIONS:
            self.violations.append(text)

    def slot(self, name: str) -> _Slot:
        """Return what is known of a slot."""
        return self._slots.setdefault(name, _Slot(name))

    def begin(self, names: Iterable[str] | None) -> Touches:
        """A command that changes these slots (None: whichever) is about to be sent."""
        touches = Touches()
        if names is None:
            touches.anywhere = True
            self._anywhere += 1
            self._world += 1
        for name in names or ():
            touches[name] = touch = self._touched(self.slot(name))
            touch.slot.pending += 1
            touch.slot.epoch += 1
            touch.epoch += 1
        return touches

    def _touched(self, slot: _Slot) -> _Touch:
        clean = slot.pending == 0 and self._anywhere == 0
        return _Touch(slot, slot.epoch, self._world, clean)

    def _is_clean(self, touch: _Touch) -> bool:
        """Tell whether nothing else may have changed the slot since."""
        unchanged = (touch.slot.epoch, self._world) == (touch.epoch, touch.world)
        return touch.clean and unchanged

    def end(self, touches: Touches) -> None:
        """The command is over, whatever came of it; of what it changed nothing is known yet."""
        if touches.anywhere:
            self._anywhere -= 1
            self._world += 1
        for touch in touches.values():
            touch.clean = self._is_clean(touch)
            touch.slot.pending -= 1
            touch.slot.epoch += 1
            if not touch.clean:
                self._forget(touch.slot)

    def _forget(self, slot: _Slot) -> None:
        if slot.holder is not None and self._parked.get(slot.holder) == slot.name:
            del self._parked[slot.holder]
        slot.known, slot.holder = False, None

    def lost_track(self, touches: Touches) -> None:
        """It is not known what the command did."""
        slots = self._slots.values() if touches.anywhere else [t.slot for t in touches.values()]
        for slot in slots:
            self._forget(slot)

    def taken(self, name: str) -> None:
        """A command that could have taken any call took the one in this slot."""
        self._forget(self.slot(name))

    def parked(self, name: str, uuid: str | None, touch: _Touch) -> None:
        """A call was parked; `uuid` is None for one that is not the session's own."""
        slot = touch.slot
        if not touch.clean:
            return
        if uuid in self._ending:
            self._forget(slot)
            return
        if slot.holder not in (None, uuid) and self._is_there(slot):
            self._violation(
                f"slot {name} took {uuid or 'a call'} although {slot.holder} is parked there"
            )
        self._learn(slot, uuid, known=uuid is not None)

    def emptied(self, name: str, uuid: str | None, touch: _Touch) -> None:
        """The call in a slot was bridged, or hung up; `uuid` is who it was, where that is told."""
        slot = touch.slot
        if not touch.clean:
            return
        if slot.holder is not None and uuid not in (None, slot.holder) and self._is_there(slot):
            self._violation(f"slot {name} gave {uuid} away, and {slot.holder} is parked there")
        self._learn(slot, None, known=True)

    def look(self, name: str) -> _Touch:
        """Somebody is about to look into a slot."""
        slot = self.slot(name)
        slot.looking += 1
        self._looks += 1
        return self._touched(slot)

    def looked(self, touch: _Touch) -> None:
        """The look is over, whatever came of it."""
        touch.slot.looking -= 1
        self._looks -= 1

    def ends(self, uuid: str) -> None:
        """A call is about to be hung up: who sees it somewhere from now on sees the past."""
        self._ending.add(uuid)

    def seen(self, name: str, uuid: str | None, touch: _Touch) -> None:
        """Somebody looked into a slot: who is there, if anybody."""
        slot = touch.slot
        if not self._is_clean(touch) or uuid in self._ending:
            return
        if slot.holder is not None and slot.holder != uuid and self._is_there(slot):
            found = f"{uuid} is there" if uuid else "nobody is there"
            self._violation(f"{slot.holder} was parked in slot {name}, and {found}")
        self._learn(slot, uuid, known=True)

    def _learn(self, slot: _Slot, uuid: str | None, *, known: bool) -> None:
        before = None if uuid is None else self._slots.get(self._parked.get(uuid, ""))
        if before is not None and before is not slot:
            if self._is_there(before):
                self._violation(f"{uuid} is in two slots: {before.name} and {slot.name}")
            self._forget(before)
        if slot.holder == uuid and slot.known:
            return
        self._forget(slot)
        slot.known, slot.holder = known, uuid
        slot.since, slot.may_be_gone = self._now(), False
        if uuid is not None:
            self._parked[uuid] = slot.name

    def _is_there(self, slot: _Slot) -> bool:
        """Tell whether a parked call must still be there: nobody takes it, its time is not over."""
        taken = slot.pending or self._anywhere or slot.may_be_gone
        in_time = self._now() - slot.since < self._park_timeout - _EARLY
        return slot.known and not taken and in_time

    def slot_of(self, uuid: str) -> str | None:
        """Return the slot in which a call is parked, as far as that is known."""
        return self._parked.get(uuid)

    def reported(self, event: PbxEvent) -> None:
        """The PBX said that something happened to a call: it may have left its slot."""
        name = self._parked.get(event.uuid)
        if name is not None and event.type in (EventType.HANGUP, EventType.DIAL_IN):
            self._slots[name].may_be_gone = True

    def tidy(self, names: Iterable[str]) -> None:
        """Forget those of the slots in which nobody is and with which nothing is under way."""
        for name in names:
            slot = self._slots.get(name)
            if slot is not None and not (slot.holder or slot.pending or slot.looking):
                del self._slots[name]
        if not self._looks:
            self._ending.clear()

    @property
    def all_slots(self) -> tuple[str, ...]:
        """The slots of which something is known."""
        return tuple(self._slots)


class WatchedConnection:
    """A connection whose every session is entered in the ledger."""

    def __init__(self, inner: Connection, ledger: Ledger) -> None:
        self._inner = inner
        self._ledger = ledger

    @property
    def traits(self) -> Traits:
        """What the target is like."""
        return self._inner.traits

    @asynccontextmanager
    async def session(self, plan: Plan, watcher: Watcher, clock: Clock) -> AsyncIterator[Session]:
        """Open one scenario's session."""
        listening = _Listening(watcher, self._ledger)
        async with self._inner.session(plan, listening, clock) as inner:
            session = WatchedSession(inner, self._ledger)
            try:
                yield session
            finally:
                session.forget()


class _Listening:
    """Tells the ledger what the PBX reports, and passes everything on."""

    def __init__(self, inner: Watcher, ledger: Ledger) -> None:
        self._inner = inner
        self._ledger = ledger

    def traced(self, trace: Trace) -> None:
        self._inner.traced(trace)

    def reported(self, event: PbxEvent) -> None:
        self._ledger.reported(event)
        self._inner.reported(event)

    def deaf(self, at: int) -> None:
        self._inner.deaf(at)

    def hearing(self, at: int) -> None:
        self._inner.hearing(at)


class WatchedSession:
    """A session whose commands are entered in the ledger, before they are sent and after."""

    def __init__(self, inner: Session, ledger: Ledger) -> None:
        self._inner = inner
        self._ledger = ledger
        self._own: list[str] = []
        self._names: set[str] = set()

    async def do(self, command: Command, within: int) -> Outcome:
        """Do what is asked."""
        if isinstance(command, AskSlot):
            return await self._look(command, within)
        uuid = self._uuid(command)
        touches = self._begin(self._changed_by(command, uuid))
        if isinstance(command, HangUp) and uuid is not None:
            self._ledger.ends(uuid)
        outcome: Outcome | None = None
        try:
            outcome = await self._inner.do(command, within)
        finally:
            self._ledger.end(touches)
            self._enter(command, outcome, uuid, touches)
        return outcome

    async def _look(self, command: AskSlot, within: int) -> Outcome:
        name = as_text(command.slot)
        self._names.add(name)
        touch = self._ledger.look(name)
        try:
            outcome = await self._inner.do(command, within)
        finally:
            self._ledger.looked(touch)
        if isinstance(outcome, Done):
            self._ledger.seen(name, outcome.uuid, touch)
        return outcome

    def _begin(self, names: Iterable[str] | None) -> Touches:
        touches = self._ledger.begin(names)
        self._names |= touches.keys()
        return touches

    def _uuid(self, command: Command) -> str | None:
        """Return the own call that a command is about."""
        address: CallAddress | None = getattr(command, "call", None)
        if address is None:
            return None
        for uuid in self._own:
            ids = self._inner.ids(uuid)
            if ids is not None and ids.call_api_id == address.call_api_id:
                return uuid
        return None

    def _changed_by(self, command: Command, uuid: str | None) -> Iterable[str] | None:
        """Return the slots that a command may change; None: it may be any."""
        match command:
            case ParkCall(slot=slot) | BridgeCall(slot=str() | int() as slot):
                return [as_text(slot)]
            case HangUp() if uuid is not None:
                parked = self._ledger.slot_of(uuid)
                return [] if parked is None else [parked]
            case BridgeCall() | HangUp() | SendRequest():
                return None
            case _:
                return ()

    def _enter(
        self, command: Command, outcome: Outcome | None, uuid: str | None, touches: Touches
    ) -> None:
        """Enter what is known after a command; a refusal has changed nothing."""
        match command, outcome:
            case PlaceCall(), Done(ids=ids):
                self._ledger.placed += 1
                self._own += [] if ids is None else [ids.uuid]
            case ParkCall(slot=slot), Done(slot=told) if told in (None, as_text(slot)):
                self._ledger.parked(as_text(slot), uuid, touches[as_text(slot)])
            case BridgeCall(), Done(slot=str() as name, uuid=joined) if name in touches:
                self._ledger.emptied(name, joined, touches[name])
            case BridgeCall(), Done(slot=str() as name) if touches.anywhere:
                self._ledger.taken(name)
            case HangUp(), Done() if uuid is not None:
                for name, touch in touches.items():
                    self._ledger.emptied(name, uuid, touch)
            case ((ParkCall() | BridgeCall()), Refused()):
                pass
            case _:
                self._ledger.lost_track(touches)

    def ids(self, uuid: str) -> CallIds | None:
        """Return the ids of a call as last known."""
        return self._inner.ids(uuid)

    async def close(self) -> tuple[Leftover, ...]:
        """Hang up what was placed; what was parked of it is in no slot any more."""
        parked = {self._ledger.slot_of(uuid): uuid for uuid in self._own}
        touches = self._begin(name for name in parked if name is not None)
        for uuid in self._own:
            self._ledger.ends(uuid)
        left: tuple[Leftover, ...] | None = None
        try:
            left = await self._inner.close()
        finally:
            self._ledger.end(touches)
            if left == ():
                for name, touch in touches.items():
                    self._ledger.emptied(name, parked[name], touch)
            else:
                self._ledger.lost_track(touches)
        return left

    async def holding(self) -> Holding:
        """Look at what the PBX holds now."""
        return await self._inner.holding()

    def forget(self) -> None:
        """Let the ledger forget what is over."""
        self._ledger.tidy(self._names)
