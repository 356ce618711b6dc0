"""Where reports are written: whole or not at all, line by line, at a file's end, or to stdout."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from scenario_runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
from contextlib import contextmanager, suppress

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
