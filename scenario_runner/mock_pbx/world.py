"""One client's world: the switch over time, and the replies that its answers become."""

from __future__ import annotations

from copy import copy
from dataclasses import fields
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from scenario_runner.mock_pbx.calls import Refusal, fresh_state
from scenario_runner.mock_pbx.switch import advance, step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenario_runner.mock_pbx.calls import CallEvent, Command, State, Step, SwitchAnswer
    from scenario_runner.mock_pbx.notifications import Delivery, Notifier
    from scenario_runner.mock_pbx.profile import Profile, Refusals, Said
    from scenario_runner.mock_pbx.rules import Rule
    from scenario_runner.mock_pbx.switch import Switch


class Reply(msgspec.Struct, frozen=True):
    """What is answered: HTTP status and body; for status 405 also the methods that are allowed."""

    status: int
    body: bytes = b""
    allow: str = ""


def told(status: int, body: object) -> Reply:
    """Answer with a JSON body, spaced as most servers write it."""
    return Reply(status, msgspec.json.format(msgspec.json.encode(body), indent=0))


def complaint(status: int, message: str, word: str = "") -> Reply:
    """Answer with a message, and with the `status` word where there is one."""
    return told(status, {"message": message, "status": word} if word else {"message": message})


def refusal(said: Said) -> Reply:
    """Answer with a refusal in the profile's words."""
    return complaint(said.status, said.message, said.word)


@cache
def refusal_replies(refusals: Refusals) -> Mapping[str, Reply]:
    """Return the reply of each refusal by the rule's name, with `_` for its dots and dashes."""
    named = {field.name: refusal(getattr(refusals, field.name)) for field in fields(refusals)}
    return MappingProxyType(named)


NO_ROUTE: Final = complaint(404, "Not found")


def not_allowed(*methods: str) -> Reply:
    """Answer that a resource has other methods than the one that was tried."""
    return msgspec.structs.replace(complaint(405, "Method Not Allowed"), allow=", ".join(methods))


B = TypeVar("B", bound=msgspec.Struct)


def read_body(decoder: msgspec.json.Decoder[B], body: bytes) -> B | None:
    """Read a JSON object by its keys, or return None where the body is none."""
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError):
        return None


def json_object(body: bytes) -> dict[str, object] | None:
    """Read a JSON object, or return None where the body is none."""
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


A = TypeVar("A", bound="SwitchAnswer")


class World:
    """Keeps the state between commands. Times are microseconds of the mock's clock.

    `clock` never goes back: a command that comes with an earlier time happens now. `met` are the
    rules that have decided something; `check` looks at each state, where somebody wants it.
    `decided` are the rules that did so since `begin`, in order, `happened` what happened to calls.
    """

    def __init__(
        self, profile: Profile, seed: int, notifier: Notifier, switch: type[Switch]
    ) -> None:
        self.profile = profile
        self.notifier = notifier
        self.epoch_us = notifier.epoch_us
        self.clock = 0
        self.state = fresh_state(profile, seed)
        self.outbox: list[Delivery] = []
        self.met: set[Rule] = set()
        self.decided: list[Rule] = []
        self.happened: list[CallEvent] = []
        self.check: Callable[[State], None] | None = None
        self._switch = switch
        self._refusals = refusal_replies(profile.refusals)

    def copy(self) -> World:
        """Return the same world, to live on apart from this one."""
        other: World = copy(self)
        other.notifier = self.notifier.copy()
        other.outbox, other.met = list(self.outbox), set(self.met)
        other.decided, other.happened = list(self.decided), list(self.happened)
        return other

    def begin(self) -> None:
        """Forget what was decided and what happened before."""
        self.decided.clear()
        self.happened.clear()

    def do(self, command: Command, expected: type[A]) -> A | Refusal:
        """Carry a command out at the clock's time; its answer is of the expected class."""
        answer = self._took(step(self.state, command, self.clock, self._switch))
        if isinstance(answer, expected):
            return answer
        if isinstance(answer, Refusal):
            return answer
        raise TypeError(f"{command} was answered by {answer}")

    def pass_time(self, now_us: int) -> None:
        """Move the clock and fire the timers that are due."""
        if now_us > self.clock:
            self.clock = now_us
        if self.state.deadline <= self.clock:
            self._took(advance(self.state, self.clock, self._switch))

    def refused(self, refusal: Refusal) -> Reply:
        """Return the reply to a command that a rule forbade."""
        return self._refusals[refusal.rule.field]

    def refuse(self, rule: Rule) -> Reply:
        """Refuse by a rule that is decided outside the switch."""
        self.met.add(rule)
        self.decided.append(rule)
        return self._refusals[rule.field]

    def complain(self, refusal: str) -> Reply:
        """Refuse by what is no rule of call parking: the name of a field of `Refusals`."""
        return self._refusals[refusal]

    def _took(self, move: Step) -> SwitchAnswer:
        self.state = move.state
        if self.check is not None:
            self.check(move.state)
        self.met.update(move.rules)
        self.decided += move.rules
        if move.events:
            self.happened += move.events
            self.outbox += self.notifier.deliveries(move.events)
        return move.answer
