"""Collects what is wrong with a file while the loader goes on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scenario_runner.errors import Problem

if TYPE_CHECKING:
    from scenario_runner.errors import Note
    from scenario_runner.source import Span


class Unreadable(Exception):
    """A file can't be understood from here on; carries the one problem that says why."""

    def __init__(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(code=code, message=message, span=span, hint=hint)


@dataclass(slots=True)
class Problems:
    """The problems of one file, in the order found; `strict` makes warnings errors."""

    strict: bool = False
    found: list[Problem] = field(default_factory=list)

    def add(
        self, code: str, message: str, span: Span, hint: str | None = None, *notes: Note
    ) -> None:
        """Add an error."""
        self.found.append(Problem(code=code, message=message, span=span, hint=hint, notes=notes))

    def warn(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Add a warning, which is an error where the run is strict."""
        self.found.append(
            Problem(code=code, message=message, span=span, hint=hint, warning=not self.strict)
        )

    def take(self, others: Problems, note: Note) -> None:
        """Add the problems of another file, with a note of the place that led there."""
        self.found.extend(
            replace(problem, notes=(*problem.notes, note)) for problem in others.found
        )

    @property
    def errors(self) -> int:
        """How many of the problems keep the file from running."""
        return sum(not problem.warning for problem in self.found)

    def in_order(self) -> tuple[Problem, ...]:
        """All problems, each once, by their place."""
        return tuple(sorted(dict.fromkeys(self.found), key=_place))


def _place(problem: Problem) -> tuple[str, int, int, str]:
    return problem.span.file, problem.span.line, problem.span.column, problem.code
