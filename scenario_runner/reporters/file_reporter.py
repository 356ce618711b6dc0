"""Listens for all formats that are written to a file: gathers results, and writes their text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.events import Event, InvalidFile, RunStarted, Warned
from scenario_runner.reporters.results import ResultCollector, ScenarioResult

if TYPE_CHECKING:
    from scenario_runner.reporters.output import Output


class Format:
    """How a kind of file is written; each method returns the next piece of its text."""

    def begin(self, gathered: ResultCollector) -> str:
        """Return the head of the file; of the run only the beginning is known."""
        del gathered
        return ""

    def warning(self, warned: Warned) -> str:
        """Return what a warning adds; nothing where the format has no place for it."""
        del warned
        return ""

    def invalid(self, invalid: InvalidFile, gathered: ResultCollector) -> str:
        """Return what an invalid file adds, which is an error of the run in every format."""
        raise NotImplementedError

    def scenario(self, result: ScenarioResult, gathered: ResultCollector) -> str:
        """Return what a scenario adds, after its last attempt."""
        raise NotImplementedError

    def end(self, gathered: ResultCollector) -> str:
        """Return the rest of the file; what was not run has to be seen there."""
        raise NotImplementedError


class FileReporter:
    """Listens to a run and writes a file in some format.

    A scenario is written when its last attempt is over, and then forgotten. After an error of its
    own it leaves no half of a file behind, where that is possible.
    """

    def __init__(self, form: Format, output: Output) -> None:
        self._form = form
        self._output = output
        self._gathered = ResultCollector()
        self._earlier: dict[str, tuple[ScenarioResult, ...]] = {}
        self._begun = False

    def handle(self, event: Event) -> None:
        """Write what the event adds."""
        try:
            self._handle(event)
        except Exception:
            self._output.discard()
            raise

    def close(self) -> None:
        """Write the rest, and put the file in its place."""
        try:
            self._finish()
        except Exception:
            self._output.discard()
            raise
        self._output.close()

    def _handle(self, event: Event) -> None:
        result = self._gathered.handle(event)
        if result is not None:
            self._scenario(result)
        elif isinstance(event, RunStarted):
            self._begin()
        elif isinstance(event, Warned):
            self._begin()
            self._output.write(self._form.warning(event))
        elif isinstance(event, InvalidFile):
            self._begin()
            self._output.write(self._form.invalid(event, self._gathered))

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._output.write(self._form.begin(self._gathered))

    def _scenario(self, result: ScenarioResult) -> None:
        self._begin()
        earlier = self._earlier.pop(result.finished.scenario, ())
        if result.finished.final:
            self._write(result, earlier)
        else:
            self._earlier[result.finished.scenario] = (*earlier, result)

    def _write(self, result: ScenarioResult, earlier: tuple[ScenarioResult, ...]) -> None:
        whole = replace(result, earlier=earlier)
        self._output.write(self._form.scenario(whole, self._gathered))

    def _finish(self) -> None:
        for result in self._gathered.unfinished():
            self._scenario(result)
        self._begin()
        for *earlier, last in self._earlier.values():
            self._write(last, tuple(earlier))
        self._output.write(self._form.end(self._gathered))
