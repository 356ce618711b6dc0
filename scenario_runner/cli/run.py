"""The command `run`: runs scenarios and reports a verdict for every step."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from scenario_runner.cli.choosing import selection_options, variable_options

if TYPE_CHECKING:
    from scenario_runner.execution.whole import RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArguments:
    """The command line of `run`, as parsed."""

    paths: tuple[str, ...]
    words: tuple[str, ...]
    tags: tuple[str, ...]
    skip_tags: tuple[str, ...]
    variables: tuple[str, ...]
    var_files: tuple[str, ...]
    seed: int | None
    order: str | None
    all_orders: bool
    max_orders: int
    jobs: int
    fail_fast: bool
    retry_failed: int
    keep_going: bool
    strict: bool
    allow_skips: bool
    allow_flaky: bool
    verbose: int
    quiet: bool
    no_color: bool
    junit: str | None
    json_: str | None
    events: str | None


@click.command("run", short_help="Run scenarios and report a verdict for every step.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@selection_options
@variable_options
@click.option("--seed", type=int, help="Seed of all that is left to chance [default: 0].")
@click.option(
    "--order", metavar="ORDER", help="Order of commands sent at once, as reported: 0-1-0."
)
@click.option("--all-orders", is_flag=True, help="Run every order of commands sent at once.")
@click.option("--max-orders", default=500, show_default=True, help="Bound of --all-orders.")
@click.option(
    "-j", "--jobs", default=0, metavar="N", help="Scenarios at once over a network [default: 64]."
)
@click.option("-x", "--fail-fast", is_flag=True, help="Stop after the first that is not green.")
@click.option("--retry-failed", default=0, metavar="N", help="Run what fails up to N times more.")
@click.option("--keep-going", is_flag=True, help="Run the valid files although others are invalid.")
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@click.option("--allow-skips", is_flag=True, help="A skipped scenario does not fail the run.")
@click.option("--allow-flaky", is_flag=True, help="A flaky scenario does not fail the run.")
@click.option("-v", "--verbose", count=True, help="Show exchanges with the PBX, too.")
@click.option("-q", "--quiet", is_flag=True, help="Show failures and the summary only.")
@click.option("--no-color", is_flag=True, help="No colours [also: the variable NO_COLOR].")
@click.option("--junit", metavar="FILE", help="Write a JUnit XML report.")
@click.option("--json", "json_", metavar="FILE", help="Write a JSON report.")
@click.option("--events", metavar="FILE", help="Write every event as a line of JSON.")
def command(**given: Any) -> int:  # noqa: ANN401 -- click's parsed values, typed by RunArguments
    """Run the scenarios in files and folders named PATH, and report a verdict for every step.

    A folder is searched for *.scenario.yaml and *.scenario.yml. Without a targets file the
    scenarios run against a mock PBX inside this process, where waiting costs no time.
    """
    arguments = RunArguments(**{field.name: given[field.name] for field in fields(RunArguments)})
    return _run(arguments)


def _run(arguments: RunArguments) -> int:
    from scenario_runner.cli.reporting import Listening
    from scenario_runner.execution.whole import run_whole

    with Listening(arguments) as listening:
        return run_whole(_request(arguments), listening.emit)


def _request(arguments: RunArguments) -> RunRequest:
    import os
    import time

    from scenario_runner.cli.choosing import load_options, selection
    from scenario_runner.execution.options import RunOptions
    from scenario_runner.execution.whole import RunRequest

    options = RunOptions(
        environment=dict(os.environ),
        seed=arguments.seed or 0,
        jobs=arguments.jobs,
        fail_fast=arguments.fail_fast,
        order=_order(arguments.order),
        all_orders=arguments.max_orders if arguments.all_orders else 0,
        retry_failed=arguments.retry_failed,
        allow_skips=arguments.allow_skips,
        allow_flaky=arguments.allow_flaky,
        rerun=_rerun(arguments),
    )
    return RunRequest(
        paths=arguments.paths,
        selection=selection(arguments.words, arguments.tags, arguments.skip_tags),
        loading=load_options(arguments.variables, arguments.var_files, strict=arguments.strict),
        options=options,
        keep_going=arguments.keep_going,
        started_at=time.time_ns() // 1000,
        stopwatch=lambda: time.perf_counter_ns() // 1000,
    )


def _order(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = text.split("-")
    if not all(part.isdecimal() for part in parts):
        raise click.BadParameter("an order looks like 0-1-0", param_hint="--order")
    return tuple(int(part) for part in parts)


def _rerun(arguments: RunArguments) -> str:
    """Return the command line that repeats this run, without its paths."""
    import shlex

    words = ["scenario-runner", "run"]
    words += [word for name in arguments.variables for word in ("--var", name)]
    words += [word for file in arguments.var_files for word in ("--var-file", file)]
    words += ["--seed", str(arguments.seed or 0)]
    return shlex.join(words)
