"""Steps and the actions they take; one frozen class for each action of the language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from scenario_runner.durations import SECOND
from scenario_runner.language.values import Duration

if TYPE_CHECKING:
    from scenario_runner.language.expectations import Clause
    from scenario_runner.language.matchers import Spanned
    from scenario_runner.language.vocabulary import Capability, EventType, Party
    from scenario_runner.references import Expression, Path
    from scenario_runner.source import Span


@dataclass(frozen=True, slots=True)
class NamedCall:
    """A call by the name that a `call` step gave it."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class CallById:
    """A call by an id made up or saved, at an extension; for negative cases."""

    call_api_id: Expression
    extension: Expression
    span: Span


CallTarget: TypeAlias = NamedCall | CallById


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Brings a call up at an extension: incoming (`party` calls it) or outgoing (it calls)."""

    as_: str
    extension: Expression
    flow: Literal["in", "out"]
    party: Expression
    answered: Expression | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Answers a ringing call."""

    call: CallTarget


@dataclass(frozen=True, slots=True)
class Park:
    """Parks a call in a slot; `extension` stands in for the call's own."""

    call: CallTarget
    slot: Expression
    extension: Expression | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """Asks who is parked in a slot."""

    call: CallTarget
    slot: Expression
    extension: Expression | None = None


@dataclass(frozen=True, slots=True)
class Bridge:
    """Joins a call with the one in the slot, or with any parked one (`slot` None)."""

    call: CallTarget
    slot: Expression | None = None
    extension: Expression | None = None


@dataclass(frozen=True, slots=True)
class Hangup:
    """Ends a call, as the remote party or as the extension."""

    call: CallTarget
    by: Party


@dataclass(frozen=True, slots=True)
class ListCalls:
    """Lists the current calls of an extension."""

    extension: Expression


@dataclass(frozen=True, slots=True)
class CallStatus:
    """Asks about one call."""

    call: CallTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitEvent:
    """Waits for an event that the PBX reports; `where` are conditions on the event's fields."""

    type: EventType
    call: NamedCall | None = None
    extension: Expression | None = None
    since: str | None = None
    where: tuple[tuple[str, Spanned], ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """Lets time pass."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A request body sent as JSON."""

    value: Expression


@dataclass(frozen=True, slots=True)
class TextBody:
    """A request body sent as typed."""

    text: Expression


@dataclass(frozen=True, slots=True)
class FormBody:
    """A request body sent as a form; each value is written as text."""

    fields: tuple[tuple[str, Expression], ...]


Body: TypeAlias = JsonBody | TextBody | FormBody


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """A raw request; a header whose value is None is not sent."""

    method: Literal["GET", "PUT", "POST", "DELETE"]
    path: Expression
    body: Body | None = None
    headers: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """A name, what it is bound to, and where that is said."""

    name: str
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Set:
    """Binds variables."""

    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """Asserts about a value at hand."""

    that: Expression
    matcher: Spanned


@dataclass(frozen=True, slots=True)
class Together:
    """Starts all branches at the same moment and waits for all of them."""

    branches: tuple[tuple[Step, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Runs steps a number of times, or once for each item, bound to `as_`."""

    times: Expression | None = None
    each: Expression | None = None
    as_: str | None = None
    steps: tuple[Step, ...]


MOST_ROUNDS = 100_000
"""How many rounds a `repeat` may come to, those of the repeats around it multiplied."""

CALL = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A parameter of a fragment: its type, and its default (None: it must be given).

    The type is a JSON type, or CALL: a call of the file that uses the fragment, by its name.
    """

    name: str
    type: str
    default: Expression | None
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A file of steps for reuse."""

    name: str
    file: str
    params: tuple[Param, ...]
    exports: tuple[str, ...]
    steps: tuple[Step, ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Runs a fragment's steps; `given` are its parameters, `exports` (inside, outside) names."""

    fragment: Fragment
    given: tuple[Binding, ...] = ()
    exports: tuple[tuple[str, str], ...] = ()


Action: TypeAlias = (
    Call
    | Answer
    | Park
    | Slots
    | Bridge
    | Hangup
    | ListCalls
    | CallStatus
    | AwaitEvent
    | Wait
    | RawRequest
    | Set
    | Check
    | Together
    | Repeat
    | Use
)


@dataclass(frozen=True, slots=True)
class Holding:
    """A condition: a value at hand matches."""

    that: Expression
    matcher: Spanned


@dataclass(frozen=True, slots=True)
class TargetCan:
    """A condition: the target has this capability."""

    capability: Capability
    span: Span


Condition: TypeAlias = Holding | TargetCan


@dataclass(frozen=True, slots=True)
class Poll:
    """Asks again every `every` until the expectation holds, for at most `within`."""

    within: Duration
    every: Duration


@dataclass(frozen=True, slots=True)
class Stays:
    """Asks again every `every`, for the time `during`; the expectation must hold each time."""

    during: Duration
    every: Duration


@dataclass(frozen=True, slots=True)
class Save:
    """Binds `name` to what stands at `path` in the answer."""

    name: str
    path: Path
    span: Span


EXCHANGE_TIMEOUT = Duration(30 * SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: its action, where it stands, what is expected, and how it is taken.

    `word` is the action as written (`park`), `name` what the file calls the step.
    `within` is the window of an `event` or `call`; `repeating` says how an asking step asks again.
    """

    action: Action
    word: str
    span: Span
    name: Expression | None = None
    id: str | None = None
    expect: tuple[Clause, ...] = ()
    expect_span: Span | None = None
    within: Duration | None = None
    repeating: Poll | Stays | None = None
    save: tuple[Save, ...] = ()
    when: Condition | None = None
    timeout: Duration = EXCHANGE_TIMEOUT
    xfail: str | None = None
