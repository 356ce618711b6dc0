"""The command `schema`: prints a JSON Schema, for editors and other tools."""

from __future__ import annotations

import click


@click.command("schema")
@click.argument("name", default="scenario")
def command(name: str) -> int:
    """Print the JSON Schema called NAME: scenario (the default), fragment, targets or events."""
    from scenario_runner.errors import UsageError, did_you_mean
    from scenario_runner.loading.schema import schema_names, schema_text

    names = schema_names()
    if name not in names:
        hint = did_you_mean(name, names) or f"there are: {', '.join(names)}"
        raise UsageError(f"there is no schema '{name}'", hint=hint)
    click.echo(schema_text(name), nl=False)
    return 0
