"""The command `coverage`: which rules of call parking the scenarios meet, and which never."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import MockRunOptions, argument, group, option, takes
from scenario_runner.exit_code import Exit, gravest

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.coverage.table import Coverage
    from scenario_runner.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageLine:
    """The command line of `coverage`."""

    paths: tuple[str, ...] = argument(nargs=-1, metavar="[PATH...]")
    run: MockRunOptions = group(MockRunOptions)
    shard: str | None = option(metavar="I/N", help="Run only part I of N.")
    add: tuple[str, ...] = option(
        multiple=True, metavar="FILE", help="Add what an earlier `coverage --json` wrote."
    )
    mutation: str | None = option(
        metavar="FILE", help="Tell checked rules from met ones by what `mutate --json` wrote."
    )
    least: int | None = option(
        "--min",
        type=click.IntRange(0, 100),
        metavar="PERCENT",
        help="Exit with 1 where fewer rules are met.",
    )
    json: str | None = option(metavar="FILE", help="Write the table as JSON.")
    markdown: str | None = option(metavar="FILE", help="Write the table in Markdown.")
    html: str | None = option(metavar="FILE", help="Write the run and the table as an HTML report.")

    @property
    def written(self) -> list[str]:
        """The files that are to be written."""
        return [path for path in (self.json, self.markdown, self.html) if path is not None]


@click.command("coverage")
@takes(CoverageLine)
def command(line: CoverageLine) -> Exit:
    """Run the scenarios named PATH on the built-in mock, and say which rules they meet.

    Met is not checked: a rule is met where the mock decided something by it. Whether a scenario
    would notice if the rule did not hold is what `mutate` finds out.
    """
    from scenario_runner.coverage.document import json_text, read_killed
    from scenario_runner.coverage.output import markdown, text, write_html
    from scenario_runner.reporters.output import write_whole

    if not line.paths and not line.add:
        raise click.UsageError("name scenarios, or tables to add up with --add FILE")
    killed = None if line.mutation is None else read_killed(line.mutation)
    events: list[Event] = []
    coverage, code = _measured(line, events.append)
    if line.json is not None:
        write_whole(line.json, json_text(coverage, killed), "the table")
    if line.markdown is not None:
        write_whole(line.markdown, markdown(coverage, killed), "the table")
    if line.html is not None:
        write_html(line.html, events, coverage, killed)
    click.echo(text(coverage, killed), nl=False, err="-" in line.written)
    return gravest((code, _enough(coverage, line.least)))


def _measured(line: CoverageLine, hear: Callable[[Event], None]) -> tuple[Coverage, Exit]:
    """Run what is named, and add up the tables of earlier runs."""
    from scenario_runner.cli.reporting import keep_inputs
    from scenario_runner.coverage.document import read_coverage
    from scenario_runner.coverage.run import measure
    from scenario_runner.coverage.table import added_up
    from scenario_runner.execution.run import gather_valid

    parts = [read_coverage(file) for file in line.add]
    code = Exit.PASSED
    read = [*line.add, *line.run.variables.var_files, line.mutation]
    if line.paths:
        request = line.run.request(line.paths, line.shard)
        gathered = gather_valid(request)
        read += [source.file for source in gathered.sources]
    keep_inputs(line.written, read, line.run.target.choice(line.paths))
    if line.paths:
        measured = measure(request, gathered, hear)
        parts.insert(0, measured.coverage)
        code = measured.exit_code
    return added_up(parts), code


def _enough(coverage: Coverage, least: int | None) -> Exit:
    if least is None or 100 * coverage.met >= least * len(coverage.rules):
        return Exit.PASSED
    click.echo(f"fewer than {least} % of the rules are met", err=True)
    return Exit.FAILED
