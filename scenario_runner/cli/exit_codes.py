"""Turns everything that can go wrong into a message and an exit code; never a traceback."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

import click

from scenario_runner.exit_code import Exit
from scenario_runner.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scenario_runner.errors import Problem
    from scenario_runner.reporters.console import Screen


def exit_code_of(command: Callable[[], object]) -> Exit:
    """Run a command and return its exit code, with a message on standard error where it fails."""
    try:
        code = command()
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone: that is its own business, and no message can be told.
        _write_no_more()
        return Exit.PASSED
    except OSError as error:
        if error.errno in _NO_ROOM:
            _write_no_more()  # else what is still to be written fails again when Python leaves
        return show_error(error)
    except Exception as error:  # noqa: BLE001 -- the last resort, told as exit code 5
        return show_error(error)
    return Exit(code) if isinstance(code, int) else Exit.PASSED


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def _write_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show_error(error: Exception, lead: str = "") -> Exit:
    """Write an error on standard error, with `lead` before its message; return its exit code."""
    # Imported here, since a command that makes no mistake starts faster without it.
    from scenario_runner.errors import InvalidFiles, ScenarioRunnerError

    match error:
        case InvalidFiles():
            show_problems(error.problems)
        case ScenarioRunnerError():
            click.echo(printable(f"error: {lead}{error.message}"), err=True)
            if error.hint:
                click.echo(f"  {printable(error.hint)}", err=True)
        case OSError() if error.errno == errno.ENAMETOOLONG:
            shown = printable(f"{error.filename}")
            click.echo(f"error: no file can have a name of that length: {shown}", err=True)
            return Exit.USAGE
        case OSError() if lead or error.errno in _NO_ROOM:
            click.echo(f"error: {lead}{error.strerror or error}", err=True)
            return Exit.USAGE
        case _:
            _show_fault(error, lead)
            return Exit.FAULT
    return error.exit_code


def _show_fault(error: Exception, lead: str) -> None:
    click.echo(
        f"fault: {lead or 'the runner itself failed: '}{type(error).__name__}: {error}\n"
        "  this is not your scenario's doing; please report it with the command line and the\n"
        "  traceback that SCENARIO_RUNNER_TRACEBACK=1 shows",
        err=True,
    )
    if os.environ.get("SCENARIO_RUNNER_TRACEBACK"):
        import traceback

        traceback.print_exception(error)


def show_problems(problems: Sequence[Problem], screen: Screen | None = None) -> None:
    """Write each problem, then how many there are; without a screen on standard error."""
    from scenario_runner.errors import render_problem
    from scenario_runner.source import Source, read_source

    spans = [problem.span for problem in problems]
    spans += [note.span for problem in problems for note in problem.notes if note.span]
    sources = {span.file: read_source(span.file) or Source(span.file, "") for span in spans}
    if screen is None:
        for problem in problems:
            click.echo(f"{render_problem(problem, sources)}\n", err=True)
        click.echo(_found(problems), err=True)
        return
    from scenario_runner.reporters.failures import problem_lines
    from scenario_runner.reporters.text import Line

    for problem in problems:
        screen.show([*problem_lines(problem, sources, screen.width), Line("")])
    screen.show([Line(_found(problems))])


def _found(problems: Sequence[Problem]) -> str:
    errors = sum(not problem.warning for problem in problems)
    warnings = len(problems) - errors
    found = [f"{errors} problem{'s' * (errors != 1)}"] if errors else []
    found += [f"{warnings} warning{'s' * (warnings != 1)}"] if warnings else []
    hint = "; scenario-runner explain CODE tells more" if problems else ""
    return f"{' and '.join(found)}{hint}"
