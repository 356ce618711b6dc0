"""The command `cleanup`: undoes what a run that was killed has left on a target."""

from __future__ import annotations

from typing import Any

import click

from scenario_runner.cli.choosing import target_options


@click.command("cleanup")
@target_options
def command(**given: Any) -> int:  # noqa: ANN401 -- click's parsed values
    """Hang up the calls and remove the event subscriptions that runs have left on a target.

    Every run writes down what it places, in .scenario-runner/journal/, and removes that file when
    everything is undone. After a run was killed, this command does the rest.
    """
    import asyncio

    from scenario_runner.cli.choosing import context_of, target_choice
    from scenario_runner.execution.targets import choose
    from scenario_runner.execution.undoing import undo

    context = context_of(given)
    target = choose(target_choice(given, (".",)), context.mask)
    if target.driver == "mock":
        click.echo("a mock in this process leaves nothing behind")
        return 0
    undone = asyncio.run(undo(target, context))
    for one in undone:
        click.echo(context.mask.text(f"{'✓' if one.good else '✗'} {one.message}"))
    if not undone:
        click.echo(f"nothing is left on the target {target.name}")
    return 0 if all(one.good for one in undone) else 4
