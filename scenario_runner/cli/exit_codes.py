"""Turns everything that can go wrong into a message and an exit code; never a traceback."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scenario_runner.errors import render_problem
from scenario_runner.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scenario_runner.errors import InvalidFiles, Problem, ScenarioRunnerError


USAGE, INVALID, ERRORED, FAULT, INTERRUPTED = 3, 2, 4, 5, 130


def exit_code_of(command: Callable[[], object]) -> int:
    """Run a command and return its exit code, with a message on standard error where it fails."""
    try:
        code = command()
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone: that is its own business, and no message can be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 -- the last resort, told as exit code 5
        return _told(error)
    return code if isinstance(code, int) else 0


def _told(error: Exception) -> int:
    from scenario_runner.errors import InvalidFiles, PbxError, ScenarioRunnerError

    match error:
        case InvalidFiles():
            return _invalid(error)
        case PbxError():
            return _message(error, ERRORED)
        case ScenarioRunnerError():
            return _message(error, USAGE)
        case _:
            return _fault(error)


def _message(error: ScenarioRunnerError, code: int) -> int:
    click.echo(f"error: {error.message}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
    return code


def _invalid(error: InvalidFiles) -> int:

    show_problems(error.problems)
    return INVALID


def _fault(error: Exception) -> int:
    click.echo(
        f"fault: the runner itself failed: {type(error).__name__}: {error}\n"
        "  this is not your scenario's doing; please report it with the command line and the\n"
        "  traceback that SCENARIO_RUNNER_TRACEBACK=1 shows",
        err=True,
    )
    if os.environ.get("SCENARIO_RUNNER_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    return FAULT


def show_problems(problems: Sequence[Problem]) -> None:
    """Write each problem, then how many there are."""
    sources: dict[str, Source] = {}
    for problem in problems:
        for span in (problem.span, *(note.span for note in problem.notes if note.span)):
            if span.file not in sources:
                sources[span.file] = _source(span.file)
        click.echo(render_problem(problem, sources), err=True)
        click.echo(err=True)
    errors = sum(not problem.warning for problem in problems)
    warnings = len(problems) - errors
    told = [f"{errors} problem{'s' * (errors != 1)}"] if errors else []
    told += [f"{warnings} warning{'s' * (warnings != 1)}"] if warnings else []
    hint = "; scenario-runner explain CODE tells more" if problems else ""
    click.echo(f"{' and '.join(told)}{hint}", err=True)


def _source(file: str) -> Source:
    try:
        return Source(file, Path(file).read_text(encoding="utf-8-sig", errors="replace"))
    except OSError:
        return Source(file, "")
