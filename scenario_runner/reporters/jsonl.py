"""Writes every event as a line of JSON as it comes: what `report` reads, and other machines send.

The file is written as the run goes on, so that it can be followed, and read after a crash: a
stream without its RunFinished says itself that the run was interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.events import ScenarioFinished, encode
from scenario_runner.reporters.output import STDOUT, Printed, Running

if TYPE_CHECKING:
    from scenario_runner.events import Event


class JsonLines:
    """Writes events as JSON lines; others see each scenario as soon as it is finished."""

    def __init__(self, output: Running | Printed) -> None:
        self._output = output

    def handle(self, event: Event) -> None:
        """Write the event."""
        self._output.write_bytes(encode(event) + b"\n")
        if event.__class__ is ScenarioFinished:
            self._output.flush()

    def close(self) -> None:
        """Write the rest."""
        self._output.close()


def to_file(path: str) -> JsonLines:
    """Return the reporter that writes to `path`."""
    return JsonLines(Printed() if path == STDOUT else Running(Path(path)))
