"""JUnit XML as Jenkins and surefire know it: a suite per file, a case per scenario.

The common schema has no place for a case's file and line, so `classname` carries `file:line`, and
so does the text of each failure. What the schema allows decides the rest: a scenario that passed
after a failure carries `flakyFailure`, and its suite names it as a property.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from scenario_runner.durations import SECOND
from scenario_runner.events import Verdict
from scenario_runner.printable import one_line, printable
from scenario_runner.reporters.failures import account, headline
from scenario_runner.reporters.file_reporter import FileReporter, Format
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.text import target_text, unrun_text

if TYPE_CHECKING:
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult

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

    def add(self, case: str, element: str, took: int) -> None:
        self.cases.append(case)
        self.failures += element == "failure"
        self.errors += element == "error"
        self.skipped += element == "skipped"
        self.took += took


class JUnit(Format):
    """Keeps a short text for each case, since a suite's counts stand before its cases."""

    def __init__(self) -> None:
        self._suites: dict[str, _Suite] = {}

    def scenario(self, story: ScenarioResult, gathered: ResultCollector) -> str:
        """Keep the case until the end."""
        suite = self._suites.setdefault(story.started.span.file, _Suite())
        suite.add(_case(story, gathered), story.verdict.junit, story.finished.took)
        if story.verdict is Verdict.FLAKY:
            suite.flaky.append(story.started.name)
        return ""

    def end(self, gathered: ResultCollector) -> str:
        """Write all suites."""
        unrun = unrun_text(gathered)
        if unrun:
            element = "error" if gathered.interrupted else "skipped"
            whole = _Suite()
            whole.add(_unrun_case(unrun, element), element, 0)
            self._suites["scenario-runner"] = whole
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


def _suite(name: str, suite: _Suite, gathered: ResultCollector) -> str:
    run = gathered.run
    head = _attributes(
        name=name,
        tests=str(len(suite.cases)),
        failures=str(suite.failures),
        errors=str(suite.errors),
        skipped=str(suite.skipped),
        time=_seconds(suite.took),
        timestamp=datetime.fromtimestamp(run.started_at / SECOND, UTC).strftime("%FT%T"),
        hostname=run.host,
    )
    properties = [("target", target_text(run)), ("seed", str(run.seed))]
    properties += [("flaky", scenario) for scenario in suite.flaky]
    inner = "".join(f"   <property{_attributes(name=n, value=v)}/>\n" for n, v in properties)
    listed = f"  <properties>\n{inner}  </properties>\n"
    return f" <testsuite{head}>\n{listed}{''.join(suite.cases)} </testsuite>\n"


def _case(story: ScenarioResult, gathered: ResultCollector) -> str:
    span = story.started.span
    head = _attributes(
        name=story.started.name,
        classname=f"{span.file}:{span.line}",
        time=_seconds(story.finished.took),
    )
    inner = "".join(_results(story, gathered))
    return f"  <testcase{head}>\n{inner}  </testcase>\n" if inner else f"  <testcase{head}/>\n"


def _results(story: ScenarioResult, gathered: ResultCollector) -> list[str]:
    element = story.verdict.junit
    names = _EARLIER if story.verdict is Verdict.FLAKY else _AGAIN
    return [
        *([_result(element, story, gathered)] if element else []),
        *(
            _result(names[before.verdict.junit], before, gathered)
            for before in story.earlier
            if before.verdict.bad
        ),
    ]


def _result(element: str, story: ScenarioResult, gathered: ResultCollector) -> str:
    if element == "skipped":
        reason = story.finished.reason or story.verdict
        return f"   <skipped{_attributes(message=f'{story.verdict}: {reason}')}/>\n"
    lines = [str(story.started.span)]
    lines += [line.text for line in account(story, gathered, _WIDTH)]
    text = escape(printable("\n".join(lines)))
    head = _attributes(message=headline(story), type=story.verdict)
    return f"   <{element}{head}>{text}\n</{element}>\n"


def _unrun_case(unrun: str, element: str) -> str:
    head = _attributes(name=unrun, classname="scenario-runner", time="0.000000")
    return f"  <testcase{head}>\n   <{element}{_attributes(message=unrun)}/>\n  </testcase>\n"


def _seconds(microseconds: int) -> str:
    return f"{microseconds / SECOND:.6f}"


def _attributes(**values: str) -> str:
    return "".join(f" {name}={quoteattr(one_line(value))}" for name, value in values.items())


def to_file(path: str) -> FileReporter:
    """Return the reporter that writes JUnit XML to `path`."""
    return FileReporter(JUnit(), open_output(path))
