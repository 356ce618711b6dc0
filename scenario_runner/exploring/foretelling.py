"""What the rules allow a PBX to answer to a sequence of commands.

The switch's own rules are followed through every order of a race and every choice of a bridge with
any parked call. What may be at one moment is a list of worlds; an answer is right if it is that of
one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from scenario_runner.durations import SECOND
from scenario_runner.exploring.plans import (
    BridgeAny,
    ListAt,
    Move,
    OnCall,
    OnSlot,
    Place,
    Race,
    Wait,
    about_calls,
)
from scenario_runner.language import actions
from scenario_runner.language.vocabulary import Reason
from scenario_runner.mock_pbx.calls import (
    AnswerCall,
    AskSlot,
    Bridge,
    Calls,
    Command,
    Ended,
    HangUp,
    InSlot,
    ListCalls,
    OneCall,
    Park,
    PlaceCall,
    Refusal,
    ShowCall,
    State,
    fresh_state,
)
from scenario_runner.mock_pbx.profile import Profile
from scenario_runner.mock_pbx.rules import CALL_UNKNOWN, Rule
from scenario_runner.mock_pbx.switch import Switch, advance
from scenario_runner.model.reference import REASONS
from scenario_runner.references import Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.exploring.plans import AboutCall, Plan
    from scenario_runner.mock_pbx.calls import Step, SwitchAnswer

MOST_WORLDS: Final = 64
"""How many worlds are followed; a sequence is cut where there are more."""


class Told(Struct, frozen=True):
    """An answer in the words of a scenario: a refusal, or what was told.

    `told` is a call by its name (None: nobody), a call's state, or the names of listed calls.
    """

    refused: Reason | None = None
    told: str | frozenset[str] | None = None


Branch: TypeAlias = tuple[Told, ...]
"""The answers to a command, one for each world."""


class Foretold(Struct, frozen=True):
    """A move that makes sense here, what may be answered, and the rules that decide.

    `name` is what the call is called that a `Place` brings up.
    """

    move: Move
    branches: tuple[Branch, ...] = ()
    rules: tuple[Rule, ...] = ()
    name: str = ""


class Lot(Struct, frozen=True):
    """The numbers that a sequence's own stand for; `times` are in microseconds."""

    profile: Profile
    extensions: tuple[int, ...]
    slots: tuple[Json, ...]
    times: tuple[int, ...]

    @classmethod
    def of(cls, profile: Profile) -> Lot:
        """Return three extensions, slots within the lot and outside, times beside the limits."""
        low, high = profile.extensions
        first, last = profile.first_slot, profile.first_slot + profile.slots - 1
        near = [limit * part // 100 for limit in (profile.ring_timeout, profile.park_timeout)
                for part in (99, 101)]  # fmt: skip
        return cls(
            profile,
            tuple(range(low, min(low + 3, high + 1))),
            (
                first,
                min(first + 1, last),
                last,
                last + 1,
                first - 1,
                "six",
                f"{first}x",
                first + 0.5,
                True,
            ),
            (SECOND, *near),
        )

    def extension(self, number: int) -> int:
        """Return the extension that a number stands for."""
        return self.extensions[number % len(self.extensions)]

    def slot(self, number: int) -> Json:
        """Return the slot that a number stands for."""
        return self.slots[number % len(self.slots)]

    def time(self, number: int) -> int:
        """Return the time that a number stands for."""
        return self.times[number % len(self.times)]


class _World(Struct, frozen=True):
    """One way things may be: the switch, and each call's name and uuid, and where it was last."""

    state: State
    uuids: Mapping[str, str]
    last: Mapping[str, int]

    def extension(self, name: str) -> int:
        call = self.state.calls.get(self.uuids[name])
        return self.last[name] if call is None else call.extension

    def name(self, uuid: str | None) -> str | None:
        return next((name for name, its in self.uuids.items() if its == uuid), None)


class _Choosing(Switch):
    """The switch whose choices are given to it."""

    __slots__ = ("among", "chosen")

    def __init__(self, state: State, now: int, chosen: int) -> None:
        super().__init__(state, now)
        self.chosen, self.among = chosen, 1

    def draw(self, among: int) -> int:
        self.among = among
        return self.chosen


def _steps(state: State, command: Command, now: int) -> Iterator[Step]:
    """Carry a command out, once for each choice that it leaves."""
    chosen, among = 0, 1
    while chosen < among:
        move = _Choosing(state, now, chosen)
        if state.deadline <= now:
            move.fire()
        yield move.finish(move.obey(command))
        among = move.among
        chosen += 1


_SLOT_COMMANDS: Final[Mapping[str, Callable[[str, int, Json], Command]]] = {
    actions.Park.word: Park,
    actions.Slots.word: AskSlot,
    actions.Bridge.word: Bridge,
}

Tried: TypeAlias = tuple[_World, tuple[Told, ...], tuple["Rule", ...]]
"""A world after a move, the answers of its commands, and the rules that decided."""


class Foretelling:
    """Follows a sequence of commands; what makes no sense at its place is left out."""

    def __init__(self, lot: Lot) -> None:
        self._lot = lot
        self._now = 0
        self._names: list[str] = []
        self._worlds = [_World(fresh_state(lot.profile, 0), {}, {})]

    def follow(self, plan: Plan) -> Iterator[Foretold]:
        """Give what may be answered, move after move, as long as it can be followed."""
        for move in plan:
            if about_calls(move) and not self._names:
                continue
            foretold = self._foretold(move)
            if foretold is not None:
                yield foretold
            if len(self._worlds) > MOST_WORLDS:
                return

    def call(self, number: int) -> str:
        """Return the name of the call that a number stands for."""
        return self._names[number % len(self._names)]

    def _foretold(self, move: Move) -> Foretold | None:
        match move:
            case Wait(time):
                self._now += self._lot.time(time)
                return self._taken(move, [self._later(world) for world in self._worlds])
            case Place():
                return self._placed(move)
            case Race(first, second):
                tried = [one for world in self._worlds for one in self._race(world, first, second)]
            case _:
                tried = [one for world in self._worlds for one in self._one(world, move)]
        return self._taken(self._named(move), tried)

    def _named(self, move: Move) -> Move:
        """Return the move with the numbers that its calls have, now that there are so many."""
        match move:
            case Race(first, second):
                return Race(self._numbered(first), self._numbered(second))
            case OnCall() | OnSlot() | BridgeAny():
                return self._numbered(move)
            case _:
                return move

    def _numbered(self, move: AboutCall) -> AboutCall:
        number = move.call % len(self._names)
        match move:
            case OnCall(verb):
                return OnCall(verb, number)
            case OnSlot(verb, _, slot, foreign):
                return OnSlot(verb, number, slot, foreign)
            case BridgeAny():
                return BridgeAny(number)

    def _taken(self, move: Move, tried: list[Tried], name: str = "") -> Foretold:
        self._worlds = _distinct(world for world, _, _ in tried)
        answers = [told for _, told, _ in tried]
        rules = dict.fromkeys(rule for _, _, noted in tried for rule in noted)
        return Foretold(move, tuple(zip(*answers, strict=True)), tuple(rules), name)

    def _placed(self, move: Place) -> Foretold | None:
        """Place a call, unless it is refused in some worlds only: nobody would know its name."""
        name = f"call{len(self._names) + 1}"
        tried = [one for world in self._worlds for one in self._one(world, move, name)]
        refused = {told[0].refused is not None for _, told, _ in tried}
        if len(refused) > 1:
            return None
        if refused == {True}:
            return self._taken(move, tried)
        self._names.append(name)
        return self._taken(move, tried, name)

    def _later(self, world: _World) -> Tried:
        step = advance(world.state, self._now)
        return _World(step.state, world.uuids, world.last), (), tuple(step.rules)

    def _race(self, world: _World, first: AboutCall, second: AboutCall) -> Iterator[Tried]:
        for swapped in (False, True):
            one, other = (second, first) if swapped else (first, second)
            sent = (self._command(world, one), self._command(world, other))
            for between, (told,), noted in self._obeyed(world, sent[0]):
                for after, (answer,), more in self._obeyed(between, sent[1]):
                    answers = (answer, told) if swapped else (told, answer)
                    yield after, answers, (*noted, *more)

    def _one(self, world: _World, move: Move, name: str = "") -> Iterator[Tried]:
        return self._obeyed(world, self._command(world, move), name)

    def _obeyed(self, world: _World, command: Command, name: str = "") -> Iterator[Tried]:
        last = {one: world.extension(one) for one in world.uuids}
        for step in _steps(world.state, command, self._now):
            uuids, answer = world.uuids, step.answer
            if name and isinstance(answer, OneCall):
                uuids = {**uuids, name: answer.call.uuid}
                last = {**last, name: answer.call.extension}
            after = _World(step.state, uuids, last)
            yield after, (_told(answer, after, command),), tuple(step.rules)

    def _command(self, world: _World, move: Move) -> Command:
        match move:
            case Place(at, flow, answered):
                number = f"+7812000{len(self._names) + 1:04}"
                return PlaceCall(flow, self._lot.extension(at), number, answered=answered)
            case ListAt(at):
                return ListCalls(self._lot.extension(at))
            case OnCall() | OnSlot() | BridgeAny():
                return self._about(world, move)
            case Wait() | Race():
                raise AssertionError("no single command")

    def _about(self, world: _World, move: AboutCall) -> Command:
        name = self.call(move.call)
        uuid, extension = world.uuids[name], world.extension(name)
        match move:
            case OnCall("answer"):
                return AnswerCall(uuid)
            case OnCall("show"):
                return ShowCall(uuid, extension)
            case OnCall("hangup"):
                return HangUp(uuid, None, "remote")
            case OnCall():
                return HangUp(uuid, extension, "extension")
            case BridgeAny():
                return Bridge(uuid, extension, None)
            case OnSlot(verb, _, number, foreign):
                other = self._lot.extensions[-1] if foreign else extension
                return _SLOT_COMMANDS[verb](uuid, other, self._lot.slot(number))


def _distinct(worlds: Iterator[_World]) -> list[_World]:
    found: list[_World] = []
    for world in worlds:
        if world not in found:
            found.append(world)
    return found


def _told(answer: SwitchAnswer, world: _World, command: Command) -> Told:
    match answer:
        case Refusal(rule):
            if isinstance(command, ShowCall) and rule is CALL_UNKNOWN:
                return Told(told="ended")
            return Told(refused=REASONS[rule])
        case InSlot(_, uuid):
            return Told(told=world.name(uuid))
        case OneCall(call):
            return Told(told=call.phase.word)
        case Calls(calls):
            return Told(told=frozenset(filter(None, (world.name(one.uuid) for one in calls))))
        case Ended() | _:
            return Told()
