"""Sees which files have changed since it last looked, by their size and time of change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.errors import UsageError
from scenario_runner.loading.files import find_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scenario_runner.language.scenario import Scenario

Stamp: TypeAlias = "tuple[int, int]"


class FileWatch:
    """Watches scenario files below some paths, and the fragments that they use.

    Nothing is waited for: whoever wants to know asks `changed` now and then. That costs one `stat`
    for each file, and works on every file system and whatever an editor does when it saves.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = tuple(paths)
        self._used: set[str] = set()
        self._seen = self._stamps()

    @property
    def count(self) -> int:
        """How many files are watched."""
        return len(self._seen)

    def use(self, files: Iterable[str]) -> None:
        """Watch these files, too: fragments, which a folder is not searched for."""
        for file in files:
            if file not in self._seen:
                self._used.add(file)
                self._seen[file] = _stamp(file)

    def changed(self) -> frozenset[str]:
        """Return the files that are new, gone, or other than when they were last looked at."""
        now = self._stamps()
        names = self._seen.keys() | now.keys()
        changed = frozenset(name for name in names if self._seen.get(name) != now.get(name))
        self._seen = now
        return changed

    def _stamps(self) -> dict[str, Stamp | None]:
        try:
            found = find_files(self._paths)
        except UsageError:  # a path is gone for the moment; what is below it is, too
            found = ()
        return {name: _stamp(name) for name in (*found, *self._used)}


def _stamp(file: str) -> Stamp | None:
    try:
        told = os.stat(file)  # noqa: PTH116 -- asked for hundreds of files several times a second
    except OSError:
        return None
    return (told.st_mtime_ns, told.st_size)


def users_of(changed: frozenset[str], sources: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Return the scenario files that a change touches.

    `sources` are the files that each of them was made of when it was last read; a file that is not
    among them is taken for a scenario file.
    """
    touched = [file for file, made_of in sources.items() if made_of & changed]
    fragments = {one for made_of in sources.values() for one in made_of}
    fresh = changed - fragments - sources.keys()
    return tuple(dict.fromkeys((*touched, *sorted(fresh))))


def sources_of(scenarios: Iterable[Scenario]) -> dict[str, frozenset[str]]:
    """Return the files that each scenario file is made of: itself and its fragments."""
    found: dict[str, frozenset[str]] = {}
    for scenario in scenarios:
        own = frozenset(source.file for source in scenario.sources)
        found[scenario.file] = found.get(scenario.file, frozenset()) | own
    return found
