"""What a step may expect of its answer; one frozen class for each key of `expect`."""

# Annotations are evaluated here: the kinds in them are read where a schema or a reader is made.
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, ClassVar, TypeAlias, get_args

from scenario_runner.language.facts import Part
from scenario_runner.language.kinds import (
    CALL_NAME,
    CALL_NAMES,
    DURATION,
    LABEL,
    TEXT,
    TRUTH,
    Kind,
    Shape,
    Word,
    by_word,
    many,
)
from scenario_runner.language.matchers import MATCHER, Matcher
from scenario_runner.language.prose import Prose, calls, listing
from scenario_runner.language.values import Duration
from scenario_runner.language.vocabulary import CallState, ExtensionState, Reason
from scenario_runner.references import Expression, Path, path_text
from scenario_runner.source import Span

EXPECT = Kind(
    name="expect",
    noun="a map of expectations",
    sentence="What must hold of the answer; all of it. Without 'expect' the action must simply "
    "succeed.",
    schema={"type": "object", "minProperties": 1},
    choices=lambda: EXPECTATIONS,
    unknown_key="in 'expect'",
    shared="expect",
)
REFUSAL = Kind(
    name="refusal",
    noun="a reason, or a map",
    schema={
        "type": ["string", "object", "integer"],
        "minProperties": 1,
        "examples": ["any", *(reason.value for reason in Reason)],
    },
)
BRANCHES = Kind(
    name="branches",
    noun="a number or a map",
    schema={"type": ["integer", "object", "string"], "minProperties": 1},
)
PARTNER = Kind(
    name="partner",
    noun="the name of a call, or {one_of: [...]}",
    schema={
        "type": ["string", "object"],
        "properties": {
            "one_of": many(CALL_NAME, noun="a list of call names", minItems=1)(
                "The call was joined with one of these."
            )
        },
        "required": ["one_of"],
        "additionalProperties": False,
    },
)
ANSWER_PATH = TEXT(name="path", noun="a path")
EARLIER = LABEL(name="earlier label")


class Subject(Enum):
    """What is compared: it decides which matchers make sense, and which can't fail."""

    COUNT = "a count"
    BRANCHES = "a number of branches"
    STATUS = "a status code"
    STATE = "a state"
    EXTENSION_STATE = "a state of an extension"
    TIME = "a duration"
    TEXT = "a text"
    OTHER = "a value"

    @property
    def always_there(self) -> bool:
        """Whether every answer has it, so that `any: true` always holds."""
        return self not in (Subject.TEXT, Subject.OTHER)

    @property
    def words(self) -> tuple[str, ...]:
        """The only words that it can be; none where it is something else."""
        match self:
            case Subject.STATE:
                return tuple(CallState)
            case Subject.EXTENSION_STATE:
                return tuple(ExtensionState)
            case _:
                return ()

    @property
    def limits(self) -> tuple[int, int | None] | None:
        """The least and the greatest whole number that it can be; None where it is no number."""
        match self:
            case Subject.COUNT | Subject.BRANCHES:
                return 0, None
            case Subject.STATUS:
                return 100, 599
            case _:
                return None


class ExpectationBase(Word, frozen=True):
    """What all expectations are: a word, and the parts of an answer that it can be about.

    `sentences` says for each part what must hold, where the docstring is not enough. Unless one
    that `allows_refusal` is there, the action must succeed as well.
    """

    shape = Shape.VALUE
    parts: ClassVar[tuple[Part, ...]]
    subject: ClassVar[Subject] = Subject.OTHER
    sentences: ClassVar[Mapping[Part, str]] = {}
    allows_refusal: ClassVar[bool] = False

    def compares(self) -> Matcher | None:
        """Return the matcher, where there is one."""
        return getattr(self, "matcher", None)


class Refused(ExpectationBase, frozen=True):
    """The PBX refused: 'any', a reason, or several: {one_of: [none, no-such-call]}.

    'none' is success.
    """

    word = "refused"
    parts = (Part.ANSWER,)
    allows_refusal = True
    reasons: Annotated[tuple[Expression, ...], REFUSAL]
    span: Span

    def phrase(self, prose: Prose) -> str:
        reasons = tuple(prose.text(reason) for reason in self.reasons)
        if reasons == ("any",):
            return "the PBX refuses"
        if reasons == ("none",):
            return "the PBX does not refuse"
        named = tuple("success" if reason == "none" else f"`{reason}`" for reason in reasons)
        if "none" in reasons:
            return f"either of {listing(named, 'or')}"
        return f"the PBX refuses: {listing(named, 'or')}"


class MessageIs(ExpectationBase, frozen=True):
    """The PBX's own words match: {contains: occupied}."""

    word = "message"
    parts = (Part.ANSWER,)
    subject = Subject.TEXT
    allows_refusal = True
    matcher: Annotated[Matcher, MATCHER]
    span: Span

    def phrase(self, prose: Prose) -> str:
        return f"the PBX's message: {prose.matcher(self.matcher)}"


class StatusIs(ExpectationBase, frozen=True):
    """The status code of the raw answer matches: 200."""

    word = "status"
    parts = (Part.ANSWER,)
    subject = Subject.STATUS
    allows_refusal = True
    matcher: Annotated[Matcher, MATCHER]
    span: Span

    def phrase(self, prose: Prose) -> str:
        return f"the status code: {prose.matcher(self.matcher)}"


class BodyHas(ExpectationBase, frozen=True):
    """What stands in the raw answer's body matches, types included.

    For example {data.slot: 6, 'call_list[0].uuid': {any: true}}.
    """

    word = "body"
    parts = (Part.ANSWER,)
    shape = Shape.EACH
    noun = "a map of paths to matchers"
    path: Annotated[Path, ANSWER_PATH]
    matcher: Annotated[Matcher, MATCHER]
    span: Span

    def phrase(self, prose: Prose) -> str:
        return f"`{path_text(self.path)}` in the answer: {prose.matcher(self.matcher)}"


class HeaderIs(ExpectationBase, frozen=True):
    """Headers of the raw answer match: {X-RateLimit-Remaining: {any: true}}."""

    word = "headers"
    parts = (Part.ANSWER,)
    subject = Subject.TEXT
    shape = Shape.EACH
    noun = "a map of headers to matchers"
    name: Annotated[str, TEXT]
    matcher: Annotated[Matcher, MATCHER]
    span: Span

    def phrase(self, prose: Prose) -> str:
        return f"the header {self.name}: {prose.matcher(self.matcher)}"


class Holds(ExpectationBase, frozen=True):
    """The slot holds this call."""

    word = "holds"
    parts = (Part.PARKED,)
    call: Annotated[str, CALL_NAME]
    span: Span

    def phrase(self, _: Prose) -> str:
        return f"*{self.call}* is there"


class Empty(ExpectationBase, frozen=True):
    """true where nobody is in the slot, false where somebody is."""

    word = "empty"
    parts = (Part.PARKED,)
    expected: Annotated[Expression, TRUTH]
    span: Span

    def phrase(self, prose: Prose) -> str:
        return f"{'somebody' if prose.value(self.expected) is False else 'nobody'} is there"


class UuidIs(ExpectationBase, frozen=True):
    """The UUID that the PBX reports matches."""

    word = "uuid"
    parts = (Part.SLOT,)
    subject = Subject.TEXT
    matcher: Annotated[Matcher, MATCHER]
    span: Span

    def phrase(self, prose: Prose) -> str:
        return f"the reported UUID: {prose.matcher(self.matcher)}"


class SlotIs(ExpectationBase, frozen=True):
    """The slot that the PBX reports matches; 6 and "6" are one slot."""

    word = "slot"
    parts = (Part.SLOT,)
    subject = Subject.TEXT
    matcher: Annotated[Matcher, MATCHER]
    span: Span

    def phrase(self, prose: Prose) -> str:
        return f"the reported slot: {prose.matcher(self.matcher)}"


class With(ExpectationBase, frozen=True):
    """The call was joined with this one, or with {one_of: [a, b]}."""

    word = "with"
    parts = (Part.PARTNER,)
    calls: Annotated[tuple[str, ...], PARTNER]
    span: Span

    def phrase(self, _: Prose) -> str:
        return f"it was joined with {calls(self.calls, 'or')}"


class CountIs(ExpectationBase, frozen=True):
    """How many calls are listed, or how many events came."""

    word = "count"
    parts = (Part.LISTED, Part.EVENTS)
    subject = Subject.COUNT
    sentences: ClassVar = {
        Part.LISTED: "How many are listed.",
        Part.EVENTS: "How many came in the whole window; 0 means none.",
    }
    matcher: Annotated[Matcher, MATCHER]
    span: Span

    def phrase(self, prose: Prose) -> str:
        return f"the number of them: {prose.matcher(self.matcher)}"


class Includes(ExpectationBase, frozen=True):
    """These calls are listed."""

    word = "includes"
    parts = (Part.LISTED,)
    calls: Annotated[tuple[str, ...], CALL_NAMES]
    span: Span

    def phrase(self, _: Prose) -> str:
        return f"{calls(self.calls)} among them"


class Excludes(ExpectationBase, frozen=True):
    """These calls are not listed."""

    word = "excludes"
    parts = (Part.LISTED,)
    calls: Annotated[tuple[str, ...], CALL_NAMES]
    span: Span

    def phrase(self, _: Prose) -> str:
        return f"{calls(self.calls, 'or')} not among them"


class StateIs(ExpectationBase, frozen=True):
    """ringing, up, parked, bridged or ended."""

    word = "state"
    parts = (Part.PLACED, Part.STATE)
    subject = Subject.STATE
    matcher: Annotated[Matcher, MATCHER(examples=[state.value for state in CallState])]
    span: Span

    def phrase(self, prose: Prose) -> str:
        return f"the call is {prose.matcher(self.matcher)}"


class ExtensionStateIs(ExpectationBase, frozen=True):
    """free, ringing or busy."""

    word = "state"
    parts = (Part.EXTENSION,)
    subject = Subject.EXTENSION_STATE
    matcher: Annotated[Matcher, MATCHER(examples=[state.value for state in ExtensionState])]
    span: Span

    def phrase(self, prose: Prose) -> str:
        return f"the extension is {prose.matcher(self.matcher)}"


class Succeeded(ExpectationBase, frozen=True):
    """How many branches succeeded, in all (1, {at_most: 1}) or by action ({bridge: 1})."""

    word = "succeeded"
    parts = (Part.BRANCHES,)
    subject = Subject.BRANCHES
    kind = BRANCHES
    action: str | None
    matcher: Matcher
    span: Span

    def phrase(self, prose: Prose) -> str:
        of = f" of `{self.action}`" if self.action else ""
        return f"so many succeed{of}: {prose.matcher(self.matcher)}"


class BranchesRefused(ExpectationBase, frozen=True):
    """How many branches were refused, in all or by reason: {slot-full: 1}."""

    word = "refused"
    parts = (Part.BRANCHES,)
    subject = Subject.BRANCHES
    kind = REFUSAL
    reason: str | None
    matcher: Matcher
    span: Span

    def phrase(self, prose: Prose) -> str:
        why = f" as `{self.reason}`" if self.reason else ""
        return f"so many are refused{why}: {prose.matcher(self.matcher)}"


class After(ExpectationBase, frozen=True):
    """The time between a step with that 'id' and this one: {parked: {between: [179s, 182s]}}."""

    word = "after"
    parts = (Part.MOMENT,)
    subject = Subject.TIME
    shape = Shape.EACH
    noun = "a map of step labels to matchers"
    step: Annotated[str, EARLIER]
    matcher: Annotated[Matcher, MATCHER]
    span: Span

    def phrase(self, prose: Prose) -> str:
        return f"the time since step `{self.step}`: {prose.matcher(self.matcher)}"


class FasterThan(ExpectationBase, frozen=True):
    """The exchange with the PBX took less than this, by the real clock."""

    word = "faster_than"
    parts = (Part.ANSWER,)
    limit: Annotated[Duration, DURATION]
    span: Span

    def phrase(self, prose: Prose) -> str:
        return f"the answer comes in less than {prose.duration(self.limit)}"


Clause: TypeAlias = (
    Refused
    | MessageIs
    | StatusIs
    | BodyHas
    | HeaderIs
    | Holds
    | Empty
    | UuidIs
    | SlotIs
    | With
    | CountIs
    | Includes
    | Excludes
    | StateIs
    | ExtensionStateIs
    | Succeeded
    | BranchesRefused
    | After
    | FasterThan
)
EXPECTATIONS: tuple[type[Clause], ...] = get_args(Clause)
EXPECTATION_WORDS = by_word(EXPECTATIONS)
