"""Files to scenarios: reads, parses and builds one file at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from scenario_runner.errors import Note
from scenario_runner.loading.files import read_text
from scenario_runner.loading.fragments import Shelf
from scenario_runner.loading.messages import say
from scenario_runner.loading.nodes import Problems, Unreadable
from scenario_runner.loading.scenarios import Rows, Surroundings, scenarios
from scenario_runner.loading.suite import Suite
from scenario_runner.loading.yaml import parse
from scenario_runner.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scenario_runner.errors import Problem
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.references import Json


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
    scenarios: Suite
    problems: tuple[Problem, ...]
    sources: tuple[Source, ...] = ()
    declared: frozenset[str] = frozenset()


def load(files: Iterable[str], options: LoadOptions) -> Iterator[LoadedFile]:
    """Load one file after the other; fragments are read once for all of them."""
    shelf = Shelf(Path(options.root), options.strict)
    for file in files:
        try:
            text = read_text(Path(file), file)
        except Unreadable as error:
            yield LoadedFile(file=file, scenarios=Suite(), problems=(error.problem,))
            continue
        yield load_source(Source(file, text), options, shelf)


def load_text(text: str, file: str, options: LoadOptions) -> LoadedFile:
    """Load the text of a file that is called `file`."""
    shelf = Shelf(Path(options.root), options.strict)
    return load_source(Source(file, text.removeprefix("\ufeff")), options, shelf)


def load_source(source: Source, options: LoadOptions, shelf: Shelf) -> LoadedFile:
    """Load a file that was read already, with the fragments that are known."""
    problems = Problems(strict=options.strict)
    shelf.begin(source.file)
    around = Surroundings(file=source.file, fragments=shelf, overrides=dict(options.overrides))
    made: list[Sequence[Scenario]] = []
    declared: frozenset[str] = frozenset()
    try:
        documents = parse(source.text, source.file, problems)
        if not documents:
            problems.report(say("empty-file"), Span(source.file, 1, 1, 1, 1))
        for document in documents:
            built, names = scenarios(document, around, problems)
            made.append(built)
            declared |= names
        _unique_names(made, problems)
    except Unreadable as error:
        problems.found.append(error.problem)
    sources = (source, *shelf.used())
    return LoadedFile(
        file=source.file,
        scenarios=Suite() if problems.errors else Suite(tuple(_with(sources, p) for p in made)),
        problems=problems.in_order(),
        sources=sources,
        declared=declared,
    )


def _with(sources: tuple[Source, ...], part: Sequence[Scenario]) -> Sequence[Scenario]:
    if isinstance(part, Rows):
        template = replace(part.template, sources=sources)
        return Rows(template, part.table, part.values, part.found)
    return tuple(replace(one, sources=sources) for one in part)


def _unique_names(made: list[Sequence[Scenario]], problems: Problems) -> None:
    first: dict[str, Span] = {}
    matrices: list[Rows] = []
    for part in made:
        if isinstance(part, Rows):
            matrices.append(part)
            continue
        for scenario in part:
            _add_row(scenario.name, matrices, first)
            if scenario.name in first:
                note = Note(message="the first one is here", span=first[scenario.name])
                said = say("duplicate-scenario", name=scenario.name)
                problems.report(said, scenario.span, note)
            first.setdefault(scenario.name, scenario.span)


def _add_row(name: str, matrices: list[Rows], first: dict[str, Span]) -> None:
    """Add a row that has this name to the names met; rows are looked through only where needed."""
    for matrix in matrices:
        if name.startswith(f"{matrix.template.name} [") and any(row.name == name for row in matrix):
            first.setdefault(name, matrix.template.span)
