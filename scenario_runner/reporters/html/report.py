"""Listens to a run and writes the HTML report; of a finished scenario nothing stays in memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scenario_runner.events import Event, SourceRead, Warned, to_line
from scenario_runner.reporters.accounts import headline, rerun_line
from scenario_runner.reporters.html.blocks import Blocks, Place, json_text
from scenario_runner.reporters.html.page import head, tail
from scenario_runner.reporters.output import open_output
from scenario_runner.reporters.stories import BAD, Gatherer, Story

if TYPE_CHECKING:
    from scenario_runner.reporters.output import Output


class HtmlReport:
    """Writes each scenario to a temporary file when it is finished, and the page when closed."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._gathered = Gatherer()
        self._records = Blocks("records")
        self._rows = Blocks("rows")
        self._files: dict[str, Place] = {}
        self._warnings: list[str] = []
        self._counts: Counter[str] = Counter()
        self._comparison = "null"

    def handle(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, SourceRead):
            if event.file not in self._files:
                self._files[event.file] = self._records.add(json_text(event.text))
        elif isinstance(event, Warned):
            self._warnings.append(to_line(event))
        else:
            story = self._gathered.handle(event)
            if story is not None:
                self._scenario(story)

    def _scenario(self, story: Story) -> None:
        """Write a scenario: its row in the list, and its events for whoever opens it."""
        started, finished = story.started, story.finished
        inside = ",".join([to_line(event) for event in story.inside])
        rerun = json_text(rerun_line(story, self._gathered.run))
        place = self._records.add(f"[{to_line(started)},{to_line(finished)},[{inside}],{rerun}]")
        self._counts[story.verdict] += 1
        row = (
            started.scenario,
            started.name,
            story.verdict,
            finished.took,
            started.tags,
            started.row,
            started.span.file,
            started.span.line,
            headline(story) if story.verdict in BAD else "",
            started.attempt,
            place,
        )
        self._rows.add(json_text(row))

    def tell_comparison(self, comparison: str) -> None:
        """Take in, as JSON, in what two targets differ whose scenarios are "A: ID" and "B: ID"."""
        self._comparison = comparison

    def close(self) -> None:
        """Write the page; scenarios that never came to their end are shown as interrupted."""
        for story in self._gathered.unfinished():
            self._scenario(story)
        self._output.write(head(self._title(), self._summary()))
        facts = Blocks("facts")
        facts.add(self._facts())
        for blocks in (facts, self._rows, self._records):
            blocks.write_to(self._output)
        self._output.write(tail())
        self._output.close()

    def _title(self) -> str:
        target = self._gathered.run.target
        return f"Scenario report: {target}" if target else "Scenario report"

    def _summary(self) -> str:
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self._counts.items())
        return f"Scenarios: {counts or 'none'}"

    def _facts(self) -> str:
        gathered = self._gathered
        end = "null" if gathered.end is None else to_line(gathered.end)
        return (
            f'{{"run":{to_line(gathered.run)},"end":{end},"missing":{gathered.missing},'
            f'"interrupted":{json_text(gathered.interrupted)},'
            f'"warnings":[{",".join(self._warnings)}],"files":{json_text(self._files)},'
            f'"comparison":{self._comparison}}}'
        )


def to_file(path: str) -> HtmlReport:
    """Return the reporter that writes to `path`; `-` is standard output."""
    return HtmlReport(open_output(path))
