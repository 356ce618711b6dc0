"""Draws a problem for a terminal without colours: the place, the lines around it, the mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.errors import Problem
    from scenario_runner.source import Source, Span


def render_problem(problem: Problem, sources: Mapping[str, Source]) -> str:
    """Return the problem as lines of text; `sources` are the known files by their names."""
    kind = f"warning {problem.code}" if problem.warning else problem.code
    lines = [f"{problem.span}: {kind}: {problem.message}"]
    lines += _excerpt(problem.span, sources)
    if problem.hint:
        lines.append(f"  {problem.hint}")
    for note in problem.notes:
        where = f" ({note.span})" if note.span else ""
        lines.append(f"  {note.message}{where}")
        if note.span and note.span.file != problem.span.file:
            lines += _excerpt(note.span, sources)
    return "\n".join(lines)


def _excerpt(span: Span, sources: Mapping[str, Source]) -> list[str]:
    source = sources.get(span.file)
    shown = source.excerpt(span) if source else ""
    return [f"  {line}" for line in shown.splitlines()]
