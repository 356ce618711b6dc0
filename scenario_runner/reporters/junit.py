"""JUnit XML as Jenkins and surefire know it: a suite per file, a case per scenario.

What the common schema allows decides the rest: a scenario that passed after a failure carries
`flakyFailure`, and its suite names it as a property. Times are real seconds, also where a
scenario's own clock is virtual, since CI systems add them up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from scenario_runner.durations import SECOND
from scenario_runner.events import Verdict
from scenario_runner.printable import one_line, printable
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
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult
    from scenario_runner.source import Span

_WIDTH = 100
_EARLIER = {"failure": "flakyFailure", "error": "flakyError"}
_AGAIN = {"failure": "rerunFailure", "error": "rerunError"}


@dataclass(slots=True)
class _Suite:
    cases: list[str] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)
    failures: int = 0
    errors: int = 0
    skipped: int = 0
    took: int = 0

    def add(self, case: str, element: str, took: int = 0) -> None:
        self.cases.append(case)
        self.failures += element == "failure"
        self.errors += element == "error"
        self.skipped += element == "skipped"
        self.took += took


class JUnit(Format):
    """Keeps a short text for each case, since a suite's counts stand before its cases."""

    def __init__(self) -> None:
        self._suites: dict[str, _Suite] = {}

    def invalid(self, invalid: InvalidFile, gathered: ResultCollector) -> str:
        """Keep a case with an error."""
        lines = [line.text for line in invalid_account(invalid, gathered.sources, _WIDTH)]
        error = _fault("error", invalid_headline(invalid), "invalid", lines)
        span = invalid.problems[0].span
        self._suite(invalid.file).add(_case("invalid file", span, 0, [error]), "error")
        return ""

    def scenario(self, result: ScenarioResult, gathered: ResultCollector) -> str:
        """Keep the case until the end."""
        suite = self._suite(result.started.span.file)
        inner = [*_properties(result), *_outcomes(result, gathered)]
        case = _case(result.started.name, result.started.span, result.finished.real, inner)
        suite.add(case, result.verdict.junit, result.finished.real)
        if result.verdict is Verdict.FLAKY:
            suite.flaky.append(result.started.name)
        return ""

    def _suite(self, file: str) -> _Suite:
        return self._suites.setdefault(file, _Suite())

    def end(self, gathered: ResultCollector) -> str:
        """Write all suites."""
        unrun = unrun_text(gathered)
        if unrun:
            element = "error" if gathered.interrupted else "skipped"
            self._suite("scenario-runner").add(_unrun_case(unrun, element), element)
        suites = self._suites.values()
        head = _attributes(
            name="scenario-runner",
            tests=str(sum(len(suite.cases) for suite in suites)),
            failures=str(sum(suite.failures for suite in suites)),
            errors=str(sum(suite.errors for suite in suites)),
            time=_seconds(sum(suite.took for suite in suites)),
        )
        inner = "".join(_suite(name, suite, gathered) for name, suite in self._suites.items())
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites{head}>\n{inner}</testsuites>\n'


_LAST_SECOND = 253_402_300_799
"""The end of the year 9999, the last that a date can be in."""


def _moment(microseconds: int) -> str:
    seconds = max(0, min(microseconds // SECOND, _LAST_SECOND))
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _suite(name: str, suite: _Suite, gathered: ResultCollector) -> str:
    run = gathered.run
    head = _attributes(
        name=name,
        tests=str(len(suite.cases)),
        failures=str(suite.failures),
        errors=str(suite.errors),
        skipped=str(suite.skipped),
        time=_seconds(suite.took),
        timestamp=_moment(run.started_at),
        hostname=run.host,
    )
    properties = [("target", target_name(run)), ("seed", str(run.seed))]
    properties += [("flaky", scenario) for scenario in suite.flaky]
    inner = "".join(f"   <property{_attributes(name=n, value=v)}/>\n" for n, v in properties)
    listed = f"  <properties>\n{inner}  </properties>\n"
    return f" <testsuite{head}>\n{listed}{''.join(suite.cases)} </testsuite>\n"


def _case(name: str, span: Span, took: int, inner: list[str]) -> str:
    head = _attributes(
        name=name,
        classname=span.file,
        file=span.file,
        line=str(span.line),
        time=_seconds(took),
    )
    if not inner:
        return f"  <testcase{head}/>\n"
    return f"  <testcase{head}>\n{''.join(inner)}  </testcase>\n"


def _properties(result: ScenarioResult) -> list[str]:
    tags = result.started.tags
    if not tags:
        return []
    listed = "".join(f"    <property{_attributes(name='tag', value=tag)}/>\n" for tag in tags)
    return [f"   <properties>\n{listed}   </properties>\n"]


def _outcomes(result: ScenarioResult, gathered: ResultCollector) -> list[str]:
    element = result.verdict.junit
    names = _EARLIER if result.verdict is Verdict.FLAKY else _AGAIN
    return [
        *([_outcome(element, result, gathered)] if element else []),
        *(
            _outcome(names[before.verdict.junit], before, gathered)
            for before in result.earlier
            if before.verdict.bad
        ),
    ]


def _outcome(element: str, result: ScenarioResult, gathered: ResultCollector) -> str:
    if element == "skipped":
        reason = result.finished.reason or result.verdict
        return f"   <skipped{_attributes(message=f'{result.verdict}: {reason}')}/>\n"
    lines = [str(result.started.span)]
    lines += [line.text for line in account(result, gathered, _WIDTH)]
    return _fault(element, headline(result), result.verdict, lines)


def _fault(element: str, message: str, kind: str, lines: list[str]) -> str:
    text = escape(printable("\n".join(lines)))
    return f"   <{element}{_attributes(message=message, type=kind)}>{text}\n</{element}>\n"


def _unrun_case(unrun: str, element: str) -> str:
    head = _attributes(name=unrun, classname="scenario-runner", time=_seconds(0))
    return f"  <testcase{head}>\n   <{element}{_attributes(message=unrun)}/>\n  </testcase>\n"


def _seconds(microseconds: int) -> str:
    return f"{microseconds / SECOND:.6f}"


def _attributes(**values: str) -> str:
    return "".join(f" {name}={quoteattr(one_line(value))}" for name, value in values.items())


def to_file(path: str) -> FileReporter:
    """Return the reporter that writes JUnit XML to `path`."""
    return FileReporter(JUnit(), open_output(path))
