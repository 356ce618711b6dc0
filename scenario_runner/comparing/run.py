"""The two targets of a comparison, by the names that a command line gives them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec import structs

from scenario_runner.comparing.differences import (
    Compared,
    Comparison,
    Scale,
    ScenarioSeen,
    compare_scenario,
    declared,
    gather,
)
from scenario_runner.errors import NothingSelected, TargetError, UsageError, suggestion
from scenario_runner.execution.run import Gathered, gather_valid, run_scenarios
from scenario_runner.execution.targets import MOCK, choose, targets_file
from scenario_runner.exit_code import Exit
from scenario_runner.language.target import Target
from scenario_runner.mock_pbx import PROFILES
from scenario_runner.pbx.mock import MockSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.events import Event
    from scenario_runner.execution.run import RunRequest
    from scenario_runner.execution.targets import TargetChoice
    from scenario_runner.language.target import Target
    from scenario_runner.loading.suite import Suite
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
        hint = suggestion(profile, PROFILES)
        raise TargetError(f"the mock has no profile '{profile}'", hint=hint)
    return structs.replace(MOCK, name=name, settings=MockSettings(profile=profile))


def _like(mock: Target, other: Target) -> Target:
    numbers = tuple((number, "") for number, _ in other.extensions if number.isdecimal())
    return structs.replace(
        mock, slots=other.slots, park_timeout=other.park_timeout, extensions=numbers
    )


class Interrupted(KeyboardInterrupt):
    """Ctrl-C came while one of the sides was running; its calls are hung up."""


def _unheard(side: str, event: Event) -> None:
    """Hear nothing."""


def compare(
    request: RunRequest,
    sides: Sides,
    tolerance: int,
    hear: Callable[[str, Event], None] = _unheard,
) -> Comparison:
    """Run what is asked for on both sides, one after the other, and compare.

    `tolerance` is in microseconds; `hear` gets each event of the sides "A" and "B". Raises
    InvalidFiles, NothingSelected also where no scenario could be run on both sides, and the
    PbxErrors of a target that can't be opened.
    """
    scenarios = gather_valid(request).scenarios
    scale = Scale(
        tolerance=tolerance,
        park_timeouts=(sides.a.park_timeout, sides.b.park_timeout),
        assumptions=sides.assumptions,
    )
    a = _ran(request, sides.a, scenarios, lambda event: hear("A", event))
    b = _ran(request, sides.b, scenarios, lambda event: hear("B", event))
    compared = tuple(
        compare_scenario(a[scenario.id], b[scenario.id], declared(scenario), scale)
        for scenario in scenarios
    )
    comparison = Comparison(a=sides.a.name, b=sides.b.name, tolerance=tolerance, scenarios=compared)
    if not comparison.steps and not comparison.exit_code:
        raise _nothing(compared)
    return comparison


def _ran(
    request: RunRequest,
    target: Target,
    scenarios: Suite,
    hear: Callable[[Event], None],
) -> dict[str, ScenarioSeen]:
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        hear(event)

    request = replace(request, target=target)
    if run_scenarios(request, Gathered.of(scenarios), emit) is Exit.INTERRUPTED:
        raise Interrupted
    return gather(events)


def _nothing(compared: tuple[Compared, ...]) -> NothingSelected:
    whys = (difference.why for one in compared for difference in one.differences)
    return NothingSelected(
        "no scenario could be compared: none ran on both sides",
        hint=next(whys, "scenario-runner run PATH --target NAME shows why"),
    )
