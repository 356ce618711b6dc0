"""TAP 14: a line for each scenario, what went wrong as YAML below it, the plan at the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, assert_never

from scenario_runner.events import Verdict
from scenario_runner.printable import one_line
from scenario_runner.reporters.failures import (
    account,
    headline,
    invalid_account,
    invalid_headline,
)
from scenario_runner.reporters.file_reporter import FileReporter, Format
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.text import target_text, unrun_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.events import InvalidFile, Warned
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult
    from scenario_runner.reporters.text import Line
    from scenario_runner.source import Span

_WIDTH = 100


class Tap(Format):
    """Counts the test points."""

    def __init__(self) -> None:
        self._points = 0

    def begin(self, gathered: ResultCollector) -> str:
        """Write the version, and as a comment what runs against what."""
        run = gathered.run
        return f"TAP version 14\n# {target_text(run)}, seed {run.seed}\n"

    def warning(self, warned: Warned) -> str:
        """Write the warning as a comment."""
        return f"# warning: {one_line(f'{warned.span}: {warned.message}')}\n"

    def invalid(self, invalid: InvalidFile, gathered: ResultCollector) -> str:
        """Write a test point that is not ok."""
        self._points += 1
        text = f"not ok {self._points} - {_escaped(f'{invalid.file} is invalid')}\n"
        told = invalid_account(invalid, gathered.sources, _WIDTH)
        return text + _details("invalid", invalid_headline(invalid), invalid.problems[0].span, told)

    def scenario(self, result: ScenarioResult, gathered: ResultCollector) -> str:
        """Write a test point."""
        self._points += 1
        ok, directive = _result(result.verdict)
        if directive:
            directive = f" # {directive} {_escaped(result.finished.reason or result.verdict)}"
        span = result.started.span
        name = _escaped(f"{result.started.name} ({span.file}:{span.line})")
        text = f"{ok} {self._points} - {name}{directive}\n"
        bad = result.bad_attempts
        if not bad:
            return text
        told = (line for one in bad for line in account(one, gathered, _WIDTH))
        return text + _details(result.verdict, headline(bad[0]), span, told)

    def end(self, gathered: ResultCollector) -> str:
        """Write the plan; of a run that broke off it names more points than there are."""
        unrun = unrun_text(gathered)
        plan = f"1..{max(self._points + bool(unrun), gathered.run.total + gathered.invalid)}\n"
        if gathered.interrupted:
            return f"{plan}Bail out! {unrun}\n"
        return plan + (f"# {unrun}\n" if unrun else "")


def _result(verdict: Verdict) -> tuple[str, str]:
    """Return how a test point begins, and its directive."""
    match verdict:
        case Verdict.PASSED | Verdict.FLAKY:
            return "ok", ""
        case Verdict.SKIPPED | Verdict.NOT_APPLICABLE:
            return "ok", "SKIP"
        case Verdict.XFAILED:
            return "not ok", "TODO"
        case Verdict.FAILED | Verdict.ERRORED | Verdict.XPASSED:
            return "not ok", ""
        case _:
            assert_never(verdict)


def _details(verdict: str, message: str, span: Span, told: Iterable[Line]) -> str:
    """Write what went wrong; JSON's strings are YAML, and a block text needs no quotes."""
    lines = [
        "---",
        f"verdict: {json.dumps(verdict)}",
        f"message: {json.dumps(message, ensure_ascii=False)}",
        f"at: {json.dumps(str(span), ensure_ascii=False)}",
        "details: |2",
        *(f"  {line.text}" for line in told),
        "...",
    ]
    text = "\n".join(lines)
    return "".join(f"  {line}".rstrip() + "\n" for line in text.split("\n"))


def _escaped(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace("#", "\\#")


def to_file(path: str) -> FileReporter:
    """Return the reporter that writes TAP to `path`."""
    return FileReporter(Tap(), open_output(path))
