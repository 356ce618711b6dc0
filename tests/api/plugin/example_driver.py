"""What another package adds: a driver for a PBX of its own, which lives in this process."""

# Annotations are evaluated here: the kinds in those of the settings are read.
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, ClassVar

from scenario_runner import (
    AskSlot,
    BridgeCall,
    CallAddress,
    CallIds,
    CallState,
    Capability,
    Clock,
    Command,
    Connection,
    Context,
    Done,
    Driver,
    HangUp,
    Holding,
    Leftover,
    Listed,
    NotPossible,
    Outcome,
    ParkCall,
    PlaceCall,
    Plan,
    Raw,
    Reason,
    Refused,
    Session,
    SettingProblem,
    Settings,
    ShowCall,
    ShowCalls,
    Target,
    Trace,
    Traits,
    Watcher,
)
from scenario_runner.language.settings import LINE, NUMBER, SECRET, TIME, Section, section


class ShelfSession:
    """One scenario's dealings with a shelf: calls are laid on it and taken from it."""

    def __init__(self, watcher: Watcher, clock: Clock, greeting: str) -> None:
        self._watcher = watcher
        self._clock = clock
        self._greeting = greeting
        self._calls: dict[str, CallIds] = {}
        self._slots: dict[str, str] = {}

    def _done(self, sent: str, **found: Any) -> Done:
        now = self._clock.now()
        self._watcher.traced(
            Trace(
                protocol="shelf",
                sent=sent,
                received=self._greeting,
                outcome="ok",
                at=now,
                took=0,
            )
        )
        return Done(raw=Raw(at=now), **found)

    def _refused(self, reason: Reason) -> Refused:
        return Refused(raw=Raw(at=self._clock.now()), reason=reason, message=reason.value)

    async def do(self, command: Command, within: int) -> Outcome:
        del within
        match command:
            case PlaceCall(extension=extension):
                uuid = f"call-{len(self._calls) + 1}"
                ids = CallIds(uuid=uuid, call_api_id=uuid, extension=extension)
                self._calls[uuid] = ids
                return self._done(f"call {extension}", ids=ids, state=CallState.UP)
            case ParkCall(call=call, slot=slot):
                return self._park(call, str(slot))
            case AskSlot(slot=slot):
                return self._done(f"look {slot}", slot=str(slot), uuid=self._slots.get(str(slot)))
            case BridgeCall(slot=slot):
                return self._take(str(slot))
            case HangUp(call=call):
                self._calls.pop(call.call_api_id, None)
                return self._done(f"hang up {call.call_api_id}")
            case _:
                return self._look(command)

    def _park(self, call: CallAddress, slot: str) -> Outcome:
        if slot in self._slots:
            return self._refused(Reason.SLOT_FULL)
        self._slots[slot] = call.call_api_id
        return self._done(f"park {call.call_api_id} {slot}", slot=slot)

    def _take(self, slot: str) -> Outcome:
        if slot not in self._slots:
            return self._refused(Reason.SLOT_EMPTY)
        return self._done(f"take {slot}", slot=slot, uuid=self._slots.pop(slot))

    def _look(self, command: Command) -> Outcome:
        match command:
            case ShowCalls(extension=extension):
                mine = [ids for ids in self._calls.values() if ids.extension == extension]
                listed = tuple(
                    Listed(uuid=ids.uuid, extension=extension, state=CallState.UP) for ids in mine
                )
                return self._done(f"list {extension}", listed=listed)
            case ShowCall(call=call):
                known = call.call_api_id in self._calls
                return self._done("state", state=CallState.UP if known else CallState.ENDED)
            case _:
                raise NotPossible("a shelf can't do that")

    def ids(self, uuid: str) -> CallIds | None:
        return self._calls.get(uuid)

    async def close(self) -> tuple[Leftover, ...]:
        return tuple(Leftover(what=f"slot {slot}", slot=slot) for slot in self._slots)

    async def holding(self) -> Holding:
        return Holding(slots=tuple(self._slots.items()))


class Shelf:
    """An open target."""

    def __init__(self, target: Target, greeting: str) -> None:
        self.greeting = greeting
        self.traits = Traits(
            name=target.name,
            slots=target.slots[1],
            park_timeout=target.park_timeout,
            capabilities=frozenset[Capability](),
        )

    @asynccontextmanager
    async def session(self, plan: Plan, watcher: Watcher, clock: Clock) -> AsyncIterator[Session]:
        del plan
        yield ShelfSession(watcher, clock, self.greeting)


class DoorSettings(Section, frozen=True, kw_only=True):
    """What stands before the shelf.

    - code: What opens it.
    """

    code: Annotated[str, SECRET]


class ShelfSettings(Settings, frozen=True, kw_only=True):
    """A shelf in this process.

    - greeting: What the shelf answers to everything.
    - height: How many boards it has.
    - lifts: How long it takes to lift a call.
    - key: What opens the shelf.
    - door: What stands before it.
    """

    about: ClassVar[str] = "a shelf in this process"

    greeting: Annotated[str, LINE] = "hello"
    height: Annotated[int, NUMBER(minimum=1, maximum=9)] = 3
    lifts: Annotated[int, TIME] = 1_000_000
    key: Annotated[str, SECRET] = ""
    door: Annotated[DoorSettings | None, section(DoorSettings)] = None

    @property
    def place(self) -> str:
        return "the cellar"

    def problems(self, target: Target) -> Iterator[SettingProblem]:
        if target.slots[1] > self.height * 3:
            yield SettingProblem(("height",), "three slots fit on a board", "make it higher")


@asynccontextmanager
async def open_shelf(
    target: Target, settings: ShelfSettings, context: Context
) -> AsyncIterator[Connection]:
    """Open the target."""
    del context
    yield Shelf(target, settings.greeting)


SHELF = Driver("shelf", ShelfSettings, open_shelf)
"""Named in the entry points of the package."""
