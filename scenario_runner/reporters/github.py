"""Annotations for GitHub Actions: a line on standard output for each failure and warning.

They are written when the run is over: until then the console tells GitHub to obey no command that
something in its text may look like, see `Commands`.
"""

from __future__ import annotations

import os
from secrets import token_hex
from typing import TYPE_CHECKING

from scenario_runner.events import Verdict
from scenario_runner.printable import printable
from scenario_runner.reporters.failures import faults, headline
from scenario_runner.reporters.file_reporter import FileReporter, Format
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.text import in_repository, unrun_text

if TYPE_CHECKING:
    from scenario_runner.errors import Problem
    from scenario_runner.events import Event, Failure, InvalidFile, Warned
    from scenario_runner.reporters.output import Output
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult
    from scenario_runner.source import Span


class Commands:
    """Listens so that GitHub obeys no command on standard output until it is closed.

    Words of a PBX may look like one (`##[error]…`, `::add-mask::…`); GitHub then takes them for
    text, until the token comes that nobody else knows.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._token = token_hex(16)
        output.write(f"::stop-commands::{self._token}\n")

    def handle(self, event: Event) -> None:
        """Do nothing: other reporters write."""

    def close(self) -> None:
        """Let commands be obeyed again."""
        self._output.write(f"::{self._token}::\n")
        self._output.close()


class GitHub(Format):
    """Collects workflow commands."""

    def __init__(self) -> None:
        self._root = os.environ.get("GITHUB_WORKSPACE", "")
        self._lines: list[str] = []

    def warning(self, warned: Warned) -> str:
        """Annotate the place of a warning."""
        span = warned.span if warned.span.file else None
        return self._add("warning" if span else "notice", warned.code, warned.message, span)

    def invalid(self, invalid: InvalidFile, gathered: ResultCollector) -> str:
        """Annotate the place of each problem."""
        del gathered
        for problem in invalid.problems:
            self._add("error", problem.code, _with_hint(problem), problem.span)
        return ""

    def scenario(self, result: ScenarioResult, gathered: ResultCollector) -> str:
        """Annotate the place of each failure."""
        del gathered
        name, span = result.started.name, result.started.span
        if result.verdict is Verdict.FLAKY:
            bad = result.bad_attempts
            text = "passed only after an attempt that did not"
            text += f": {headline(bad[0])}" if bad else ""
            return self._add("warning", f"flaky: {name}", text, span)
        if not result.verdict.bad:
            return ""
        title = f"{result.verdict}: {name}"
        found = [fault.failure for fault in faults(result)]
        if not found:
            return self._add("error", title, headline(result), span)
        for one in found:
            self._add("error", title, _with_hint(one), one.span)
        return ""

    def end(self, gathered: ResultCollector) -> str:
        """Say what was not run, and write all of it."""
        unrun = unrun_text(gathered)
        if unrun:
            self._add("error" if gathered.interrupted else "warning", "scenario-runner", unrun)
        return "".join(self._lines)

    def _add(self, kind: str, title: str, message: str, span: Span | None = None) -> str:
        place = ""
        if span is not None:
            file = _property(in_repository(span.file, self._root))
            place = f"file={file},line={span.line},col={span.column},"
        self._lines.append(f"::{kind} {place}title={_property(title)}::{_data(message)}\n")
        return ""


def _with_hint(one: Failure | Problem) -> str:
    return one.message if one.hint is None else f"{one.message}\nhint: {one.hint}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def to_file(path: str) -> FileReporter:
    """Return the reporter that writes annotations to `path`, which usually is `-`."""
    return FileReporter(GitHub(), open_output(path))
