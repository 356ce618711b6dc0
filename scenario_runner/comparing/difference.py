"""Differences between two runs of a scenario, and the scale on which they are graded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """Whether somebody has to look into a difference."""

    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"


class What(StrEnum):
    """What differs."""

    VERDICT = "verdict"
    OUTCOME = "outcome"
    ANSWER = "answer"
    FIELDS = "fields and types"
    ORDER = "order of events"
    TIME = "time"
    PRESENCE = "steps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing in which two runs differ; `step` is empty where it is the scenario's.

    `why` explains it, for people, and is empty where nothing does.
    """

    step: str
    title: str
    what: What
    a: str
    b: str
    why: str = ""

    @property
    def grade(self) -> Grade:
        """Whether it is explained."""
        return Grade.EXPLAINED if self.why else Grade.UNEXPLAINED


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplied:
    """What a side ("A", "B") supplied at a step that its PBX does not do or tell by itself."""

    side: str
    step: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A scenario on both targets.

    `steps` were compared, `unreached` were not, since one side did not come so far. `errored`
    names the sides ("A", "B") that could not find out.
    """

    scenario: str
    name: str
    a: str
    b: str
    steps: int = 0
    unreached: int = 0
    differences: tuple[Difference, ...] = ()
    supplied: tuple[Supplied, ...] = ()
    errored: tuple[str, ...] = ()

    def count(self, grade: Grade) -> int:
        """Return how many differences have this grade."""
        return sum(one.grade is grade for one in self.differences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All scenarios on both targets; `a` and `b` name the sides, `tolerance` is in microseconds."""

    a: str
    b: str
    tolerance: int
    scenarios: tuple[Compared, ...]

    def count(self, grade: Grade) -> int:
        """Return how many differences have this grade."""
        return sum(one.count(grade) for one in self.scenarios)

    @property
    def steps(self) -> int:
        """How many steps were compared."""
        return sum(one.steps for one in self.scenarios)

    @property
    def exit_code(self) -> int:
        """0: nothing unexplained; 1: something is; 4: a side could not find out."""
        if any(one.errored for one in self.scenarios):
            return 4
        return 1 if self.count(Grade.UNEXPLAINED) else 0
