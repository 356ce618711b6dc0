"""Finds scenario files and reads them, within bounds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.errors import InvalidFiles, UsageError, did_you_mean
from scenario_runner.loading.messages import say
from scenario_runner.loading.nodes import Mapping, Problems, Unreadable, plain_value
from scenario_runner.loading.yaml import parse
from scenario_runner.printable import encodable, printable
from scenario_runner.references import NAME
from scenario_runner.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scenario_runner.references import Json


SUFFIXES = (".scenario.yaml", ".scenario.yml")
LARGEST = 1_048_576


def find_files(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the files named and those found below the directories named, each once.

    A directory is searched for `*.scenario.yaml` and `*.scenario.yml`, in the order of their
    names and without hidden directories. Raises UsageError for a path that does not exist, and for
    a name that is not UTF-8.
    """
    found: dict[str, None] = {}
    for name in paths:
        path = Path(name)
        if path.is_dir():
            found.update(dict.fromkeys(_below(path)))
        elif path.exists():
            found[name] = None
        else:
            raise UsageError(f"there is no file or directory '{name}'", hint=_near(path))
    for name in found:
        if name != encodable(name):
            raise UsageError(f"the name of {printable(name)} is not UTF-8", hint="rename the file")
    return tuple(found)


def run_root(paths: Sequence[str]) -> str:
    """Return the folder of a run, below which fragments stay.

    It is the current folder, or the one that holds all that was named where that lies elsewhere.
    """
    folders = [path if path.is_dir() else path.parent for path in map(Path, paths)]
    outside = [folder for folder in folders if not folder.resolve().is_relative_to(Path.cwd())]
    return os.path.commonpath([folder.resolve() for folder in folders]) if outside else "."


def _below(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.scenario.y*ml")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.name.endswith(SUFFIXES) and not hidden and path.is_file():
            yield str(path)


def _near(path: Path) -> str | None:
    """A name beside the missing one that looks like it."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"there is no directory '{path.parent}' either"
    return did_you_mean(path.name, names)


def read_text(path: Path, shown: str) -> str:
    """Return the text of a file; raise Unreadable, which names it `shown`."""
    start = Span(shown, 1, 1, 1, 1)
    try:
        if path.is_dir():
            raise Unreadable(say("unreadable.directory"), start)
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise Unreadable(say("unreadable.reason", reason=reason), start) from None
    except ValueError:
        raise Unreadable(say("unreadable.name"), start) from None
    if len(data) > LARGEST:
        raise Unreadable(say("too-large"), start)
    return _decoded(data, shown)


def _decoded(data: bytes, shown: str) -> str:
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        said = say("not-utf8", byte=f"0x{data[error.start]:02X}")
        raise Unreadable(said, Span(shown, line, column, line, column + 1)) from None


def parse_var(text: str) -> tuple[str, Json]:
    """Read `NAME=VALUE`; the value is read as it would be in a file, so that 0701 stays text."""
    name, equals, value = text.partition("=")
    if not equals or not NAME.fullmatch(name):
        raise UsageError(f"'{text}' is not NAME=VALUE", hint="write --var slot=6")
    if value != encodable(value):
        raise UsageError(f"the value of '{name}' is not UTF-8 text")
    return name, plain_value(value)


def read_var_file(path: str) -> tuple[tuple[str, Json], ...]:
    """Read a map of names to values; raise UsageError where it is none, InvalidFiles for YAML."""
    if not Path(path).is_file():
        raise UsageError(f"there is no file '{path}'", hint="--var-file wants a YAML file")
    problems = Problems()
    try:
        documents = parse(read_text(Path(path), path), path, problems)
    except Unreadable as error:
        raise InvalidFiles((error.problem,)) from None
    if problems.errors:
        raise InvalidFiles(problems.in_order())
    root = documents[0].root if len(documents) == 1 else None
    if not isinstance(root, Mapping) or not all(NAME.fullmatch(name) for name in root.keys):
        raise UsageError(f"'{path}' is not a map of names to values", hint="write lines: slot: 6")
    return tuple(root.data.items())
