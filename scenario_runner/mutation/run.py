"""A whole mutation test: the suite once without mutants, then each mutant on who met its rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from scenario_runner.coverage.run import measure, refuse_other_than_mock
from scenario_runner.coverage.table import Killed
from scenario_runner.durations import SECOND
from scenario_runner.errors import UsageError, suggestion
from scenario_runner.events import ScenarioFinished, Verdict
from scenario_runner.execution.options import unheard
from scenario_runner.exit_code import Exit
from scenario_runner.mock_pbx import RULES
from scenario_runner.mock_pbx.mutants import BY_ID, MUTANTS
from scenario_runner.mutation.processes import in_processes
from scenario_runner.mutation.trial import Job, Outcome, Status, Trials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from scenario_runner.coverage.table import Coverage
    from scenario_runner.events import Event
    from scenario_runner.execution.options import RunOptions
    from scenario_runner.execution.run import Gathered, RunRequest
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.mock_pbx.mutants import Mutant
    from scenario_runner.mutation.processes import Work

    Pool = Callable[[Work, Iterable[Job]], Iterator[Outcome]]

TIMEOUT = 10.0
"""Seconds of the real clock that a mutant has, beside ten times what its scenarios took."""


class NotGreen(UsageError):
    """The scenarios fail without any mutant, so that nothing follows from their failing."""

    exit_code = Exit.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which mutants are tried: those of these rules, and these ones; without any, all.

    `accepted` are survivors that are known, each with the reason. `changed` are the files of which
    one must belong to a scenario that met the rule (None: any will do).
    """

    rules: tuple[str, ...] = ()
    mutants: tuple[str, ...] = ()
    accepted: Mapping[str, str] = field(default_factory=dict)
    changed: frozenset[str] | None = None

    def __post_init__(self) -> None:
        known = [rule.id for rule in RULES]
        for rule in self.rules:
            if rule not in known:
                raise UsageError(f"there is no rule '{rule}'", hint=suggestion(rule, known))
        for mutant in self.mutants:
            if mutant not in BY_ID:
                raise UsageError(f"there is no mutant '{mutant}'", hint=suggestion(mutant, BY_ID))

    def takes(self, mutant: Mutant) -> bool:
        """Tell whether a mutant is to be tried."""
        named = self.rules or self.mutants
        return not named or mutant.rule.id in self.rules or mutant.id in self.mutants


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutated:
    """What became of the mutants, in the order of their rules, and of the suite without any."""

    coverage: Coverage
    scenarios: tuple[Scenario, ...]
    outcomes: tuple[Outcome, ...]
    choice: Choice

    @property
    def counts(self) -> Counter[Status]:
        """How many mutants have which status."""
        return Counter(one.status for one in self.outcomes)

    @property
    def valid(self) -> int:
        """How many mutants count."""
        return sum(one.status.valid for one in self.outcomes)

    @property
    def noticed(self) -> int:
        """How many of those a scenario noticed."""
        return sum(one.status.noticed for one in self.outcomes)

    @property
    def percent(self) -> int:
        """How many of a hundred were noticed, rounded down; all of none at all."""
        return 100 * self.noticed // self.valid if self.valid else 100

    @property
    def unnoticed(self) -> tuple[Outcome, ...]:
        """The mutants that no scenario noticed, and that nobody accepted."""
        return tuple(one for one in self.outcomes if one.status.valid and not one.status.noticed)

    @property
    def killed(self) -> dict[str, Killed]:
        """How many mutants of each rule were killed, of those that count."""
        found: dict[str, Killed] = {}
        for one in self.outcomes:
            if one.status.valid and one.status is not Status.DETECTED:
                rule = BY_ID[one.mutant].rule.id
                found[rule] = found.get(rule, Killed()).and_one(one.status is Status.KILLED)
        return found

    @property
    def accepted_in_vain(self) -> tuple[str, ...]:
        """The mutants that are accepted and were noticed all the same."""
        noticed = (one.mutant for one in self.outcomes if one.status.noticed)
        return tuple(mutant for mutant in noticed if mutant in self.choice.accepted)


def all_in(count: int) -> Pool:
    """Return what tries mutants in so many worker processes."""
    return lambda work, jobs: in_processes(work, jobs, count)


def mutate(
    request: RunRequest,
    gathered: Gathered,
    choice: Choice,
    pool: Pool,
    hear: Callable[[Event | Outcome], None],
) -> Mutated:
    """Run the scenarios without a mutant, and then on each mutant those that met its rule.

    `hear` gets the events of the first run, and each outcome as it comes. Raises UsageError where
    the target is not the built-in mock, and NotGreen.
    """
    refuse_other_than_mock(request.target, "mutants break")
    took: dict[str, int] = {}
    red: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, ScenarioFinished) and event.verdict is not Verdict.SKIPPED:
            took[event.scenario] = event.real
            red.extend([] if event.verdict.green else [event.scenario])
        hear(event)

    coverage = measure(request, gathered, listen).coverage
    if red:
        raise _not_green(red)
    scenarios = {one.id: one for one in gathered.scenarios if one.id in took}
    jobs, untried = _jobs(coverage, scenarios, choice, took)
    outcomes = {one.mutant: one for one in untried}
    trials = Trials(request.target, _quiet(request), request.context.mask, scenarios)
    for outcome in pool(trials, jobs):
        outcomes[outcome.mutant] = _unless_accepted(outcome, choice)
        hear(outcome)
    return Mutated(
        coverage=coverage,
        scenarios=tuple(scenarios.values()),
        outcomes=tuple(outcomes[mutant.id] for mutant in MUTANTS if mutant.id in outcomes),
        choice=choice,
    )


def _not_green(red: list[str]) -> NotGreen:
    more = f" and {len(red) - 1} more" if len(red) > 1 else ""
    return NotGreen(
        f"{red[0]}{more} did not pass without any mutant",
        hint="make the suite green first: scenario-runner run shows what is wrong",
    )


def _quiet(request: RunRequest) -> RunOptions:
    """Return the options of the run, fit to be sent to another process."""
    return replace(request.options, live=unheard)


def _jobs(
    coverage: Coverage, scenarios: Mapping[str, Scenario], choice: Choice, took: Mapping[str, int]
) -> tuple[list[Job], list[Outcome]]:
    """Return the mutants to try, and the outcomes of those that no scenario can notice.

    Scenarios that met few rules come first: what they notice is most likely about this one.
    """
    rules_met = Counter(
        name for rule in coverage.rules for name in coverage.scenarios_that_met(rule)
    )
    jobs: list[Job] = []
    untried: list[Outcome] = []
    for mutant in filter(choice.takes, MUTANTS):
        met = coverage.scenarios_that_met(mutant.rule.id)
        names = scenarios.keys() if mutant.everywhere else met & scenarios.keys()
        if choice.changed is not None and not _touched(names, scenarios, choice.changed):
            continue
        if not names:
            outcome = Outcome(mutant=mutant.id, status=Status.NEVER_MET)
            untried.append(_unless_accepted(outcome, choice))
            continue
        ordered = tuple(sorted(names, key=lambda name: (rules_met[name], name)))
        limit = TIMEOUT + 10 * sum(took[name] for name in ordered) / SECOND
        jobs.append(Job(mutant.id, ordered, limit))
    return jobs, untried


def _touched(
    names: Iterable[str], scenarios: Mapping[str, Scenario], changed: frozenset[str]
) -> bool:
    """Tell whether one of the scenarios stands in a changed file, or uses a fragment there."""
    files = {source.file for name in names for source in scenarios[name].sources}
    return any(str(Path(file).resolve()) in changed for file in files)


def _unless_accepted(outcome: Outcome, choice: Choice) -> Outcome:
    reason = choice.accepted.get(outcome.mutant)
    if reason is None or outcome.status not in (Status.SURVIVED, Status.NEVER_MET):
        return outcome
    return structs.replace(outcome, status=Status.ACCEPTED, reason=reason)
