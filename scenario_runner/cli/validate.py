"""The command `validate`: says everything that is wrong with scenario files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.choosing import variable_options

if TYPE_CHECKING:
    from scenario_runner.errors import Problem


@click.command("validate")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@variable_options
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
def command(
    paths: tuple[str, ...], variables: tuple[str, ...], var_files: tuple[str, ...], *, strict: bool
) -> int:
    """Check the files and folders named PATH, without running anything.

    Every problem is shown with its place, an excerpt and how to mend it.
    """
    from scenario_runner.cli.choosing import load_options
    from scenario_runner.cli.problems import show_problems
    from scenario_runner.errors import NothingSelected
    from scenario_runner.loading import find_files, load, run_root

    options = replace(load_options(variables, var_files, strict=strict), root=run_root(paths))
    problems: list[Problem] = []
    files = scenarios = 0
    for loaded in load(find_files(paths), options):
        files += 1
        scenarios += len(loaded.scenarios)
        problems += loaded.problems
    if not files:
        raise NothingSelected("there is no scenario file in what was named")
    if problems:
        show_problems(problems)
    if any(not problem.warning for problem in problems):
        return 2
    file = "1 file is valid" if files == 1 else f"{files} files are valid"
    click.echo(f"{file}: {scenarios} scenario{'s' * (scenarios != 1)}")
    return 0
