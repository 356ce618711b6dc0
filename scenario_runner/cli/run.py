"""The command `run`: runs scenarios and reports a verdict for every step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import (
    ReportOptions,
    SelectionOptions,
    TargetOptions,
    VariableOptions,
    argument,
    cluster_at,
    group,
    option,
    takes,
    worker_count,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.cli.reporting import Listening
    from scenario_runner.cli.stepper import StepDebugger
    from scenario_runner.errors import InvalidFiles
    from scenario_runner.events import Event
    from scenario_runner.execution.last_failed import FailedRun
    from scenario_runner.execution.options import RunOptions
    from scenario_runner.execution.run import RunRequest
    from scenario_runner.execution.shards import Shard
    from scenario_runner.execution.targets import ClusterChoice, TargetChoice
    from scenario_runner.exit_code import Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class HowToRun:
    """How the scenarios are run."""

    seed: int | None = option(type=int, default=None, help="Random seed [default: 0].")
    order: str | None = option(
        metavar="ORDER", help="Order of commands sent at once, as reported: 0-1-0."
    )
    all_orders: bool = option(is_flag=True, help="Run every order of commands sent at once.")
    max_orders: int = option(
        type=click.IntRange(1),
        default=500,
        metavar="N",
        help="Bound of --all-orders [default: 500].",
    )
    jobs: int | None = option(
        "-j",
        "--jobs",
        type=click.IntRange(1),
        metavar="N",
        help="Scenarios at once over a network [default: 64; 32 on an Asterisk].",
    )
    workers: str = option(
        default="1",
        metavar="N|auto",
        help="Processes for scenarios of the built-in mock; auto: as many as cores [default: 1].",
    )
    cluster: str | None = option(
        metavar="ADDRESS",
        help="Run on the workers of this Dask scheduler: tcp://10.0.0.5:8786.",
    )
    shard: str | None = option(
        metavar="I/N", help="Run only part I of N, for machines side by side."
    )
    timings: tuple[str, ...] = option(
        multiple=True,
        metavar="EVENTS",
        help="Events of a former run: cut shards that take about equally long.",
    )
    fail_fast: bool = option(
        "-x", "--fail-fast", is_flag=True, help="Stop after the first failure."
    )
    retry_failed: int = option(
        type=click.IntRange(0), default=0, metavar="N", help="Run what fails up to N times more."
    )
    keep_going: bool = option(is_flag=True, help="Run the valid files although others are invalid.")
    strict: bool = option(is_flag=True, help="Treat warnings as errors.")
    allow_skips: bool = option(is_flag=True, help="A skipped scenario does not fail the run.")
    allow_flaky: bool = option(is_flag=True, help="A flaky scenario does not fail the run.")
    shuffle: bool = option(is_flag=True, help="Let the seed choose the order of the scenarios.")
    repeat_run: int = option(
        type=click.IntRange(1),
        default=1,
        metavar="N",
        help="Run everything N times, seed by seed.",
    )
    last_failed: bool = option(is_flag=True, help="Run only what failed when it last ran.")
    no_cache: bool = option(is_flag=True, help="Do not remember in .scenario-runner/ what failed.")
    model: bool = option(
        is_flag=True, help="Judge each answer of the built-in mock by a model of the rules."
    )
    step: bool = option(is_flag=True, help="Pause before each step and show what will be sent.")
    watch: bool = option(is_flag=True, help="Run again what a changed file touches, until Ctrl-C.")
    ladder: bool = option(is_flag=True, help="Draw the messages of each failed scenario.")

    def options(self, rerun: str, live: Callable[[Event], None]) -> RunOptions:
        """Return how the run is to be done; raises BadParameter for an order that is none."""
        import os

        from scenario_runner.execution.options import RunOptions, real_time

        return RunOptions(
            environment=dict(os.environ),
            seed=self.seed or 0,
            jobs=self.jobs or 0,
            workers=self.worker_count(),
            fail_fast=self.fail_fast,
            order=_order(self.order),
            all_orders=self.max_orders if self.all_orders else 0,
            retry_failed=self.retry_failed,
            allow_skips=self.allow_skips,
            allow_flaky=self.allow_flaky,
            model=self.model,
            repeat=self.repeat_run,
            shuffle=self.shuffle,
            rerun=rerun,
            stopwatch=real_time,
            live=live,
        )

    def worker_count(self) -> int:
        """Return the number of worker processes, 0 for `auto`; raises BadParameter."""
        if self.step and self.workers != "1":
            raise click.UsageError(
                "--step goes through one scenario at a time: leave out --workers"
            )
        return worker_count(self.workers)

    def cluster_choice(self, choice: TargetChoice) -> ClusterChoice | None:
        """Return which cluster is wanted; raises UsageError where it can't be asked."""
        if self.cluster is None:
            return None
        if self.step or self.workers != "1":
            other = "--step" if self.step else "--workers"
            raise click.UsageError(f"--cluster runs scenarios elsewhere: leave out {other}")
        return cluster_at(self.cluster, choice)

    def part(self) -> Shard | None:
        """Return which part of the run is wanted, None for the whole."""
        if self.shard is None:
            if self.timings:
                raise click.UsageError("--timings is for cutting shards: add --shard I/N")
            return None
        from scenario_runner.execution.shards import Shard

        return Shard.parse(self.shard)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """The command line of `run`."""

    paths: tuple[str, ...] = argument(nargs=-1, metavar="[PATH...]")
    selected: SelectionOptions = group(SelectionOptions)
    variables: VariableOptions = group(VariableOptions)
    target: TargetOptions = group(TargetOptions)
    how: HowToRun = group(HowToRun)
    reports: ReportOptions = group(ReportOptions)

    def rerun(self) -> str:
        """Return the command line that repeats this run, without its paths."""
        from scenario_runner.execution.run import rerun_command

        typed = self.variables.typed() + self.target.typed()
        return rerun_command(typed, switches=self.target.switches(), seed=self.how.seed or 0)


@click.command("run")
@takes(RunLine)
def command(line: RunLine) -> int:
    """Run the scenarios in files and folders named PATH, and report a verdict for every step.

    A folder is searched for *.scenario.yaml and *.scenario.yml; without a PATH it is this one.
    Without a targets file the scenarios run against a mock PBX inside this process, where waiting
    costs no time.
    """
    from scenario_runner.cli.reporting import Listening
    from scenario_runner.errors import InvalidFiles

    line = _as_it_failed(line)
    if line.how.watch:
        return _watch(line)
    listening = Listening(line.reports, plain=line.how.step, ladder=line.how.ladder)
    try:
        request = _request(line, listening.live)
    except InvalidFiles as error:
        return _invalid_targets(line, error, listening)
    return _run(line, request, listening)


def _watch(line: RunLine) -> int:
    """Run again what changes touch; each time is reported as a run of its own."""
    from scenario_runner.cli.reporting import Listening
    from scenario_runner.cli.watch import watch

    if line.how.step:
        raise click.BadParameter(
            "steps are taken by hand: leave one of both out", param_hint="--watch"
        )

    def once(request: RunRequest) -> int:
        listening = Listening(line.reports, ladder=line.how.ladder)
        options = replace(request.options, live=listening.live)
        return _run(line, replace(request, options=options), listening)

    return watch(_request(line, lambda _: None), once)


def _run(line: RunLine, request: RunRequest, listening: Listening) -> int:
    from scenario_runner.cli.signals import interruptible
    from scenario_runner.execution.last_failed import Remembering
    from scenario_runner.execution.run import gather, run_scenarios

    if not line.how.no_cache:
        how, options = line.how, request.options
        remembering = Remembering(
            variables=tuple(line.variables.typed()),
            replays=options.replays,
            ordered=how.order is not None or how.all_orders,
        )
        listening.add("what failed last", remembering)
    if line.how.step:
        request, stepper = _step_by_step(request)
        listening.add("--step", stepper)
    gathered = gather(request)
    _refuse_overwriting(line, [source.file for source in gathered.sources])
    if request.cluster is not None:
        cluster = replace(request.cluster, status=listening.status)
        request = replace(request, cluster=cluster)
    with listening, interruptible(request.options.stop):
        code = run_scenarios(request, gathered, listening.emit)
    return listening.exit_code(code)


def _request(line: RunLine, live: Callable[[Event], None]) -> RunRequest:
    import time

    from scenario_runner.execution.run import RunRequest
    from scenario_runner.execution.selection import split_ids
    from scenario_runner.execution.targets import choose

    paths, how = line.paths or (".",), line.how
    context = line.target.context()
    failed = _failed(line)
    options = how.options(line.rerun(), live)
    if failed is not None and how.seed is None and how.order is None and not how.all_orders:
        options = replace(options, replays=failed)
    choice = line.target.choice(split_ids(paths)[0])
    target = choose(choice, context.mask)
    if options.model and target.driver != "mock":
        raise click.UsageError(
            f"--model is for the built-in mock, and {target.name} is a PBX that others may use, too"
        )
    if options.workers != 1 and target.driver != "mock":
        raise click.UsageError(
            f"--workers is for the built-in mock, and {target.name} is a PBX of its own: scenarios "
            "run side by side there, see --jobs"
        )
    return RunRequest(
        paths=paths,
        selection=line.selected.selection(None if failed is None else frozenset(failed)),
        loading=line.variables.load_options(strict=how.strict),
        options=options,
        target=target,
        context=context,
        keep_going=how.keep_going,
        shard=how.part(),
        timings=how.timings,
        cluster=how.cluster_choice(choice),
        started_at=time.time_ns() // 1000,
    )


def _failed(line: RunLine) -> dict[str, FailedRun] | None:
    from scenario_runner.execution.last_failed import last_failed

    return last_failed(tuple(line.variables.typed())) if line.how.last_failed else None


def _as_it_failed(line: RunLine) -> RunLine:
    """Return the command line with the variables of what failed last, where it names none."""
    failed = _failed(line)
    if failed is None or line.variables.typed():
        return line
    typed = next(iter(failed.values())).variables
    variables = VariableOptions(
        variables=tuple(value for name, value in typed if name == "--var"),
        var_files=tuple(value for name, value in typed if name == "--var-file"),
    )
    return replace(line, variables=variables)


def _order(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = text.split("-")
    if not all(part.isdecimal() for part in parts):
        raise click.BadParameter("an order looks like 0-1-0", param_hint="--order")
    return tuple(int(part) for part in parts)


def _invalid_targets(line: RunLine, error: InvalidFiles, listening: Listening) -> Exit:
    """Report a targets file that is invalid in every format that is asked for."""
    import time

    from scenario_runner.execution.run import report_invalid

    _refuse_overwriting(line, [problem.span.file for problem in error.problems])
    with listening:
        code = report_invalid(error, listening.emit, time.time_ns() // 1000)
    return listening.exit_code(code)


def _refuse_overwriting(line: RunLine, read: list[str]) -> None:
    """Raise UsageError for a report that would replace one of these files, or another input."""
    from scenario_runner.cli.reporting import keep_inputs

    read = [*read, *line.how.timings, *line.variables.var_files]
    written = [path for _, path in line.reports.files()]
    keep_inputs(written, read, line.target.choice(line.paths or (".",)))


def _step_by_step(request: RunRequest) -> tuple[RunRequest, StepDebugger]:
    """Let a stepper hold up the run, which then takes one scenario at a time."""
    from scenario_runner.cli.stepper import StepDebugger

    shows = request.target.driver in ("mock", "ringme")
    people = getattr(request.target.settings, "calls", "") == "wait"
    stepper = StepDebugger(request.options.stop, shows_requests=shows, people=people)
    mask = request.context.mask
    context = replace(request.context, preview=lambda text: stepper.sending(mask.text(text)))
    return replace(request, context=context, options=replace(request.options, jobs=1)), stepper
