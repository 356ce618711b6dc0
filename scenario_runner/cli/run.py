"""The command `run`: runs scenarios and reports a verdict for every step."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from scenario_runner.cli.options import (
    Showing,
    report_options,
    selection_options,
    showing,
    target_options,
    variable_options,
)

if TYPE_CHECKING:
    from scenario_runner.cli.stepper import StepDebugger
    from scenario_runner.execution.run import RunRequest
    from scenario_runner.execution.selection import Selection
    from scenario_runner.execution.shards import Shard
    from scenario_runner.reporters import Reporter


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
    jobs: int | None
    workers: str
    shard: str | None
    timings: tuple[str, ...]
    fail_fast: bool
    retry_failed: int
    keep_going: bool
    strict: bool
    allow_skips: bool
    allow_flaky: bool
    shuffle: bool
    repeat_run: int
    last_failed: bool
    no_cache: bool
    step: bool
    watch: bool
    ladder: bool
    target_name: str | None
    targets_file: str | None
    allow_protected: tuple[str, ...]
    insecure: bool


@click.command("run")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@selection_options
@variable_options
@target_options
@click.option("--seed", type=int, help="Seed of all that is left to chance [default: 0].")
@click.option(
    "--order", metavar="ORDER", help="Order of commands sent at once, as reported: 0-1-0."
)
@click.option("--all-orders", is_flag=True, help="Run every order of commands sent at once.")
@click.option(
    "--max-orders",
    type=click.IntRange(1),
    default=500,
    metavar="N",
    help="Bound of --all-orders [default: 500].",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Scenarios at once over a network [default: 64].",
)
@click.option(
    "--workers",
    default="1",
    metavar="N|auto",
    help="Processes for scenarios of the built-in mock; auto: as many as cores [default: 1].",
)
@click.option("--shard", metavar="I/N", help="Run only part I of N, for machines side by side.")
@click.option(
    "--timings",
    multiple=True,
    metavar="EVENTS",
    help="Events of a former run: cut shards that take about equally long.",
)
@click.option("-x", "--fail-fast", is_flag=True, help="Stop after the first that is not green.")
@click.option(
    "--retry-failed",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Run what fails up to N times more.",
)
@click.option("--keep-going", is_flag=True, help="Run the valid files although others are invalid.")
@click.option("--strict", is_flag=True, help="Take warnings for errors.")
@click.option("--allow-skips", is_flag=True, help="A skipped scenario does not fail the run.")
@click.option("--allow-flaky", is_flag=True, help="A flaky scenario does not fail the run.")
@click.option("--shuffle", is_flag=True, help="Let the seed choose the order of the scenarios.")
@click.option(
    "--repeat-run",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Run everything N times, seed by seed.",
)
@click.option("--last-failed", is_flag=True, help="Run only what failed when it last ran.")
@click.option("--no-cache", is_flag=True, help="Do not remember in .scenario-runner/ what failed.")
@click.option("--step", is_flag=True, help="Pause before each step and show what will be sent.")
@click.option("--watch", is_flag=True, help="Run again what a changed file touches, until Ctrl-C.")
@click.option("--ladder", is_flag=True, help="Draw who said what to whom where a scenario fails.")
@report_options
def command(**given: Any) -> int:  # noqa: ANN401 -- click's parsed values, typed by RunArguments
    """Run the scenarios in files and folders named PATH, and report a verdict for every step.

    A folder is searched for *.scenario.yaml and *.scenario.yml. Without a targets file the
    scenarios run against a mock PBX inside this process, where waiting costs no time.
    """
    arguments = RunArguments(**{field.name: given[field.name] for field in fields(RunArguments)})
    if arguments.watch and arguments.step:
        raise click.BadParameter(
            "steps are taken by hand: leave one of both out", param_hint="--watch"
        )
    return _run(arguments, showing(given, ladder=arguments.ladder, step=arguments.step))


def _run(arguments: RunArguments, shown: Showing) -> int:
    if arguments.watch:
        from scenario_runner.cli.watch import watch

        return watch(_request(arguments), lambda request: _once(arguments, shown, request))
    return _once(arguments, shown, _request(arguments))


def _once(arguments: RunArguments, shown: Showing, request: RunRequest) -> int:
    from scenario_runner.cli.reporting import Listening
    from scenario_runner.cli.signals import interruptible
    from scenario_runner.execution.last_failed import Remembering
    from scenario_runner.execution.run import run_whole

    others: list[Reporter] = [] if arguments.no_cache else [Remembering()]
    if arguments.step:
        request, pacer = _step_by_step(request)
        others.append(pacer)
    with Listening(shown, others) as listening, interruptible(request.options.stop):
        return run_whole(request, listening.emit)


def _step_by_step(request: RunRequest) -> tuple[RunRequest, StepDebugger]:
    """Let a pacer hold up the run, which then takes one scenario at a time."""
    from dataclasses import replace

    from scenario_runner.cli.stepper import StepDebugger

    shows = request.target.driver in ("mock", "ringme")
    pacer = StepDebugger(request.options.stop, shows_requests=shows)
    mask = request.context.mask
    context = replace(request.context, preview=lambda text: pacer.sending(mask.text(text)))
    return replace(request, context=context, options=replace(request.options, jobs=1)), pacer


def _request(arguments: RunArguments) -> RunRequest:
    import os
    import time

    from scenario_runner.cli.options import context_of, load_options, target_choice
    from scenario_runner.execution.options import RunOptions
    from scenario_runner.execution.run import RunRequest
    from scenario_runner.execution.selection import split_ids
    from scenario_runner.execution.targets import choose

    given = asdict(arguments)
    context = context_of(given)
    workers = _workers(arguments)
    choice = target_choice(given, split_ids(arguments.paths)[0])
    options = RunOptions(
        environment=dict(os.environ),
        seed=arguments.seed or 0,
        jobs=arguments.jobs or 0,
        workers=workers,
        fail_fast=arguments.fail_fast,
        order=_order(arguments.order),
        all_orders=arguments.max_orders if arguments.all_orders else 0,
        retry_failed=arguments.retry_failed,
        allow_skips=arguments.allow_skips,
        allow_flaky=arguments.allow_flaky,
        repeat=arguments.repeat_run,
        shuffle=arguments.shuffle,
        rerun=_rerun(arguments),
    )
    target = choose(choice, context.mask)
    if workers != 1 and target.driver != "mock":
        raise click.UsageError(
            f"--workers is for the built-in mock, and {target.name} is a PBX of its own: scenarios "
            "run side by side there, see --jobs"
        )
    return RunRequest(
        paths=arguments.paths,
        selection=_selection(arguments),
        loading=load_options(arguments.variables, arguments.var_files, strict=arguments.strict),
        options=options,
        target=target,
        context=context,
        keep_going=arguments.keep_going,
        shard=_shard(arguments),
        timings=arguments.timings,
        started_at=time.time_ns() // 1000,
        stopwatch=lambda: time.perf_counter_ns() // 1000,
    )


_MOST_WORKERS = 256


def _workers(arguments: RunArguments) -> int:
    """Return the number of worker processes, 0 for `auto`."""
    text = arguments.workers
    if text != "auto" and not (text.isdecimal() and 1 <= int(text) <= _MOST_WORKERS):
        raise click.BadParameter(
            f"'{text}' is neither 'auto' nor a number from 1 to {_MOST_WORKERS}",
            param_hint="--workers",
        )
    if arguments.step and text != "1":
        raise click.UsageError("--step goes through one scenario at a time: leave out --workers")
    return 0 if text == "auto" else int(text)


def _shard(arguments: RunArguments) -> Shard | None:
    if arguments.shard is None:
        if arguments.timings:
            raise click.UsageError("--timings is for cutting shards: add --shard I/N")
        return None
    from scenario_runner.execution.shards import Shard

    return Shard.parse(arguments.shard)


def _order(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = text.split("-")
    if not all(part.isdecimal() for part in parts):
        raise click.BadParameter("an order looks like 0-1-0", param_hint="--order")
    return tuple(int(part) for part in parts)


def _selection(arguments: RunArguments) -> Selection:
    from dataclasses import replace

    from scenario_runner.cli.options import selection
    from scenario_runner.execution.last_failed import last_failed

    chosen = selection(arguments.words, arguments.tags, arguments.skip_tags)
    return replace(chosen, only=last_failed()) if arguments.last_failed else chosen


def _rerun(arguments: RunArguments) -> str:
    """Return the command line that repeats this run, without its paths."""
    from scenario_runner.cli.options import target_words
    from scenario_runner.execution.run import rerun_command

    named = [("--var", text) for text in arguments.variables]
    named += [("--var-file", file) for file in arguments.var_files]
    named += target_words(asdict(arguments))
    switches = ["--insecure"] if arguments.insecure else []
    return rerun_command(named, switches=switches, seed=arguments.seed or 0)
