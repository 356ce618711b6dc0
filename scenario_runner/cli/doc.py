"""The command `doc`: scenarios as Markdown that a newcomer can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from scenario_runner.cli.choosing import selection_options, variable_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.model.scenario import Scenario


@click.command("doc")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@selection_options
@variable_options
@click.option("--no-diagram", is_flag=True, help="Leave out the sequence diagrams.")
def command(*, no_diagram: bool, **given: tuple[str, ...]) -> int:
    """Write the scenarios in the files and folders named PATH as Markdown: title, steps, diagram.

    The sequence diagram shows how a scenario goes on the mock PBX inside the runner.
    """
    from scenario_runner.cli.choosing import load_options, selection
    from scenario_runner.documenting.pages import page
    from scenario_runner.execution.whole import RunRequest, gather

    request = RunRequest(
        paths=given["paths"],
        selection=selection(given["words"], given["tags"], given["skip_tags"]),
        loading=load_options(given["variables"], given["var_files"], strict=False),
    )
    for first, rows in _by_matrix(gather(request)[0]):
        click.echo(page(first, rows, "" if no_diagram else _diagram(first)))
    return 0


def _by_matrix(scenarios: list[Scenario]) -> Iterator[tuple[Scenario, tuple[Scenario, ...]]]:
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
    from scenario_runner.reporters.stories import Gatherer

    gathered = Gatherer()
    stories = [gathered.handle(event) for event in run([scenario], environment=dict(os.environ))]
    events = [event for story in stories if story is not None for event in story.in_steps()]
    ladder = build_ladder(events)
    return to_mermaid(ladder) if ladder.rows else ""
