"""Listens to a run and writes a ladder for each scenario: to a folder, or one after the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, assert_never

from scenario_runner.reporters.ladder.building import build_ladder
from scenario_runner.reporters.ladder.drawing import to_svg
from scenario_runner.reporters.ladder.model import LadderForm
from scenario_runner.reporters.ladder.text import to_mermaid, to_text
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.results import ResultCollector

if TYPE_CHECKING:
    from pathlib import Path

    from scenario_runner.events import Event
    from scenario_runner.reporters.ladder.model import Ladder
    from scenario_runner.reporters.results import ScenarioResult

_ENDINGS = {LadderForm.TEXT: "txt", LadderForm.MERMAID: "mmd", LadderForm.SVG: "svg"}


class Ladders:
    """Writes each ladder to a file of its own in `folder`, or all of them to standard output."""

    def __init__(self, form: LadderForm, folder: Path | None, width: int = 100) -> None:
        self._form = form
        self._folder = folder
        self._width = width
        self._gathered = ResultCollector()
        self._written = 0

    def handle(self, event: Event) -> None:
        """Write the ladder of a scenario that is finished."""
        result = self._gathered.handle(event)
        if result is not None:
            self._finish(result)

    def close(self) -> None:
        """Write those of the scenarios that were cut off."""
        for result in self._gathered.unfinished():
            self._finish(result)

    def _finish(self, result: ScenarioResult) -> None:
        self._written += 1
        text = draw_as(self._form, build_ladder(result.in_steps()), self._width)
        if self._folder is None:
            output = open_output("-")
            output.write(f"{_comment(self._form, result.started.name)}\n{text}\n")
        else:
            name = re.sub(r"\W+", "-", result.started.name).strip("-")[:60].lower()
            output = open_output(
                str(self._folder / f"{self._written:03}-{name}.{_ENDINGS[self._form]}")
            )
            output.write(text)
        output.close()


def _comment(form: LadderForm, name: str) -> str:
    line = " ".join(name.split())
    return f"%% {line}" if form is LadderForm.MERMAID else line


def draw_as(form: LadderForm, ladder: Ladder, width: int) -> str:
    """Return the ladder in this form; `width` bounds the columns of text."""
    match form:
        case LadderForm.TEXT:
            return to_text(ladder, width=width)
        case LadderForm.MERMAID:
            return to_mermaid(ladder)
        case LadderForm.SVG:
            return to_svg(ladder)
        case _:
            assert_never(form)
