"""Values from the command line: `--var NAME=VALUE` and files of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scenario_runner.errors import InvalidFiles, UsageError
from scenario_runner.loading.files import read_text
from scenario_runner.loading.nodes import Mapping, plain_value
from scenario_runner.loading.parsing import parse
from scenario_runner.loading.problems import Problems, Unreadable
from scenario_runner.references import NAME

if TYPE_CHECKING:
    from scenario_runner.references import Json


def parse_var(text: str) -> tuple[str, Json]:
    """Read `NAME=VALUE`; the value is read as it would be in a file, so that 0701 stays text."""
    name, equals, value = text.partition("=")
    if not equals or not NAME.fullmatch(name):
        raise UsageError(f"'{text}' is not NAME=VALUE", hint="write --var slot=6")
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
