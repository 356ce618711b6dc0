"""What a mutant is: the mock with one rule broken, and how one is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as with_options
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from scenario_runner.mock_pbx.faults import Fault
from scenario_runner.mock_pbx.profile import Profile
from scenario_runner.mock_pbx.rules import Location, Rule, declared_at

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.profile import Said
    from scenario_runner.mock_pbx.rest import Parts


class Kind(StrEnum):
    """In which way a mutant breaks its rule."""

    WRONG_SLOT = "wrong slot"
    WRONG_CALL = "wrong call"
    WRONG_EXTENSION = "wrong extension"
    WRONG_ANSWER = "wrong reason, status or text"
    MISSING_EVENT = "missing event"
    DOUBLED_EVENT = "doubled event"
    LATE_EVENT = "late event"
    REORDERED_EVENTS = "events out of order"
    EVENT_FIELD = "wrong field of an event"
    TIMING = "timing"
    STATE_KEPT = "state kept"
    STATE_LOST = "state lost"
    LIMIT = "limit off by one"
    RANDOM_CHOICE = "random choice"
    RACE = "race lost"
    IDEMPOTENCE = "done twice"
    CHECK_SKIPPED = "check skipped"
    PARSING = "request misread"


def _same(profile: Profile) -> Profile:
    return profile


class Mutant(Struct, frozen=True, eq=False):
    """The mock with another behaviour in place of one rule.

    `unnoticed` completes "no scenario would notice if …". It differs from the mock in one of three
    ways: in one of its `part`s, in options of its profile, or in what happens to its deliveries.
    `everywhere` says that a scenario may notice it although the rule forbade nothing there: the
    last call within a limit, the answer of a call that rings.
    """

    rule: Rule
    name: str
    kind: Kind
    unnoticed: str
    place: Location
    part: type | None = None
    profile: Callable[[Profile], Profile] = _same
    faults: tuple[Fault, ...] = ()
    everywhere: bool = False

    @property
    def id(self) -> str:
        """The rule's id and the mutant's own name: `park.occupies.next-slot`."""
        return f"{self.rule.id}.{self.name}"

    @property
    def witness(self) -> Path:
        """The scenario file that passes on the mock and fails on this mutant."""
        return WITNESSES / f"{self.id}.scenario.yaml"

    def parts(self, original: Parts) -> Parts:
        """Return the classes that this mutant is made of."""
        if self.part is None:
            return original
        (name,) = (
            name
            for name in original.__struct_fields__
            if issubclass(self.part, getattr(original, name))
        )
        return replace(original, **{name: self.part})


WITNESSES: Final = Path(__file__).parent / "witnesses"
"""The folder of the witnesses, and of the targets file that some of them need."""

DECLARED: Final[list[Mutant]] = []
"""The mutants declared so far; `mutants.MUTANTS` are all of them."""

P = TypeVar("P", bound=type)


def _inside_a_sentence(text: str) -> str:
    """Begin a sentence small, unless its first word is a name such as EventTime."""
    first = text.partition(" ")[0]
    return text if first[1:] != first[1:].lower() else text[:1].lower() + text[1:]


def breaks(rule: Rule, name: str, kind: Kind, *, everywhere: bool = False) -> Callable[[P], P]:
    """Declare the class below as a mutant: a part of the mock in which one decision is another.

    Its docstring says what a scenario should notice, as a sentence.
    """
    place = declared_at(1)

    def declare(part: P) -> P:
        says = _inside_a_sentence((part.__doc__ or "").rstrip("."))
        DECLARED.append(Mutant(rule, name, kind, says, place, part=part, everywhere=everywhere))
        return part

    return declare


def with_profile(
    rule: Rule,
    name: str,
    kind: Kind,
    unnoticed: str,
    *,
    everywhere: bool = False,
    **options: object,
) -> None:
    """Declare a mutant that is the mock with other options of its profile."""

    def changed(profile: Profile) -> Profile:
        return with_options(profile, **options)  # type: ignore[arg-type]

    place = declared_at(1)
    DECLARED.append(
        Mutant(rule, name, kind, unnoticed, place, profile=changed, everywhere=everywhere)
    )


def with_refusal(rule: Rule, name: str, unnoticed: str, said: Said) -> None:
    """Declare a mutant that tells the rule's refusal in other words, or with another status."""

    def changed(profile: Profile) -> Profile:
        refusals = with_options(profile.refusals, **{rule.field: said})
        return with_options(profile, refusals=refusals)

    DECLARED.append(
        Mutant(rule, name, Kind.WRONG_ANSWER, unnoticed, declared_at(1), profile=changed)
    )


def with_fault(rule: Rule, name: str, kind: Kind, unnoticed: str, fault: Fault) -> None:
    """Declare a mutant in which something happens to deliveries on their way."""
    DECLARED.append(Mutant(rule, name, kind, unnoticed, declared_at(1), faults=(fault,)))
