"""The command `explore`: tries random sequences of commands, and writes down what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from scenario_runner.cli.options import TargetOptions, group, option, takes
from scenario_runner.exit_code import Exit

if TYPE_CHECKING:
    from scenario_runner.exploring.run import Exploration, Explored, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploreLine:
    """The command line of `explore`."""

    target: TargetOptions = group(TargetOptions)
    steps: int = option(
        type=click.IntRange(1, 100),
        default=16,
        metavar="N",
        help="Longest sequence of commands [default: 16].",
    )
    examples: int = option(
        type=click.IntRange(1),
        default=10_000,
        metavar="N",
        help="Most sequences that are tried [default: 10000].",
    )
    time: str = option(
        default="30s",
        metavar="DURATION",
        help="Longest search; making a finding small takes half as long again [default: 30s].",
    )
    seed: int = option(type=int, default=0, help="Random seed [default: 0].")
    findings: str = option(
        default="findings",
        metavar="FOLDER",
        help="Where findings are written, and tried first [default: findings].",
    )


@click.command("explore")
@takes(ExploreLine)
def command(line: ExploreLine) -> Exit:
    """Try random sequences of commands on the built-in mock, and judge each answer by the rules.

    What goes wrong is made as small as it can be and written as a scenario, which is tried first
    the next time. Exit code 1 says that there is something.
    """
    from importlib.util import find_spec

    if find_spec("hypothesis") is None:
        raise click.UsageError(
            "explore needs the package hypothesis: in its checkout: pip install '.[explore]'"
        )
    explored = _exploration(line).run()
    click.echo(_text(explored), nl=False)
    return Exit.FAILED if explored.known or explored.finding else Exit.PASSED


def _exploration(line: ExploreLine) -> Exploration:
    import os
    from pathlib import Path

    from scenario_runner.execution.options import RunOptions, real_time
    from scenario_runner.execution.targets import choose
    from scenario_runner.exploring.run import Bounds, Exploration

    context = line.target.context()
    return Exploration(
        target=choose(line.target.choice((line.findings,)), context.mask),
        options=RunOptions(environment=dict(os.environ), seed=line.seed, stopwatch=real_time),
        mask=context.mask,
        folder=Path(line.findings),
        bounds=Bounds(steps=line.steps, examples=line.examples, time=_time(line.time)),
    )


def _time(text: str) -> int:
    from scenario_runner.durations import parse_duration

    time = parse_duration(text)
    if not time:
        raise click.BadParameter(
            f"'{text}' is no time to search, such as 30s or 5m", param_hint="--time"
        )
    return time


def _text(explored: Explored) -> str:
    lines = [f"fails still  {known.file}\n  {known.message}" for known in explored.known]
    if explored.known:
        lines.append("nothing new was tried: fix these first, or move them away")
    else:
        took = f"{explored.took / 1e6:.1f} s"
        lines.append(f"tried {explored.tried} sequences in {took}")
        lines += ["nothing is wrong"] if explored.finding is None else _found(explored.finding)
    return "\n".join(lines) + "\n"


def _found(finding: Finding) -> list[str]:
    repeated = f"it fails again: {finding.repeat}" if finding.repeat else "it could not be repeated"
    rules = [f"  {rule}" for rule in finding.rules]
    return [f"found  {finding.file}:{finding.line}", f"  {finding.message}", *rules, repeated]
