"""Recorded steps, and the scenario file that is written of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scenario_runner.durations import SECOND
from scenario_runner.references import Json

if TYPE_CHECKING:
    from collections.abc import Iterable

Fields = tuple[tuple[str, Json], ...]

SHORTEST_WAIT: Final = SECOND
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*|0|[1-9][0-9]{0,8}")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_UNCHECKED: Final = frozenset({"call"})


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
        return bool(self.expect) or self.action not in _UNCHECKED

    def same_as(self, other: Told) -> bool:
        """Tell whether another step asks and finds the same, at whatever time."""
        return (self.action, self.fields, self.expect) == (other.action, other.fields, other.expect)


def folded(steps: Iterable[Told]) -> list[Told]:
    """Drop each step that repeats the one before it: a client that polls is not worth a step each.

    Only what asks is dropped; the same command twice is a second command.
    """
    kept: list[Told] = []
    for step in steps:
        asks = step.action in ("slots", "calls")
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
