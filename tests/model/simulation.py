"""Histories of clients that act at the same time on a switch that takes one command at once."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.language.vocabulary import Reason
from scenario_runner.mock_pbx.calls import (
    AnswerCall,
    AskSlot,
    Bridge,
    Calls,
    HangUp,
    InSlot,
    ListCalls,
    OneCall,
    Park,
    PlaceCall,
    Refusal,
    ShowCall,
    fresh_state,
)
from scenario_runner.mock_pbx.profile import SECOND, Profile
from scenario_runner.mock_pbx.switch import Switch, advance, step
from scenario_runner.model.history import UNTOLD, Answer, Done, Lost, Operation, Refused, Report
from scenario_runner.model.reference import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.mock_pbx.calls import Command, Step, SwitchAnswer

MS = SECOND // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How many clients do how much: each sends `commands`, `pause` apart, which take up to `takes`.

    `lost` is the share of the answers that never come; `any_bridge` that of bridges without slot.
    Events are reported within `patience`, if at all. Times are in microseconds.
    """

    clients: int = 4
    commands: int = 8
    slots: int = 4
    takes: int = 100 * MS
    pause: int = 50 * MS
    lost: float = 0.0
    patience: int | None = None
    any_bridge: float = 0.05
    listing: float = 0.05
    profile: Profile = field(default_factory=lambda: Profile(calls_at_once="any"))


@dataclass(slots=True)
class _Client:
    name: str
    extension: int
    left: int
    calls: list[str] = field(default_factory=list)


def answered(answer: SwitchAnswer, *, told: bool = True) -> Answer:
    """Return an answer of the switch as a driver would pass it on."""
    match answer:
        case Refusal(rule):
            return Refused(REASONS[rule])
        case InSlot(slot, uuid):
            return Done(slot=slot, uuid=uuid) if told else Done()
        case OneCall(call):
            return Done(call=call.uuid, state=call.phase.word)  # type: ignore[arg-type]
        case Calls(calls):
            return Done(listed=frozenset(call.uuid for call in calls))
        case _:
            return Done(state="ended")


class Simulation:
    """A crowd at work on one switch; `history` is what each of them saw."""

    def __init__(self, crowd: Crowd, seed: int, switch: type[Switch] = Switch) -> None:
        self._crowd = crowd
        self._random = Random(seed)
        self._switch = switch
        self._state = fresh_state(crowd.profile, seed)
        self._order = count()
        self._agenda: list[tuple[int, int, Iterator[int]]] = []
        self._begun: list[tuple[int, Operation]] = []
        self._reports: list[Operation] = []
        first = crowd.profile.extensions[0]
        self._clients = [
            _Client(f"client {n}", first + n % 20, crowd.commands) for n in range(crowd.clients)
        ]

    def run(self) -> list[Operation]:
        """Let everybody act; return the operations in the order they were sent."""
        for client in self._clients:
            self._enter(self._random.randrange(self._crowd.pause + 1), self._acts(client))
        while self._agenda:
            now, _, actor = heapq.heappop(self._agenda)
            self._now = now
            again = next(actor, None)
            if again is not None:
                self._enter(again, actor)
        done = [operation for _, operation in sorted(self._begun, key=lambda one: one[0])]
        self._report(advance(self._state, max(one.returned_at for one in done)))
        return done + sorted(self._reports, key=lambda one: one.invoked_at)

    def _enter(self, at: int, actor: Iterator[int]) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), actor))

    def _acts(self, client: _Client) -> Iterator[int]:
        """Send one command after the other; give when to go on."""
        random, crowd = self._random, self._crowd
        while client.left:
            client.left -= 1
            command = self._next_command(client)
            begin, number = self._now, next(self._order)
            lost = random.random() < crowd.lost
            if lost and random.random() < 0.3:
                yield begin + random.randrange(crowd.takes + 1)
                self._note(number, client, command, Lost(), begin)
                continue
            if lost and random.random() < 0.5:
                self._enter(begin + random.randrange(20 * crowd.takes + 1), self._late(command))
                yield begin + random.randrange(crowd.takes + 1)
                self._note(number, client, command, Lost(), begin)
                continue
            yield begin + random.randrange(crowd.takes + 1)
            answer = self._take(command)
            yield self._now + random.randrange(crowd.takes + 1)
            self._note(number, client, command, Lost() if lost else answer, begin)
            self._learn(client, command, Lost() if lost else answer)
            yield self._now + random.randrange(crowd.pause + 1)

    def _late(self, command: Command) -> Iterator[int]:
        self._take(command)
        yield from ()

    def _take(self, command: Command) -> Answer:
        made = step(self._state, command, self._now, self._switch)
        self._state = made.state
        self._report(made)
        return answered(made.answer)

    def _report(self, made: Step) -> None:
        if self._crowd.patience is None:
            return
        for event in made.events:
            at = event.at + self._random.randrange(self._crowd.patience + 1)
            command = Report(event.type, event.call.uuid)
            one = Operation(
                command=command,
                answer=Done(),
                invoked_at=at,
                returned_at=at,
                client="events",
                label=f"event {len(self._reports)}",
            )
            self._reports.append(one)

    def _note(
        self, number: int, client: _Client, command: Command, answer: Answer, begin: int
    ) -> None:
        operation = Operation(
            command=command, answer=answer, invoked_at=begin, returned_at=self._now,
            client=client.name, label=str(number),
        )  # fmt: skip
        self._begun.append((number, operation))

    def _learn(self, client: _Client, command: Command, answer: Answer) -> None:
        match command, answer:
            case PlaceCall(), Done(call=str() as name):
                client.calls.append(name)
            case HangUp(call=name), Done():
                if name in client.calls:
                    client.calls.remove(name)
            case _, Refused(reason="no-such-call"):
                name = getattr(command, "call", "")
                if name in client.calls:
                    client.calls.remove(name)
            case _:
                pass

    def _next_command(self, client: _Client) -> Command:
        random, crowd = self._random, self._crowd
        if not client.calls or (len(client.calls) < 3 and random.random() < 0.15):
            answered = random.random() < 0.9
            return PlaceCall(random.choice(("in", "out")), client.extension, "+7", answered)
        call, extension = random.choice(client.calls), client.extension
        slot = random.randrange(1, crowd.slots + 1)
        if random.random() < crowd.listing:
            return ListCalls(extension)
        if random.random() < crowd.any_bridge:
            return Bridge(call, extension, None)
        return random.choice(
            (
                Park(call, extension, slot),
                Park(call, extension, slot),
                Bridge(call, extension, slot),
                Bridge(call, extension, slot),
                AskSlot(call, extension, slot),
                ShowCall(call, extension),
                AnswerCall(call),
                HangUp(call, extension, "extension"),
            )
        )


def history(crowd: Crowd, seed: int, switch: type[Switch] = Switch) -> list[Operation]:
    """Return what a crowd did and saw."""
    return Simulation(crowd, seed, switch).run()


def untold(operations: list[Operation], random: Random, share: float) -> list[Operation]:
    """Return the history of a PBX that does not always tell which slot and which call it was."""

    def less(one: Operation) -> Operation:
        said = one.answer
        if not isinstance(said, Done) or said.uuid is UNTOLD or random.random() >= share:
            return one
        return replace(one, answer=Done())

    return [less(one) for one in operations]


def with_fault(operations: list[Operation], random: Random) -> list[Operation]:
    """Return the history with another answer in place of one of those that could be no other.

    Nobody else was at the same calls and slots while that one was.
    """
    spoilt = list(operations)
    names = [one.answer.call for one in operations if isinstance(one.answer, Done)]
    known = [name for name in names if isinstance(name, str)]
    numbers = list(range(len(operations)))
    random.shuffle(numbers)
    for number in numbers:
        one = operations[number]
        answer = _wrong(one.answer, known, random)
        if answer is not None and answer != one.answer and _is_alone(one, operations):
            spoilt[number] = replace(one, answer=answer)
            return spoilt
    raise AssertionError("everything overlaps with everything")


def spoilt(operations: list[Operation], random: Random) -> list[Operation]:
    """Return the history with another answer in place of any; it may be possible, too."""
    names = [one.answer.call for one in operations if isinstance(one.answer, Done)]
    known = [name for name in names if isinstance(name, str)]
    changed = list(operations)
    for number in random.sample(range(len(operations)), len(operations)):
        answer = _wrong(operations[number].answer, known, random) if known else None
        if answer is not None:
            changed[number] = replace(operations[number], answer=answer)
            break
    return changed


def _is_alone(one: Operation, operations: list[Operation]) -> bool:
    mine = _meets(one)
    return not any(
        mine & _meets(other)
        for other in operations
        if other is not one and other.invoked_at <= one.returned_at and one.invoked_at <= other.end
    )


def _meets(one: Operation) -> set[object]:
    command, said = one.command, one.answer
    if isinstance(command, ListCalls) or getattr(command, "slot", 0) is None:
        return {"everything"} | set(range(30))
    met: set[object] = {"everything", getattr(command, "call", None), getattr(command, "slot", -1)}
    if isinstance(said, Done):
        met |= {said.call, said.uuid}
    return met - {None, UNTOLD, "everything"}


def _wrong(answer: Answer, names: list[str], random: Random) -> Answer | None:
    match answer:
        case Done(uuid=str()):
            return replace(answer, uuid=random.choice([None, *names]))
        case Done(uuid=None):
            return replace(answer, uuid=random.choice(names))
        case Done(state="up" | "parked" | "bridged" | "ringing"):
            return replace(answer, state=random.choice(("up", "parked", "bridged", "ringing")))
        case Done(state="ended"):
            return Refused(Reason.NO_SUCH_CALL)
        case Done(listed=frozenset() as listed):
            return replace(answer, listed=listed ^ {random.choice(names)})
        case Refused(reason) if reason is not Reason.OTHER:
            reasons = {*REASONS.values()} - {Reason.OTHER}
            return Refused(random.choice(sorted(reasons)))
        case _:
            return None
