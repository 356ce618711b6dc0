"""A summary in Markdown, as GitHub shows it for a job: the counts, and each failure folded."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.durations import rounded_text
from scenario_runner.printable import one_line, printable
from scenario_runner.reporters.failures import (
    account,
    headline,
    invalid_account,
    invalid_headline,
)
from scenario_runner.reporters.file_reporter import FileReporter, Format
from scenario_runner.reporters.output import STDOUT, Printed, Running, open_output
from scenario_runner.reporters.text import (
    summary_parts,
    verdict_of_run,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.events import InvalidFile, Verdict, Warned
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult
    from scenario_runner.reporters.text import Line

_WIDTH = 100
_MOST = 800_000  # letters; GitHub refuses a summary over 1 MiB
_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~&@]")


class Markdown(Format):
    """Keeps the failures until the end, since the summary stands above them."""

    def __init__(self) -> None:
        self._counts: Counter[Verdict] = Counter()
        self._told: list[str] = []
        self._room = _MOST
        self._warnings: list[str] = []

    def warning(self, warned: Warned) -> str:
        """Keep a warning."""
        self._warnings.append(f"- {_escaped(f'{warned.span}: {warned.message}')}\n")
        return ""

    def invalid(self, invalid: InvalidFile, gathered: ResultCollector) -> str:
        """Keep an invalid file."""
        head = f"! invalid: {_escaped(invalid.file)}"
        told = invalid_account(invalid, gathered.sources, _WIDTH)
        return self._keep(head, invalid_headline(invalid), told)

    def scenario(self, result: ScenarioResult, gathered: ResultCollector) -> str:
        """Keep a failure."""
        verdict, bad = result.verdict, result.bad_attempts
        self._counts[verdict] += 1
        if not bad:
            return ""
        name, took = _escaped(result.started.name), rounded_text(result.finished.took)
        told = (line for one in bad for line in account(one, gathered, _WIDTH))
        return self._keep(f"{verdict.symbol} {verdict}: {name} ({took})", headline(bad[0]), told)

    def _keep(self, head: str, message: str, told: Iterable[Line]) -> str:
        text = _folded(head, message, told)
        self._room -= len(text)
        if self._room >= 0:
            self._told.append(text)
        return ""

    def end(self, gathered: ResultCollector) -> str:
        """Write all of it."""
        verdict = verdict_of_run(self._counts, gathered)
        parts = [_escaped(part) for part in summary_parts(self._counts, gathered)]
        head = f"## {verdict.symbol} Scenarios: {verdict}\n\n{' · '.join(parts)}\n\n"
        cut = "" if self._room >= 0 else "More failures are left out: there is no room for them.\n"
        warnings = f"### Warnings\n\n{''.join(self._warnings)}\n" if self._warnings else ""
        return head + "".join(self._told) + cut + warnings


def _folded(head: str, message: str, told: Iterable[Line]) -> str:
    text = printable("\n".join(line.text for line in told)).strip("\n")
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return (
        f"<details>\n<summary>{head}</summary>\n\n"
        f"{_escaped(message)}\n\n{fence}text\n{text}\n{fence}\n\n</details>\n\n"
    )


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", one_line(text))


def to_file(path: str) -> FileReporter:
    """Return the reporter that writes Markdown to `path`."""
    return FileReporter(Markdown(), open_output(path))


def to_end_of_file(path: str) -> FileReporter:
    """Return the reporter that adds Markdown to the end of `path`, as a job summary wants it."""
    return FileReporter(Markdown(), Printed() if path == STDOUT else Running(Path(path), "ab"))
