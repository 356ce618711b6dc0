"""Shows what became of the mutants as text: who noticed each, and what nobody would notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.mock_pbx.mutants import BY_ID
from scenario_runner.mutation.trial import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.mutation.run import Mutated
    from scenario_runner.mutation.trial import Outcome


def text(mutated: Mutated, *, whole: bool) -> str:
    """Return the outcome as lines: of every mutant where `whole`, else of those to look at."""
    return "\n".join(_lines(mutated, whole=whole)) + "\n"


def _lines(mutated: Mutated, *, whole: bool) -> Iterator[str]:
    for one in mutated.outcomes:
        if whole or one.status is not Status.KILLED:
            yield from _outcome(one)
    for mutant in mutated.accepted_in_vain:
        yield f"{mutant} is accepted and was noticed all the same: take it out of the file"
    if mutated.unnoticed:
        yield ""
        yield "  scenario-runner mutate --draft MUTANT writes a scenario that notices one"
    yield ""
    yield summary(mutated)


def _outcome(one: Outcome) -> Iterator[str]:
    yield f"{one.status.symbol} {one.mutant:36} {one.status}{_because(one)}"
    if not one.status.noticed:
        yield f"    no scenario would notice if {BY_ID[one.mutant].unnoticed}"


def _because(one: Outcome) -> str:
    if one.noticed is not None:
        return f" by {one.noticed}"
    if one.reason:
        return f": {one.reason}"
    if one.status is Status.SURVIVED:
        return f"; tried on {_counted(one.ran, 'scenario')}"
    return ""


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def summary(mutated: Mutated) -> str:
    """Return the last line: the score, and how many mutants have which status."""
    counts = mutated.counts
    told = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
    of = f"{mutated.noticed} of {_counted(mutated.valid, 'mutant')} noticed ({mutated.percent} %)"
    return f"{of}: {told or 'none tried'}"
