"""What came of a gesture: the PBX's words, the rule behind a refusal, what can be expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from scenario_runner.language.vocabulary import Reason

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.rules import Rule
    from scenario_runner.references import Json

Outcome: TypeAlias = Literal["ok", "refused", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """Something that can be expected of a step: `expect: {key: value}`."""

    key: str
    value: Json

    def __str__(self) -> str:
        match self.value:
            case list():
                shown = "[" + ", ".join(map(str, self.value)) + "]"
            case bool() | None:
                shown = {True: "true", False: "false", None: "null"}[self.value]
            case dict():
                shown = "…"
            case value:
                shown = str(value)
        return f"{self.key}: {shown}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a gesture.

    `saw` says it in short; `words` are the PBX's own where it refused, `reason` what they mean;
    `rule` is the one that refused, where that is known. `pins` are what can be expected of it,
    `needed` those without which the step would fail. `took` is in microseconds.
    """

    outcome: Outcome
    saw: str
    words: str = ""
    reason: Reason | None = None
    rule: Rule | None = None
    pins: tuple[Pin, ...] = ()
    needed: tuple[Pin, ...] = ()
    took: int = 0


CANT: dict[Reason, str] = {
    Reason.SLOT_FULL: "the slot is full",
    Reason.SLOT_EMPTY: "the slot is empty",
    Reason.NOTHING_PARKED: "nobody is parked",
    Reason.SLOT_REQUIRED: "no slot is named",
    Reason.SLOT_UNKNOWN: "there is no such slot",
    Reason.SLOT_INVALID: "the slot is not a number",
    Reason.NO_SUCH_CALL: "there is no such call",
    Reason.CALL_NOT_ANSWERED: "the call is not answered",
    Reason.CALL_ALREADY_PARKED: "the call is parked already",
    Reason.NO_CAPACITY: "there are too many calls",
    Reason.UNAUTHORIZED: "the token is not good",
    Reason.FORBIDDEN: "the application has no access",
    Reason.RATE_LIMITED: "there were too many requests",
    Reason.NOT_FOUND: "it does not exist",
}
"""Why something can't be done, as it is said in a step's name."""


def source_text(rule: Rule) -> str:
    """Say whether the vendor documents a rule."""
    if rule.assumed:
        return f"documented; assumed: {rule.assumed}"
    return rule.source
