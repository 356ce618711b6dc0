"""Starts the reporters that a command line asks for, and ends them whatever happens."""

from __future__ import annotations

import os
import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from scenario_runner.exit_code import Exit, gravest
from scenario_runner.reporters import Reporters, open_reporter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from scenario_runner.cli.options import ReportOptions
    from scenario_runner.events import Event
    from scenario_runner.execution.targets import TargetChoice
    from scenario_runner.reporters import Reporter
    from scenario_runner.reporters.console import Screen
    from scenario_runner.reporters.terminal import Terminal


def keep_inputs(
    written: Iterable[str | None], read: Iterable[str | None], choice: TargetChoice
) -> None:
    """Raise UsageError for a report that would replace a file that is read, or another report.

    The targets file of `choice` is read, too; None stands for a file that is not named.
    """
    from scenario_runner.execution.targets import targets_path
    from scenario_runner.reporters.output import refuse_overwriting

    outputs = [path for path in written if path is not None]
    if outputs:
        inputs = (*read, targets_path(choice))
        refuse_overwriting(outputs, [path for path in inputs if path is not None])


class Listening:
    """The reporters of one run: opened by its first event, closed when the block is left.

    `under_ci` says whether a CI system that is recognised gets its reports without being asked.
    With `plain` the console has no colours and no live line; with `ladder` it draws failures.
    """

    def __init__(
        self,
        wanted: ReportOptions,
        *,
        under_ci: bool = True,
        plain: bool = False,
        ladder: bool = False,
    ) -> None:
        self._wanted = wanted
        self._files = wanted.files()
        self._github = under_ci and os.environ.get("GITHUB_ACTIONS") == "true"
        self._plain = plain
        self._ladder = ladder
        self._others: list[tuple[str, Reporter]] = []
        self._reporters: Reporters | None = None
        self._live: Reporters | None = None
        self._terminal: Terminal | None = None

    def add(self, name: str, reporter: Reporter) -> None:
        """Let another one listen, too; it hears of each event before the reports do."""
        self._others.append((name, reporter))

    def __enter__(self) -> Listening:
        """Return itself; nothing is opened yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write what is still to be written, and say what could not be."""
        from scenario_runner.cli.exit_codes import show_error

        if self._reporters is not None:
            self._reporters.close()
            for failure in self._reporters.failures:
                show_error(failure.error, f"{failure.name} stopped: ")

    def emit(self, event: Event) -> None:
        """Pass an event on to every reporter; raises UsageError where one can't be opened."""
        if self._reporters is None:
            self._reporters = Reporters(self._opened())
        self._reporters.handle(event)

    def live(self, event: Event) -> None:
        """Pass an event on to what shows it as it happens, before it is its turn."""
        if self._live is not None:
            self._live.handle(event)

    def status(self, line: str) -> None:
        """Show a line about whatever runs the scenarios elsewhere, where there is a live line."""
        if self._terminal is not None:
            self._terminal.show_status(line)

    def exit_code(self, code: Exit) -> Exit:
        """Return the gravest of what the run came to and what its reporters did."""
        failures = self._reporters.failures if self._reporters is not None else []
        return gravest([code, *(failure.exit_code for failure in failures)])

    def _opened(self) -> list[tuple[str, Reporter]]:
        """Open all reporters; those of GitHub come last, see `reporters.github.Commands`."""
        named = [self._opened_one(name, path) for name, path in self._files]
        reporters = [*self._others, *named, ("the console", self._console())]
        if not self._github:
            return reporters
        from scenario_runner.reporters.github import Commands
        from scenario_runner.reporters.output import open_output

        reporters.append(("the console", Commands(open_output("-"))))
        reporters.append(self._opened_one("github", "-"))
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        return reporters + ([self._opened_one("summary", summary)] if summary else [])

    def _opened_one(self, name: str, path: str) -> tuple[str, Reporter]:
        return f"the report {name} ({path})", open_reporter(name, path)

    def _console(self) -> Reporter:
        from scenario_runner.reporters.console import Console
        from scenario_runner.reporters.console_sections import Detail

        detail = Detail(min(Detail.EXCHANGES, Detail.NORMAL + self._wanted.verbose))
        if self._wanted.quiet:
            detail = Detail.QUIET
        return Console(self._screen(), detail, ladder=self._ladder)

    def _screen(self) -> Screen:
        if self._plain or not on_terminal():
            return plain_screen()
        from scenario_runner.reporters.terminal import LiveLine

        terminal = coloured_screen(colours=not self._wanted.no_color)
        self._terminal = terminal
        self._live = Reporters([("the live line", LiveLine(terminal))])
        return terminal


def on_terminal() -> bool:
    """Tell whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def plain_screen() -> Screen:
    """Return standard output as a screen; its width is what COLUMNS says."""
    from scenario_runner.reporters.console import WIDTH, Plain
    from scenario_runner.reporters.output import open_output

    return Plain(open_output("-"), get_terminal_size((WIDTH, 24)).columns)


def coloured_screen(*, colours: bool = True) -> Terminal:
    """Return the terminal as a screen, coloured unless NO_COLOR says otherwise."""
    from scenario_runner.reporters.terminal import Terminal

    return Terminal(sys.stdout, colours=colours and not os.environ.get("NO_COLOR"))
