"""Writes the moments of a timeline as a scenario file, as a person would have written it.

Calls go by their names, ids are nowhere, a number that is used more than once becomes a variable,
and the time that passed is waited for.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from scenario_runner.durations import MILLISECOND, MINUTE, SECOND, duration_text
from scenario_runner.language.actions import ACTION_WORDS
from scenario_runner.recording.scenario import escaped, scalar
from scenario_runner.ui.gestures import (
    LetTimePass,
    LookIntoSlot,
    ParkCall,
    PickUp,
    SendRequest,
    SomebodyCalls,
    TakeFromSlot,
    number_from,
)
from scenario_runner.ui.timeline import Beginning, Observed, TimerFired

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scenario_runner.references import Json
    from scenario_runner.ui.gestures import Gesture
    from scenario_runner.ui.timeline import Moment, Timeline
    from scenario_runner.ui.world import Report, World

SUFFIX: Final = ".scenario.yaml"
_PROVING: Final = frozenset(
    word for word, actions in ACTION_WORDS.items() if any(action.facts.proves for action in actions)
)
"""The actions that prove something though nothing is expected of them."""
_TOLERANCE: Final = SECOND
_TIME_OUT: Final = 9 * MINUTE
"""A recording that lasted as long says how long it may take; others have 10 minutes."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A value that is written as a reference: `$slot`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """One step of the file; `moment` is the index of the moment that it comes from.

    `text` is what its action takes where that is no map: a duration. `label` is its id.
    """

    moment: int
    at: int
    action: str
    fields: tuple[tuple[str, Json | Ref], ...] = ()
    text: str = ""
    title: str = ""
    label: str = ""
    within: str = ""
    expect: tuple[tuple[str, Json], ...] = ()
    after: tuple[str, int] | None = None
    comment: str = ""

    @property
    def checks(self) -> bool:
        """Whether a scenario with only this step would check anything."""
        return bool(self.expect or self.after) or self.action in _PROVING


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFile:
    """A scenario file: its name, variables and steps."""

    name: str
    vars: tuple[tuple[str, Json], ...]
    steps: tuple[RecordedStep, ...]

    @property
    def checks(self) -> bool:
        """Whether anything is checked; a scenario in which nothing is would be refused."""
        return any(step.checks for step in self.steps)

    def lines(self) -> list[tuple[str, int]]:
        """Return the lines of the file, each with the moment it comes from (-1: none)."""
        head = [(f"scenario: {_sentence(self.name)}", -1)]
        lasted = self.steps[-1].at if self.steps else 0
        if lasted >= _TIME_OUT:
            head.append((f"timeout: {duration_text((lasted // MINUTE + 2) * MINUTE)}", -1))
        if self.vars:
            head += [("", -1), ("vars:", -1)]
            head += [(f"  {name}: {_flow(value)}", -1) for name, value in self.vars]
        head += [("", -1), ("steps:", -1)]
        for number, step in enumerate(self.steps):
            head += [("", -1)] * (number > 0)
            head += [(line, step.moment) for line in _step_lines(step)]
        return head

    @property
    def text(self) -> str:
        """The file's text."""
        return "\n".join(line for line, _ in self.lines()) + "\n"


def recorded(line: Timeline, name: str) -> RecordedFile:
    """Return the scenario file of a timeline."""
    steps = _merged(list(_Steps(line).all()))
    steps = [*_with_waits(_labelled(steps))]
    variables = _variables(steps, taken=_names(steps))
    named = {(kind, value): Ref(variable) for variable, kind, value in variables}
    return RecordedFile(
        name=name,
        vars=tuple((variable, value) for variable, _, value in variables),
        steps=tuple(replace(step, fields=_referring(step, named)) for step in steps),
    )


def step_text(step: RecordedStep) -> str:
    """Return one step as it is written in a file, without indentation."""
    return "\n".join(line[2:] for line in _step_lines(step))


class _Steps:
    """Turns moments into steps, without waits."""

    def __init__(self, line: Timeline) -> None:
        self._line = line

    def all(self) -> Iterator[RecordedStep]:
        """Return a step for each gesture and each report that is pinned, in order."""
        for index, moment in enumerate(self._line.moments):
            match moment.cause:
                case Beginning() | TimerFired() | Observed() | LetTimePass():
                    pass
                case _ if moment.effective:
                    yield self._gesture(index, moment)
            yield from (self._awaited(index, one) for one in moment.pinned_reports)

    def _gesture(self, index: int, moment: Moment) -> RecordedStep:
        gesture = moment.cause
        assert not isinstance(gesture, Beginning | TimerFired | Observed | LetTimePass)
        fields, comment = gesture.fields, ""
        if isinstance(gesture, SendRequest):
            fields = _request_fields(gesture, moment.world)
        elif isinstance(gesture, ParkCall | LookIntoSlot) and gesture.slot is None:
            return self._without_slot(index, moment, gesture)
        elif isinstance(gesture, TakeFromSlot) and gesture.slot is None and moment.answer:
            fields, comment = self._any_slot(index, gesture, fields)
        return RecordedStep(
            moment=index,
            at=moment.at,
            action=gesture.action,
            fields=fields,
            title=moment.title,
            expect=tuple((pin.key, pin.value) for pin in moment.pinned),
            comment=comment,
        )

    def _without_slot(
        self, index: int, moment: Moment, gesture: ParkCall | LookIntoSlot
    ) -> RecordedStep:
        """Write a request: the step would not be one without a slot."""
        call = gesture.call
        path = f"/extension/${call}.extension_id/valet_park/${call}.call_api_id"
        pins = () if moment.answer is None else moment.answer.pins
        status = next((pin for pin in pins if pin.key == "status"), None)
        return RecordedStep(
            moment=index,
            at=moment.at,
            action="request",
            fields=(("put", path), ("json", {"action": gesture.action})),
            title=moment.title,
            expect=() if status is None else ((status.key, status.value),),
        )

    def _any_slot(
        self, index: int, gesture: TakeFromSlot, fields: tuple[tuple[str, Json], ...]
    ) -> tuple[tuple[tuple[str, Json], ...], str]:
        """Name the slot where several calls were parked: chance may choose another one."""
        before = self._line.moments[index - 1].picture
        taken = [
            call
            for call in before.parked()
            if (now := self._line.moments[index].picture.call(call.name)) is not None
            and now.doing == "bridged"
        ]
        if len(before.parked()) < 2 or not taken:
            return fields, ""
        slot: Json = int(taken[0].slot)
        named = (("call", gesture.call), ("slot", slot), *fields[1:])
        return named, "any parked call was asked for, and chance took this one"

    def _awaited(self, index: int, report: Report) -> RecordedStep:
        fields: tuple[tuple[str, Json], ...] = (
            ("type", report.type),
            ("call", report.call),
            ("extension", number_from(report.extension)),
        )
        parked = self._parked_before(index, report)
        return RecordedStep(
            moment=index,
            at=report.at,
            action="event",
            fields=fields,
            title=self._line.moments[index].title,
            after=None if parked is None else (str(parked), report.at - self._at(parked)),
        )

    def _parked_before(self, index: int, report: Report) -> int | None:
        """Return the moment at which a call that returned was parked, if a gesture did it."""
        for number in range(index - 1, -1, -1):
            moment = self._line.moments[number]
            if isinstance(moment.cause, ParkCall) and moment.cause.call == report.call:
                done = moment.answer is not None and moment.answer.outcome == "ok"
                return number if done else None
        return None

    def _at(self, index: int) -> int:
        return self._line.moments[index].at


def _merged(steps: list[RecordedStep]) -> list[RecordedStep]:
    """Write a call that is answered at the moment it comes in as one step."""
    kept: list[RecordedStep] = []
    for step in steps:
        before = kept[-1] if kept else None
        if before is not None and _answers_at_once(before, step):
            fields = tuple(pair for pair in before.fields if pair[0] != "answered")
            title = before.title.replace(" calls ", " reaches ")
            kept[-1] = replace(before, fields=fields, title=title)
        else:
            kept.append(step)
    return kept


def _answers_at_once(call: RecordedStep, answer: RecordedStep) -> bool:
    fields = dict(call.fields)
    return (
        call.action == SomebodyCalls.action
        and answer.action == PickUp.action
        and ("call", fields.get("as")) in answer.fields
        and call.at == answer.at
        and not (call.expect or answer.expect)
    )


def _labelled(steps: list[RecordedStep]) -> list[RecordedStep]:
    """Give an id to each step that another one measures time from, and refer to it."""
    wanted = {step.after[0] for step in steps if step.after is not None}
    labels: dict[str, str] = {}
    for step in steps:
        if str(step.moment) in wanted and step.action == "park":
            labels[str(step.moment)] = "parked" if not labels else f"parked_{len(labels) + 1}"
    return [
        replace(
            step,
            label=labels.get(str(step.moment), "") if step.action == "park" else "",
            after=None if step.after is None else (labels[step.after[0]], step.after[1]),
        )
        for step in steps
    ]


def _with_waits(steps: list[RecordedStep]) -> Iterator[RecordedStep]:
    """Put waits between steps; one that awaits a report does the waiting itself."""
    now = 0
    for step in steps:
        pause = _pause(step.at - now)
        if step.action == "event":
            since = () if step.after is None else (("since", step.after[0]),)
            yield replace(step, within=_window(step, pause), fields=(*step.fields, *since))
        else:
            if pause > 0:
                yield RecordedStep(
                    moment=step.moment, at=step.at, action="wait", text=duration_text(pause)
                )
            yield step
        now = max(now, step.at)


def _pause(took: int) -> int:
    """Return how long to wait: exactly, or in whole seconds where a real clock went on."""
    return took if took % MILLISECOND == 0 else round(took / SECOND) * SECOND


def _window(step: RecordedStep, pause: int) -> str:
    """Return how long a report is awaited: in whole minutes, and longer than it took."""
    longest = max(pause, step.after[1] if step.after is not None else 0)
    return duration_text((longest // MINUTE + 1) * MINUTE)


_NOUNS: Final = {"slot": "slot", "extension": "desk"}
_ORDINALS: Final = ("first", "second", "third")


def _names(steps: Iterable[RecordedStep]) -> frozenset[str]:
    return frozenset(str(value) for step in steps for key, value in step.fields if key == "as")


def _variables(steps: Iterable[RecordedStep], taken: frozenset[str]) -> list[tuple[str, str, Json]]:
    """Return (name, kind, value) of each slot and extension that is used more than once."""
    used = Counter(
        (kind, value)
        for step in steps
        for kind, value in step.fields
        if kind in _NOUNS and isinstance(value, int | str)
    )
    found: list[tuple[str, str, Json]] = []
    for kind, noun in _NOUNS.items():
        values = [value for (one, value), count in used.items() if one == kind and count > 1]
        names = _numbered(noun, len(values))
        free = [f"{name}_number" if name in taken else name for name in names]
        found += [(name, kind, value) for name, value in zip(free, values, strict=True)]
    return found


def _numbered(noun: str, count: int) -> list[str]:
    """Return names for several of a kind: `slot` alone, else `first_slot`, `second_slot`."""
    if count == 1:
        return [noun]
    names = [f"{ordinal}_{noun}" for ordinal in _ORDINALS]
    return [*names[:count], *(f"{noun}_{number}" for number in range(len(names) + 1, count + 1))]


def _referring(
    step: RecordedStep, named: Mapping[tuple[str, Json], Ref]
) -> tuple[tuple[str, Json | Ref], ...]:
    return tuple(
        (key, named.get((key, value), value) if isinstance(value, int | str) else value)
        for key, value in step.fields
    )


def _request_fields(gesture: SendRequest, world: World | None) -> tuple[tuple[str, Json], ...]:
    """Tell a request that has no verb, with the names of calls in place of their ids."""
    request = gesture.request
    named = _Naming(world)
    path = request.path.removeprefix("/api/ver1.0")
    fields: list[tuple[str, Json]] = [(request.method.lower(), named.text(escaped(path)))]
    body = request.body.decode("utf-8", "replace")
    if body:
        try:
            fields.append(("json", named.value(json.loads(body))))
        except (ValueError, RecursionError):
            fields.append(("text", named.text(escaped(body))))
    return tuple(fields)


class _Naming:
    """Replaces the ids of calls by references to their names."""

    def __init__(self, world: World | None) -> None:
        self._ids: dict[str, str] = {}
        if world is not None:
            for uuid, name in world.names.items():
                self._ids[f"{world.pbx.profile.media_server}-{uuid}"] = f"{name}.call_api_id"
                self._ids[uuid] = f"{name}.uuid"

    def text(self, text: str) -> str:
        """Return text without ids."""
        for one, reference in self._ids.items():
            text = re.sub(re.escape(one) + r"(?![\w.\[])", f"${reference}", text)
            text = text.replace(one, f"${{{reference}}}")
        return text

    def value(self, value: Json) -> Json:
        """Return a value without ids."""
        match value:
            case str():
                return self.text(escaped(value))
            case list():
                return [self.value(item) for item in value]
            case dict():
                return {key: self.value(item) for key, item in value.items()}
            case _:
                return value


def _step_lines(step: RecordedStep) -> list[str]:
    lines = [f"# {step.comment}"] if step.comment else []
    keys = [f"name: {_sentence(step.title)}"] if step.title else []
    keys += [f"id: {step.label}"] if step.label else []
    keys.append(f"{step.action}: {step.text or _map(step)}")
    keys += [f"within: {step.within}"] if step.within else []
    if step.expect:
        pairs = ", ".join(f"{key}: {_flow(value)}" for key, value in step.expect)
        keys.append(f"expect: {{{pairs}}}")
    if step.after is not None:
        keys += ["expect:", f"  after: {{{step.after[0]}: {_between(step.after[1])}}}"]
    body = [f"- {keys[0]}", *(f"  {key}" for key in keys[1:])]
    return [f"  {line}" for line in (*lines, *body)]


def _between(took: int) -> str:
    first, last = max(0, took - _TOLERANCE), took + _TOLERANCE
    return f"{{between: [{_seconds(first)}, {_seconds(last)}]}}"


def _seconds(microseconds: int) -> str:
    return f"{microseconds / SECOND:.3f}".rstrip("0").rstrip(".") + "s"


def _map(step: RecordedStep) -> str:
    write = _json if step.action == "request" else _flow
    pairs = ", ".join(
        f"{key}: {'$' + value.name if isinstance(value, Ref) else write(value)}"
        for key, value in step.fields
    )
    return f"{{{pairs}}}"


_BARE: Final = re.compile(r"(?:[A-Za-z]|[0-9]+ [a-z])[\w ,.'+-]*(?<! )")


def _sentence(text: str) -> str:
    """Write a sentence: bare where YAML takes it for nothing else."""
    if " " in text and _BARE.fullmatch(text):
        return text
    return scalar(escaped(text)) if text[:1].isalpha() else _json(escaped(text))


def _flow(value: Json) -> str:
    match value:
        case bool() | None:
            return json.dumps(value)
        case list():
            return "[" + ", ".join(_flow(item) for item in value) + "]"
        case int():
            return str(value)
        case str():
            return scalar(escaped(value))
        case _:
            return _json(value)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def gesture_text(gesture: Gesture, expect: tuple[tuple[str, Json], ...] = ()) -> str:
    """Return the step that a gesture is, as it would be written, without indentation."""
    fields = gesture.fields
    if isinstance(gesture, SendRequest):
        fields = _request_fields(gesture, None)
    step = RecordedStep(moment=-1, at=0, action=gesture.action, fields=fields, expect=expect)
    return step_text(step)
