"""The command `compare`: runs the same scenarios on two targets and grades the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import (
    SelectionOptions,
    TargetsOptions,
    VariableOptions,
    argument,
    group,
    option,
    takes,
)

if TYPE_CHECKING:
    from scenario_runner.execution.run import RunRequest
    from scenario_runner.execution.targets import TargetChoice
    from scenario_runner.exit_code import Exit
    from scenario_runner.pbx.drivers import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareLine:
    """The command line of `compare`."""

    a: str = argument()
    b: str = argument()
    paths: tuple[str, ...] = argument(nargs=-1, required=True, metavar="PATH...")
    selected: SelectionOptions = group(SelectionOptions)
    variables: VariableOptions = group(VariableOptions)
    target: TargetsOptions = group(TargetsOptions)
    seed: int = option(default=0, show_default=True, help="Random seed.")
    tolerance: str = option(
        default="500ms",
        show_default=True,
        metavar="DURATION",
        help="How far times may lie apart.",
    )
    json: str | None = option(metavar="FILE", help="Write the comparison as JSON.")
    html: str | None = option(
        metavar="FILE", help="Write it, with both sides' runs, as an HTML report."
    )

    def rerun(self) -> str:
        """Return the command line that repeats this comparison, without its paths."""
        from shlex import join

        words = ["scenario-runner", "compare", self.a, self.b, *self.target.switches()]
        words += ["--tolerance", self.tolerance]
        for name, value in self.target.typed() + self.variables.typed():
            words += [name, value]
        return join([*words, "--seed", str(self.seed)])


@click.command("compare")
@takes(CompareLine)
def command(line: CompareLine) -> Exit:
    """Run the scenarios named PATH on the targets A and B, and say where the two differ.

    A target is a name from the targets file, or `mock`, or `mock:PROFILE` for the mock that does
    as some PBX does: vendor, asterisk, freeswitch. Exit codes: 0 where nothing is unexplained, 1
    where something is, 4 where a side could not find out.
    """
    from shutil import get_terminal_size

    from scenario_runner.cli.reporting import keep_inputs
    from scenario_runner.comparing.output import Heard, document, table
    from scenario_runner.comparing.run import compare, sides
    from scenario_runner.execution.run import gather_valid
    from scenario_runner.reporters.output import write_whole

    context = line.target.context()
    tolerance = _tolerance(line.tolerance)
    choice = line.target.choice(line.paths)
    both = sides(line.a, line.b, choice, context.mask)
    request, heard = _request(line, choice, context), Heard()
    if line.json is not None or line.html is not None:
        read = [source.file for source in gather_valid(request).sources]
        keep_inputs((line.json, line.html), (*read, *line.variables.var_files), choice)
    comparison = compare(request, both, tolerance, heard.hear)
    if line.json is not None:
        write_whole(line.json, document(comparison), "the comparison")
    if line.html is not None:
        heard.write(line.html, comparison)
    shown = table(comparison, min(get_terminal_size((80, 24)).columns, 120))
    click.echo(shown, nl=False, err=line.html == "-")
    return comparison.exit_code


def _tolerance(text: str) -> int:
    from scenario_runner.durations import parse_duration

    tolerance = parse_duration(text)
    if tolerance is None:
        raise click.BadParameter("a duration looks like 500ms or 2s", param_hint="--tolerance")
    return tolerance


def _request(line: CompareLine, choice: TargetChoice, context: Context) -> RunRequest:
    from scenario_runner.execution.options import RunOptions
    from scenario_runner.execution.run import RunRequest

    return RunRequest(
        paths=line.paths,
        selection=line.selected.selection(),
        loading=line.variables.load_options(),
        options=RunOptions(environment=choice.environment, seed=line.seed, rerun=line.rerun()),
        context=context,
    )
