"""What happens in a run, as a stream of frozen events of plain values; to JSON and back.

All times are whole microseconds. `at` is on the scenario's own clock, which begins at 0 (on the
in-process mock it is virtual); only `RunStarted.started_at` is a date (since 1970, UTC).
Secrets are masked before an event is made.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields, is_dataclass
from json.encoder import encode_basestring as _quoted
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from scenario_runner.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The run begins: against what, with which seed, how many scenarios are selected.

    `base_url` is the target's root, for repeating a request by hand; `rerun` is the command line
    that repeats this run, without the paths.
    """

    version: str
    target: str
    host: str
    driver: str
    base_url: str
    seed: int
    started_at: int
    total: int
    rerun: str = "scenario-runner run"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRead:
    """The text of a file that later spans point into."""

    file: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something that is no error and deserves a look."""

    code: str
    message: str
    span: Span
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioStarted:
    """A scenario, or one row of one, begins; `attempt` counts from 1 where failures are retried.

    `leased` are the (name, number) pairs of what its `needs` were given.
    """

    scenario: str
    name: str
    span: Span
    description: str
    tags: tuple[str, ...]
    row: tuple[tuple[str, str], ...]
    steps: int
    seed: int
    attempt: int = 1
    leased: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A step begins.

    `step` is its place: `3`, `cleanup.1`, `4[2].1` (second round of a repeat), `5.b1.2` (first
    branch of a together), `2.use.1` (inside a fragment). `via` are the places of the `use` steps
    that led here, the outermost first. `patience` is how long it waits at most by its own words,
    0 where it says nothing.
    """

    scenario: str
    step: str
    title: str
    action: str
    span: Span
    at: int
    via: tuple[Span, ...] = ()
    patience: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One command to the PBX and its answer, masked, as text.

    `outcome` is `ok`, `refused`, `lost` (it is not known what the PBX did), or `failed`.
    """

    scenario: str
    step: str
    protocol: str
    sent: str
    received: str
    outcome: str
    at: int
    took: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallChanged:
    """A named call is now in this state, by the word of the PBX or of the driver."""

    scenario: str
    step: str
    call: str
    state: str
    extension: str
    party: str
    flow: str
    slot: str | None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxReported:
    """An event that the PBX sent by itself; `call` is the name of its call, where there is one."""

    scenario: str
    type: str
    call: str | None
    extension: str
    details: tuple[tuple[str, str], ...]
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One look of a polling step; `times` equal looks in a row are folded, `at` is the first's."""

    at: int
    saw: str
    held: bool
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that does not hold, with its place in the file.

    `key` is the expectation (`holds`), or `pbx`, `name`, `timeout` … for what is no expectation.
    `expected` and `actual` are text with their types said where that matters.
    """

    key: str
    message: str
    span: Span
    expected: str | None = None
    actual: str | None = None
    hint: str | None = None
    via: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """A step is done; `failures` say why it is not passed, `saw` is the answer in short.

    `outcome` is `ok`, or the reason of a refusal, or empty where the PBX was not asked. `answer`
    are its fields that do not change from run to run: calls by their names, no ids, no times.
    """

    scenario: str
    step: str
    verdict: str
    at: int
    took: int
    saw: str = ""
    failures: tuple[Failure, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    note: str = ""
    outcome: str = ""
    answer: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the PBX holds at some moment: (slot, who) and (call, state)."""

    slots: tuple[tuple[str, str], ...] = ()
    calls: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioFinished:
    """A scenario is done, cleaned up and searched for residue.

    `failures` are those of the scenario as a whole (residue, its time-out); each step carries its
    own. `held` is what the PBX held when the first step failed. `order` tells which waiting
    command went next, of how many: `(0, 2)` is the first of two.
    """

    scenario: str
    verdict: str
    at: int
    took: int
    passed: int
    failed: int
    errored: int
    skipped: int
    not_applicable: int
    reason: str = ""
    failures: tuple[Failure, ...] = ()
    held: Held | None = None
    order: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The run is over; `counts` are (verdict, scenarios), `took` is by the real clock."""

    counts: tuple[tuple[str, int], ...]
    exit_code: int
    took: int
    interrupted: bool = False


Event: TypeAlias = (
    RunStarted
    | SourceRead
    | Warned
    | ScenarioStarted
    | StepStarted
    | Exchange
    | CallChanged
    | PbxReported
    | StepFinished
    | ScenarioFinished
    | RunFinished
)

EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


def to_json(event: Event) -> dict[str, Any]:
    """Return the event as a JSON object; its class's name stands under `event`."""
    data: dict[str, Any] = json.loads(to_line(event))
    return data


def to_line(event: Event) -> str:
    """Return the event as one line of JSON, without the line's end."""
    return _TEXT[type(event)](event)


def _text(value: object) -> str:
    return _TEXT[value.__class__](value)


def _span_text(span: Span) -> str:
    file, line, column, end_line, end_column = span
    return (
        f'{{"file":{_quoted(file)},"line":{line},"column":{column},'
        f'"end_line":{end_line},"end_column":{end_column}}}'
    )


def _object_text(kind: type, first: str) -> Callable[[Any], str]:
    """Return what writes a `kind` as JSON: one f-string over its fields.

    It is compiled from the fields as `dataclass` compiles its methods, since a run spends much of
    its time here: four times faster than a loop over the fields.
    """
    write = {"str": "{quoted(it.%s)}", "int": "{it.%s}"}
    pairs = [
        f'"{field.name}":{write.get(str(field.type), "{text(it.%s)}") % field.name}'
        for field in fields(kind)
    ]
    code = "lambda it: f'{{" + first + ",".join(pairs) + "}}'"
    made: Callable[[Any], str] = eval(code, {"quoted": _quoted, "text": _text})
    return made


class _Writers(dict[type, "Callable[[Any], str]"]):
    """What writes a value of some class as JSON; that of an event is made when first wanted."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        first = f'"event":"{kind.__name__}",' if kind.__name__ in EVENTS else ""
        self[kind] = _object_text(kind, first) if is_dataclass(kind) else json.dumps
        return self[kind]


_TEXT = _Writers(
    {
        str: _quoted,
        int: str,
        bool: {True: "true", False: "false"}.__getitem__,
        type(None): lambda _: "null",
        Span: _span_text,
        tuple: lambda items: f"[{','.join([_text(item) for item in items])}]",
    }
)


def from_json(data: dict[str, Any]) -> Event:
    """Make an event of its JSON object; raise ValueError where it is none."""
    name = str(data.get("event"))
    if name not in EVENTS:
        raise ValueError(f"'{name}' is no event of this version")
    if name not in _READERS:
        _READERS[name] = _object_reader(EVENTS[name])
    return _READERS[name](data)


_READERS: dict[str, Callable[[dict[str, Any]], Event]] = {}


def _reader(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any type hint of a field
    if kind is Span:
        return lambda data: Span(**data)
    if is_dataclass(kind):
        return _object_reader(kind)
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        inner = _reader(next(part for part in get_args(kind) if part is not type(None)))
        return lambda data: None if data is None else inner(data)
    if kind in _SCALARS:
        return _scalar_reader(*_SCALARS[kind])
    return lambda data: data


_SCALARS: dict[type, tuple[str, type]] = {
    str: ("text", str),
    bool: ("true or false", bool),
    int: ("a whole number", int),
}


def _scalar_reader(word: str, kind: type) -> Callable[[Any], Any]:
    def read(data: Any) -> Any:  # noqa: ANN401 -- any JSON value
        if type(data) is not kind:
            raise ValueError(f"{data!r} stands where {word} belongs")
        return data

    return read


def _object_reader(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- a dataclass
    hints = {name: _reader(hint) for name, hint in get_type_hints(kind).items()}
    optional = {field.name for field in fields(kind) if field.default is not MISSING}

    def read(data: dict[str, Any]) -> Any:  # noqa: ANN401 -- an instance of `kind`
        missing = hints.keys() - optional - data.keys()
        if missing:
            raise ValueError(f"{kind.__name__} lacks {', '.join(sorted(missing))}")
        return kind(**{name: reader(data[name]) for name, reader in hints.items() if name in data})

    return read


def _tuple_reader(parts: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(parts) == 2 and parts[1] is Ellipsis:
        read = _reader(parts[0])
        return lambda data: tuple(read(item) for item in data)
    readers = tuple(_reader(part) for part in parts)
    return lambda data: tuple(read(item) for read, item in zip(readers, data, strict=True))
