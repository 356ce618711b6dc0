"""Reporters turn the events of a run into output; here they are found by name.

    events ──▶ Reporter.handle ──▶ result (what became of a scenario) ──▶ a format's pure functions

Others add reporters by the entry points group `scenario_runner.reporters`; see `reporter_names`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from scenario_runner.errors import ScenarioRunnerError, UsageError, suggestion
from scenario_runner.exit_code import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from importlib.metadata import EntryPoints

    from scenario_runner.events import Event

GROUP = "scenario_runner.reporters"


class Reporter(Protocol):
    """Something that listens to a run. `close` is called once, also when the run breaks off."""

    def handle(self, event: Event) -> None:
        """Take in one event."""
        ...

    def close(self) -> None:
        """Write what is still to be written; without a RunFinished the run was interrupted."""
        ...


Factory: TypeAlias = "Callable[[str], Reporter]"

_OWN = {
    "console": "scenario_runner.reporters.console:to_file",
    "ctrf": "scenario_runner.reporters.ctrf:to_file",
    "events": "scenario_runner.reporters.jsonl:to_file",
    "github": "scenario_runner.reporters.github:to_file",
    "gitlab": "scenario_runner.reporters.gitlab:to_file",
    "html": "scenario_runner.reporters.html.report:to_file",
    "json": "scenario_runner.reporters.json:to_file",
    "junit": "scenario_runner.reporters.junit:to_file",
    "markdown": "scenario_runner.reporters.markdown:to_file",
    "summary": "scenario_runner.reporters.markdown:to_end_of_file",
    "tap": "scenario_runner.reporters.tap:to_file",
}


def reporter_names() -> tuple[str, ...]:
    """The names of all reporters: our own and those that installed packages add; sorted."""
    return tuple(sorted({*_OWN, *_added().names}))


def open_reporter(name: str, path: str) -> Reporter:
    """Return a reporter of this name that writes to the file `path`; `-` is standard output.

    Raises UsageError for a name that is none, and where the file can't be written.
    """
    if name in _OWN:
        module, _, attribute = _OWN[name].partition(":")
        factory: Factory = getattr(import_module(module), attribute)
        return factory(path)
    for entry in _added().select(name=name):
        try:
            added: Factory = entry.load()
        except (ImportError, AttributeError) as error:
            raise UsageError(f"the reporter '{name}' can't be loaded: {error}") from error
        return added(path)
    hint = suggestion(name, reporter_names(), "there are")
    raise UsageError(f"there is no reporter '{name}'", hint=hint)


def _added() -> EntryPoints:
    """Return what installed packages add; looked up only when it is asked for, being slow."""
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


class ReporterFailure(NamedTuple):
    """A reporter that raised: its name, and what it raised."""

    name: str
    error: Exception

    @property
    def exit_code(self) -> Exit:
        """USAGE where its file can't be written, else FAULT: a bug of the reporter."""
        told = isinstance(self.error, (ScenarioRunnerError, OSError))
        return Exit.USAGE if told else Exit.FAULT


class Reporters:
    """Several reporters as one, each for itself: what one raises neither the run nor others see.

    A reporter that raised gets no more events and is not closed: half a report would look whole.
    """

    def __init__(self, reporters: Iterable[tuple[str, Reporter]]) -> None:
        self._reporters = tuple(reporters)
        self.failures: list[ReporterFailure] = []

    def handle(self, event: Event) -> None:
        """Pass the event on to each."""
        for name, reporter in self._reporters:
            try:
                reporter.handle(event)
            except Exception as error:  # noqa: BLE001 -- a plug-in may raise anything
                self._leave_out(name, reporter, error)

    def close(self) -> None:
        """Close each."""
        for name, reporter in self._reporters:
            try:
                reporter.close()
            except Exception as error:  # noqa: BLE001 -- a plug-in may raise anything
                self._leave_out(name, reporter, error)

    def _leave_out(self, name: str, reporter: Reporter, error: Exception) -> None:
        self.failures.append(ReporterFailure(name, error))
        self._reporters = tuple(one for one in self._reporters if one[1] is not reporter)
