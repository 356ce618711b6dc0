"""The command line: one file for each command, imported when it is called."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

import click

from scenario_runner.cli.exit_codes import exit_code_of

COMMANDS = {  # the module below this package and the command in it, and the line on the help page
    "run": ("run:command", "Run scenarios and report a verdict for every step."),
    "ui": ("ui:command", "Open a page with the lot, the scenarios, and runs to watch."),
    "load": ("load:command", "Let scenarios arrive at a rate, and measure the PBX."),
    "validate": ("inspect:validate", "Check scenario files without running them."),
    "list": ("inspect:list_scenarios", "Show which scenarios there are."),
    "report": ("report:command", "Write reports of runs that are over."),
    "init": ("init:command", "Write a first scenario and a targets file."),
    "doc": ("inspect:doc", "Write scenarios as Markdown to read."),
    "record": ("record:command", "Make a scenario of what a client does with a PBX."),
    "targets": ("targets:targets", "Show the targets, and whether they can be used."),
    "cleanup": ("targets:cleanup", "Undo what a run that was killed left on a target."),
    "compare": ("compare:command", "Run scenarios on two targets and grade the difference."),
    "coverage": ("coverage:command", "Say which rules of call parking scenarios meet."),
    "mutate": ("mutate:command", "Say which wrong behaviours of a PBX scenarios would notice."),
    "explore": ("explore:command", "Try random commands, and write what goes wrong as a scenario."),
    "mock": ("mock:command", "Serve a mock PBX over HTTP."),
    "schema": ("inspect:schema", "Print the JSON Schema of scenario files, or another one."),
    "explain": ("inspect:explain", "Say what the code of a message means."),
    "completion": ("inspect:completion", "Print a shell's completion script."),
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
        module, name = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does, without importing it."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


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
    if "_SCENARIO_RUNNER_COMPLETE" in os.environ:
        from scenario_runner.cli.completing import register

        register()
    code = exit_code_of(lambda: scenario_runner.main(standalone_mode=False))
    gc.freeze()  # else Python looks through all that was ever made for circles before it leaves
    sys.exit(code)
