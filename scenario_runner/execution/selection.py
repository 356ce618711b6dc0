"""Chooses which scenarios of the loaded files are run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.errors import NothingSelected, suggestion
from scenario_runner.events import Failure, ScenarioFinished, ScenarioStarted, Verdict
from scenario_runner.execution.interleavings import without_turn
from scenario_runner.execution.last_failed import identity
from scenario_runner.execution.tag_expressions import parse_tags
from scenario_runner.language.vocabulary import Capability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scenario_runner.events import Event
    from scenario_runner.execution.leases import Pool
    from scenario_runner.language.facts import Requirement
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.loading.suite import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to run: scenarios whose id contains one of `words`, with and without these tags.

    `tags` are expressions such as `smoke and not slow`, of which one must hold.

    Words are compared without regard to case; an id is `file::name [row]`. `ids` maps files to the
    names that are taken of them; a file that is not in it is taken whole. `only` are the ids of
    scenarios to which the choice is limited, as remembered (None: it is not).
    """

    words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    only: frozenset[str] | None = None

    def takes_all_of(self, scenario: Scenario) -> bool:
        """Tell whether nothing is chosen among scenarios like this one, the rows of a matrix."""
        narrowed = self.words or self.tags or self.skip_tags or self.only is not None
        return not narrowed and scenario.file not in self.ids

    def takes(self, scenario: Scenario) -> bool:
        """Tell whether the scenario is to be run."""
        name = scenario.id.casefold()
        tags = set(scenario.tags)
        return (
            (not self.words or any(word.casefold() in name for word in self.words))
            and (not self.tags or any(parse_tags(text).holds(tags) for text in self.tags))
            and not tags & set(self.skip_tags)
            and (scenario.file not in self.ids or _named(scenario, self.ids[scenario.file]))
            and (self.only is None or identity(scenario.id) in self.only)
        )


def _named(scenario: Scenario, names: frozenset[str]) -> bool:
    """Tell whether a scenario is asked for by its name, or with all rows of its matrix."""
    return scenario.name in names or bool(scenario.matrix and scenario.matrix in names)


def split_ids(paths: Sequence[str]) -> tuple[tuple[str, ...], dict[str, frozenset[str]]]:
    """Split `FILE::NAME` among paths; return the paths to load and the names asked for of each.

    NAME may be that of a matrix, with all its rows. `Park (run 2)` asks for `Park`, too: a report
    names what ran several times like that.
    """
    named: dict[str, frozenset[str]] = {}
    whole: list[str] = []
    for path in paths:
        file, divider, name = path.partition("::")
        if divider:
            named[file] = named.get(file, frozenset()) | {name, without_turn(name)}
        else:
            whole.append(path)
    return tuple(dict.fromkeys((*whole, *named))), {
        f: n for f, n in named.items() if f not in whole
    }


def select(scenarios: Suite, selection: Selection) -> Suite:
    """Return the scenarios to run; raise NothingSelected where none is left."""
    _refuse_unknown_tags(scenarios, selection)
    chosen = scenarios.only(selection.takes, selection.takes_all_of)
    if chosen:
        return chosen
    if not scenarios:
        hint = "a folder is searched for *.scenario.yaml; a file may have any name"
        raise NothingSelected("there is no scenario in what was named", hint=hint)
    hint = "scenario-runner list PATH shows what there is"
    raise NothingSelected(f"none of the {len(scenarios)} scenarios is selected", hint=hint)


def _refuse_unknown_tags(scenarios: Suite, selection: Selection) -> None:
    """Raise NothingSelected for a tag that no scenario has: under `not` it would take all."""
    named = [name for text in selection.tags for name in sorted(parse_tags(text).names)]
    if not named or not scenarios:
        return
    known = sorted(scenarios.tags())
    for name in named:
        if name not in known:
            hint = suggestion(name, known, "tags are") if known else "no scenario has tags"
            raise NothingSelected(f"no scenario has the tag '{name}'", hint=hint)


def why_not(scenario: Scenario, pool: Pool, capabilities: frozenset[Capability]) -> str | None:
    """Say why the target can never run this scenario, or None."""
    for capability, because in sorted(required(scenario)):
        if capability not in capabilities:
            return f"{because}, which needs a target with {capability}"
    if scenario.when is None and Capability.INTERNAL_CALLS not in capabilities:
        for caller in scenario.needs.callers:
            if caller in pool.extensions:
                return (
                    f"{caller} is an extension of the target, and a call from one extension to "
                    f"another needs a target with {Capability.INTERNAL_CALLS}"
                )
    return pool.lacks(scenario.needs)


def required(scenario: Scenario) -> Iterator[Requirement]:
    """Yield what a target must be able to do for the scenario's unconditional steps.

    That a slot is outside of the target's range is no reason: a scenario may expect the refusal.
    """
    pending = [] if scenario.when is not None else [*scenario.steps, *scenario.cleanup]
    while pending:
        step = pending.pop()
        if step.when is not None:
            continue
        requirement = step.action.requires()
        if requirement is not None:
            yield requirement
        pending.extend(step.action.steps_inside())


def skip(scenario: Scenario, reason: str, emit: Callable[[Event], None]) -> Verdict:
    """Report a scenario that can't run on the target."""
    return report_unrun(scenario, Verdict.SKIPPED, reason, emit)


def report_unrun(
    scenario: Scenario, verdict: Verdict, reason: str, emit: Callable[[Event], None]
) -> Verdict:
    """Report a scenario that did not run, as skipped or errored, and return the verdict."""
    steps = len(scenario.steps) + len(scenario.cleanup)
    emit(
        ScenarioStarted(
            scenario=scenario.id,
            name=scenario.name,
            span=scenario.span,
            description=scenario.description,
            tags=scenario.tags,
            row=scenario.row,
            steps=steps,
            seed=0,
        )
    )
    failure = Failure(key=verdict.value, message=f"not run: {reason}", span=scenario.span)
    emit(
        ScenarioFinished(
            scenario=scenario.id,
            verdict=verdict,
            at=0,
            took=0,
            passed=0,
            failed=0,
            errored=0,
            skipped=steps,
            not_applicable=0,
            reason=reason,
            failures=(failure,),
        )
    )
    return verdict
