"""Shows the problems of files on standard error, each with its excerpt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scenario_runner.rendering import render_problem
from scenario_runner.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenario_runner.errors import Problem


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
