"""The console: each scenario as a line, failures explained at the end, and the summary."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from scenario_runner.events import InvalidFile, Verdict, Warned
from scenario_runner.reporters.console_sections import (
    Alike,
    Detail,
    failure_section,
    head_section,
    ladder_section,
    scenario_section,
    summary_section,
    warning_section,
)
from scenario_runner.reporters.failures import cause, invalid_account
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.results import ResultCollector, ScenarioResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.events import Event
    from scenario_runner.reporters.output import Output
    from scenario_runner.reporters.text import Line

WIDTH = 80
_COMMAND = re.compile(r"^([ ]*)(:|#)(?=\2)", re.MULTILINE)  # `::error`, `##[error]`, `##vso[…]`


class Screen(Protocol):
    """What the console writes to."""

    @property
    def width(self) -> int:
        """How many columns there are."""
        ...

    def show(self, lines: Iterable[Line]) -> None:
        """Write lines."""
        ...

    def close(self) -> None:
        """End."""
        ...


class Plain:
    """A screen without colours; no line is a command to a CI server, whatever a PBX says."""

    def __init__(self, output: Output, width: int = WIDTH) -> None:
        self._output = output
        self.width = width

    def show(self, lines: Iterable[Line]) -> None:
        """Write the text of the lines."""
        text = "".join([f"{line.text.rstrip()}\n" for line in lines])
        if "::" in text or "##" in text:
            text = _COMMAND.sub(r"\1\2 ", text)
        if text:
            self._output.write(text)

    def close(self) -> None:
        """Write the rest."""
        self._output.close()


_ALWAYS_SHOWN = ("left-behind",)
"""Warnings that are shown with -q, too: a telephone may be busy until somebody does something."""


@dataclass(slots=True)
class Console:
    """Listens to a run and shows it; a scenario appears when it is finished, so none mix.

    With `ladder` a failure is drawn, too. Of what passes only the number is kept, and of what fails
    like another only the name.
    """

    screen: Screen
    detail: Detail = Detail.NORMAL
    ladder: bool = False
    _gathered: ResultCollector = field(default_factory=ResultCollector)
    _counts: Counter[Verdict] = field(default_factory=Counter)
    _retried: dict[str, Verdict] = field(default_factory=dict)
    _failed: dict[tuple[str, ...], Alike] = field(default_factory=dict)
    _warnings: int = 0

    def handle(self, event: Event) -> None:
        """Show what the event adds."""
        started = self._gathered.run
        result = self._gathered.handle(event)
        sources, width = self._gathered.sources, self.screen.width
        if self._gathered.run is not started:
            self._show(head_section(self._gathered.run, width))
        match event:
            case Warned():
                self._warnings += bool(event.span.file)
                show = self.screen.show if event.code in _ALWAYS_SHOWN else self._show
                show(warning_section(event, sources, width))
            case InvalidFile():
                self.screen.show(invalid_account(event, sources, width))
        if result is not None:
            self._scenario(result)

    def _show(self, lines: Iterable[Line]) -> None:
        if self.detail is not Detail.QUIET:
            self.screen.show(lines)

    def _scenario(self, result: ScenarioResult) -> None:
        finished, verdict = result.finished, result.verdict
        if verdict.bad:
            self._failed.setdefault(cause(result), Alike(result)).add(result)
        before = self._retried.get(finished.scenario)
        if before is not None:
            self._counts[before] -= 1
        self._counts[verdict] += 1
        if before is not None or not finished.final:
            self._retried[finished.scenario] = verdict
        self._show(scenario_section(result, self.screen.width, self.detail))

    def close(self) -> None:
        """Explain the failures, and sum up."""
        for result in self._gathered.unfinished():
            self._scenario(result)
        width = self.screen.width
        for number, alike in enumerate(self._failed.values(), 1):
            final = self._retried.get(alike.first.finished.scenario, alike.first.verdict)
            self.screen.show(failure_section(number, alike, final, self._gathered, width))
            if self.ladder:
                self.screen.show(ladder_section(alike.first, width))
        counts = +self._counts
        self.screen.show(summary_section(counts, self._warnings, self._gathered, width))
        self.screen.close()


def to_file(path: str) -> Console:
    """Return the console as a reporter that writes plain text to `path`."""
    return Console(Plain(open_output(path)))
