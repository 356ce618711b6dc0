"""Listens for all formats that are written to a file: it tells them stories, and files the text."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from scenario_runner.errors import UsageError
from scenario_runner.events import Event, RunStarted, Warned
from scenario_runner.reporters.results import ResultCollector, ScenarioResult

if TYPE_CHECKING:
    from collections.abc import Iterator


class Format(Protocol):
    """How a kind of file is written; each method returns the next piece of its text."""

    def begin(self, gathered: ResultCollector) -> str:
        """Return the head of the file; of the run only the beginning is known."""
        ...

    def warning(self, warned: Warned) -> str:
        """Return what a warning adds."""
        ...

    def scenario(self, story: ScenarioResult, gathered: ResultCollector) -> str:
        """Return what a scenario adds, after its last attempt."""
        ...

    def end(self, gathered: ResultCollector) -> str:
        """Return the rest of the file; what was not run has to be seen there."""
        ...


class Filed:
    """Listens to a run and writes a file in some format.

    What passes is written at once and forgotten. Other scenarios are kept until the end, since a
    later attempt may follow, which then knows its earlier ones.
    """

    def __init__(self, form: Format, output: Output) -> None:
        self._form = form
        self._output = output
        self._gathered = ResultCollector()
        self._kept: dict[str, ScenarioResult] = {}
        self._begun = False

    def handle(self, event: Event) -> None:
        """Write what the event adds."""
        story = self._gathered.handle(event)
        if story is not None:
            self._scenario(story)
        elif isinstance(event, RunStarted):
            self._begin()
        elif isinstance(event, Warned):
            self._begin()
            self._output.write(self._form.warning(event))

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._output.write(self._form.begin(self._gathered))

    def _scenario(self, story: ScenarioResult) -> None:
        self._begin()
        before = self._kept.pop(story.finished.scenario, None)
        if before is not None:
            story = replace(story, earlier=(*before.earlier, replace(before, earlier=())))
        if story.verdict == "passed":
            self._output.write(self._form.scenario(story, self._gathered))
        else:
            self._kept[story.finished.scenario] = story

    def close(self) -> None:
        """Write the rest, and put the file in its place."""
        for story in self._gathered.unfinished():
            self._scenario(story)
        self._begin()
        for story in self._kept.values():
            self._output.write(self._form.scenario(story, self._gathered))
        self._output.write(self._form.end(self._gathered))
        self._output.close()


STDOUT = "-"


class Output(Protocol):
    """Takes text piece by piece."""

    def write(self, text: str) -> None:
        """Take the next piece of text."""
        ...

    def close(self) -> None:
        """Put everything where it belongs."""
        ...


def open_output(path: str) -> Output:
    """Return an output that appears at `path` all at once when closed; `-` is standard output.

    Raises UsageError where the file can't be written.
    """
    return Printed() if path == STDOUT else Replaced(Path(path))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        hint = "name a file in a folder that is there and may be written"
        raise UsageError(f"the report can't be written to {path}: {why}", hint=hint) from error


class Replaced:
    """A file that is written beside its place and moved there when it is complete.

    Whoever reads the place sees the old file or the new one, never half of one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _told(path):
            if path.is_dir():
                raise IsADirectoryError(None, "it is a folder")
            handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", dir=path.parent)
            self._aside = Path(name)
            self._file: TextIO = os.fdopen(handle, "w", encoding="utf-8", errors="replace")

    def write(self, text: str) -> None:
        """Write beside the place."""
        with _told(self._path):
            self._file.write(text)

    def close(self) -> None:
        """Move the file to its place, with the rights that a new file has."""
        try:
            with _told(self._path):
                self._file.close()
                self._aside.chmod(0o666 & ~_umask())
                self._aside.replace(self._path)
        except UsageError:
            with suppress(OSError):
                self._aside.unlink()
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Running:
    """A file that is written as things happen, so that it can be followed and outlives a crash."""

    def __init__(self, path: Path, mode: str = "w") -> None:
        self._path = path
        with _told(path):
            self._file = path.open(mode, encoding="utf-8", errors="replace")

    def write(self, text: str) -> None:
        """Write; it may stay in memory until `flush`."""
        with _told(self._path):
            self._file.write(text)

    def flush(self) -> None:
        """Let others see what is written so far."""
        with _told(self._path):
            self._file.flush()

    def close(self) -> None:
        """Write the rest."""
        with _told(self._path):
            self._file.close()


class Printed:
    """Standard output; letters that it can't show are written as escapes."""

    def write(self, text: str) -> None:
        """Print the text as it is."""
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def flush(self) -> None:
        """Let others see what is written so far."""
        sys.stdout.flush()

    def close(self) -> None:
        """Leave standard output open: it belongs to the process."""
        sys.stdout.flush()
