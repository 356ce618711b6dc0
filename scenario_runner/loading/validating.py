"""Checks a file of whichever kind it is: scenarios, a fragment, or a targets file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.errors import InvalidFiles
from scenario_runner.loading.documents import load_source
from scenario_runner.loading.files import SUFFIXES, read_text
from scenario_runner.loading.fragments import Shelf
from scenario_runner.loading.nodes import Unreadable
from scenario_runner.loading.targets import read_targets
from scenario_runner.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scenario_runner.errors import Problem
    from scenario_runner.loading.documents import LoadOptions
    from scenario_runner.loading.targets import Drivers


class FileKind(Enum):
    """What a file holds, by the first key that says so."""

    SCENARIOS = "scenario"
    FRAGMENT = "fragment"
    TARGETS = "targets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What was found in a file: its kind, how many scenarios it has, and its problems."""

    kind: FileKind
    scenarios: int = 0
    problems: tuple[Problem, ...] = ()


_FIRST_KEY = re.compile(r"^[{ ]*['\"]?(scenario|fragment|targets)['\"]? *:", re.MULTILINE)


def kind_of_text(text: str) -> FileKind | None:
    """Return what a text is, also where it is not YAML at all; None where nothing tells."""
    found = _FIRST_KEY.search(text)
    return None if found is None else FileKind(found[1])


def validate_files(
    files: Iterable[str], options: LoadOptions, drivers: Drivers, *, others: bool = True
) -> Iterator[Validated]:
    """Check one file after the other; a problem of a fragment is yielded once.

    A file of no kind that is known is taken for scenarios, or passed over without `others`.
    """
    shelf = Shelf(Path(options.root), options.strict)
    seen: set[tuple[object, ...]] = set()
    for file in files:
        try:
            source = Source(file, read_text(Path(file), file))
        except Unreadable as error:
            yield Validated(kind=FileKind.SCENARIOS, problems=(error.problem,))
            continue
        kind = kind_of_text(source.text)
        if kind is None and not others and not file.endswith(SUFFIXES):
            continue
        made = _validated(kind or FileKind.SCENARIOS, source, shelf, options, drivers)
        new = tuple(one for one in made.problems if (one.code, one.message, one.span) not in seen)
        seen.update((one.code, one.message, one.span) for one in new)
        yield Validated(kind=made.kind, scenarios=made.scenarios, problems=new)


def _validated(
    kind: FileKind, source: Source, shelf: Shelf, options: LoadOptions, drivers: Drivers
) -> Validated:
    match kind:
        case FileKind.FRAGMENT:
            return Validated(kind=kind, problems=shelf.check(source))
        case FileKind.TARGETS:
            return Validated(kind=kind, problems=_targets_problems(source.file, drivers))
        case FileKind.SCENARIOS:
            loaded = load_source(source, options, shelf)
            return Validated(kind=kind, scenarios=len(loaded.scenarios), problems=loaded.problems)


def _targets_problems(file: str, drivers: Drivers) -> tuple[Problem, ...]:
    try:
        return read_targets(file, drivers).problems()
    except InvalidFiles as error:
        return error.problems
