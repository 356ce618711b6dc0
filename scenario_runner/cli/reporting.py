"""Starts the reporters that a command line asks for, and ends them whatever happens."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from scenario_runner.reporters import Reporters, open_reporter

if TYPE_CHECKING:
    from types import TracebackType

    from scenario_runner.cli.run import RunArguments
    from scenario_runner.events import Event
    from scenario_runner.reporters import Reporter
    from scenario_runner.reporters.console import Console


class Listening:
    """The reporters of one run: opened by its first event, closed when the block is left.

    A run that never begins (a file is invalid) leaves no report behind.
    """

    def __init__(self, arguments: RunArguments) -> None:
        self._arguments = arguments
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
            self._reporters = Reporters(_wanted(self._arguments))
        self._reporters.handle(event)


def _wanted(arguments: RunArguments) -> list[Reporter]:
    files = [open_reporter(name, path) for name, path in report_files(arguments)]
    return [*files, _console(arguments)]


def report_files(arguments: RunArguments) -> list[tuple[str, str]]:
    """Return the (reporter, path) pairs that are asked for."""
    named = (("junit", arguments.junit), ("json", arguments.json_), ("events", arguments.events))
    return [(name, path) for name, path in named if path is not None]


def _console(arguments: RunArguments) -> Console:
    from scenario_runner.reporters.console import Console, Detail, Plain
    from scenario_runner.reporters.output import open_output

    detail = Detail.NORMAL
    if arguments.quiet:
        detail = Detail.QUIET
    elif arguments.verbose:
        detail = Detail.VERBOSE
    if not sys.stdout.isatty():
        return Console(Plain(open_output("-")), detail)
    from scenario_runner.reporters.terminal import Terminal

    colours = not (arguments.no_color or os.environ.get("NO_COLOR"))
    return Console(Terminal(sys.stdout, colours=colours), detail)
