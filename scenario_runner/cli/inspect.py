"""The command `validate`: says everything that is wrong with scenario files."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import selection_options, variable_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scenario_runner.errors import Problem
    from scenario_runner.language.scenario import Scenario


@click.command("validate")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@variable_options
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
def validate(
    paths: tuple[str, ...], variables: tuple[str, ...], var_files: tuple[str, ...], *, strict: bool
) -> int:
    """Check the files and folders named PATH, without running anything.

    Every problem is shown with its place, an excerpt and how to mend it.
    """
    from scenario_runner.cli.exit_codes import show_problems
    from scenario_runner.cli.options import load_options
    from scenario_runner.errors import NothingSelected
    from scenario_runner.loading.documents import load
    from scenario_runner.loading.files import find_files, run_root

    options = replace(load_options(variables, var_files, strict=strict), root=run_root(paths))
    problems: list[Problem] = []
    files = scenarios = 0
    for loaded in load(find_files(paths), options):
        files += 1
        scenarios += len(loaded.scenarios)
        problems += loaded.problems
    if not files:
        raise NothingSelected("there is no scenario file in what was named")
    if problems:
        show_problems(problems)
    if any(not problem.warning for problem in problems):
        return 2
    file = "1 file is valid" if files == 1 else f"{files} files are valid"
    click.echo(f"{file}: {scenarios} scenario{'s' * (scenarios != 1)}")
    return 0


@click.command("list")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@selection_options
@variable_options
def list_scenarios(**given: tuple[str, ...]) -> int:
    """Show the scenarios in the files and folders named PATH: place, name and tags."""
    from scenario_runner.cli.options import load_options, selection
    from scenario_runner.execution.run import RunRequest, gather

    request = RunRequest(
        paths=given["paths"],
        selection=selection(given["words"], given["tags"], given["skip_tags"]),
        loading=load_options(given["variables"], given["var_files"], strict=False),
    )
    scenarios, _ = gather(request)
    for scenario in scenarios:
        tags = f"  [{', '.join(scenario.tags)}]" if scenario.tags else ""
        click.echo(f"{scenario.file}:{scenario.span.line}: {scenario.name}{tags}")
    count = len(scenarios)
    click.echo(f"{count} scenario{'s' * (count != 1)}", err=True)
    return 0


@click.command("doc")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@selection_options
@variable_options
@click.option("--no-diagram", is_flag=True, help="Leave out the sequence diagrams.")
def doc(*, no_diagram: bool, **given: tuple[str, ...]) -> int:
    """Write the scenarios in the files and folders named PATH as Markdown: title, steps, diagram.

    The sequence diagram shows how a scenario goes on the mock PBX inside the runner.
    """
    from scenario_runner.cli.options import load_options, selection
    from scenario_runner.documenting import page
    from scenario_runner.execution.run import RunRequest, gather

    request = RunRequest(
        paths=given["paths"],
        selection=selection(given["words"], given["tags"], given["skip_tags"]),
        loading=load_options(given["variables"], given["var_files"], strict=False),
    )
    for first, rows in _by_matrix(gather(request)[0]):
        click.echo(page(first, rows, "" if no_diagram else _diagram(first)))
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

    from scenario_runner.api import run
    from scenario_runner.reporters.ladder import build_ladder, to_mermaid
    from scenario_runner.reporters.results import ResultCollector

    gathered = ResultCollector()
    stories = [gathered.handle(event) for event in run([scenario], environment=dict(os.environ))]
    events = [event for story in stories if story is not None for event in story.in_steps()]
    ladder = build_ladder(events)
    return to_mermaid(ladder) if ladder.rows else ""


@click.command("explain")
@click.argument("code", required=False)
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
@click.argument("name", default="scenario")
def schema(name: str) -> int:
    """Print the JSON Schema called NAME: scenario (the default), fragment, targets or events."""
    from scenario_runner.errors import UsageError, did_you_mean
    from scenario_runner.language.schema import schema_names, schema_text

    names = schema_names()
    if name not in names:
        hint = did_you_mean(name, names) or f"there are: {', '.join(names)}"
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

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    complete = found(scenario_runner, {}, "scenario-runner", "_SCENARIO_RUNNER_COMPLETE")
    click.echo(complete.source())
    return 0
