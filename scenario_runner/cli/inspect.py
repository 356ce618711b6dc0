"""The command `validate`: says everything that is wrong with scenario files."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import (
    SelectionOptions,
    VariableOptions,
    argument,
    complete,
    group,
    option,
    takes,
)
from scenario_runner.exit_code import Exit
from scenario_runner.printable import one_line, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scenario_runner.events import Event
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.loading.suite import Suite
    from scenario_runner.loading.validating import Validated


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateLine:
    """The command line of `validate`."""

    paths: tuple[str, ...] = argument(nargs=-1, required=True, metavar="PATH...")
    variables: VariableOptions = group(VariableOptions)
    strict: bool = option(is_flag=True, help="Treat warnings as errors.")
    ignore_others: bool = option(
        is_flag=True,
        help="Pass over YAML files that are neither scenarios nor a fragment nor a targets file.",
    )


@click.command("validate")
@takes(ValidateLine)
def validate(line: ValidateLine) -> Exit:
    """Check the files and folders named PATH, without running anything.

    A file holds scenarios, a fragment or targets; folders are searched for scenarios. Every problem
    is shown with its place, an excerpt and how to fix it.
    """
    from scenario_runner.cli.exit_codes import show_problems
    from scenario_runner.cli.reporting import coloured_screen, on_terminal, plain_screen
    from scenario_runner.errors import NothingSelected
    from scenario_runner.loading.files import find_files, run_root
    from scenario_runner.loading.validating import validate_files
    from scenario_runner.pbx import drivers

    loading = line.variables.load_options(strict=line.strict)
    options = replace(loading, root=run_root(line.paths))
    files = find_files(line.paths)
    found = tuple(validate_files(files, options, drivers, others=not line.ignore_others))
    if not found and not line.ignore_others:
        raise NothingSelected("there is no scenario file in what was named")
    problems = [problem for one in found for problem in one.problems]
    if problems:
        screen = coloured_screen() if on_terminal() else plain_screen()
        show_problems(problems, screen)
    if any(not problem.warning for problem in problems):
        return Exit.INVALID
    click.echo(_all_valid(found))
    return Exit.PASSED


def _all_valid(found: tuple[Validated, ...]) -> str:
    """Say how many files are valid, and what they hold."""
    from scenario_runner.loading.validating import FileKind

    kinds = [one.kind for one in found]
    counts = {
        "scenario": sum(one.scenarios for one in found),
        "fragment": kinds.count(FileKind.FRAGMENT),
        "targets file": kinds.count(FileKind.TARGETS),
    }
    held = ", ".join(f"{n} {what}{'s' * (n != 1)}" for what, n in counts.items() if n)
    files = "1 file is valid" if len(found) == 1 else f"{len(found)} files are valid"
    return f"{files}: {held}" if held else "there was nothing to check"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceLine:
    """The command line of what only looks at scenarios."""

    paths: tuple[str, ...] = argument(nargs=-1, required=True, metavar="PATH...")
    selected: SelectionOptions = group(SelectionOptions)
    variables: VariableOptions = group(VariableOptions)

    def scenarios(self) -> Suite:
        """Return the scenarios that are chosen; raises InvalidFiles, UsageError."""
        from scenario_runner.execution.run import RunRequest, gather_valid

        request = RunRequest(
            paths=self.paths,
            selection=self.selected.selection(),
            loading=self.variables.load_options(),
        )
        return gather_valid(request).scenarios


@click.command("list")
@takes(ChoiceLine)
def list_scenarios(line: ChoiceLine) -> int:
    """Show the scenarios in the files and folders named PATH: place, name and tags."""
    scenarios = line.scenarios()
    for scenario in scenarios:
        tags = f"  [{', '.join(scenario.tags)}]" if scenario.tags else ""
        click.echo(one_line(f"{scenario.file}:{scenario.span.line}: {scenario.name}{tags}"))
    count = len(scenarios)
    click.echo(f"{count} scenario{'s' * (count != 1)}", err=True)
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DocLine:
    """The command line of `doc`."""

    chosen: ChoiceLine = group(ChoiceLine)
    no_diagram: bool = option(is_flag=True, help="Leave out the sequence diagrams.")


@click.command("doc")
@takes(DocLine)
def doc(line: DocLine) -> int:
    """Write the scenarios in the files and folders named PATH as Markdown: title, steps, diagram.

    The sequence diagram shows how a scenario goes on the mock PBX inside the runner.
    """
    from scenario_runner.documenting import page

    for first, rows in _by_matrix(line.chosen.scenarios()):
        click.echo(printable(page(first, rows, "" if line.no_diagram else _diagram(first))))
    return 0


def _by_matrix(scenarios: Iterable[Scenario]) -> Iterator[tuple[Scenario, tuple[Scenario, ...]]]:
    """Put the rows of one matrix together: they stand at the same place of a file."""
    rows: dict[tuple[str, int], list[Scenario]] = {}
    for scenario in scenarios:
        rows.setdefault((scenario.file, scenario.span.line), []).append(scenario)
    for first, *others in rows.values():
        yield first, tuple(others)


def _diagram(scenario: Scenario) -> str:
    """Run the scenario on the mock and draw what went over the wire; nothing where nothing did."""
    import os

    from scenario_runner.execution.run_iterator import run
    from scenario_runner.reporters.ladder import build_ladder, to_mermaid
    from scenario_runner.reporters.results import ResultCollector

    gathered = ResultCollector()
    stories = [gathered.handle(event) for event in run([scenario], environment=dict(os.environ))]
    events = [event for story in stories if story is not None for event in story.in_steps()]
    ladder = build_ladder(_without_tokens(events))
    return to_mermaid(ladder) if ladder.rows else ""


def _without_tokens(events: Iterable[Event]) -> Iterator[Event]:
    """Leave out the runner's own requests for a token, which another one in the step follows."""
    from scenario_runner.events import Exchange

    kept = list(events)
    last = {event.step: event for event in kept if isinstance(event, Exchange)}
    for event in kept:
        match event:
            case Exchange(sent=sent, step=step) if sent.startswith("POST /oauth/token\n"):
                if last[step] is event:
                    yield event
            case _:
                yield event


@click.command("explain")
@click.argument("code", required=False, shell_complete=complete)
def explain(code: str | None) -> int:
    """Say what CODE means, with a wrong and a right example; without CODE, list all codes."""
    from scenario_runner.errors import UsageError, did_you_mean
    from scenario_runner.loading.messages import catalogue

    if code is None:
        width = max(map(len, catalogue()))
        for name, entry in catalogue().items():
            click.echo(f"{name:{width}}  {entry.title}")
        return 0
    found = catalogue().get(code)
    if found is None:
        hint = did_you_mean(code, catalogue()) or "scenario-runner explain lists all codes"
        raise UsageError(f"there is no code '{code}'", hint=hint)
    click.echo(f"{code}: {found.title}\n\n{textwrap.fill(found.meaning, 80)}\n")
    click.echo(f"Wrong:\n\n{textwrap.indent(found.wrong.rstrip(), '    ')}\n")
    click.echo(f"Right:\n\n{textwrap.indent(found.right.rstrip(), '    ')}")
    return 0


@click.command("schema")
@click.argument("name", default="scenario", shell_complete=complete)
def schema(name: str) -> int:
    """Print the JSON Schema called NAME: scenario (the default), fragment, targets or events."""
    from scenario_runner.errors import UsageError, suggestion
    from scenario_runner.language.schema import schema_names, schema_text

    names = schema_names()
    if name not in names:
        hint = suggestion(name, names, "there are")
        raise UsageError(f"there is no schema '{name}'", hint=hint)
    click.echo(schema_text(name), nl=False)
    return 0


SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print the completion script for SHELL.

    For bash: eval "$(scenario-runner completion bash)"
    """
    from click.shell_completion import get_completion_class

    from scenario_runner.cli import scenario_runner
    from scenario_runner.cli.completing import register

    register()

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    complete = found(scenario_runner, {}, "scenario-runner", "_SCENARIO_RUNNER_COMPLETE")
    click.echo(complete.source())
    return 0
