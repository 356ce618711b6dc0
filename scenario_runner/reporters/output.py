"""Where a report goes: a file that appears when it is whole, one to follow, a device, or stdout."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from scenario_runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STDOUT = "-"
_SYSTEM = ("/dev/", "/proc/")


class Output(Protocol):
    """Takes text piece by piece."""

    def write(self, text: str) -> None:
        """Take the next piece of text."""
        ...

    def close(self) -> None:
        """Put everything where it belongs."""
        ...

    def discard(self) -> None:
        """Leave no half of a file behind, where that is possible."""
        ...


def open_output(path: str, what: str = "the report") -> Output:
    """Return an output that appears at `path` all at once when closed; `-` is standard output.

    A link is followed; into a device or a FIFO it is written as it comes. Raises UsageError where
    the file can't be written; `what` is how the message calls it.
    """
    if path == STDOUT:
        return Printed()
    if _is_stream(path):
        return Running(Path(path), "ab", what)
    return Replaced(path, what)


def write_whole(path: str, text: str, what: str) -> None:
    """Write a small file all at once; see `open_output`."""
    output = open_output(path, what)
    output.write(text)
    output.close()


def _is_stream(path: str) -> bool:
    """Tell whether `path` is something that must not be replaced by a file."""
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return False
    inside_system = os.path.abspath(path).startswith(_SYSTEM)  # noqa: PTH100 -- links stay as named
    return inside_system or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def refuse_overwriting(outputs: Iterable[str], inputs: Iterable[str]) -> None:
    """Raise UsageError for an output that is also read, or that is named twice."""
    read = {file_identity(path) for path in inputs}
    named: set[object] = set()
    for path in outputs:
        if path != STDOUT and _is_device(path):
            continue
        identity = file_identity(path)
        if identity in read:
            raise UsageError(
                f"{path} is read, and can't be written at the same time",
                hint="name another file for the report",
            )
        if identity in named:
            raise UsageError(
                f"{path} is named for two reports", hint="name a file of its own for each"
            )
        named.add(identity)


def file_identity(path: str) -> object:
    """Return what is the same for all names of a file: links, hard links, detours."""
    if path == STDOUT:
        return path
    with suppress(OSError):
        found = Path(path).stat()
        return found.st_dev, found.st_ino
    return os.path.realpath(path)


def _is_device(path: str) -> bool:
    with suppress(OSError):
        return stat.S_ISCHR(Path(path).stat().st_mode)
    return False


@contextmanager
def _named(what: str) -> Iterator[None]:
    """Say of which report an error is."""
    try:
        yield
    except OSError as error:
        raise _unwritable(what, error) from error


def _unwritable(what: str, error: OSError) -> UsageError:
    why = error.strerror or str(error)
    hint = "name a file in a folder that is there and may be written"
    return UsageError(f"{what}: {why}", hint=hint)


class Replaced:
    """A file that is written beside its place and moved there when it is complete.

    Whoever reads the place sees the old file or the new one, never half of one.
    """

    def __init__(self, path: str, what: str = "the report") -> None:
        self._path = place = Path(os.path.realpath(path))
        self._what = f"{what} can't be written to {path}"
        with _named(self._what):
            if place.is_dir():
                raise IsADirectoryError(None, "it is a folder")
            handle, name = tempfile.mkstemp(prefix=f".{place.name[:80]}.", dir=place.parent)
            self._aside = Path(name)
            self._file = os.fdopen(handle, "w", encoding="utf-8", errors="replace")

    def write(self, text: str) -> None:
        """Write beside the place."""
        with _named(self._what):
            self._file.write(text)

    def close(self) -> None:
        """Move the file to its place, with the rights that a new file has."""
        try:
            with _named(self._what):
                self._file.close()
                self._aside.chmod(0o666 & ~_umask())
                self._aside.replace(self._path)
        except UsageError:
            self.discard()
            raise

    def discard(self) -> None:
        """Leave the place as it was."""
        with suppress(OSError):
            self._aside.unlink()
        with suppress(OSError):
            self._file.close()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Running:
    """A file that is written as things happen, so that it can be followed and outlives a crash."""

    def __init__(self, path: Path, mode: str = "wb", what: str = "the report") -> None:
        self._what = f"{what} can't be written to {path}"
        with _named(self._what):
            self._file = path.open(mode)

    def write(self, text: str) -> None:
        """Write; it may stay in memory until `flush`."""
        self.write_bytes(text.encode("utf-8", "replace"))

    def write_bytes(self, data: bytes) -> None:
        """Write text that is encoded already."""
        try:  # no `with`: this is what a run spends its time on that writes lines of JSON
            self._file.write(data)
        except OSError as error:
            raise _unwritable(self._what, error) from error

    def flush(self) -> None:
        """Let others see what is written so far."""
        with _named(self._what):
            self._file.flush()

    def close(self) -> None:
        """Write the rest."""
        with _named(self._what):
            self._file.close()

    def discard(self) -> None:
        """Close the file; what is written can't be taken back."""
        with suppress(OSError):
            self._file.close()


class Printed:
    """Standard output; letters that it can't show are written as escapes.

    Where its reader has gone, or where it is closed, the rest is dropped: that is the reader's
    own business, and no fault of the run.
    """

    def write(self, text: str) -> None:
        """Print the text as it is."""
        if sys.stdout is None:
            return
        encoding = sys.stdout.encoding or "utf-8"
        with _printing():
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def write_bytes(self, data: bytes) -> None:
        """Print text that is encoded already."""
        self.write(data.decode("utf-8", "replace"))

    def flush(self) -> None:
        """Let others see what is written so far."""
        if sys.stdout is not None:
            with _printing():
                sys.stdout.flush()

    def close(self) -> None:
        """Leave standard output open: it belongs to the process."""
        self.flush()

    def discard(self) -> None:
        """Do nothing: what is printed can't be taken back."""


@contextmanager
def _printing() -> Iterator[None]:
    """After an error let the rest vanish, also what Python writes when the process ends."""
    try:
        yield
    except OSError as error:
        with suppress(OSError):  # in a test standard output may be no file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise
