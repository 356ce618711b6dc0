"""The command `targets`: shows which targets there are, and whether they can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scenario_runner.cli.options import target_options

if TYPE_CHECKING:
    from scenario_runner.execution.targets import TargetChoice
    from scenario_runner.language.target import Target
    from scenario_runner.masking import Mask


@click.command("targets")
@click.argument("name", required=False)
@click.option("--check", "checked", is_flag=True, help="Ask the targets whether they can be used.")
@click.option(
    "--targets",
    "file",
    metavar="FILE",
    help="Targets file [default: scenario-targets.yaml here or above].",
)
@click.option("--insecure", is_flag=True, help="Do not verify the PBX's certificate.")
def targets(name: str | None, file: str | None, *, checked: bool, insecure: bool) -> int:
    """Show the targets that scenarios can run against, or the one called NAME.

    With --check each is asked: is it reachable, does it take the credentials, do the clocks agree,
    how many requests are left, does it know the extensions. Nothing is dialled.
    """
    import os

    from scenario_runner.execution.targets import TargetChoice, all_names
    from scenario_runner.masking import Mask

    choice = TargetChoice(paths=(".",), file=file, environment=dict(os.environ))
    mask = Mask()
    names = (name,) if name is not None else all_names(choice)
    results = [_shown(one, choice, mask, checked=checked, insecure=insecure) for one in names]
    return max(results)


def _shown(name: str, choice: TargetChoice, mask: Mask, *, checked: bool, insecure: bool) -> int:
    """Show one target; return the exit code that it alone would give."""
    from dataclasses import replace

    from scenario_runner.cli.exit_codes import show_problems
    from scenario_runner.errors import InvalidFiles, TargetError
    from scenario_runner.execution.targets import named_target

    try:
        target = named_target(replace(choice, name=name), mask)
    except TargetError as error:
        hint = f"\n  {error.hint}" if error.hint else ""
        click.echo(mask.text(f"{name}: {error.message}{hint}"))
        return 3
    except InvalidFiles as error:
        show_problems(error.problems)
        return 2
    click.echo(mask.text(_described(target)))
    return _checked(target, mask, insecure=insecure) if checked else 0


def _described(target: Target) -> str:
    from scenario_runner.durations import duration_text

    first, last = target.slots
    numbers = [number for number, _ in target.extensions]
    some = f"{numbers[0]} to {numbers[-1]} ({len(numbers)})" if numbers else "not named"
    protected = ", protected" if target.protected else ""
    timeout = duration_text(target.park_timeout)
    return (
        f"{target.name}: driver {target.driver}, {target.host}{protected}\n"
        f"  slots {first} to {last}, parked for {timeout}, extensions {some}"
    )


def _checked(target: Target, mask: Mask, *, insecure: bool) -> int:
    import asyncio

    from scenario_runner.pbx.drivers import Context

    if target.driver == "mock":
        click.echo("  ✓ it is in this process")
        return 0
    from scenario_runner.execution.check import probe

    findings = asyncio.run(probe(target, Context(mask=mask, insecure=insecure)))
    for finding in findings:
        click.echo(mask.text(f"  {'✓' if finding.good else '✗'} {finding.message}"))
        if finding.hint:
            click.echo(mask.text(f"    {finding.hint}"))
    return 0 if all(finding.good for finding in findings) else 4


@click.command("cleanup")
@target_options
def cleanup(**given: Any) -> int:  # noqa: ANN401 -- click's parsed values
    """Hang up the calls and remove the event subscriptions that runs have left on a target.

    Every run writes down what it places, in .scenario-runner/journal/, and removes that file when
    everything is undone. After a run was killed, this command does the rest.
    """
    import asyncio

    from scenario_runner.cli.options import context_of, target_choice
    from scenario_runner.execution.cleanup import undo
    from scenario_runner.execution.targets import choose

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
