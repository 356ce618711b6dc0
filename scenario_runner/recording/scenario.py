"""Recorded steps, and the scenario file that is written of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.errors import UsageError
from scenario_runner.language.actions import ACTION_WORDS
from scenario_runner.references import Json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scenario_runner.language.facts import Facts


Fields = tuple[tuple[str, Json], ...]

SHORTEST_WAIT: Final = SECOND
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*|0|[1-9][0-9]{0,8}")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One recorded step: when it was sent (microseconds), its action's fields, what came of it.

    `raw` are the fields of a `request`, whose values are written as JSON.
    """

    at: int
    action: str
    fields: Fields
    expect: Fields = ()
    raw: bool = field(default=False)

    @property
    def checks(self) -> bool:
        """Whether a scenario with only this step would check anything."""
        return bool(self.expect) or self.facts.checks

    @property
    def facts(self) -> Facts:
        """What the language says about the action."""
        return ACTION_WORDS[self.action][0].facts

    def same_as(self, other: Told) -> bool:
        """Tell whether another step asks and finds the same, at whatever time."""
        return (self.action, self.fields, self.expect) == (other.action, other.fields, other.expect)


def folded(steps: Iterable[Told]) -> list[Told]:
    """Drop each step that repeats the one before it: a client that polls is not worth a step each.

    Only what asks is dropped; the same command twice is a second command.
    """
    kept: list[Told] = []
    for step in steps:
        asks = step.facts.polls and not step.raw
        if not (asks and kept and kept[-1].same_as(step)):
            kept.append(step)
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recording as a scenario; the calls named by `astray` are hung up in its cleanup."""

    name: str
    description: str
    steps: list[Told]
    astray: tuple[str, ...] = ()


def scenario_text(recorded: Recorded, shortest: int) -> str:
    """Write a scenario file; pauses of at least `shortest` microseconds become waits.

    A wait brings its step to the moment it had in the recording, so that small pauses that are
    left out do not add up.
    """
    lines = [
        f"scenario: {scalar(recorded.name)}",
        f"description: {scalar(recorded.description)}",
        "steps:",
    ]
    waited = 0
    for step in recorded.steps:
        pause = (step.at - recorded.steps[0].at - waited) // 1000 * 1000
        if pause >= shortest:
            lines.append(f"  - wait: {_seconds(pause)}")
            waited += pause
        lines += _step_lines(step)
    if recorded.astray:
        lines.append("cleanup:")
        lines += [f"  - hangup: {{call: {name}}}" for name in recorded.astray]
    return "\n".join(lines) + "\n"


def _seconds(pause: int) -> str:
    return f"{pause / SECOND:.3f}".rstrip("0").rstrip(".") + "s"


def _step_lines(step: Told) -> list[str]:
    write = _json if step.raw else _flow
    body = ", ".join(f"{key}: {write(value)}" for key, value in step.fields)
    lines = [f"  - {step.action}: {{{body}}}"]
    if step.expect:
        expected = ", ".join(f"{key}: {_flow(value)}" for key, value in step.expect)
        lines.append(f"    expect: {{{expected}}}")
    return lines


def _flow(value: Json) -> str:
    match value:
        case bool() | None:
            return json.dumps(value)
        case list():
            return "[" + ", ".join(_flow(item) for item in value) + "]"
        case int() | str():
            return scalar(str(value))
        case _:
            return _json(value)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def scalar(text: str) -> str:
    """Write text as YAML: bare where it surely means itself, quoted everywhere else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def escaped(text: str) -> str:
    """Return text in which no `$` begins a reference."""
    return text.replace("$", "$$")


Phase = Literal["ringing", "up", "parked", "bridged", "ended"]


@dataclass(slots=True, eq=False)
class Actor:
    """A call as the recording knows it; times are in microseconds."""

    name: str
    call_api_id: str
    uuid: str
    extension_id: str
    phase: Phase
    slot: str = ""
    parked_at: int = 0
    partner: Actor | None = None


@dataclass(slots=True)
class Cast:
    """All calls of a recording, by the UUID in their names."""

    park_timeout: int
    _actors: dict[str, Actor] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Actor]:
        return iter(self._actors.values())

    def find(self, call_api_id: str) -> Actor | None:
        """Return the call of that name in the API, or of that UUID."""
        return self._actors.get(uuid_in(call_api_id)) or self._actors.get(call_api_id)

    def add(self, call_api_id: str, extension_id: str, phase: Phase) -> Actor:
        """Take a call in and name it."""
        uuid = uuid_in(call_api_id)
        name = f"call{len(self._actors) + 1}"
        actor = Actor(name, call_api_id, uuid, extension_id, phase)
        self._actors[uuid] = actor
        return actor

    def parked_in(self, slot: str, at: int) -> Actor | None:
        """Return the call that was parked in the slot, unless its time there is over."""
        return next((one for one in self if one.slot == slot and self.is_parked(one, at)), None)

    def parked(self, at: int) -> list[Actor]:
        """Return the calls in slots."""
        return [one for one in self if self.is_parked(one, at)]

    def is_parked(self, actor: Actor, at: int) -> bool:
        """Tell whether a call is in its slot; it leaves by itself when its time is over."""
        return actor.phase == "parked" and at - actor.parked_at < self.park_timeout

    def park(self, actor: Actor, slot: str, at: int) -> None:
        """Note that a call went into a slot; a partner is let go."""
        self._part(actor)
        actor.phase, actor.slot, actor.parked_at = "parked", slot, at

    def bridge(self, actor: Actor, other: Actor) -> None:
        """Note that a call was joined with a parked one."""
        self._part(actor)
        actor.phase = other.phase = "bridged"
        actor.partner, other.partner = other, actor
        other.extension_id = actor.extension_id

    def end(self, actor: Actor) -> None:
        """Note that a call is over, and with it the one that it was joined with."""
        for one in (actor, actor.partner):
            if one is not None:
                one.phase = "ended"

    def _part(self, actor: Actor) -> None:
        if actor.partner is not None:
            actor.partner.phase = "ended"
            actor.partner.partner = None
            actor.partner = None


def uuid_in(call_api_id: str) -> str:
    """Return what follows the first dash of a `call_api_id`, or the text where it is another id."""
    number, dash, uuid = call_api_id.partition("-")
    return uuid if dash and number.isdecimal() and uuid.count("-") == 4 else call_api_id


def finished(recorded: Recorded, shortest: int, hint: str) -> str:
    """Return the scenario file; raise UsageError, with this hint, where nothing was recorded."""
    steps, told = recorded.steps, recorded.description
    if not any(step.checks for step in steps):
        raise UsageError(f"there is nothing to make a scenario of: {told}", hint=hint)
    lasted = duration_text(steps[-1].at - steps[0].at)
    return scenario_text(replace(recorded, description=f"{told} It took {lasted}."), shortest)
