"""What the ledger claims is certain, however commands overlap."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenario_runner.durations import MINUTE, SECOND
from scenario_runner.errors import AnswerLost
from scenario_runner.language.vocabulary import EventType, Party, Reason
from scenario_runner.loadtest.ledger import Ledger, WatchedSession
from scenario_runner.pbx.commands import (
    AnySlot,
    AskSlot,
    BridgeCall,
    CallAddress,
    HangUp,
    ParkCall,
    PlaceCall,
)
from scenario_runner.pbx.protocol import CallIds, Done, PbxEvent, Raw, Refused

if TYPE_CHECKING:
    from scenario_runner.pbx.commands import Command
    from scenario_runner.pbx.protocol import Outcome

RAW = Raw()


@dataclass
class Lot:
    """A parking lot that does everything at one moment between question and answer."""

    chance: random.Random
    slots: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    loses: float = 0.0

    async def do(self, command: Any, within: int) -> Outcome:
        del within
        for _ in range(self.chance.randrange(3)):
            await asyncio.sleep(0)
        outcome = self._act(command)
        for _ in range(self.chance.randrange(3)):
            await asyncio.sleep(0)
        if self.chance.random() < self.loses:
            raise AnswerLost("gone")
        return outcome

    def _act(self, command: Any) -> Outcome:
        match command:
            case PlaceCall():
                self.calls += 1
                uuid = f"u{self.calls}"
                return Done(raw=RAW, ids=CallIds(uuid=uuid, call_api_id=uuid, extension="341"))
            case ParkCall(call=call, slot=slot):
                if str(slot) in self.slots or call.call_api_id in self.slots.values():
                    return Refused(raw=RAW, reason=Reason.SLOT_FULL, message="full")
                self.slots[str(slot)] = call.call_api_id
                return Done(raw=RAW)
            case AskSlot(slot=slot):
                return Done(raw=RAW, slot=str(slot), uuid=self.slots.get(str(slot)))
            case BridgeCall(slot=AnySlot()):
                return self._bridge(next(iter(self.slots), ""))
            case BridgeCall(slot=slot):
                return self._bridge(str(slot))
            case HangUp(call=call):
                self.slots = {s: u for s, u in self.slots.items() if u != call.call_api_id}
                return Done(raw=RAW)
        raise AssertionError(command)

    def _bridge(self, slot: str) -> Outcome:
        uuid = self.slots.pop(slot, None)
        if uuid is None:
            return Refused(raw=RAW, reason=Reason.SLOT_EMPTY, message="empty")
        return Done(raw=RAW, slot=slot, uuid=uuid)

    def ids(self, uuid: str) -> CallIds:
        return CallIds(uuid=uuid, call_api_id=uuid, extension="341")

    async def close(self) -> tuple[()]:
        return ()


def address(uuid: str) -> CallAddress:
    return CallAddress(call_api_id=uuid, extension="341")


def place() -> PlaceCall:
    return PlaceCall(extension="341", flow="in", party="+7")


class Book:
    """A ledger with a clock set by hand, and a session on a lot."""

    def __init__(self, seed: int = 0, loses: float = 0.0) -> None:
        self.now = 0
        self.ledger = Ledger(3 * MINUTE, lambda: self.now)
        self.lot = Lot(random.Random(seed), loses=loses)
        self.session = self.fresh()

    def fresh(self) -> WatchedSession:
        return WatchedSession(self.lot, self.ledger)  # type: ignore[arg-type]

    def do(self, *commands: Any) -> list[Outcome]:
        async def all_() -> list[Outcome]:
            return [await self.session.do(command, 1) for command in commands]

        return asyncio.run(all_())

    def parked(self) -> Book:
        self.do(place(), place(), ParkCall(call=address("u1"), slot=6))
        return self

    def ask(self, slot: int = 6) -> None:
        self.do(AskSlot(call=address("u2"), slot=slot))


async def worker(book: Book, chance: random.Random, steps: int) -> None:
    session = book.fresh()
    own: list[str] = []
    for _ in range(steps):
        slot = chance.randrange(3)
        kind = chance.randrange(6)
        try:
            if kind == 0 or not own:
                outcome = await session.do(place(), 1)
                if isinstance(outcome, Done) and outcome.ids is not None:
                    own.append(outcome.ids.uuid)
                continue
            call = address(chance.choice(own))
            commands: list[Command] = [
                ParkCall(call=call, slot=slot),
                AskSlot(call=call, slot=slot),
                BridgeCall(call=call, slot=slot if chance.random() < 0.8 else AnySlot()),
                HangUp(call=call, by=Party.REMOTE),
                AskSlot(call=call, slot=str(slot)),
            ]
            await session.do(commands[kind - 1], 1)
        except AnswerLost:
            continue
    await session.close()
    session.forget()


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from([0.0, 0.2]))
def test_of_a_pbx_that_does_right_nothing_is_said(seed: int, loses: float) -> None:
    book = Book(seed, loses)
    chance = random.Random(seed + 1)

    async def all_() -> None:
        await asyncio.gather(*(worker(book, chance, 12) for _ in range(5)))

    asyncio.run(all_())
    assert book.ledger.violations == []


def test_a_call_that_is_lost() -> None:
    book = Book().parked()
    book.lot.slots.clear()
    book.ask()
    assert book.ledger.violations == ["u1 was parked in slot 6, and nobody is there"]


def test_a_call_in_two_slots() -> None:
    book = Book().parked()
    book.lot.slots["7"] = "u1"
    book.ask(7)
    assert book.ledger.violations == ["u1 is in two slots: 6 and 7"]


def test_two_calls_in_one_slot() -> None:
    book = Book().parked()
    book.lot.slots.clear()
    book.do(ParkCall(call=address("u2"), slot=6))
    assert book.ledger.violations == ["slot 6 took u2 although u1 is parked there"]


def test_another_call_than_the_one_that_was_parked() -> None:
    book = Book().parked()
    book.lot.slots["6"] = "stranger"
    book.ask()
    assert book.ledger.violations == ["u1 was parked in slot 6, and stranger is there"]


def test_a_bridge_that_takes_somebody_else() -> None:
    book = Book().parked()
    book.lot.slots["6"] = "stranger"
    book.do(BridgeCall(call=address("u2"), slot=6))
    assert book.ledger.violations == ["slot 6 gave stranger away, and u1 is parked there"]


def test_after_its_time_a_call_may_be_gone() -> None:
    book = Book().parked()
    book.now = 3 * MINUTE - SECOND
    book.lot.slots.clear()
    book.ask()
    assert book.ledger.violations == []


@pytest.mark.parametrize("kind", [EventType.HANGUP, EventType.DIAL_IN])
def test_after_the_pbx_said_so_a_call_may_be_gone(kind: EventType) -> None:
    book = Book().parked()
    book.ledger.reported(PbxEvent(type=kind, uuid="u1", extension="341", at=0))
    book.lot.slots.clear()
    book.ask()
    assert book.ledger.violations == []


def test_what_is_over_is_forgotten() -> None:
    book = Book().parked()
    book.do(BridgeCall(call=address("u2"), slot=6))
    assert len(book.ledger.all_slots) == 1
    book.session.forget()
    assert [*book.ledger.all_slots, book.ledger.placed] == [2]


def test_the_list_of_violations_is_bounded_and_their_number_is_not() -> None:
    book = Book()
    book.do(place(), place())
    for _ in range(300):
        book.lot.slots.clear()
        book.do(ParkCall(call=address("u1"), slot=6))
        book.lot.slots.clear()
        book.ask()
    assert book.ledger.violated == 300
    assert len(book.ledger.violations) == 100
