"""The command `targets`: shows which targets there are, and whether they can be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import (
    TargetOptions,
    TargetsFileOptions,
    argument,
    group,
    option,
    takes,
)
from scenario_runner.exit_code import Exit, gravest
from scenario_runner.printable import printable

if TYPE_CHECKING:
    from scenario_runner.execution.targets import TargetChoice
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.drivers import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsLine:
    """The command line of `targets`."""

    name: str | None = argument(required=False)
    check: bool = option(is_flag=True, help="Ask the targets whether they can be used.")
    targets: TargetsFileOptions = group(TargetsFileOptions)


@click.command("targets")
@takes(TargetsLine)
def targets(line: TargetsLine) -> Exit:
    """Show the targets that scenarios can run against, or the one called NAME.

    With --check each is asked: is it reachable, does it take the credentials, do the clocks agree,
    how many requests are left, does it know the extensions. Nothing is dialled.
    """
    from scenario_runner.execution.targets import all_names

    choice = line.targets.choice((".",))
    context = line.targets.context()
    names = (line.name,) if line.name is not None else all_names(choice)
    return gravest([_shown(name, choice, context, checked=line.check) for name in names])


def _shown(name: str, choice: TargetChoice, context: Context, *, checked: bool) -> Exit:
    """Show one target; return the exit code that it alone would give."""
    from dataclasses import replace

    from scenario_runner.cli.exit_codes import show_problems
    from scenario_runner.errors import InvalidFiles, TargetError
    from scenario_runner.execution.targets import named_target

    mask = context.mask
    try:
        target = named_target(replace(choice, name=name), mask)
    except TargetError as error:
        hint = f"\n  {error.hint}" if error.hint else ""
        click.echo(printable(mask.text(f"{name}: {error.message}{hint}")))
        return error.exit_code
    except InvalidFiles as error:
        show_problems(error.problems)
        return error.exit_code
    click.echo(printable(mask.text(_described(target))))
    return _checked(target, context) if checked else Exit.PASSED


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


def _checked(target: Target, context: Context) -> Exit:
    import asyncio

    if target.driver == "mock":
        click.echo("  ✓ it is in this process")
        return Exit.PASSED
    from scenario_runner.execution.check import probe

    findings = asyncio.run(probe(target, context))
    for finding in findings:
        click.echo(
            printable(context.mask.text(f"  {'✓' if finding.good else '✗'} {finding.message}"))
        )
        if finding.hint:
            click.echo(printable(context.mask.text(f"    {finding.hint}")))
    return Exit.PASSED if all(finding.good for finding in findings) else Exit.ERRORED


@click.command("cleanup")
@takes(TargetOptions)
def cleanup(line: TargetOptions) -> Exit:
    """Hang up the calls and remove the event subscriptions that runs have left on a target.

    Every run writes down what it places, in .scenario-runner/journal/, and removes that file when
    everything is undone. After a run was killed, this command does the rest.
    """
    import asyncio

    from scenario_runner.execution.cleanup import undo
    from scenario_runner.execution.targets import choose

    context = line.context()
    target = choose(line.choice((".",)), context.mask)
    if target.driver == "mock":
        click.echo("a mock in this process leaves nothing behind")
        return Exit.PASSED
    undone = asyncio.run(undo(target, context))
    for one in undone:
        click.echo(printable(context.mask.text(f"{'✓' if one.good else '✗'} {one.message}")))
    if not undone:
        click.echo(printable(f"nothing is left on the target {target.name}"))
    return Exit.PASSED if all(one.good for one in undone) else Exit.ERRORED
