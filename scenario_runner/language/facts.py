"""What the rest of the program asks of an action: facts, beside its fields."""

from enum import Enum
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from msgspec import Struct

from scenario_runner.language.kinds import Word
from scenario_runner.language.vocabulary import Capability
from scenario_runner.references import Expression

if TYPE_CHECKING:
    from scenario_runner.language.actions import Step


class Part(Enum):
    """A part of what an action brings back; expectations and `save` are about one."""

    ANSWER = "the PBX's answer, accepted or refused, and its raw form"
    SLOT = "a slot and the UUID of a call"
    PARKED = "who is in the slot that was asked about"
    PARTNER = "whom the call was joined with"
    LISTED = "the calls of an extension"
    STATE = "the state of the call that was asked about"
    EXTENSION = "the state of the extension that was asked about"
    PLACED = "the state of the call that was placed"
    EVENTS = "events that came"
    BRANCHES = "what became of the branches"
    MOMENT = "the moment at which the thing itself happened"

    @property
    def saved(self) -> tuple[str, ...]:
        """The names by which `save` reaches it."""
        match self:
            case Part.ANSWER:
                return ("status", "headers", "body", "took")
            case Part.SLOT:
                return ("slot", "uuid")
            case Part.BRANCHES:
                return ("winner",)
            case _:
                return ()


class Requirement(NamedTuple):
    """What a target must be able to do for an action, and what the action does that needs it."""

    capability: Capability
    because: str


class Alternatives(NamedTuple):
    """Keys of which one can be given, and must be unless `rule` says what they are about."""

    keys: tuple[str, ...]
    rule: str = ""


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of every step that takes an action.

    `parts` are what it brings back. A scenario of nothing but actions that don't `prove` anything
    could never fail; what does not `check` counts for nothing when it ran without `expect`. What
    `polls` can be asked again by `within` and `stays`; what `waits` has `within` as its own window.
    What is `composite` consists of steps; `steps_at` is where they stand below its key.
    """

    parts: tuple[Part, ...]
    proves: bool = False
    checks: bool = True
    polls: bool = False
    waits: bool = False
    composite: bool = False
    steps_at: tuple[str, ...] | None = None
    requires: Requirement | None = None

    @property
    def exchange(self) -> bool:
        """Whether it is one exchange with the PBX."""
        return Part.ANSWER in self.parts

    @property
    def changes(self) -> bool:
        """Whether its exchange is a command that changes a call, and no question or request."""
        return self.exchange and not self.polls


class ActionBase(Word, frozen=True):
    """What all actions are: a word, fields, and facts; some facts depend on what was written.

    Of two actions with one word the one whose key (`chosen_by`) is given is meant; `which` and
    `about` tell them apart in messages, and `example` is how to write it. `tried` are words that
    people write for it, without blanks and dashes, and `instead` is what they write then.
    """

    facts: ClassVar[Facts]
    alternatives: ClassVar[tuple[Alternatives, ...]] = ()
    chosen_by: ClassVar[tuple[str, ...]] = ()
    which: ClassVar[str] = ""
    about: ClassVar[str] = ""
    example: ClassVar[str] = ""
    tried: ClassVar[tuple[str, ...]] = ()
    instead: ClassVar[str] = ""

    def steps_inside(self) -> tuple["Step", ...]:
        """Return the steps that it consists of, those of all branches one after the other."""
        return ()

    def requires(self) -> Requirement | None:
        """Return what the target must be able to do."""
        return self.facts.requires

    def only_reads(self) -> bool:
        """Tell whether it changes nothing on the PBX, so that it may be asked again."""
        return self.facts.polls

    def takes_any_call(self) -> bool:
        """Tell whether it may take a call of somebody else's."""
        return False

    def fills(self) -> Expression | None:
        """Return the slot that this puts a call into."""
        return None

    def looks_into(self) -> tuple[Expression, ...] | None:
        """Return the slots that this looks into or empties; None: it may be any."""
        return ()
