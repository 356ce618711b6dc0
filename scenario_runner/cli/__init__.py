"""The command line: one file for each command, imported when it is called."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from scenario_runner.cli.failing import exit_code_of

COMMANDS = {
    "run": "scenario_runner.cli.run",
    "validate": "scenario_runner.cli.validate",
    "list": "scenario_runner.cli.listing",
    "report": "scenario_runner.cli.report",
    "init": "scenario_runner.cli.init",
    "doc": "scenario_runner.cli.doc",
    "record": "scenario_runner.cli.record",
    "targets": "scenario_runner.cli.targets",
    "cleanup": "scenario_runner.cli.cleanup",
    "compare": "scenario_runner.cli.compare",
    "mock": "scenario_runner.cli.mock",
    "schema": "scenario_runner.cli.schema",
    "explain": "scenario_runner.cli.explain",
    "completion": "scenario_runner.cli.completion",
}


class LazyGroup(click.Group):
    """Finds its commands by name and imports only the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names in the order of the help page."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, or None."""
        from importlib import import_module

        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name]).command
        return command


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from scenario_runner.version import __version__

        click.echo(f"scenario-runner {__version__}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all passed, 1 a scenario failed, 2 a file is invalid, 3 usage or nothing "
    "selected, 4 a scenario errored, 5 a fault of the runner, 130 interrupted.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and leave.",
)
def scenario_runner() -> None:
    """Test call parking on a PBX with scenarios written in YAML."""


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    sys.exit(exit_code_of(lambda: scenario_runner.main(standalone_mode=False)))
