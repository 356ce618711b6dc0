"""The command `load`: lets scenarios arrive at a rate, and says what the PBX made of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import (
    SelectionOptions,
    TargetOptions,
    VariableOptions,
    argument,
    cluster_at,
    group,
    option,
    takes,
)

if TYPE_CHECKING:
    from scenario_runner.execution.run import RunRequest
    from scenario_runner.exit_code import Exit
    from scenario_runner.loadtest.arrivals import Schedule
    from scenario_runner.loadtest.compare import Changes
    from scenario_runner.loadtest.generator import GeneratorOptions, Think
    from scenario_runner.loadtest.live import Live
    from scenario_runner.loadtest.objectives import Objective
    from scenario_runner.loadtest.report import LoadReport
    from scenario_runner.loadtest.run import LoadRequest
    from scenario_runner.reporters.output import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalOptions:
    """When scenarios arrive, and which."""

    rate: str = option(required=True, metavar="RATE", help="Arrivals: 5/s, 300/m; 1/s..20/s.")
    duration: str = option(
        "--for", required=True, metavar="TIME", help="How long scenarios arrive: 10m."
    )
    process: str = option(
        "--arrivals",
        type=click.Choice(("poisson", "constant")),
        default="poisson",
        help="At random, or evenly [default: poisson].",
    )
    warm_up: str = option(
        default="0s", metavar="TIME", help="Time before that is not measured [default: 0s]."
    )
    think: str = option(
        default="0s", metavar="TIME", help="Pause between two steps: 2s, or 1s..3s [default: 0s]."
    )
    weights: tuple[str, ...] = option(
        "--weight", multiple=True, metavar="FILE=N", help="Share of a file [default: 1]."
    )
    drain: str = option(
        default="1m",
        metavar="TIME",
        help="How long scenarios may go on after the last arrival [default: 1m].",
    )
    seed: int = option(type=int, default=0, help="Random seed [default: 0].")

    def schedule(self) -> Schedule:
        """Return when scenarios arrive; raises UsageError."""
        from scenario_runner.loadtest.arrivals import Process, Rate, Schedule

        return Schedule(
            rate=Rate.parse(self.rate),
            duration=_duration("--for", self.duration, least=1),
            warm_up=_duration("--warm-up", self.warm_up),
            process=Process(self.process),
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveOptions:
    """What must hold."""

    slos: tuple[str, ...] = option(
        "--slo", multiple=True, metavar="TEXT", help="What must hold: 'park p99 < 300ms'."
    )
    abort_errors: str = option(
        default="50%",
        metavar="SHARE",
        help="Stop when so many of the last 100 scenarios errored [default: 50%].",
    )
    max_lag: str = option(
        default="50ms",
        metavar="TIME",
        help="Lag of the generator (p99) beyond which the run is invalid [default: 50ms].",
    )
    compare: str | None = option(metavar="FILE", help="Compare with the --json of an earlier run.")

    def objectives(self) -> tuple[Objective, ...]:
        """Return what must hold; raises BadParameter."""
        return tuple(_objective(text) for text in self.slos)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """What is written and shown."""

    json: str | None = option(metavar="FILE", help="Write the figures as JSON.")
    html: str | None = option(metavar="FILE", help="Write one HTML page with plots.")
    prometheus: str | None = option(metavar="FILE", help="Write the figures for Prometheus.")
    steps: bool = option(is_flag=True, help="Show the latencies of each step, too.")
    quiet: bool = option("-q", "--quiet", is_flag=True, help="Show only the result.")
    no_color: bool = option(is_flag=True, help="No colours [also: the variable NO_COLOR].")

    def files(self) -> dict[str, str]:
        """Return the files to be written, by their format."""
        named = {"json": self.json, "html": self.html, "prometheus": self.prometheus}
        return {name: path for name, path in named.items() if path is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLine:
    """The command line of `load`."""

    paths: tuple[str, ...] = argument(nargs=-1, required=True, metavar="PATH...")
    cluster: str | None = option(
        metavar="ADDRESS",
        help="Let each worker of this Dask scheduler be a generator: tcp://10.0.0.5:8786.",
    )
    arrivals: ArrivalOptions = group(ArrivalOptions)
    must: ObjectiveOptions = group(ObjectiveOptions)
    output: OutputOptions = group(OutputOptions)
    selected: SelectionOptions = group(SelectionOptions)
    variables: VariableOptions = group(VariableOptions)
    target: TargetOptions = group(TargetOptions)


@click.command("load")
@takes(LoadLine)
def command(line: LoadLine) -> Exit:
    """Let the scenarios in files and folders named PATH arrive at a rate, and measure the PBX.

    An arrival begins when its time has come, whatever became of those before it; latencies count
    from then. The target has to allow it: allow: {load: true, max_calls: 20}.
    """
    from scenario_runner.cli.signals import interruptible
    from scenario_runner.execution.options import Stop

    _require_histograms()
    from scenario_runner.loadtest.report import read_report
    from scenario_runner.loadtest.run import run_load

    earlier = read_report(line.must.compare) if line.must.compare else None
    stop = Stop()
    request = _request(line)
    _keep_inputs(line, request.run)
    with _Files(line) as files:
        try:
            with interruptible(stop):
                report = run_load(request, stop)
        finally:
            _clear_line(line)
        changes = _changes(earlier, report)
        files.write(report, changes)
        _show(line, report, changes)
    return report.exit_code


def _require_histograms() -> None:
    from importlib.util import find_spec

    if find_spec("hdrh") is None:
        raise click.UsageError(
            "load needs the package hdrhistogram: in its checkout: pip install '.[load]'"
        )


def _request(line: LoadLine) -> LoadRequest:
    from scenario_runner.loadtest.arrivals import parse_weight
    from scenario_runner.loadtest.run import LoadRequest

    objectives = line.must.objectives()
    request = LoadRequest(
        schedule=line.arrivals.schedule(),
        generator=_generator(line),
        weights=dict(parse_weight(text) for text in line.arrivals.weights),
        objectives=objectives,
        max_lag=_duration("--max-lag", line.must.max_lag, least=1),
        run=_run(line),
    )
    return request if line.output.quiet else replace(request, live=_live(objectives))


def _run(line: LoadLine) -> RunRequest:
    import os
    import time

    from scenario_runner.execution.options import RunOptions
    from scenario_runner.execution.run import RunRequest
    from scenario_runner.execution.selection import split_ids
    from scenario_runner.execution.targets import choose

    context = line.target.context()
    choice = line.target.choice(split_ids(line.paths)[0])
    return RunRequest(
        paths=line.paths,
        selection=line.selected.selection(),
        loading=line.variables.load_options(),
        options=RunOptions(environment=dict(os.environ), seed=line.arrivals.seed),
        target=choose(choice, context.mask),
        context=context,
        cluster=None if line.cluster is None else cluster_at(line.cluster, choice),
        started_at=time.time_ns() // 1000,
    )


def _generator(line: LoadLine) -> GeneratorOptions:
    import os

    from scenario_runner.loadtest.generator import GeneratorOptions

    return GeneratorOptions(
        environment=dict(os.environ),
        think=_think(line.arrivals.think),
        abort_errors=_share(line.must.abort_errors),
        drain=_duration("--drain", line.arrivals.drain),
    )


def _duration(option: str, text: str, *, least: int = 0) -> int:
    from scenario_runner.durations import parse_duration

    found = parse_duration(text)
    if found is None or found < least:
        raise click.BadParameter(f"'{text}' is not a time such as 30s or 10m", param_hint=option)
    return found


def _think(text: str) -> Think:
    from scenario_runner.loadtest.generator import Think

    first, dots, last = text.partition("..")
    least = _duration("--think", first)
    most = _duration("--think", last) if dots else least
    if most < least:
        raise click.BadParameter(f"'{text}' ends before it begins", param_hint="--think")
    return Think(least, most)


def _share(text: str) -> float:
    number = text.removesuffix("%")
    if not (text.endswith("%") and number.isdecimal() and 1 <= int(number) <= 100):
        raise click.BadParameter(
            f"'{text}' is not a share from 1% to 100%", param_hint="--abort-errors"
        )
    return int(number) / 100


def _objective(text: str) -> Objective:
    from scenario_runner.language.slo import InvalidSlo, parse_slo
    from scenario_runner.loadtest.objectives import Objective

    try:
        return Objective(parse_slo(text))
    except InvalidSlo as error:
        raise click.BadParameter(f"{error}; {error.hint}", param_hint="--slo") from None


def _live(objectives: tuple[Objective, ...]) -> Live:
    """Return what shows the run while it goes on: on a terminal one line, drawn anew."""
    from scenario_runner.language.slo import LatencySlo
    from scenario_runner.loadtest.live import EVERY, REDRAWN, Live

    slos = [one.slo for one in objectives]
    actions = tuple(dict.fromkeys(slo.action for slo in slos if isinstance(slo, LatencySlo)))
    actions = tuple(action for action in actions if action)
    if not sys.stderr.isatty():
        return Live(lambda line: click.echo(line, err=True), EVERY, actions)

    def redraw(line: str) -> None:
        from shutil import get_terminal_size

        click.echo(f"\r\x1b[K{line[: get_terminal_size().columns - 1]}", err=True, nl=False)

    return Live(redraw, REDRAWN, actions)


def _keep_inputs(line: LoadLine, request: RunRequest) -> None:
    from scenario_runner.cli.reporting import keep_inputs
    from scenario_runner.execution.run import gather_valid
    from scenario_runner.execution.selection import split_ids

    files = line.output.files()
    if files:
        read = (source.file for source in gather_valid(request).sources)
        inputs = (*read, line.must.compare, *line.variables.var_files)
        keep_inputs(files.values(), inputs, line.target.choice(split_ids(line.paths)[0]))


def _clear_line(line: LoadLine) -> None:
    if sys.stderr.isatty() and not line.output.quiet:
        click.echo("\r\x1b[K", err=True, nl=False)


class _Files:
    """The files to be written: opened before anything is dialled, so that all can be written."""

    def __init__(self, line: LoadLine) -> None:
        self._line = line
        self._open: dict[str, Output] = {}

    def __enter__(self) -> _Files:
        from scenario_runner.reporters.output import open_output

        for name, path in self._line.output.files().items():
            self._open[name] = open_output(path)
        return self

    def write(self, report: LoadReport, changes: Changes | None) -> None:
        """Write every file."""
        from scenario_runner.loadtest.html import to_html
        from scenario_runner.loadtest.prometheus import to_prometheus
        from scenario_runner.loadtest.report import encode_report

        texts = {
            "json": lambda: encode_report(report).decode(),
            "html": lambda: to_html(report, changes),
            "prometheus": lambda: to_prometheus(report),
        }
        for name in list(self._open):
            output = self._open.pop(name)
            output.write(texts[name]())
            output.close()

    def __exit__(self, *_: object) -> None:
        for output in self._open.values():
            output.discard()


def _changes(earlier: LoadReport | None, report: LoadReport) -> Changes | None:
    from scenario_runner.loadtest.compare import compare

    return None if earlier is None else compare(earlier, report)


def _show(line: LoadLine, report: LoadReport, changes: Changes | None) -> None:
    from scenario_runner.cli.reporting import coloured_screen, on_terminal, plain_screen
    from scenario_runner.loadtest.text import change_lines, load_lines, verdict_lines

    lines = list(load_lines(report, steps=line.output.steps))
    if changes is not None:
        lines += change_lines(changes, str(line.must.compare))
    colours = not line.output.no_color
    screen = coloured_screen(colours=colours) if on_terminal() else plain_screen()
    screen.show((*lines, *verdict_lines(report)))
    screen.close()
