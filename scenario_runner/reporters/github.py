"""Annotations for GitHub Actions: a line on standard output for each failure and warning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.events import Verdict
from scenario_runner.printable import printable
from scenario_runner.reporters.failures import faults, headline
from scenario_runner.reporters.file_reporter import FileReporter, Format
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.text import unrun_text

if TYPE_CHECKING:
    from scenario_runner.events import Failure, Warned
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult
    from scenario_runner.source import Span


class GitHub(Format):
    """Writes workflow commands."""

    def warning(self, warned: Warned) -> str:
        """Annotate the place of a warning."""
        span = warned.span if warned.span.file else None
        return _command("warning" if span else "notice", warned.code, warned.message, span)

    def scenario(self, story: ScenarioResult, gathered: ResultCollector) -> str:
        """Annotate the place of each failure."""
        del gathered
        if story.verdict is Verdict.FLAKY:
            text = "passed only after an attempt that did not"
            if story.earlier:
                text += f": {headline(story.earlier[0])}"
            return _command("warning", f"flaky: {story.started.name}", text, story.started.span)
        if not story.verdict.bad:
            return ""
        title = f"{story.verdict}: {story.started.name}"
        found = [fault.failure for fault in faults(story)]
        if not found:
            return _command("error", title, headline(story), story.started.span)
        return "".join(_command("error", title, _told(one), one.span) for one in found)

    def end(self, gathered: ResultCollector) -> str:
        """Say what was not run."""
        unrun = unrun_text(gathered)
        kind = "error" if gathered.interrupted else "warning"
        return _command(kind, "scenario-runner", unrun, None) if unrun else ""


def _told(failure: Failure) -> str:
    return failure.message if failure.hint is None else f"{failure.message}\nhint: {failure.hint}"


def _command(kind: str, title: str, message: str, span: Span | None) -> str:
    place = ""
    if span is not None:
        place = f"file={_property(span.file)},line={span.line},col={span.column},"
    return f"::{kind} {place}title={_property(title)}::{_data(message)}\n"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def to_file(path: str) -> FileReporter:
    """Return the reporter that writes annotations to `path`, which usually is `-`."""
    return FileReporter(GitHub(), open_output(path))
