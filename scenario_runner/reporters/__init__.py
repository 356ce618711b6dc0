"""Reporters turn the events of a run into output; here they are found by name.

    events ──▶ Reporter.handle ──▶ story (what became of a scenario) ──▶ a format's pure functions

Others add reporters by the entry points group `scenario_runner.reporters`; see `reporter_names`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TypeAlias

from scenario_runner.errors import UsageError, suggestion

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
    "html": "scenario_runner.reporters.html:to_file",
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


class Reporters:
    """Several reporters as one; each is closed, also where another one fails to."""

    def __init__(self, reporters: Iterable[Reporter]) -> None:
        self._reporters = tuple(reporters)

    def handle(self, event: Event) -> None:
        """Pass the event on to each."""
        for reporter in self._reporters:
            reporter.handle(event)

    def close(self) -> None:
        """Close each; the first error is raised after all had their turn."""
        failed: Exception | None = None
        for reporter in self._reporters:
            try:
                reporter.close()
            except Exception as error:  # noqa: BLE001 -- raised again once the others are closed
                failed = failed or error
        if failed is not None:
            raise failed
