"""The console: each scenario and step as a line, failures told at the end, and the summary."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from scenario_runner.events import ScenarioStarted, StepStarted, Verdict, Warned
from scenario_runner.reporters.console_sections import (
    failure_page,
    head_page,
    ladder_page,
    scenario_page,
    summary_page,
    warning_page,
)
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.results import ResultCollector, ScenarioResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.events import Event
    from scenario_runner.reporters.output import Output
    from scenario_runner.reporters.text import Line

WIDTH = 80
_COMMAND = re.compile(r"^([ ]*)::", re.MULTILINE)  # a CI server would obey what a PBX says


class Detail(Enum):
    """How much is told: failures and the summary; each step too; each exchange too."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


@dataclass(slots=True)
class Progress:
    """What the live line of a terminal shows; `patience` is how long that may take, or 0."""

    finished: int = 0
    total: int = 0
    failures: int = 0
    doing: str = ""
    patience: int = 0


class Screen(Protocol):
    """What the console writes to."""

    @property
    def width(self) -> int:
        """How many columns there are."""
        ...

    def show(self, lines: Iterable[Line]) -> None:
        """Write lines."""
        ...

    def progress(self, progress: Progress) -> None:
        """Show how far the run is, where that can be shown."""
        ...

    def close(self) -> None:
        """End."""
        ...


class Plain:
    """A screen without colours and without a live line."""

    def __init__(self, output: Output, width: int = WIDTH) -> None:
        self._output = output
        self.width = width

    def show(self, lines: Iterable[Line]) -> None:
        """Write the text of the lines."""
        text = "".join([f"{line.text.rstrip()}\n" for line in lines])
        if "::" in text:
            text = _COMMAND.sub(r"\1: :", text)
        if text:
            self._output.write(text)

    def progress(self, progress: Progress) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Write the rest."""
        self._output.close()


@dataclass(slots=True)
class Console:
    """Listens to a run and shows it; a scenario appears when it is finished, so none mix.

    With `ladder` a failure is drawn, too. Of what passes at once only the number is kept.
    """

    screen: Screen
    detail: Detail = Detail.NORMAL
    ladder: bool = False
    _gathered: ResultCollector = field(default_factory=ResultCollector)
    _passed: int = 0
    _verdicts: dict[str, Verdict] = field(default_factory=dict)
    _told: dict[str, list[ScenarioResult]] = field(default_factory=dict)
    _progress: Progress = field(default_factory=Progress)
    _warnings: int = 0

    def handle(self, event: Event) -> None:
        """Show what the event adds."""
        started = self._gathered.run
        story = self._gathered.handle(event)
        if self._gathered.run is not started:
            self._progress.total = self._gathered.run.total
            self._show(head_page(self._gathered.run, self.screen.width))
        match event:
            case Warned():
                self._warnings += bool(event.span.file)
                self._show(warning_page(event, self._gathered.sources, self.screen.width))
            case ScenarioStarted():
                self._doing(event.name)
            case StepStarted():
                self._doing(event.title, event.patience)
        if story is not None:
            self._scenario(story)

    def _show(self, lines: Iterable[Line]) -> None:
        if self.detail is not Detail.QUIET:
            self.screen.show(lines)

    def _doing(self, what: str, patience: int = 0) -> None:
        self._progress.doing = what
        self._progress.patience = patience
        self.screen.progress(self._progress)

    def _scenario(self, story: ScenarioResult) -> None:
        name = story.finished.scenario
        if story.verdict.bad:
            self._told.setdefault(name, []).append(story)
        if story.started.attempt > 1 and name not in self._verdicts:
            self._passed -= 1  # it passed before, and runs again
        if story.verdict is Verdict.PASSED:
            self._passed += 1
        else:
            self._verdicts[name] = story.verdict
        self._progress.finished = self._passed + len(self._verdicts)
        self._progress.failures = len(self._told)
        verbose = self.detail is Detail.VERBOSE
        self._show(scenario_page(story, self.screen.width, exchanges=verbose))

    def close(self) -> None:
        """Tell the failures, and sum up."""
        for story in self._gathered.unfinished():
            self._scenario(story)
        self._progress.doing = ""
        for number, (name, stories) in enumerate(self._told.items(), 1):
            final = self._verdicts[name]
            for story in stories:
                width = self.screen.width
                self.screen.show(failure_page(f"{number}", story, final, self._gathered, width))
                if self.ladder:
                    self.screen.show(ladder_page(story, width))
        counts = Counter(self._verdicts.values()) + Counter({Verdict.PASSED: self._passed})
        self.screen.show(summary_page(counts, self._warnings, self._gathered, self.screen.width))
        self.screen.close()


def to_file(path: str) -> Console:
    """Return the console as a reporter that writes plain text to `path`."""
    return Console(Plain(open_output(path)))
