"""Values in prose: variables by their values, what only a run can know by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never

from scenario_runner.durations import duration_text
from scenario_runner.language.actions import (
    Answer,
    AwaitEvent,
    Bridge,
    Call,
    CallById,
    CallStatus,
    Check,
    Hangup,
    Holding,
    ListCalls,
    NamedCall,
    Park,
    RawRequest,
    Repeat,
    Set,
    Slots,
    Stays,
    Together,
    Use,
    Wait,
)
from scenario_runner.language.expectations import (
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
from scenario_runner.language.vocabulary import Party
from scenario_runner.matching import AsText, describe
from scenario_runner.references import NotThere, as_text, follow, path_text, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scenario_runner.language.actions import Action, Binding, CallTarget, Condition, Step
    from scenario_runner.language.expectations import Clause
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.values import Duration
    from scenario_runner.references import Expression, Json, Reference


class Values:
    """Writes values with what is known before the run."""

    def __init__(self, bindings: tuple[Binding, ...] = (), known: Mapping[str, Json] = {}) -> None:
        self._bindings = {binding.name: binding.value for binding in bindings}
        self._known = dict(known)

    def _lookup(self, reference: Reference) -> Json:
        try:
            if reference.name in self._known:
                return follow(self._known[reference.name], reference.path)
            if reference.name in self._bindings:
                return follow(resolve(self._bindings[reference.name], self._lookup), reference.path)
        except NotThere:
            pass
        return str(reference)

    def value(self, expression: Expression) -> Json:
        """Return the value, with names for what is not known yet."""
        return resolve(expression, self._lookup)

    def text(self, expression: Expression) -> str:
        """Write a value."""
        return as_text(self.value(expression))

    def matcher(self, matcher: Matcher) -> str:
        """Write what a matcher wants."""
        return describe(matcher, self.value, AsText)

    def duration(self, duration: Duration) -> str:
        """Write a duration."""
        value = duration.value
        return duration_text(value) if isinstance(value, int) else str(value)


def call_text(call: CallTarget, values: Values) -> str:
    """Name a call: by its name, or by an id that was made up."""
    match call:
        case NamedCall(name):
            return f"*{name}*"
        case CallById(call_api_id, extension):
            return f"`{values.text(call_api_id)}` at {values.text(extension)}"


def listing(words: tuple[str, ...], last: str = "and") -> str:
    """Write `a`, `a and b`, `a, b and c`."""
    return f" {last} ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


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


_OnCall = Answer | Park | Slots | Bridge | Hangup | ListCalls | CallStatus
_AtHand = Wait | RawRequest | Set | Check | AwaitEvent
_Composite = Together | Repeat | Use


def sentence(action: Action, values: Values) -> str:
    """Return a sentence without its full stop."""
    match action:
        case Call():
            return _call(action, values)
        case Answer() | Park() | Slots() | Bridge() | Hangup() | ListCalls() | CallStatus():
            return _on_call(action, values)
        case Wait() | RawRequest() | Set() | Check() | AwaitEvent():
            return _at_hand(action, values)
        case Together() | Repeat() | Use():
            return _composite(action, values)
        case _:
            assert_never(action)


def _call(action: Call, values: Values) -> str:
    extension, party = values.text(action.extension), values.text(action.party)
    ringing = action.answered is not None and values.value(action.answered) is False
    if action.flow == "in":
        text = f"{party} calls extension {extension}"
        end = "which keeps ringing" if ringing else "which answers"
    else:
        text = f"Extension {extension} calls {party}"
        end = "who lets it ring" if ringing else "who answers"
    return f"{text}, {end}; this call is named *{action.as_}*"


def _on_call(action: _OnCall, values: Values) -> str:
    match action:
        case Answer(call):
            return f"The call {call_text(call, values)} is answered"
        case Park(call, slot):
            return f"The call {call_text(call, values)} is parked in slot {values.text(slot)}"
        case Slots(call, slot):
            return f"On {call_text(call, values)}, it is asked who is in slot {values.text(slot)}"
        case Bridge(call, slot):
            whom = "any parked call" if slot is None else f"the call in slot {values.text(slot)}"
            return f"The call {call_text(call, values)} is joined with {whom}"
        case Hangup(call, by):
            who = "the party at the other end" if by is Party.REMOTE else "the extension"
            return f"The call {call_text(call, values)} is ended by {who}"
        case ListCalls(extension):
            return f"The current calls of extension {values.text(extension)} are listed"
        case CallStatus(call):
            return f"It is asked what the call {call_text(call, values)} is doing"
        case _:
            assert_never(action)


def _at_hand(action: _AtHand, values: Values) -> str:
    match action:
        case Wait(duration):
            return f"{values.duration(duration)} pass"
        case RawRequest(method=method, path=path):
            return f"The request `{method} {values.text(path)}` is sent"
        case Set(bindings):
            told = tuple(f"`{one.name}` is {values.text(one.value)}" for one in bindings)
            return f"From here on, {listing(told)}"
        case Check(that, spanned):
            return f"`{Values().text(that)}` is compared: {values.matcher(spanned.matcher)}"
        case AwaitEvent(type=type_, call=call):
            about = f" about *{call.name}*" if call is not None else ""
            return f"The PBX's event `{type_.value}`{about} is awaited"
        case _:
            assert_never(action)


def _composite(action: _Composite, values: Values) -> str:
    match action:
        case Together(branches):
            return f"{len(branches)} things happen at the same moment"
        case Repeat(times=times, each=each, as_=as_):
            if times is not None:
                return f"This is done {values.text(times)} times"
            items = values.text(each) if each is not None else ""
            return f"This is done for each `{as_}` of {items}"
        case Use(fragment=fragment):
            return f"{fragment.name} (from {fragment.file})"
        case _:
            assert_never(action)


_DEEPER = "    "


def page(scenario: Scenario, rows: tuple[Scenario, ...] = (), diagram: str = "") -> str:
    """Return a section of Markdown.

    `rows` are the other rows of the same matrix; `diagram` is a Mermaid sequence diagram.
    """
    return "\n".join(_lines(scenario, rows, diagram)) + "\n"


def _lines(scenario: Scenario, rows: tuple[Scenario, ...], diagram: str) -> Iterator[str]:
    values = Values(scenario.vars)
    yield f"## {scenario.name}"
    yield ""
    if scenario.description:
        yield scenario.description.strip()
        yield ""
    if scenario.tags:
        yield "Tags: " + ", ".join(f"`{tag}`" for tag in scenario.tags)
        yield ""
    if scenario.xfail is not None:
        yield f"Known to fail: {scenario.xfail}"
        yield ""
    if scenario.when is not None:
        yield f"Only {_condition(scenario.when, values)}."
        yield ""
    yield from _steps(scenario.steps, values, "")
    yield ""
    if scenario.cleanup:
        yield "Afterwards, whatever happened:"
        yield ""
        yield from _steps(scenario.cleanup, values, "")
        yield ""
    if rows:
        yield "The same is done with other values:"
        yield ""
        yield from (f"- {row.name}" for row in rows)
        yield ""
    if diagram:
        yield "```mermaid"
        yield diagram.rstrip()
        yield "```"
        yield ""
    yield f"*{scenario.file}, line {scenario.span.line}*"


def _steps(steps: tuple[Step, ...], values: Values, indent: str) -> Iterator[str]:
    for number, step in enumerate(steps, 1):
        yield from _step(f"{number}.", step, values, indent)


def _step(mark: str, step: Step, values: Values, indent: str) -> Iterator[str]:
    told = sentence(step.action, values)
    name = f"**{values.text(step.name)}.** " if step.name is not None else ""
    yield f"{indent}{mark} {name}{told}.{_manner(step, values)}{_expected(step, values)}"
    yield from _inner(step, values, indent + _DEEPER)


def _manner(step: Step, values: Values) -> str:
    parts: list[str] = []
    if step.when is not None:
        parts.append(f" Only {_condition(step.when, values)}.")
    if isinstance(step.repeating, Stays):
        parts.append(f" This must hold for {values.duration(step.repeating.during)}.")
    elif step.repeating is not None:
        parts.append(f" It is asked again for up to {values.duration(step.repeating.within)}.")
    elif step.within is not None and not isinstance(step.action, Call):
        parts.append(f" This happens within {values.duration(step.within)}.")
    if step.xfail is not None:
        parts.append(f" Known to fail: {step.xfail}.")
    return "".join(parts)


def _condition(condition: Condition, values: Values) -> str:
    if isinstance(condition, Holding):
        wanted = values.matcher(condition.matcher.matcher)
        return f"where `{Values().text(condition.that)}` is {wanted}"
    return f"on a target that can do `{condition.capability.value}`"


def _expected(step: Step, values: Values) -> str:
    phrases = [phrase(clause, values) for clause in step.expect]
    return f" Expected: {'; '.join(phrases)}." if phrases else ""


def _inner(step: Step, values: Values, indent: str) -> Iterator[str]:
    match step.action:
        case Together(branches):
            for branch in branches:
                if len(branch) == 1:
                    yield from _step("-", branch[0], values, indent)
                else:
                    yield f"{indent}- one after the other:"
                    yield from _steps(branch, values, indent + _DEEPER)
        case Repeat(steps=steps):
            yield from _steps(steps, values, indent)
        case Use(fragment=fragment, given=given):
            known = {one.name: values.value(one.value) for one in given}
            defaults = {p.name: values.value(p.default) for p in fragment.params if p.default}
            yield from _steps(fragment.steps, Values(known={**defaults, **known}), indent)
        case _:
            pass
