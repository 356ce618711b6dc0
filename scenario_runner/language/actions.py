"""Steps, and the actions they take; one frozen class for each action of the language."""

# Annotations are evaluated here: the kinds in them are read where a schema or a reader is made.
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, TypeAlias, get_args

from msgspec import Struct

from scenario_runner.durations import SECOND
from scenario_runner.language.expectations import EARLIER, EXPECT, Clause
from scenario_runner.language.facts import ActionBase, Alternatives, Facts, Part, Requirement
from scenario_runner.language.kinds import (
    CALL_API_ID,
    CALL_NAME,
    DURATION,
    EXTENSION,
    FLAG,
    LABEL,
    NAME,
    NAMES,
    OWN_EXTENSION,
    PARTY,
    REASON,
    SLOT,
    TEXT,
    TRUTH,
    VALUE,
    Kind,
    Shape,
    by_word,
    many,
    mapping,
    one_of,
)
from scenario_runner.language.matchers import MATCHER, MATCHER_BESIDE, Spanned
from scenario_runner.language.prose import Prose, listing
from scenario_runner.language.requests import RawRequest
from scenario_runner.language.values import Duration
from scenario_runner.language.vocabulary import Capability, EventType, Party
from scenario_runner.references import Expression, Path
from scenario_runner.source import Span

STEP = Kind(
    name="step",
    noun="a step",
    sentence="One step: exactly one action, and what must hold after it.",
    of=lambda: (Step,),
    shared="step",
)
STEPS = Kind(
    name="steps",
    noun="a list of steps",
    sentence="The steps, one after the other. Each begins with '- ' and has exactly one action.",
    schema={"type": "array", "minItems": 1, "items": STEP(type="object")},
    shared="steps",
)
ACTION = Kind(name="action", choices=lambda: ACTIONS, spread=True)
CALL_TARGET = Kind(name="call target", of=lambda: (NamedCall, CallById), spread=True)
ONLY_CALL = CALL_TARGET(name="only call")
CONDITION = Kind(
    name="condition",
    noun="a condition",
    sentence="When this step (or scenario) applies: '{that: $mode, equals: full}' or "
    "'{target_can: random-bridge}'. Where it does not hold, the step is left out and counts "
    "neither as passed nor as failed.",
    schema={"type": "object"},
    of=lambda: (TargetCan, Holding),
    unknown_key="in a condition",
    shared="condition",
)
CAPABILITY = one_of(Capability, "something a target can do", key="target_can")
BRANCHES = many(
    STEP(
        "One branch.",
        noun="a step or a list of steps",
        type=["object", "array"],
        minItems=1,
        items=STEP(type="object"),
    ),
    noun="a list of branches",
    minItems=2,
)
TIMES = VALUE(noun="a number", type=["integer", "string"], minimum=1, maximum=10000)
ITEMS = VALUE(noun="a list of values, or a range", type=["array", "string"], minItems=1)
BINDINGS = mapping(
    name="bindings", noun="a map of names to values", minProperties=1, propertyNames=NAME
)
GIVEN = mapping(noun="a map of parameters", key="with", propertyNames=NAME)
TAKEN = Kind(
    name="taken",
    noun="a list of names, or a map that gives them other ones",
    schema={
        "type": ["array", "object"],
        "items": NAME,
        "propertyNames": NAME,
        "additionalProperties": NAME,
    },
)
FIELD_MATCHERS = mapping(
    name="matchers by field",
    noun="a map of fields to matchers",
    minProperties=1,
    additionalProperties=MATCHER,
)
SAVE = mapping(
    name="save",
    noun="a map of names to paths",
    minProperties=1,
    propertyNames=NAME,
    additionalProperties=TEXT(
        "Where the value stands in the answer: status, uuid, body.data.slot, 'body.call_list[0]'.",
        noun="a path",
        minLength=1,
    ),
)
PARAMS = mapping(
    noun="a map of parameters",
    propertyNames=NAME,
    additionalProperties=Kind(
        name="param",
        noun="a map with 'type' and perhaps 'default'",
        sentence="One parameter.",
        schema={"type": "object"},
        of=lambda: (Param,),
    ),
)


class ParamType(StrEnum):
    """What a parameter of a fragment takes: a type of JSON, or a call of the file that uses it."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    NULL = "null"
    CALL = "call"


class NamedCall(Struct, frozen=True):
    """A call by the name that a `call` step gave it."""

    name: Annotated[str, CALL_NAME(key="call")]
    span: Span

    def said(self, _: Prose) -> str:
        return f"*{self.name}*"


class CallById(Struct, frozen=True):
    """A call by an id made up or saved, at an extension; for negative cases."""

    call_api_id: Annotated[Expression, CALL_API_ID]
    extension: Annotated[Expression, OWN_EXTENSION]
    span: Span

    def said(self, prose: Prose) -> str:
        return f"`{prose.text(self.call_api_id)}` at {prose.text(self.extension)}"


CallTarget: TypeAlias = NamedCall | CallById


class Call(ActionBase, frozen=True, kw_only=True):
    """Brings a call up at an extension and waits until it is answered.

    'from' calls the extension; with 'to' the extension calls.

    - as: The name of the call from here on, also when it is parked or bridged.
    - from: An incoming call: the number that calls the extension; 'any' takes whoever calls where
      a person dials.
    - to: An outgoing call: the number that the extension calls.
    - answered: false leaves the call ringing; true by default.
    """

    word = "call"
    facts = Facts(parts=(Part.ANSWER, Part.PLACED, Part.MOMENT), checks=False, waits=True)
    alternatives = (Alternatives(("from", "to")),)
    tried = ("dial", "ring", "originate")
    instead = (
        "call: {as: colleague, extension: 342, to: '+74950000200'}; with 'from' the number calls"
    )
    as_: Annotated[str, NAME(name="new call")]
    extension: Annotated[Expression, EXTENSION]
    from_: Annotated[Expression | None, PARTY] = None
    to: Annotated[Expression | None, PARTY] = None
    answered: Annotated[Expression | None, TRUTH] = None

    @property
    def flow(self) -> Literal["in", "out"]:
        """The direction as the extension sees it."""
        return "out" if self.from_ is None else "in"

    @property
    def party(self) -> Expression:
        """The number at the other end."""
        party = self.to if self.from_ is None else self.from_
        assert party is not None
        return party

    def said(self, prose: Prose) -> str:
        extension, party = prose.text(self.extension), prose.text(self.party)
        ringing = self.answered is not None and prose.value(self.answered) is False
        if self.flow == "in":
            text = f"{party} calls extension {extension}"
            end = "which keeps ringing" if ringing else "which answers"
        else:
            text = f"Extension {extension} calls {party}"
            end = "who lets it ring" if ringing else "who answers"
        return f"{text}, {end}; this call is named *{self.as_}*"


class Answer(ActionBase, frozen=True):
    """Answers a ringing call."""

    word = "answer"
    facts = Facts(
        parts=(Part.ANSWER, Part.MOMENT),
        requires=Requirement(Capability.ANSWER, "it answers a ringing call"),
    )
    call: Annotated[CallTarget, ONLY_CALL]

    def said(self, prose: Prose) -> str:
        return f"The call {self.call.said(prose)} is answered"


class Park(ActionBase, frozen=True):
    """Parks a call in a slot."""

    word = "park"
    facts = Facts(parts=(Part.ANSWER, Part.MOMENT), proves=True)
    call: Annotated[CallTarget, CALL_TARGET]
    slot: Annotated[Expression, SLOT]
    extension: Annotated[Expression | None, OWN_EXTENSION(name="own extension")] = None

    def fills(self) -> Expression | None:
        return self.slot

    def said(self, prose: Prose) -> str:
        return f"The call {self.call.said(prose)} is parked in slot {prose.text(self.slot)}"


class Slots(ActionBase, frozen=True):
    """Asks the PBX who is parked in a slot.

    - call: The call in whose name the PBX is asked; any call that is up.
    """

    word = "slots"
    facts = Facts(parts=(Part.SLOT, Part.ANSWER, Part.PARKED, Part.MOMENT), proves=True, polls=True)
    call: Annotated[CallTarget, CALL_TARGET]
    slot: Annotated[Expression, SLOT]
    extension: Annotated[Expression | None, OWN_EXTENSION(name="own extension")] = None

    def looks_into(self) -> tuple[Expression, ...] | None:
        return (self.slot,)

    def said(self, prose: Prose) -> str:
        return f"On {self.call.said(prose)}, it is asked who is in slot {prose.text(self.slot)}"


class Bridge(ActionBase, frozen=True):
    """Joins a call with the one parked in the slot; without 'slot' with any parked call."""

    word = "bridge"
    facts = Facts(parts=(Part.SLOT, Part.ANSWER, Part.PARTNER, Part.MOMENT), proves=True)
    tried = ("unpark", "retrieve", "pickup", "take", "join", "connect")
    instead = "bridge: {call: colleague, slot: 6}"
    call: Annotated[CallTarget, CALL_TARGET]
    slot: Annotated[Expression | None, SLOT] = None
    extension: Annotated[Expression | None, OWN_EXTENSION(name="own extension")] = None

    def requires(self) -> Requirement | None:
        if self.slot is not None:
            return None
        return Requirement(Capability.RANDOM_BRIDGE, "it bridges without naming a slot")

    def takes_any_call(self) -> bool:
        return self.slot is None

    def looks_into(self) -> tuple[Expression, ...] | None:
        return None if self.slot is None else (self.slot,)

    def said(self, prose: Prose) -> str:
        slot = None if self.slot is None else prose.text(self.slot)
        whom = "any parked call" if slot is None else f"the call in slot {slot}"
        return f"The call {self.call.said(prose)} is joined with {whom}"


class Hangup(ActionBase, frozen=True):
    """Ends a call.

    - by: Who hangs up: 'remote' is the party at the other end (the default), 'extension'
      the extension.
    """

    word = "hangup"
    facts = Facts(parts=(Part.ANSWER, Part.MOMENT))
    tried = ("disconnect", "release", "drop", "end")
    instead = "hangup: {call: customer}"
    call: Annotated[CallTarget, ONLY_CALL]
    by: Annotated[Party, one_of(Party, "remote or extension")] = Party.REMOTE

    def said(self, prose: Prose) -> str:
        who = "the party at the other end" if self.by is Party.REMOTE else "the extension"
        return f"The call {self.call.said(prose)} is ended by {who}"


class ListCalls(ActionBase, frozen=True):
    """Lists an extension's current calls."""

    word = "calls"
    which = "of an extension"
    about = "an extension's calls"
    example = "list them: calls: {extension: 341}"
    schema: ClassVar = {"minProperties": 1}
    facts = Facts(parts=(Part.ANSWER, Part.LISTED, Part.MOMENT), polls=True)
    extension: Annotated[Expression, EXTENSION]

    def said(self, prose: Prose) -> str:
        return f"The current calls of extension {prose.text(self.extension)} are listed"


class CallStatus(ActionBase, frozen=True):
    """Asks about one call."""

    word = "calls"
    chosen_by = ("call", "call_api_id")
    which = "of one call"
    about = "one call"
    example = "ask about one: calls: {call: customer}"
    facts = Facts(parts=(Part.ANSWER, Part.STATE, Part.MOMENT), polls=True)
    call: Annotated[CallTarget, ONLY_CALL]

    def said(self, prose: Prose) -> str:
        return f"It is asked what the call {self.call.said(prose)} is doing"


class ExtensionStatus(ActionBase, frozen=True):
    """Asks whether an extension is free, rings or is busy: 'extension: 341'.

    A call that it parked does not make it busy.
    """

    word = "extension"
    shape = Shape.VALUE
    facts = Facts(
        parts=(Part.ANSWER, Part.EXTENSION, Part.MOMENT),
        polls=True,
        requires=Requirement(Capability.EXTENSION_STATE, "it asks what an extension is doing"),
    )
    tried = ("blf", "presence", "devicestate")
    instead = "extension: 341, with expect: {state: free}"
    extension: Annotated[Expression, EXTENSION]

    def said(self, prose: Prose) -> str:
        return f"It is asked what extension {prose.text(self.extension)} is doing"


class AwaitEvent(ActionBase, frozen=True, kw_only=True):
    """Waits for an event that the PBX reports by itself.

    - type: What is waited for.
    - call: Only events of this call, on all its legs.
    - extension: Only events at this extension.
    - since: The 'id' of an earlier step: only events after that step was sent. Otherwise the
      window begins when the last command to change the call was sent: 'call', 'answer', 'park',
      'bridge' or 'hangup'; without 'call', a command to change any call of this scenario.
    - where: Only events whose own fields match, by the PBX's names: {CallFlow: in, CalledNumber:
      {contains: "341"}}. The mock and RingMe have EventType, EventTime, CallID, SubCallID,
      CallAPIID, CallStatus, CallFlow, CallerIDNum, CallerIDName, CalledNumber, CalledDID,
      CallerExtension, CallerExtensionID, CalledExtension, CalledExtensionID, Duration.
    """

    word = "event"
    other_keys = "the event's own fields go under 'where'"
    facts = Facts(
        parts=(Part.EVENTS, Part.MOMENT),
        proves=True,
        waits=True,
        requires=Requirement(Capability.EVENTS, "it waits for events"),
    )
    type: Annotated[EventType, one_of(EventType, "an event type")]
    call: Annotated[NamedCall | None, CALL_NAME(name="named call")] = None
    extension: Annotated[Expression | None, EXTENSION] = None
    since: Annotated[str | None, EARLIER] = None
    where: Annotated[tuple[tuple[str, Spanned], ...], FIELD_MATCHERS] = ()

    def looks_into(self) -> tuple[Expression, ...] | None:
        return None  # a call that comes back by itself is watched through its events

    def said(self, prose: Prose) -> str:
        about = f" about {self.call.said(prose)}" if self.call is not None else ""
        return f"The PBX's event `{self.type.value}`{about} is awaited"


class Wait(ActionBase, frozen=True):
    """Lets time pass: 'wait: 5s'.

    On the in-process mock waiting costs no time.
    """

    word = "wait"
    shape = Shape.VALUE
    facts = Facts(parts=(Part.MOMENT,), checks=False)
    tried = ("sleep", "pause", "delay")
    instead = "wait: 5s"
    duration: Annotated[Duration, DURATION]

    def said(self, prose: Prose) -> str:
        return f"{prose.duration(self.duration)} pass"


class Together(ActionBase, frozen=True):
    """Starts all branches at the same moment and waits for all.

    A branch is a step, or a list of steps that keep their order.
    """

    word = "together"
    shape = Shape.VALUE
    facts = Facts(parts=(Part.BRANCHES, Part.MOMENT), checks=False, composite=True, steps_at=())
    branches: Annotated[tuple[tuple["Step", ...], ...], BRANCHES]

    def steps_inside(self) -> tuple["Step", ...]:
        return tuple(step for branch in self.branches for step in branch)

    def calls(self) -> tuple[tuple[str, ...], ...]:
        """Return for each branch the calls that its own steps are about, not those inside them."""
        return tuple(tuple(dict.fromkeys(_named(branch))) for branch in self.branches)

    def said(self, _: Prose) -> str:
        return f"{len(self.branches)} things happen at the same moment"


def _named(steps: tuple["Step", ...]) -> Iterator[str]:
    for step in steps:
        action = step.action
        call = getattr(action, "call", None)
        if isinstance(action, Call):
            yield action.as_
        elif isinstance(call, NamedCall):
            yield call.name


class Repeat(ActionBase, frozen=True, kw_only=True):
    """Runs steps again: 'times: 3', or 'each: 1-20' with 'as: slot'.

    - times: How often the steps run.
    - each: The steps run once for each of these, bound to the name in 'as': a list, a range of
      numbers such as '1-20', or '$target.slots'.
    - as: The name of the current item of 'each', or of the round's number with 'times'.
    - steps: The steps that are run again.
    """

    word = "repeat"
    facts = Facts(parts=(Part.MOMENT,), checks=False, composite=True, steps_at=("steps",))
    alternatives = (Alternatives(("times", "each")),)
    times: Annotated[Expression | None, TIMES] = None
    each: Annotated[Expression | None, ITEMS] = None
    as_: Annotated[str | None, NAME] = None
    steps: Annotated[tuple["Step", ...], STEPS]

    def steps_inside(self) -> tuple["Step", ...]:
        return self.steps

    def said(self, prose: Prose) -> str:
        if self.times is not None:
            count = f"This is done {prose.text(self.times)} times"
            return count if self.as_ is None else f"{count}, and `{self.as_}` is the round's number"
        items = prose.text(self.each) if self.each is not None else ""
        return f"This is done for each `{self.as_}` of {items}"


class Binding(Struct, frozen=True):
    """A name, what it is bound to, and where that is said."""

    name: str
    value: Expression
    span: Span


class Use(ActionBase, frozen=True, kw_only=True):
    """Runs the steps of a fragment file.

    - file: The fragment's file, relative to this file.
    - with: Values for the fragment's parameters.
    - exports: Which of the names that the fragment exports come out of it: all by default;
      some: [customer]; some under other names: {customer: first}; none: []. Everything else
      stays inside.
    """

    word = "use"
    facts = Facts(parts=(Part.MOMENT,), checks=False, composite=True)
    fragment: Annotated["Fragment", TEXT(noun="a file name", key="file", minLength=1)]
    given: Annotated[tuple[Binding, ...], GIVEN] = ()
    exports: Annotated[tuple[tuple[str, str], ...], TAKEN] = ()

    def steps_inside(self) -> tuple["Step", ...]:
        return self.fragment.steps

    def said(self, _: Prose) -> str:
        return f"{self.fragment.name} (from {self.fragment.file})"


MOST_ROUNDS = 100_000
"""How many rounds a `repeat` may come to, those of the repeats around it multiplied."""


class Set(ActionBase, frozen=True):
    """Binds names to values, used as $name in later steps."""

    word = "set"
    shape = Shape.VALUE
    facts = Facts(parts=(), checks=False)
    bindings: Annotated[tuple[Binding, ...], BINDINGS]

    def said(self, prose: Prose) -> str:
        named = tuple(f"`{one.name}` is {prose.text(one.value)}" for one in self.bindings)
        return f"From here on, {listing(named)}"


class Check(ActionBase, frozen=True):
    """Asserts about a value at hand: {that: $first, equals: $second}.

    - that: The value that is looked at, such as $first.
    """

    word = "check"
    noun = "a map with 'that' and a matcher"
    unknown_key = "where a matcher is expected"
    schema: ClassVar = {"minProperties": 2}
    facts = Facts(parts=(), proves=True)
    tried = ("verify", "assert")
    instead = "check: {that: $value, equals: 6}"
    that: Annotated[Expression, VALUE]
    matcher: Annotated[Spanned, MATCHER_BESIDE]

    def said(self, prose: Prose) -> str:
        return f"`{prose.written(self.that)}` is compared: {prose.matcher(self.matcher.matcher)}"


Action: TypeAlias = (
    Call
    | Answer
    | Park
    | Slots
    | Bridge
    | Hangup
    | ListCalls
    | CallStatus
    | ExtensionStatus
    | AwaitEvent
    | Wait
    | Together
    | Repeat
    | Use
    | RawRequest
    | Set
    | Check
)
ACTIONS: tuple[type[Action], ...] = get_args(Action)
ACTION_WORDS = by_word(ACTIONS)
TRIED = {word: action for action in ACTIONS for word in action.tried}
ABSENT = ("transfer", "hold", "unhold", "resume", "mute", "conference")
"""What telephones can do and this language has no action for."""


class Holding(Struct, frozen=True):
    """A condition: a value at hand matches.

    - that: The value that is looked at, such as $mode.
    """

    that: Annotated[Expression, VALUE]
    matcher: Annotated[Spanned, MATCHER_BESIDE]


class TargetCan(Struct, frozen=True):
    """A condition: the target has this capability.

    - target_can: Applies only on targets that can do this.
    """

    capability: Annotated[Capability, CAPABILITY]
    span: Span


Condition: TypeAlias = Holding | TargetCan


class Poll(Struct, frozen=True):
    """Asks again every `every` until the expectation holds, for at most `within`."""

    within: Duration
    every: Duration


class Stays(Struct, frozen=True):
    """Asks again every `every`, for the time `during`; the expectation must hold each time."""

    during: Duration
    every: Duration


class Save(Struct, frozen=True):
    """Binds `name` to what stands at `path` in the answer."""

    name: str
    path: Path
    span: Span


EXCHANGE_TIMEOUT = Duration(30 * SECOND)
EVENT_WINDOW = Duration(30 * SECOND)
"""How long an `event` waits where its step has no `within`."""
PAUSE = Duration(SECOND)


class Step(Struct, frozen=True, kw_only=True):
    """One step: its action, where it stands, what is expected, and how it is taken.

    - name: What happens in this step, for people: 'A customer reaches extension 341'.
    - id: A label, for 'after' and 'since' in later steps and for reports.
    - within: Asks again until the expectation holds, for at most this long. On 'event' and 'call':
      how long to wait.
    - every: The pause between two questions of 'within' or 'stays'; 1s by default.
    - stays: Asks again for this long; the expectation must hold each time.
    - save: Binds parts of the answer: {who: uuid, first: 'body.call_list[0]'}. Every answer has
      status, headers, body, and took, a duration; 'slots' and 'bridge' also slot and uuid; 'event'
      the event's fields. 'together' has winner: the call of the one branch that was not refused.
    - timeout: How long one exchange with the PBX may take; 30s by default.
    - soft: With true the scenario goes on when this step failed, and fails at its end. A step that
      errored stops it all the same.
    - xfail: Why this step is known to fail, best a link to the issue. It then counts as a failure
      if it passes.
    """

    name: Annotated[Expression | None, VALUE(noun="text", type=["string", "integer"])] = None
    id: Annotated[str | None, LABEL(name="own label")] = None
    action: Annotated[Action, ACTION]
    expect: Annotated[tuple[Clause, ...], EXPECT] = ()
    within: Annotated[Duration | None, DURATION] = None
    every: Annotated[Duration | None, DURATION] = None
    stays: Annotated[Duration | None, DURATION] = None
    save: Annotated[tuple[Save, ...], SAVE] = ()
    when: Annotated[Condition | None, CONDITION] = None
    timeout: Annotated[Duration, DURATION] = EXCHANGE_TIMEOUT
    soft: Annotated[bool, FLAG] = False
    xfail: Annotated[str | None, REASON] = None
    span: Span
    expect_span: Span | None = None

    @property
    def word(self) -> str:
        """The action as written: `park`."""
        return self.action.word

    @property
    def repeating(self) -> Poll | Stays | None:
        """How the action is asked again, if it is."""
        if not self.action.facts.polls:
            return None
        every = self.every or PAUSE
        if self.within is not None:
            return Poll(self.within, every)
        return None if self.stays is None else Stays(self.stays, every)


def all_steps(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield steps, each followed by those inside it."""
    for step in steps:
        yield step
        yield from all_steps(step.action.steps_inside())


class Param(Struct, frozen=True, kw_only=True):
    """A parameter of a fragment: its type, and its default (None: it must be given).

    - type: What values the parameter takes; 'call' is a call of the file that uses the fragment:
      with: {who: customer}.
    - default: The value where none is given; without it the parameter must be given.
    - description: What the parameter means.
    """

    name: str
    type: Annotated[ParamType, one_of(ParamType, "a type of value, or call")]
    default: Annotated[Expression | None, VALUE] = None
    description: Annotated[str, TEXT] = ""
    span: Span


class Fragment(Struct, frozen=True, kw_only=True):
    """A file of steps for reuse.

    - fragment: What the steps do, for people: 'A parked customer'.
    - description: What the fragment is for, in your own words.
    - params: What the fragment is given with 'with', used as $name inside.
    - exports: Names that come out of the fragment, for the file that uses it; everything else stays
      inside.
    """

    name: Annotated[str, TEXT(noun="the fragment's name", key="fragment", minLength=1)]
    description: Annotated[str, TEXT] = ""
    params: Annotated[tuple[Param, ...], PARAMS] = ()
    exports: Annotated[tuple[str, ...], NAMES] = ()
    steps: Annotated[tuple[Step, ...], STEPS]
    file: str
    span: Span


FRAGMENT = Kind(
    name="fragment",
    noun="a fragment",
    sentence="Steps for reuse: other files run them with 'use'.",
    schema={"type": "object"},
    of=lambda: (Fragment,),
)
