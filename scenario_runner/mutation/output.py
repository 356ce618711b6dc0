"""Shows what became of the mutants: who noticed each, and what nobody would notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.coverage.output import html_table as rules_table
from scenario_runner.mock_pbx.mutants import BY_ID
from scenario_runner.mutation.trial import Status
from scenario_runner.reporters.html.report import Table, TableRow, to_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scenario_runner.events import Event
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


def html_table(mutated: Mutated) -> Table:
    """Return the outcome as it stands in the HTML report: what nobody would notice comes first."""
    outcomes = sorted(mutated.outcomes, key=lambda one: one.status.noticed)
    return Table(
        id="mutants",
        title=summary(mutated),
        columns=("Status", "Mutant", "What it does", "Noticed by"),
        rows=tuple(_html_row(one) for one in outcomes),
    )


def _html_row(one: Outcome) -> TableRow:
    does = BY_ID[one.mutant].unnoticed
    why = one.noticed.sentence if one.noticed is not None else one.reason
    return TableRow(
        tone=one.status.tone,
        cells=(f"{one.status.symbol} {one.status}", one.mutant, does, why),
        scenario=one.noticed.scenario if one.noticed is not None else "",
    )


def write_html(path: str, events: Iterable[Event], mutated: Mutated) -> None:
    """Write the HTML report of the run without mutants, with what became of each, and the rules.

    Raises UsageError where the file can't be written.
    """
    report = to_file(path)
    for event in events:
        report.handle(event)
    report.add(html_table(mutated))
    report.add(rules_table(mutated.coverage, mutated.killed))
    report.close()
