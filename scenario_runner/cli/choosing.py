"""Options that several commands share: which scenarios, and with which variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.execution.selection import Selection
    from scenario_runner.loading import LoadOptions

_Command = TypeVar("_Command", bound="Callable[..., Any]")


def selection_options(command: _Command) -> _Command:
    """Add -k, --tag and --skip-tag."""
    for add in (
        click.option("--skip-tag", "skip_tags", multiple=True, help="Leave out this tag."),
        click.option("--tag", "tags", multiple=True, help="Only scenarios with this tag."),
        click.option(
            "-k", "words", multiple=True, metavar="TEXT", help="Only where name or file has TEXT."
        ),
    ):
        command = add(command)
    return command


def variable_options(command: _Command) -> _Command:
    """Add --var and --var-file."""
    for add in (
        click.option(
            "--var-file", "var_files", multiple=True, metavar="FILE", help="YAML file of variables."
        ),
        click.option(
            "--var", "variables", multiple=True, metavar="NAME=VALUE", help="Replace a variable."
        ),
    ):
        command = add(command)
    return command


def selection(
    words: tuple[str, ...], tags: tuple[str, ...], skip_tags: tuple[str, ...]
) -> Selection:
    """Return what is to be run."""
    from scenario_runner.execution.selection import Selection

    return Selection(words=words, tags=tags, skip_tags=skip_tags)


def load_options(
    variables: tuple[str, ...], var_files: tuple[str, ...], *, strict: bool
) -> LoadOptions:
    """Return how files are loaded; raises UsageError for a variable that can't be read."""
    from scenario_runner.loading import LoadOptions, parse_var, read_var_file

    overrides = [pair for file in var_files for pair in read_var_file(file)]
    overrides += [parse_var(text) for text in variables]
    return LoadOptions(overrides=tuple(overrides), strict=strict)
