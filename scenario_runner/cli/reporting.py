"""Starts the reporters that a command line asks for, and ends them whatever happens."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from scenario_runner.reporters import Reporters, open_reporter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from scenario_runner.cli.options import Showing
    from scenario_runner.events import Event
    from scenario_runner.reporters import Reporter
    from scenario_runner.reporters.console import Console


class Listening:
    """The reporters of one run: opened by its first event, closed when the block is left.

    A run that never begins (a file is invalid) leaves no report behind. `others` listen, too; they
    hear of each event before the reports do. `under_ci` says whether a CI system that is recognised
    gets its reports without being asked.
    """

    def __init__(
        self, showing: Showing, others: Sequence[Reporter] = (), *, under_ci: bool = True
    ) -> None:
        self._showing = showing
        self._under_ci = under_ci
        self._others = others
        self._reporters: Reporters | None = None

    def __enter__(self) -> Listening:
        """Return itself; nothing is opened yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write what is still to be written."""
        if self._reporters is not None:
            self._reporters.close()

    def emit(self, event: Event) -> None:
        """Pass an event on to every reporter."""
        if self._reporters is None:
            self._reporters = Reporters([*self._others, *_wanted(self._showing, self._found())])
        self._reporters.handle(event)

    def _found(self) -> list[tuple[str, str]]:
        return under_github() if self._under_ci else []


def _wanted(showing: Showing, found: Sequence[tuple[str, str]]) -> list[Reporter]:
    named = [*showing.files, *found]
    return [*(open_reporter(name, path) for name, path in named), _console(showing)]


def under_github() -> list[tuple[str, str]]:
    """Return what GitHub Actions gets without being asked: annotations, and the job's summary."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return []
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    return [("github", "-"), *([("summary", summary)] if summary else [])]


def _console(showing: Showing) -> Console:
    from scenario_runner.reporters.console import Console, Detail, Plain
    from scenario_runner.reporters.output import open_output

    detail = Detail.NORMAL
    if showing.quiet:
        detail = Detail.QUIET
    elif showing.verbose:
        detail = Detail.VERBOSE
    if not sys.stdout.isatty() or showing.step:
        return Console(Plain(open_output("-")), detail, ladder=showing.ladder)
    from scenario_runner.reporters.terminal import Terminal

    colours = showing.colours and not os.environ.get("NO_COLOR")
    return Console(Terminal(sys.stdout, colours=colours), detail, ladder=showing.ladder)
