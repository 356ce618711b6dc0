"""The command `completion`: prints what a shell needs to complete command lines."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> int:
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
