"""The command `targets`: shows which targets there are, and whether they can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from scenario_runner.execution.targets import TargetChoice
    from scenario_runner.masking import Mask
    from scenario_runner.model.target import Target


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
def command(name: str | None, file: str | None, *, checked: bool, insecure: bool) -> int:
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

    from scenario_runner.cli.problems import show_problems
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

    from scenario_runner.pbx.context import Context

    if target.driver == "mock":
        click.echo("  ✓ it is in this process")
        return 0
    from scenario_runner.execution.probing import probe

    findings = asyncio.run(probe(target, Context(mask=mask, insecure=insecure)))
    for finding in findings:
        click.echo(mask.text(f"  {'✓' if finding.good else '✗'} {finding.message}"))
        if finding.hint:
            click.echo(mask.text(f"    {finding.hint}"))
    return 0 if all(finding.good for finding in findings) else 4
