"""What a step expects, as phrases that follow "Expected:"."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never

from scenario_runner.documenting.values import Values, listing
from scenario_runner.model.expectations import (
    After,
    BodyHas,
    BranchesRefused,
    CountIs,
    Empty,
    Excludes,
    FasterThan,
    HeaderIs,
    Holds,
    Includes,
    MessageIs,
    Refused,
    SlotIs,
    StateIs,
    StatusIs,
    Succeeded,
    UuidIs,
    With,
)
from scenario_runner.references import path_text

if TYPE_CHECKING:
    from scenario_runner.model.expectations import Clause

_Answer: TypeAlias = Refused | MessageIs | StatusIs | BodyHas | HeaderIs | UuidIs | SlotIs
_Calls: TypeAlias = Holds | Empty | With | Includes | Excludes
_Figures: TypeAlias = CountIs | StateIs | Succeeded | BranchesRefused | After | FasterThan


def phrase(clause: Clause, values: Values) -> str:
    """Return what has to hold."""
    match clause:
        case Holds() | Empty() | With() | Includes() | Excludes():
            return _calls(clause, values)
        case CountIs() | StateIs() | Succeeded() | BranchesRefused() | After() | FasterThan():
            return _figures(clause, values)
        case _:
            return _answer(clause, values)


def _calls(clause: _Calls, values: Values) -> str:
    match clause:
        case Holds(call):
            return f"*{call}* is there"
        case Empty(expected):
            return "somebody is there" if values.value(expected) is False else "nobody is there"
        case With(calls):
            return f"it was joined with {listing(_named(calls), 'or')}"
        case Includes(calls):
            return f"{listing(_named(calls))} among them"
        case Excludes(calls):
            return f"{listing(_named(calls), 'or')} not among them"
        case _:
            assert_never(clause)


def _named(calls: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"*{call}*" for call in calls)


def _figures(clause: _Figures, values: Values) -> str:
    match clause:
        case CountIs(matcher):
            return f"the number of them: {values.matcher(matcher)}"
        case StateIs(matcher):
            return f"the call is {values.matcher(matcher)}"
        case Succeeded(action, matcher):
            return f"so many succeed{_of(action)}: {values.matcher(matcher)}"
        case BranchesRefused(reason, matcher):
            why = f" as `{reason}`" if reason else ""
            return f"so many are refused{why}: {values.matcher(matcher)}"
        case After(step, matcher):
            return f"the time since step `{step}`: {values.matcher(matcher)}"
        case FasterThan(limit):
            return f"the answer comes in less than {values.duration(limit)}"
        case _:
            assert_never(clause)


def _of(action: str | None) -> str:
    return f" of `{action}`" if action else ""


def _answer(clause: _Answer, values: Values) -> str:
    match clause:
        case Refused(reasons):
            return _refusal(tuple(values.text(reason) for reason in reasons))
        case MessageIs(matcher):
            return f"the PBX's message: {values.matcher(matcher)}"
        case StatusIs(matcher):
            return f"the status code: {values.matcher(matcher)}"
        case BodyHas(path, matcher):
            return f"`{path_text(path)}` in the answer: {values.matcher(matcher)}"
        case HeaderIs(name, matcher):
            return f"the header {name}: {values.matcher(matcher)}"
        case UuidIs(matcher):
            return f"the reported UUID: {values.matcher(matcher)}"
        case SlotIs(matcher):
            return f"the reported slot: {values.matcher(matcher)}"
        case _:
            assert_never(clause)


def _refusal(reasons: tuple[str, ...]) -> str:
    if reasons == ("any",):
        return "the PBX refuses"
    if reasons == ("none",):
        return "the PBX does not refuse"
    named = tuple("success" if reason == "none" else f"`{reason}`" for reason in reasons)
    if "none" in reasons:
        return f"either of {listing(named, 'or')}"
    return f"the PBX refuses: {listing(named, 'or')}"
