"""GitLab's code quality report: failures and warnings as issues shown beside a merge request."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from typing import TYPE_CHECKING, assert_never

from scenario_runner.events import Verdict
from scenario_runner.printable import one_line
from scenario_runner.reporters.failures import faults, headline
from scenario_runner.reporters.file_reporter import FileReporter, Format
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.text import in_repository, unrun_text

if TYPE_CHECKING:
    from scenario_runner.events import InvalidFile, Warned
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult
    from scenario_runner.source import Span


class GitLab(Format):
    """Writes one issue after the other."""

    def __init__(self) -> None:
        self._root = os.environ.get("CI_PROJECT_DIR", "")
        self._comma = ""

    def begin(self, gathered: ResultCollector) -> str:
        """Open the list."""
        del gathered
        return "["

    def warning(self, warned: Warned) -> str:
        """Write a warning as an issue."""
        span = warned.span if warned.span.file else None
        return self._issue(warned.code, warned.message, "minor" if span else "info", span)

    def invalid(self, invalid: InvalidFile, gathered: ResultCollector) -> str:
        """Write each problem as an issue."""
        del gathered
        return "".join(
            self._issue(one.code, one.message, "critical", one.span) for one in invalid.problems
        )

    def scenario(self, result: ScenarioResult, gathered: ResultCollector) -> str:
        """Write each failure as an issue."""
        del gathered
        name, span = result.started.name, result.started.span
        severity = _severity(result.verdict)
        if not severity:
            return ""
        found = [fault.failure for fault in faults(result)] if result.verdict.bad else []
        if not found:
            text = f"{name}: {headline(result)}"
            return self._issue(result.verdict, text, severity, span)
        return "".join(
            self._issue(one.key, f"{name}: {one.message}", severity, one.span) for one in found
        )

    def end(self, gathered: ResultCollector) -> str:
        """Say what was not run, and close the list."""
        unrun = unrun_text(gathered)
        severity = "critical" if gathered.interrupted else "minor"
        return (self._issue("not-run", unrun, severity, None) if unrun else "") + "\n]\n"

    def _issue(self, key: str, text: str, severity: str, span: Span | None) -> str:
        comma, self._comma = self._comma, ","
        path, line = (span.file, span.line) if span is not None else (".", 1)
        path = in_repository(path, self._root)
        issue = {
            "description": one_line(text),
            "check_name": one_line(key),
            "fingerprint": sha256(f"{path}\0{key}\0{text}".encode(errors="replace")).hexdigest(),
            "severity": severity,
            "location": {"path": path.removeprefix("./"), "lines": {"begin": line}},
        }
        return f"{comma}\n{json.dumps(issue, ensure_ascii=False)}"


def _severity(verdict: Verdict) -> str:
    """Return how grave an issue is; what is no issue has none."""
    match verdict:
        case Verdict.ERRORED:
            return "critical"
        case Verdict.FAILED | Verdict.XPASSED:
            return "major"
        case Verdict.FLAKY:
            return "minor"
        case Verdict.PASSED | Verdict.SKIPPED | Verdict.NOT_APPLICABLE | Verdict.XFAILED:
            return ""
        case _:
            assert_never(verdict)


def to_file(path: str) -> FileReporter:
    """Return the reporter that writes the code quality report to `path`."""
    return FileReporter(GitLab(), open_output(path))
