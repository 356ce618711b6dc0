"""The JSON report: one document of the run, its scenarios, their steps and exchanges.

Its parts are the events themselves, so `events.schema.json` describes it too (`$defs/report`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.events import to_line
from scenario_runner.reporters.file_reporter import Filed, open_output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.events import Warned
    from scenario_runner.reporters.results import ResultCollector, ScenarioResult, StepResult


class Document:
    """Writes the document piece by piece; nothing is kept but the warnings."""

    def __init__(self) -> None:
        self._warnings: list[str] = []
        self._comma = ""

    def begin(self, gathered: ResultCollector) -> str:
        """Open the document."""
        return f'{{"run":{to_line(gathered.run)},\n"scenarios":['

    def warning(self, warned: Warned) -> str:
        """Keep the warning until the scenarios are written."""
        self._warnings.append(to_line(warned))
        return ""

    def scenario(self, story: ScenarioResult, gathered: ResultCollector) -> str:
        """Write a scenario with its steps."""
        del gathered
        comma, self._comma = self._comma, ","
        return f"{comma}\n{_scenario(story)}"

    def end(self, gathered: ResultCollector) -> str:
        """Close the document; without a `finished` the run was interrupted."""
        finished = to_line(gathered.end) if gathered.end is not None else "null"
        return (
            f'\n],\n"warnings":{_list(self._warnings)},\n'
            f'"interrupted":{"true" if gathered.interrupted else "false"},\n'
            f'"not_run":{gathered.missing},\n"finished":{finished}}}\n'
        )


def _scenario(story: ScenarioResult) -> str:
    steps = _list(_step(step) for step in story.steps())
    earlier = _list(_scenario(before) for before in story.earlier)
    return (
        f'{{"verdict":"{story.verdict}","started":{to_line(story.started)},'
        f'"finished":{to_line(story.finished)},"steps":{steps},"earlier":{earlier}}}'
    )


def _step(step: StepResult) -> str:
    exchanges = _list(to_line(exchange) for exchange in step.exchanges)
    return (
        f'{{"started":{to_line(step.started)},"finished":{to_line(step.finished)},'
        f'"exchanges":{exchanges}}}'
    )


def _list(items: Iterable[str]) -> str:
    return f"[{','.join(items)}]"


def to_file(path: str) -> Filed:
    """Return the reporter that writes the JSON document to `path`."""
    return Filed(Document(), open_output(path))
