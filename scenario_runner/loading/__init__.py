"""Text to frozen scenarios: the only place that sees YAML, JSON Schema and untyped data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scenario_runner.errors import Problem
    from scenario_runner.model.scenario import Scenario
    from scenario_runner.references import Json
    from scenario_runner.source import Source

__all__ = [
    "LoadOptions",
    "LoadedFile",
    "find_files",
    "load",
    "load_text",
    "parse_var",
    "read_var_file",
    "run_root",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """How to load: values that replace `vars`, the folder fragments stay below, strictness."""

    overrides: tuple[tuple[str, Json], ...] = ()
    root: str = "."
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """One file: its scenarios (none where it has an error) and its problems, warnings included.

    `sources` are the texts that spans point into, the file's own first; `declared` are the names
    under `vars` in any of its scenarios, for telling a `--var` that nobody asked for.
    """

    file: str
    scenarios: tuple[Scenario, ...]
    problems: tuple[Problem, ...]
    sources: tuple[Source, ...] = ()
    declared: frozenset[str] = frozenset()


def find_files(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the scenario files that paths name or lead to; raise UsageError for a missing path."""
    from scenario_runner.loading import files

    return files.find_files(paths)


def run_root(paths: Sequence[str]) -> str:
    """Return the folder of a run over these paths, below which fragments stay."""
    from scenario_runner.loading import files

    return files.run_root(paths)


def load(files: Iterable[str], options: LoadOptions) -> Iterator[LoadedFile]:
    """Load one file after the other, each when it is asked for; nothing in a file raises."""
    from scenario_runner.loading import documents

    return documents.load(files, options)


def load_text(text: str, file: str, options: LoadOptions) -> LoadedFile:
    """Load the text of a file that is called `file`."""
    from scenario_runner.loading import documents

    return documents.load_text(text, file, options)


def parse_var(text: str) -> tuple[str, Json]:
    """Read `NAME=VALUE` from a command line; raise UsageError where it is not like that."""
    from scenario_runner.loading import variables

    return variables.parse_var(text)


def read_var_file(path: str) -> tuple[tuple[str, Json], ...]:
    """Read a YAML file of names and values; raise UsageError or InvalidFiles."""
    from scenario_runner.loading import variables

    return variables.read_var_file(path)
