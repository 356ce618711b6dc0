"""CTRF, the Common Test Report Format: JSON that many dashboards read."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, assert_never

from scenario_runner.durations import MILLISECOND
from scenario_runner.events import Verdict
from scenario_runner.printable import printable
from scenario_runner.reporters.failures import (
    account,
    headline,
    invalid_account,
    invalid_headline,
)
from scenario_runner.reporters.file_reporter import FileReporter, Format
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.text import target_name, unrun_text

if TYPE_CHECKING:
    from scenario_runner.events import InvalidFile
    from scenario_runner.references import Json
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult, StepResult

_WIDTH = 100


class Ctrf(Format):
    """Counts the statuses; the tests are written as they end."""

    def __init__(self) -> None:
        self._statuses: Counter[str] = Counter()
        self._flaky = 0

    def begin(self, gathered: ResultCollector) -> str:
        """Open the document."""
        tool = _text({"name": "scenario-runner", "version": gathered.run.version})
        return (
            '{"reportFormat":"CTRF","specVersion":"0.0.0",'
            f'"generatedBy":"scenario-runner","results":{{"tool":{tool},\n"tests":['
        )

    def invalid(self, invalid: InvalidFile, gathered: ResultCollector) -> str:
        """Write a test that failed."""
        told = invalid_account(invalid, gathered.sources, _WIDTH)
        test: dict[str, Json] = {
            "name": f"{printable(invalid.file)} is invalid",
            "status": "failed",
            "duration": 0,
            "rawStatus": "invalid",
            "suite": [printable(invalid.file)],
            "filePath": invalid.file,
            "line": invalid.problems[0].span.line,
            "message": invalid_headline(invalid),
            "trace": "\n".join(line.text for line in told),
        }
        return self._test(test, "failed")

    def scenario(self, result: ScenarioResult, gathered: ResultCollector) -> str:
        """Write a test."""
        self._flaky += result.verdict is Verdict.FLAKY
        return self._test(_test(result, gathered), _status(result.verdict))

    def _test(self, test: dict[str, Json], status: str) -> str:
        comma = "," if self._statuses else ""
        self._statuses[status] += 1
        return f"{comma}\n{_text(test)}"

    def end(self, gathered: ResultCollector) -> str:
        """Write the summary; what was not run is a failed test, so that it is seen."""
        unrun = unrun_text(gathered)
        text = ""
        if unrun:
            status = "failed" if gathered.interrupted else "skipped"
            text = self._test({"name": unrun, "status": status, "duration": 0}, status)
        return f'{text}\n],\n"summary":{_text(self._summary(gathered))}}}}}\n'

    def _summary(self, gathered: ResultCollector) -> dict[str, Json]:
        start = gathered.run.started_at // MILLISECOND
        took = gathered.end.took // MILLISECOND if gathered.end is not None else 0
        counts = {
            status: self._statuses[status]
            for status in ("passed", "failed", "skipped", "pending", "other")
        }
        extra: Json = {"target": target_name(gathered.run), "seed": gathered.run.seed}
        return {
            "tests": self._statuses.total(),
            **counts,
            "flaky": self._flaky,
            "start": start,
            "stop": start + took,
            "extra": extra,
        }


def _test(result: ScenarioResult, gathered: ResultCollector) -> dict[str, Json]:
    started = result.started
    test: dict[str, Json] = {
        "name": printable(started.name),
        "status": _status(result.verdict),
        "duration": result.finished.real // MILLISECOND,
        "rawStatus": result.verdict,
        "suite": [printable(started.span.file)],
        "filePath": started.span.file,
        "line": started.span.line,
        "tags": [printable(tag) for tag in started.tags],
        "retries": len(result.earlier),
        "flaky": result.verdict is Verdict.FLAKY,
        "steps": [_step(step) for step in result.steps()],
    }
    if result.verdict.bad:
        test["message"] = headline(result)
        test["trace"] = "\n".join(line.text for line in account(result, gathered, _WIDTH))
    elif result.finished.reason:
        test["message"] = printable(result.finished.reason)
    return test


def _step(step: StepResult) -> Json:
    name = f"{printable(step.started.label)} {printable(step.started.title)}"
    return {"name": name, "status": _status(step.finished.verdict)}


def _status(verdict: Verdict) -> str:
    match verdict:
        case Verdict.PASSED | Verdict.FLAKY:
            return "passed"
        case Verdict.FAILED | Verdict.XPASSED | Verdict.ERRORED:
            return "failed"
        case Verdict.SKIPPED | Verdict.NOT_APPLICABLE:
            return "skipped"
        case Verdict.XFAILED:
            return "other"
        case _:
            assert_never(verdict)


def _text(data: Json) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def to_file(path: str) -> FileReporter:
    """Return the reporter that writes CTRF to `path`."""
    return FileReporter(Ctrf(), open_output(path))
