"""Runs scenarios again when their files change: `run --watch`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from scenario_runner.errors import NothingSelected
from scenario_runner.execution.file_watch import FileWatch, sources_of, users_of
from scenario_runner.execution.options import Stop
from scenario_runner.execution.run import gather
from scenario_runner.execution.selection import split_ids
from scenario_runner.exit_code import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scenario_runner.execution.run import RunRequest

_PAUSE = 0.2


def watch(
    request: RunRequest,
    run: Callable[[RunRequest], int],
    pause: Callable[[], object] = lambda: Event().wait(_PAUSE),
) -> int:
    """Run everything, and then what changes touch, until Ctrl-C; return the last exit code.

    `run` runs a request and returns its exit code; `pause` waits between two looks at the files.
    """
    paths, _ = split_ids(request.paths)
    files = FileWatch(paths)
    sources: dict[str, frozenset[str]] = {}
    code, touched = 0, request.paths
    try:
        while True:
            if touched:
                code = _run(replace(request, paths=touched), run, files, sources)
                if code == Exit.INTERRUPTED:
                    return code
                files.changed()
                click.echo(_waiting(files), err=True)
            pause()
            there = [file for file in users_of(files.changed(), sources) if Path(file).exists()]
            touched = _asked_for(there, request.paths)
    except KeyboardInterrupt:
        return code


def _run(
    request: RunRequest,
    run: Callable[[RunRequest], int],
    files: FileWatch,
    sources: dict[str, frozenset[str]],
) -> int:
    """Run, and remember which files were read."""
    request = replace(request, options=replace(request.options, stop=Stop()))
    try:
        gathered = gather(request)
    except NothingSelected as error:
        click.echo(error.message, err=True)
        return Exit.USAGE
    found = sources_of(gathered.scenarios)
    sources.update(found)
    files.use(source for made_of in found.values() for source in made_of)
    return run(request)


def _asked_for(touched: Sequence[str], paths: Sequence[str]) -> tuple[str, ...]:
    """Return the files with the names that were asked for of them: `FILE::NAME`."""
    named = [path for path in paths if path.partition("::")[0] in touched and "::" in path]
    files = {path.partition("::")[0] for path in named}
    return (*named, *(file for file in touched if file not in files))


def _waiting(files: FileWatch) -> str:
    count = files.count
    return f"\nwatching {count} file{'s' * (count != 1)}; Ctrl-C ends"
