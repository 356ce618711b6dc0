"""Remembers which scenarios failed, in a small file, so that they alone can be run again."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.errors import NothingSelected
from scenario_runner.events import ScenarioFinished
from scenario_runner.execution.interleavings import without_turn

if TYPE_CHECKING:
    from scenario_runner.events import Event


MEMORY = Path(".scenario-runner")
_FILE = "last-failed.json"
_FAILED = frozenset({"failed", "errored", "xpassed", "flaky"})


class Remembering:
    """Listens to a run; what it did not run stays remembered as it was."""

    def __init__(self, folder: Path = MEMORY) -> None:
        self._folder = folder
        self._before = remembered(folder)
        self._failed: set[str] = set()
        self._seen: set[str] = set()

    def handle(self, event: Event) -> None:
        """Take in a verdict."""
        if isinstance(event, ScenarioFinished):
            name = identity(event.scenario)
            if name in self._before:
                self._seen.add(name)
            if event.verdict in _FAILED:
                self._failed.add(name)

    def close(self) -> None:
        """Write the file where it would change; that it can't be written harms nobody."""
        before = remembered(self._folder)  # others may have written meanwhile
        now = (before - self._seen) | self._failed
        if now == before:
            return
        with suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            (self._folder / ".gitignore").write_text("*\n", encoding="utf-8")
            text = json.dumps({"failed": sorted(now)}, ensure_ascii=False, indent=1)
            (self._folder / _FILE).write_text(text + "\n", encoding="utf-8")


def identity(scenario: str) -> str:
    """Return an id that is the same whatever way the file was named, and however often it runs."""
    file, divider, name = scenario.partition("::")
    return f"{os.path.relpath(file)}{divider}{without_turn(name)}"


def remembered(folder: Path = MEMORY) -> frozenset[str]:
    """Return the ids of the scenarios that failed when they last ran; none where it is unknown."""
    try:
        read = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return frozenset(str(name) for name in read["failed"])
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def last_failed(folder: Path = MEMORY) -> frozenset[str]:
    """Return the ids of the scenarios that failed; raise NothingSelected where none did."""
    found = remembered(folder)
    if not found:
        raise NothingSelected(
            "no scenario failed when it last ran here",
            hint=f"failures are remembered in {folder}, unless --no-cache is given",
        )
    return found
