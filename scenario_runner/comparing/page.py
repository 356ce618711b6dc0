"""Writes a comparison into an HTML report: what differs, and both sides' scenarios to look into."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from scenario_runner.comparing.document import document
from scenario_runner.events import (
    Event,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    SourceRead,
    Warned,
)
from scenario_runner.reporters.html import to_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scenario_runner.comparing.difference import Comparison


class Heard:
    """Keeps the events of both sides ("A", "B") until their comparison can be written."""

    def __init__(self) -> None:
        self._events: list[tuple[str, Event]] = []

    def hear(self, side: str, event: Event) -> None:
        """Take in one event of a side."""
        self._events.append((side, event))

    def write(self, path: str, comparison: Comparison) -> None:
        """Write the report all at once; raises UsageError where the file can't be written."""
        report = to_file(path)
        for event in _one_run(self._events, comparison):
            report.handle(event)
        report.tell_comparison(document(comparison))
        report.close()


def _one_run(heard: Iterable[tuple[str, Event]], comparison: Comparison) -> Iterator[Event]:
    """Give the events of both runs as those of one, the scenarios told apart by their sides."""
    counts: Counter[str] = Counter()
    took = 0
    for side, event in heard:
        match event:
            case RunStarted():
                yield _begun(event, comparison)
            case RunFinished():
                counts.update(dict(event.counts))
                took += event.took
            case SourceRead() | Warned():
                yield event
            case ScenarioStarted():
                tags = (f"side {side}", *event.tags)
                yield replace(event, scenario=f"{side}: {event.scenario}", tags=tags)
            case ScenarioFinished():
                # The order of what happens at one moment can't be asked for of a comparison.
                yield replace(event, scenario=f"{side}: {event.scenario}", order=())
            case _:
                yield replace(event, scenario=f"{side}: {event.scenario}")
    yield RunFinished(counts=tuple(counts.items()), exit_code=comparison.exit_code, took=took)


def _begun(event: RunStarted, comparison: Comparison) -> RunStarted:
    """Return the beginning of either run as that of both; their requests go to no single host."""
    target = f"{comparison.a}, {comparison.b}"
    return replace(event, target=target, host="", driver="", base_url="", total=2 * event.total)
