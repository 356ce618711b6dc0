"""TAP 14: a line for each scenario, what went wrong as YAML below it, the plan at the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, assert_never

from scenario_runner.events import Verdict
from scenario_runner.printable import one_line
from scenario_runner.reporters.failures import account, headline
from scenario_runner.reporters.file_reporter import FileReporter, Format
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.text import target_text, unrun_text

if TYPE_CHECKING:
    from scenario_runner.events import Warned
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult

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

    def scenario(self, story: ScenarioResult, gathered: ResultCollector) -> str:
        """Write a test point."""
        self._points += 1
        ok, directive = _result(story.verdict)
        if directive:
            directive = f" # {directive} {_escaped(story.finished.reason or story.verdict)}"
        span = story.started.span
        name = _escaped(f"{story.started.name} ({span.file}:{span.line})")
        text = f"{ok} {self._points} - {name}{directive}\n"
        told = story.verdict.bad or story.earlier
        return text + (_details(story, gathered) if told else "")

    def end(self, gathered: ResultCollector) -> str:
        """Write the plan; of a run that broke off it names more points than there are."""
        unrun = unrun_text(gathered)
        plan = f"1..{max(self._points + bool(unrun), gathered.run.total)}\n"
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


def _details(story: ScenarioResult, gathered: ResultCollector) -> str:
    """Write what went wrong; JSON's strings are YAML, and a block text needs no quotes."""
    attempts = [*story.earlier, *([] if story.verdict is Verdict.FLAKY else [story])]
    lines = [
        "---",
        f"verdict: {json.dumps(story.verdict)}",
        f"message: {json.dumps(headline(attempts[0]), ensure_ascii=False)}",
        f"at: {json.dumps(str(story.started.span), ensure_ascii=False)}",
        "told: |2",
        *(f"  {line.text}" for one in attempts for line in account(one, gathered, _WIDTH)),
        "...",
    ]
    text = "\n".join(lines)
    return "".join(f"  {line}".rstrip() + "\n" for line in text.split("\n"))


def _escaped(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace("#", "\\#")


def to_file(path: str) -> FileReporter:
    """Return the reporter that writes TAP to `path`."""
    return FileReporter(Tap(), open_output(path))
