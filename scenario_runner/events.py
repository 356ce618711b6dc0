"""What happens in a run, as a stream of frozen events of plain values; to JSON and back.

All times are whole microseconds. `at` is on the scenario's own clock, which begins at 0 (on the
in-process mock it is virtual); only `RunStarted.started_at` is a date (since 1970, UTC).
Secrets are masked before an event is made. The descriptions of the fields stand in
`schemas/events.schema.json`, which is written from here (see `reporters.schema`).
"""

from __future__ import annotations

import json
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_args

import msgspec
from msgspec import DecodeError, Meta, Struct, ValidationError, convert
from msgspec.json import Decoder
from msgspec.structs import replace

from scenario_runner.errors import Problem, suggestion
from scenario_runner.exit_code import Exit
from scenario_runner.masking import Mask
from scenario_runner.source import Span

if TYPE_CHECKING:
    from collections.abc import Sequence


class Tone(StrEnum):
    """How something is coloured where there are colours."""

    GOOD = "good"
    BAD = "bad"
    ODD = "odd"
    KNOWN = "known"
    DIM = "dim"
    STRONG = "strong"
    PLAIN = ""


class Verdict(StrEnum):
    """What became of a step or a scenario; all that is to be known about a verdict stands here.

    `symbol` and `tone` show it. `gravity` orders them: the gravest of several is that of the whole.
    `exit_code` is that of a run in which a scenario ended so; `junit` is the element of a test case
    in JUnit's XML, empty where a test case has none.
    """

    symbol: str
    tone: Tone
    gravity: int
    exit_code: Exit
    junit: str

    def __new__(  # noqa: PLR0913 -- the columns of the table below
        cls, word: str, symbol: str, tone: Tone, gravity: int, exit_code: Exit, junit: str
    ) -> Verdict:
        """Make a member of its row."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.symbol, member.tone, member.gravity = symbol, tone, gravity
        member.exit_code, member.junit = exit_code, junit
        return member

    # fmt: off
    PASSED = "passed", "✓", Tone.GOOD, 1, Exit.PASSED, ""
    FAILED = "failed", "✗", Tone.BAD, 6, Exit.FAILED, "failure"
    ERRORED = "errored", "!", Tone.BAD, 7, Exit.ERRORED, "error"
    XPASSED = "xpassed", "✗", Tone.BAD, 5, Exit.FAILED, "failure"
    FLAKY = "flaky", "~", Tone.ODD, 4, Exit.FAILED, ""
    SKIPPED = "skipped", "-", Tone.ODD, 3, Exit.FAILED, "skipped"
    XFAILED = "xfailed", "x", Tone.KNOWN, 2, Exit.PASSED, "skipped"
    NOT_APPLICABLE = "not applicable", "·", Tone.DIM, 0, Exit.PASSED, "skipped"
    # fmt: on

    @property
    def bad(self) -> bool:
        """Whether it has something to say about what went wrong."""
        return self.junit in ("failure", "error")

    @property
    def green(self) -> bool:
        """Whether a run in which everything ended so needs nobody's attention."""
        return self.exit_code is Exit.PASSED

    @property
    def ran(self) -> bool:
        """Whether anything was done at all."""
        return self not in (Verdict.SKIPPED, Verdict.NOT_APPLICABLE)

    @property
    def stops(self) -> bool:
        """Whether the steps after a step that ended so are skipped."""
        return not self.green


def _said(text: str) -> Meta:
    return Meta(description=text)


ScenarioId: TypeAlias = Annotated[
    str, _said("The scenario's id, unique in the run: its file, '::', its name.")
]
StepId: TypeAlias = Annotated[
    str,
    _said(
        "The step's place in the scenario: '3', 'cleanup.1', '4[2].1' (second round of a repeat), "
        "'5.b1.2' (first branch of a together), '2.use.1' (in a fragment). Empty outside of steps."
    ),
]
At: TypeAlias = Annotated[
    int, _said("The time on the scenario's own clock, in microseconds since it began.")
]
Took: TypeAlias = Annotated[
    int, _said("How long it took on the scenario's clock, in microseconds.")
]
Via: TypeAlias = Annotated[
    tuple[Span, ...],
    _said("The places of the 'use' steps that led here, the outermost first."),
]
Where: TypeAlias = Annotated[Span, _said("Where in the file.")]
Pairs: TypeAlias = tuple[tuple[str, str], ...]
Uuid: TypeAlias = Annotated[
    str,
    _said(
        "The call's id on the PBX: a name can stand for one call after the other, in a repeat. "
        "May be empty."
    ),
]


class Attempt(Struct, frozen=True, kw_only=True, gc=False):
    """One look of a step that asks again and again; equal looks in a row are folded."""

    at: Annotated[
        int,
        _said("When the first of the equal looks was, in microseconds on the scenario's clock."),
    ]
    summary: Annotated[str, _said("What the PBX answered, in short.")]
    passed: Annotated[bool, _said("Whether the expectation held.")]
    times: Annotated[int, _said("How many equal looks in a row this stands for.")] = 1


class Failure(Struct, frozen=True, kw_only=True, gc=False):
    """One thing that does not hold, with its place in the file."""

    key: Annotated[
        str,
        _said(
            "The expectation ('holds'), or 'pbx', 'name', 'timeout' and the like for what is no "
            "expectation."
        ),
    ]
    message: Annotated[str, _said("What is wrong, as a sentence.")]
    span: Where
    expected: Annotated[
        str | None, _said("What was expected, with its type where that matters.")
    ] = None
    actual: Annotated[str | None, _said("What was found, with its type where that matters.")] = None
    hint: Annotated[str | None, _said("How to fix it.")] = None
    via: Via = ()


class PbxSnapshot(Struct, frozen=True, kw_only=True, gc=False):
    """What was in the PBX at the moment of the first failure."""

    slots: Annotated[
        Pairs,
        _said("The occupied slots, and who is parked there."),
    ] = ()
    calls: Annotated[
        Pairs,
        _said("The scenario's live calls with their extensions, and their states."),
    ] = ()
    others: Annotated[
        int,
        _said("How many live calls there were that this scenario did not place."),
    ] = 0
    unasked: Annotated[
        tuple[str, ...],
        _said("What could not be asked, so that nothing is known of it."),
    ] = ()


class _Event(Struct, frozen=True, kw_only=True, gc=False, tag_field="event", tag=True):
    """What all events have in common: in JSON its kind stands under `event`."""


class RunStarted(_Event, frozen=True, kw_only=True):
    """The run begins."""

    version: Annotated[str, _said("The version of scenario-runner.")]
    target: Annotated[str, _said("The target's name.")]
    host: Annotated[str, _said("The target's host, or where it is.")]
    driver: Annotated[str, _said("The target's driver.")]
    base_url: Annotated[
        str,
        _said("The root of the target's addresses, to repeat a request by hand; may be empty."),
    ]
    seed: Annotated[int, _said("The random seed.")]
    started_at: Annotated[int, _said("When the run began, in microseconds since 1970 (UTC).")]
    total: Annotated[int, _said("How many scenarios are selected.")]
    rerun: Annotated[str, _said("The command line that repeats this run, without its paths.")] = (
        "scenario-runner run"
    )
    shard: Annotated[
        str, _said("Which part of a run this is, '2/4'; empty where it is the whole.")
    ] = ""
    slots: Annotated[
        tuple[int, int],
        _said("The first and the last of the target's slots; 0 and 0 where they are not known."),
    ] = (0, 0)
    park_timeout: Annotated[
        int,
        _said("How long a call stays parked there, in microseconds; 0 where it is not known."),
    ] = 0


class SourceRead(_Event, frozen=True, kw_only=True):
    """The text of a file that later places point into."""

    file: Annotated[str, _said("The file's path.")]
    text: Annotated[str, _said("Its whole text.")]


class Warned(_Event, frozen=True, kw_only=True):
    """Something that is no error and deserves a look."""

    code: Annotated[str, _said("A short stable word; 'scenario-runner explain CODE' tells more.")]
    message: Annotated[str, _said("What it is.")]
    span: Where
    hint: Annotated[str | None, _said("How to fix it.")] = None


class InvalidFile(_Event, frozen=True, kw_only=True):
    """A file that is not run, since it is invalid."""

    file: Annotated[str, _said("The file's path.")]
    problems: Annotated[tuple[Problem, ...], _said("What is wrong with it.")]


class ScenarioStarted(_Event, frozen=True, kw_only=True):
    """A scenario, or one row of one, begins."""

    scenario: ScenarioId
    name: Annotated[str, _said("Its name, with its row.")]
    span: Annotated[Span, _said("The place of its name.")]
    description: Annotated[str, _said("Its description; may be empty.")]
    tags: Annotated[tuple[str, ...], _said("Its tags.")]
    row: Annotated[
        Pairs,
        _said("Its row of the matrix."),
    ]
    steps: Annotated[
        int,
        _said("How many steps it has, its cleanup included, without the steps inside of steps."),
    ]
    seed: Annotated[int, _said("The seed of this scenario.")]
    attempt: Annotated[
        int, _said("Which attempt this is, where failed ones are tried again; counted from 1.")
    ] = 1
    leased: Annotated[
        Pairs,
        _said("The slots and extensions that the scenario was given, by the names in its 'needs'."),
    ] = ()


class StepStarted(_Event, frozen=True, kw_only=True):
    """A step begins."""

    scenario: ScenarioId
    step: StepId
    title: Annotated[str, _said("Its name, or its action.")]
    action: Annotated[str, _said("Its action.")]
    span: Annotated[Span, _said("Its place.")]
    at: At
    path: Annotated[
        tuple[str, ...],
        _said(
            "Its place for people, from the outside to the inside: ['5', 'agent_b', '1'] for "
            "'5.b2.1'."
        ),
    ] = ()
    via: Via = ()
    patience: Annotated[
        int,
        _said(
            "How long it waits at most by its own words, in microseconds; 0 where it says nothing."
        ),
    ] = 0

    @property
    def label(self) -> str:
        """The step's place as people see it: `5 › agent_b › 1`."""
        return " › ".join(self.path) or self.step


class Exchange(_Event, frozen=True, kw_only=True):
    """One command to the PBX and its answer; secrets are masked."""

    scenario: ScenarioId
    step: StepId
    protocol: Annotated[str, _said("The protocol, 'http' for example.")]
    sent: Annotated[
        str,
        _said("What was sent. For HTTP: method and path, the headers, an empty line, the body."),
    ]
    received: Annotated[
        str,
        _said("What came back. For HTTP: the status, the headers, an empty line, the body."),
    ]
    outcome: Annotated[
        str, _said("'ok', 'refused', 'lost' (it is not known what the PBX did) or 'failed'.")
    ]
    at: At
    took: Took


class CallChanged(_Event, frozen=True, kw_only=True):
    """A named call is in another state now, by the word of the PBX or of the driver."""

    scenario: ScenarioId
    step: StepId
    call: Annotated[str, _said("The call's name in the scenario.")]
    state: Annotated[str, _said("Its state: 'ringing', 'up', 'parked', 'bridged', 'ended'.")]
    extension: Annotated[str, _said("The extension it is at.")]
    party: Annotated[str, _said("The remote party's number.")]
    flow: Annotated[str, _said("Its direction: 'in' or 'out'.")]
    slot: Annotated[str | None, _said("The slot it is parked in.")]
    at: At
    uuid: Uuid = ""


class PbxReported(_Event, frozen=True, kw_only=True):
    """Something the PBX reported by itself."""

    scenario: ScenarioId
    type: Annotated[str, _said("'dial-in', 'dial-out', 'answer' or 'hangup'.")]
    call: Annotated[str | None, _said("The name of the call, where it has one.")]
    extension: Annotated[str, _said("The extension.")]
    details: Annotated[Pairs, _said("The event's other fields.")]
    at: At
    uuid: Uuid = ""


class StepFinished(_Event, frozen=True, kw_only=True):
    """A step is done."""

    scenario: ScenarioId
    step: StepId
    verdict: Annotated[Verdict, _said("What became of the step.")]
    at: At
    took: Took
    summary: Annotated[str, _said("The answer in short.")] = ""
    failures: Annotated[tuple[Failure, ...], _said("Why it is not passed.")] = ()
    attempts: Annotated[
        tuple[Attempt, ...],
        _said("The looks of a step that asks again and again."),
    ] = ()
    note: Annotated[
        str, _said("What else is worth knowing, such as the order in which branches went.")
    ] = ""
    outcome: Annotated[
        str,
        _said(
            "'ok', or the reason of a refusal ('slot-full'), or empty where the PBX was not asked."
        ),
    ] = ""
    answer: Annotated[
        Pairs,
        _said(
            "The fields of the answer that are the same in every run: calls by their names, no "
            "ids, no times."
        ),
    ] = ()


class ScenarioFinished(_Event, frozen=True, kw_only=True):
    """A scenario is done, cleaned up and searched for what it left behind."""

    scenario: ScenarioId
    verdict: Annotated[Verdict, _said("What became of the scenario.")]
    at: At
    took: Took
    passed: Annotated[int, _said("How many of its steps passed.")]
    failed: Annotated[int, _said("How many of its steps failed.")]
    errored: Annotated[int, _said("How many of its steps errored.")]
    skipped: Annotated[int, _said("How many of its steps were skipped.")]
    not_applicable: Annotated[int, _said("How many of its steps did not apply.")]
    reason: Annotated[str, _said("The reason of its 'xfail', or 'interrupted'; else empty.")] = ""
    failures: Annotated[
        tuple[Failure, ...],
        _said("What is wrong with the scenario as a whole; each step carries its own."),
    ] = ()
    snapshot: Annotated[
        PbxSnapshot | None,
        _said("What was in the PBX when the first step failed; null where nothing failed."),
    ] = None
    order: Annotated[
        tuple[tuple[int, int], ...],
        _said(
            "Which of the waiting commands went next, choice by choice: [0, 2] is the first of two."
        ),
    ] = ()
    real: Annotated[
        int, _said("How long it took by the real clock, in microseconds; 0 where nobody measured.")
    ] = 0
    final: Annotated[
        bool, _said("Whether this was the last attempt at it; false where another one follows.")
    ] = True


class RunFinished(_Event, frozen=True, kw_only=True):
    """The run is over."""

    counts: Annotated[
        tuple[tuple[Verdict, int], ...],
        _said("How many scenarios had which verdict."),
    ]
    exit_code: Annotated[
        Exit,
        _said(
            "The exit code: 0 all passed, 1 failures, 2 invalid files, 3 usage, 4 errors, "
            "5 a fault of the runner, 130 interrupted."
        ),
    ]
    took: Annotated[int, _said("How long the run took by the real clock, in microseconds.")]
    interrupted: Annotated[bool, _said("Whether the run was broken off.")] = False


Event: TypeAlias = (
    RunStarted
    | SourceRead
    | Warned
    | InvalidFile
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

_ENCODER = msgspec.json.Encoder()


def encode(value: Struct) -> bytes:
    """Return an event, or a part of one, as JSON on one line, without the line's end.

    Lone surrogates, which UTF-8 can't hold, are replaced; events of the engine have none.
    """
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return _ENCODER.encode(Mask().event(value))


def encode_lines(events: Sequence[Event]) -> bytes:
    """Return events as lines of JSON."""
    try:
        return _ENCODER.encode_lines(events)
    except UnicodeEncodeError:
        return b"".join(encode(event) + b"\n" for event in events)


def decode_lines(lines: bytes) -> list[Event]:
    """Read what `encode_lines` wrote."""
    return _decoder().decode_lines(lines)


def to_json(event: Event) -> dict[str, Any]:
    """Return the event as a JSON object; its class's name stands under `event`."""
    data: dict[str, Any] = json.loads(encode(event))
    return data


class NoJson(ValueError):
    """The text is no JSON at all, perhaps since it was cut off."""


@cache
def _decoder() -> Decoder[Event]:
    return Decoder(Event)


def decode(line: bytes | str) -> Event:
    """Read an event from its JSON; raise ValueError where it is none, NoJson where it is cut."""
    try:
        try:
            return _decoder().decode(line)
        except ValidationError as error:
            raise ValueError(_why(error, msgspec.json.decode(line))) from None
    except (DecodeError, RecursionError, UnicodeDecodeError) as error:
        why = str(error).removeprefix("JSON is malformed: ")
        raise NoJson(why) from None


def from_json(data: dict[str, Any]) -> Event:
    """Make an event of its JSON object; raise ValueError where it is none."""
    try:
        return convert(data, Event)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise ValueError(_why(error, data)) from None


def _why(error: ValidationError, data: object) -> str:
    """Say what is wrong with the JSON of an event, which is valid JSON."""
    if not isinstance(data, dict):
        return f"expected a JSON object, got {type(data).__name__}"
    name = data.get("event")
    if name not in EVENTS:
        return f"unknown event {name!r}; {suggestion(str(name), EVENTS)}"
    return f"{name}: {error}"


def without_real_time(event: Event) -> Event:
    """Blank what the real clock says: the only things in which two runs on the mock differ.

    These are `RunStarted.started_at` (and with it the time stamps of JUnit), `RunFinished.took`,
    `ScenarioFinished.real` (and with it the times of JUnit), and how long an exchange took in a
    failure of `faster_than`.
    """
    match event:
        case RunStarted():
            return replace(event, started_at=0)
        case RunFinished():
            return replace(event, took=0)
        case ScenarioFinished():
            return replace(event, real=0)
        case StepFinished():
            return replace(event, failures=tuple(_blanked(one) for one in event.failures))
        case _:
            return event


def _blanked(failure: Failure) -> Failure:
    if failure.key != "faster_than":
        return failure
    return replace(failure, message="", actual=None)
