"""The command `list`: shows which scenarios there are."""

from __future__ import annotations

import click

from scenario_runner.cli.choosing import selection_options, variable_options


@click.command("list")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@selection_options
@variable_options
def command(**given: tuple[str, ...]) -> int:
    """Show the scenarios in the files and folders named PATH: place, name and tags."""
    from scenario_runner.cli.choosing import load_options, selection
    from scenario_runner.execution.whole import RunRequest, gather

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
