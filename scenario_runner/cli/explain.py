"""The command `explain`: what a code in a message means, with a wrong and a right example."""

from __future__ import annotations

import textwrap

import click


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Say what CODE means, with a wrong and a right example; without CODE, list all codes."""
    from scenario_runner.errors import UsageError, did_you_mean
    from scenario_runner.loading.codes import CODES

    if code is None:
        width = max(map(len, CODES))
        for name, entry in CODES.items():
            click.echo(f"{name:{width}}  {entry.title}")
        return 0
    found = CODES.get(code)
    if found is None:
        hint = did_you_mean(code, CODES) or "scenario-runner explain lists all codes"
        raise UsageError(f"there is no code '{code}'", hint=hint)
    click.echo(f"{code}: {found.title}\n\n{textwrap.fill(found.meaning, 80)}\n")
    click.echo(f"Wrong:\n\n{textwrap.indent(found.wrong.rstrip(), '    ')}\n")
    click.echo(f"Right:\n\n{textwrap.indent(found.right.rstrip(), '    ')}")
    return 0
