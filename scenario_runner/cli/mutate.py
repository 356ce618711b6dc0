"""The command `mutate`: which wrong behaviours of a PBX the scenarios would notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import (
    MockRunOptions,
    argument,
    group,
    option,
    takes,
    worker_count,
)
from scenario_runner.exit_code import Exit

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.events import Event
    from scenario_runner.execution.run import Gathered
    from scenario_runner.mutation.run import Choice, Mutated
    from scenario_runner.mutation.trial import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class MutateLine:
    """The command line of `mutate`."""

    paths: tuple[str, ...] = argument(nargs=-1, metavar="[PATH...]")
    run: MockRunOptions = group(MockRunOptions)
    rules: tuple[str, ...] = option(
        "--rule", multiple=True, metavar="RULE", help="Only mutants of this rule."
    )
    mutants: tuple[str, ...] = option(
        "--mutant", multiple=True, metavar="MUTANT", help="Only this mutant."
    )
    since: str | None = option(
        metavar="REV", help="Only mutants that files changed since REV of git can notice."
    )
    accepted: str | None = option(
        metavar="FILE", help="Survivors with reasons; exit with 1 on any other."
    )
    least: int | None = option(
        "--min",
        type=click.IntRange(0, 100),
        metavar="PERCENT",
        help="Exit with 1 where fewer mutants are noticed.",
    )
    workers: str = option(
        default="1", metavar="N|auto", help="Worker processes; auto: as many as cores [default: 1]."
    )
    verbose: bool = option("-v", "--verbose", is_flag=True, help="Show the killed mutants, too.")
    json: str | None = option(
        metavar="FILE", help="Write a report in the mutation testing report schema."
    )
    html: str | None = option(
        metavar="FILE", help="Write the run without mutants, and what became of each, as HTML."
    )
    draft: str | None = option(
        metavar="MUTANT", help="Write a scenario that notices this mutant, and nothing else."
    )


@click.command("mutate")
@takes(MutateLine)
def command(line: MutateLine) -> Exit:
    """Break the rules of the built-in mock, one at a time, and see who of the scenarios notices.

    A mutant is the mock with one rule broken. It is killed where a scenario that met the rule
    fails on it, and survives where none does.
    """
    if line.draft is not None:
        return _draft(line.draft)
    if not line.paths:
        raise click.UsageError("name the scenarios, or a mutant with --draft MUTANT")
    from scenario_runner.execution.run import gather_valid
    from scenario_runner.mutation.output import text, write_html
    from scenario_runner.mutation.report import json_text
    from scenario_runner.mutation.run import all_in, mutate
    from scenario_runner.reporters.output import write_whole

    request = line.run.request(line.paths)
    choice = _choice(line)
    gathered = gather_valid(request)
    _keep_inputs(line, gathered)
    events: list[Event] = []
    with _Progress(events) as hear:
        mutated = mutate(request, gathered, choice, all_in(_workers(line)), hear)
    if line.json is not None:
        write_whole(line.json, json_text(mutated, gathered), "the report")
    if line.html is not None:
        write_html(line.html, events, mutated)
    click.echo(text(mutated, whole=line.verbose), nl=False, err="-" in (line.json, line.html))
    return _exit_code(line, mutated)


def _draft(mutant: str) -> Exit:
    from pathlib import Path

    from scenario_runner.errors import UsageError
    from scenario_runner.mutation.draft import draft

    text = draft(mutant)
    file = Path(f"{mutant}.scenario.yaml")
    try:
        with file.open("x", encoding="utf-8") as output:
            output.write(text)
    except FileExistsError:
        raise UsageError(f"{file} is there already", hint="rename it or move it away") from None
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror or error}") from error
    click.echo(f"written  {file}")
    return Exit.PASSED


def _choice(line: MutateLine) -> Choice:
    from scenario_runner.mutation.accepted import read_accepted
    from scenario_runner.mutation.run import Choice
    from scenario_runner.mutation.since import changed_since

    return Choice(
        rules=line.rules,
        mutants=line.mutants,
        accepted={} if line.accepted is None else read_accepted(line.accepted),
        changed=None if line.since is None else changed_since(line.since),
    )


def _workers(line: MutateLine) -> int:
    from scenario_runner.execution.workers import available_cores

    return worker_count(line.workers) or available_cores()


def _keep_inputs(line: MutateLine, gathered: Gathered) -> None:
    from scenario_runner.cli.reporting import keep_inputs

    read = (source.file for source in gathered.sources)
    inputs = (*read, *line.run.variables.var_files, line.accepted)
    keep_inputs((line.json, line.html), inputs, line.run.target.choice(line.paths))


class _Progress:
    """Keeps the events of the first run, and shows on a terminal how many mutants were tried."""

    def __init__(self, events: list[Event]) -> None:
        import sys

        self._events = events
        self._shown = sys.stderr is not None and sys.stderr.isatty()
        self._tried = self._unnoticed = 0

    def __enter__(self) -> Callable[[Event | Outcome], None]:
        return self._hear

    def _hear(self, heard: Event | Outcome) -> None:
        from scenario_runner.mutation.trial import Outcome

        if not isinstance(heard, Outcome):
            self._events.append(heard)
            return
        self._tried += 1
        self._unnoticed += not heard.status.noticed
        if self._shown:
            text = f"\r{self._tried} mutants tried, {self._unnoticed} not noticed"
            click.echo(text, nl=False, err=True)

    def __exit__(self, *_: object) -> None:
        if self._shown and self._tried:
            click.echo("\r" + " " * 50 + "\r", nl=False, err=True)


def _exit_code(line: MutateLine, mutated: Mutated) -> Exit:
    code = Exit.PASSED
    if line.least is not None and 100 * mutated.noticed < line.least * mutated.valid:
        click.echo(f"fewer than {line.least} % of the mutants are noticed", err=True)
        code = Exit.FAILED
    if line.accepted is not None and mutated.unnoticed:
        count = len(mutated.unnoticed)
        click.echo(f"{count} not noticed and not in {line.accepted}", err=True)
        code = Exit.FAILED
    return code
