"""The two targets of a comparison, by the names that a command line gives them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scenario_runner.errors import TargetError, UsageError, did_you_mean
from scenario_runner.execution.targets import MOCK, choose, targets_file
from scenario_runner.mock_pbx import PROFILES
from scenario_runner.model.target import MockSettings, Target

if TYPE_CHECKING:
    from scenario_runner.execution.targets import TargetChoice
    from scenario_runner.masking import Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two targets: A and B."""

    a: Target
    b: Target

    @property
    def assumptions(self) -> bool:
        """Whether what the mock assumes explains a difference.

        A profile that is named after a PBX claims to do what that PBX does, so nothing that it
        assumes excuses it.
        """
        mocks = [t.settings for t in (self.a, self.b) if isinstance(t.settings, MockSettings)]
        return not (len(mocks) == 1 and mocks[0].profile != "vendor")


def sides(a: str, b: str, choice: TargetChoice, mask: Mask) -> Sides:
    """Return the targets of these names; raises TargetError, UsageError and InvalidFiles.

    `mock` and `mock:PROFILE` that no targets file describes are made like the other side: its
    slots, its extensions, its park time-out.
    """
    if a == b:
        raise UsageError(
            f"'{a}' can't be compared with itself", hint="scenario-runner compare A B PATH..."
        )
    file = targets_file(choice)
    known = frozenset() if file is None else frozenset(file.entries)

    def target(name: str) -> Target:
        if name not in known and name.partition(":")[0] == MOCK.name:
            return _built_in(name)
        return choose(replace(choice, name=name), mask)

    first, second = target(a), target(b)
    if a not in known and b in known:
        first = _like(first, second)
    if b not in known and a in known:
        second = _like(second, first)
    return Sides(a=first, b=second)


def _built_in(name: str) -> Target:
    profile = name.partition(":")[2] or "vendor"
    if profile not in PROFILES:
        hint = did_you_mean(profile, PROFILES) or f"known are: {', '.join(PROFILES)}"
        raise TargetError(f"the mock has no profile '{profile}'", hint=hint)
    return replace(MOCK, name=name, settings=MockSettings(profile=profile))


def _like(mock: Target, other: Target) -> Target:
    numbers = tuple((number, "") for number, _ in other.extensions if number.isdecimal())
    return replace(mock, slots=other.slots, park_timeout=other.park_timeout, extensions=numbers)
