"""The command `compare`: runs the same scenarios on two targets and grades the difference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scenario_runner.cli.options import selection_options, variable_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.execution.run import RunRequest
    from scenario_runner.execution.targets import TargetChoice
    from scenario_runner.pbx.drivers import Context


@click.command("compare")
@click.argument("a")
@click.argument("b")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@selection_options
@variable_options
@click.option(
    "--targets",
    "targets_file",
    metavar="FILE",
    help="Targets file [default: scenario-targets.yaml beside the scenarios or above].",
)
@click.option(
    "--allow-protected",
    multiple=True,
    metavar="HOST",
    help="Permit the use of a protected target whose host this is.",
)
@click.option("--insecure", is_flag=True, help="Do not verify the PBX's certificate.")
@click.option("--seed", default=0, show_default=True, help="Seed of all that is left to chance.")
@click.option(
    "--tolerance",
    default="500ms",
    show_default=True,
    metavar="DURATION",
    help="How far times may lie apart.",
)
@click.option("--json", "json_", metavar="FILE", help="Write the comparison as JSON.")
@click.option("--html", metavar="FILE", help="Write it, with both sides' runs, as an HTML report.")
def command(**given: Any) -> int:  # noqa: ANN401 -- click's parsed values
    """Run the scenarios named PATH on the targets A and B, and say where the two differ.

    A target is a name from the targets file, or `mock`, or `mock:PROFILE` for the mock that does
    as some PBX does: vendor, asterisk, freeswitch. Exit codes: 0 where nothing is unexplained, 1
    where something is, 4 where a side could not find out.
    """
    from shutil import get_terminal_size

    from scenario_runner.comparing.output import Heard, document, table
    from scenario_runner.comparing.run import compare, sides
    from scenario_runner.masking import Mask
    from scenario_runner.pbx.drivers import Context

    mask = Mask()
    tolerance = _tolerance(given["tolerance"])
    choice = _choice(given)
    both = sides(given["a"], given["b"], choice, mask)
    context = Context(
        mask=mask,
        insecure=given["insecure"],
        announce=lambda line: click.echo(mask.text(line), err=True),
    )
    heard = Heard()
    comparison = compare(_request(given, choice, context), both, tolerance, heard.hear)
    if given["json_"] is not None:
        _write(given["json_"], document(comparison))
    if given["html"] is not None:
        heard.write(given["html"], comparison)
    shown = table(comparison, min(get_terminal_size((80, 24)).columns, 120))
    click.echo(shown, nl=False, err=given["html"] == "-")
    return comparison.exit_code


def _tolerance(text: str) -> int:
    from scenario_runner.durations import parse_duration

    tolerance = parse_duration(text)
    if tolerance is None:
        raise click.BadParameter("a duration looks like 500ms or 2s", param_hint="--tolerance")
    return tolerance


def _choice(given: Mapping[str, Any]) -> TargetChoice:
    import os

    from scenario_runner.execution.targets import TargetChoice

    return TargetChoice(
        paths=given["paths"],
        file=given["targets_file"],
        allow_protected=given["allow_protected"],
        environment=dict(os.environ),
    )


def _request(given: Mapping[str, Any], choice: TargetChoice, context: Context) -> RunRequest:
    from scenario_runner.cli.options import load_options, selection
    from scenario_runner.execution.options import RunOptions
    from scenario_runner.execution.run import RunRequest

    return RunRequest(
        paths=given["paths"],
        selection=selection(given["words"], given["tags"], given["skip_tags"]),
        loading=load_options(given["variables"], given["var_files"], strict=False),
        options=RunOptions(environment=choice.environment, seed=given["seed"], rerun=_rerun(given)),
        context=context,
    )


def _rerun(given: Mapping[str, Any]) -> str:
    """Return the command line that repeats this comparison, without its paths."""
    from shlex import join

    words = ["scenario-runner", "compare", given["a"], given["b"]]
    words += ["--insecure"] if given["insecure"] else []
    words += ["--targets", given["targets_file"]] if given["targets_file"] else []
    words += ["--tolerance", given["tolerance"]]
    for option, values in (
        ("--allow-protected", given["allow_protected"]),
        ("--var", given["variables"]),
        ("--var-file", given["var_files"]),
    ):
        words += [word for value in values for word in (option, value)]
    return join([*words, "--seed", str(given["seed"])])


def _write(file: str, text: str) -> None:
    from scenario_runner.errors import UsageError

    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} can't be written: {error.strerror}") from error
