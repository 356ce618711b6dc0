"""The scenario files below a path: read, checked as one types, saved, and seen to change."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.errors import InvalidFiles, UsageError
from scenario_runner.execution.file_watch import FileWatch, users_of
from scenario_runner.loading.documents import LoadedFile, LoadOptions, load, load_text
from scenario_runner.loading.files import SUFFIXES, find_files, read_text, run_root
from scenario_runner.loading.nodes import Unreadable
from scenario_runner.loading.scenarios import Rows
from scenario_runner.loading.suite import Suite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scenario_runner.errors import Problem
    from scenario_runner.language.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it was read: its name, its text, and the bytes that it is on the disk."""

    file: str
    text: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Saved:
    """A file was written."""

    document: Document


@dataclass(frozen=True, slots=True)
class Conflict:
    """A file was not written, since another program has changed it; `theirs` is what it is now."""

    theirs: Document


@dataclass(slots=True)
class Workspace:
    """The files that a page may read and write: those below `path`, or `path` alone if it is one.

    Raises UsageError for a path that does not exist.
    """

    path: str
    loaded: dict[str, LoadedFile] = field(default_factory=dict)
    _watch: FileWatch = field(init=False)

    def __post_init__(self) -> None:
        """Read all files."""
        files = find_files([self.path])
        self._watch = FileWatch([self.path])
        self._load(files)

    @property
    def root(self) -> Path:
        """The folder that new files go to."""
        path = Path(self.path)
        return path if path.is_dir() else path.parent

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files, sorted."""
        return tuple(sorted(self.loaded))

    @property
    def scenarios(self) -> Suite:
        """The scenarios of all files that are valid."""
        return self.of(self.files)

    def of(self, files: Iterable[str]) -> Suite:
        """Return the scenarios of some files."""
        loaded = (self.loaded[file] for file in files if file in self.loaded)
        return Suite(tuple(part for one in loaded for part in one.scenarios.parts))

    def scenario(self, scenario_id: str) -> Scenario | None:
        """Return the scenario with this id, if its file is valid and has it; of a matrix any."""
        file = scenario_id.partition("::")[0]
        for part in self.of([file]).parts:
            if isinstance(part, Rows) and scenario_id == part.template.id:
                return part.template
            if isinstance(part, Rows) and not scenario_id.startswith(f"{part.template.id} ["):
                continue
            for one in part:
                if one.id == scenario_id:
                    return one
        return None

    def refresh(self) -> tuple[str, ...]:
        """Read again what has changed on the disk; return the scenario files that it touches."""
        changed = self._watch.changed()
        if not changed:
            return ()
        made_of = {
            name: frozenset(source.file for source in one.sources) | {name}
            for name, one in self.loaded.items()
        }
        touched = users_of(changed, made_of)
        for file in touched:
            self.loaded.pop(file, None)
        self._load(file for file in touched if Path(file).is_file())
        return touched

    def read(self, file: str) -> Document:
        """Read a file; raises UsageError for one outside of the path, InvalidFiles for no text."""
        path = self._allowed(file)
        try:
            return Document(file, read_text(path, file), path.read_bytes())
        except Unreadable as error:
            raise InvalidFiles((error.problem,)) from None

    def check(self, file: str, text: str) -> LoadedFile:
        """Check a text as if it stood in the file."""
        return load_text(text, file, self._options())

    def save(self, document: Document, text: str) -> Saved | Conflict:
        """Write a file whose text was read as `document`, unless it is another one by now."""
        path = self._allowed(document.file)
        data = _encoded(text, document.data)
        with suppress(OSError):
            now = path.read_bytes()
            if now not in (document.data, data):
                return Conflict(self._theirs(document.file, now))
        _write(path, data)
        self.refresh()
        return Saved(Document(document.file, text, data))

    def _theirs(self, file: str, now: bytes) -> Document:
        """Return what another program has written, without its text where it is none."""
        try:
            return self.read(file)
        except InvalidFiles:
            return Document(file, "", now)

    def create(self, name: str, text: str) -> Document:
        """Write a new file below the path; raises UsageError for a name that is taken or wrong."""
        if not name.endswith(SUFFIXES):
            name = f"{name.removesuffix('.yaml').removesuffix('.yml')}.scenario.yaml"
        file = str(self.root / name)
        path = self._allowed(file)
        if path.exists():
            raise UsageError(f"there is a file {file} already", hint="choose another name")
        if not Path(self.path).is_dir():
            hint = "open the folder to have several files: scenario-runner ui FOLDER"
            raise UsageError(f"the page was opened for {self.path} alone", hint=hint)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, text.encode())
        self.refresh()
        return Document(file, text, text.encode())

    def _allowed(self, file: str) -> Path:
        """Return the path of a file; raise UsageError for one that is not below the page's path."""
        here = Path(self.path).resolve()
        path = Path(file)
        resolved = path.resolve()
        if resolved != here and not (here.is_dir() and resolved.is_relative_to(here)):
            raise UsageError(f"{file} is not below {self.path}, which the page was opened for")
        return path

    def _options(self) -> LoadOptions:
        return LoadOptions(root=run_root([self.path]))

    def _load(self, files: Iterable[str]) -> None:
        for one in load(files, self._options()):
            self.loaded[one.file] = one
            self._watch.use(source.file for source in one.sources)


def problems_of(files: Iterable[LoadedFile]) -> tuple[Problem, ...]:
    """Return the problems of all files that are no warnings."""
    return tuple(one for file in files for one in file.problems if not one.warning)


def _encoded(text: str, before: bytes) -> bytes:
    """Return the text as bytes, with the line ends that the file had."""
    if b"\r\n" in before:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    return text.encode()


def _write(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever reads half of it; raises UsageError where that fails."""
    half = path.with_name(f".{path.name}.half")
    try:
        half.write_bytes(data)
        if path.exists():
            half.chmod(path.stat().st_mode & 0o777)
        os.replace(half, path)  # noqa: PTH105 -- Path.replace returns another path for no use
    except OSError as error:
        with suppress(OSError):
            half.unlink()
        raise UsageError(f"can't write {path}: {(error.strerror or str(error)).lower()}") from error
