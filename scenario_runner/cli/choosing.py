"""Options that several commands share: which scenarios, and with which variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenario_runner.execution.selection import Selection
    from scenario_runner.execution.targets import TargetChoice
    from scenario_runner.loading import LoadOptions
    from scenario_runner.pbx.context import Context

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


def target_options(command: _Command) -> _Command:
    """Add --target, --targets, --allow-protected and --insecure."""
    for add in (
        click.option("--insecure", is_flag=True, help="Do not verify the PBX's certificate."),
        click.option(
            "--allow-protected",
            multiple=True,
            metavar="HOST",
            help="Permit the use of a protected target whose host this is.",
        ),
        click.option(
            "--targets",
            "targets_file",
            metavar="FILE",
            help="Targets file [default: scenario-targets.yaml beside the scenarios or above].",
        ),
        click.option("--target", "target_name", metavar="NAME", help="Target to run against."),
    ):
        command = add(command)
    return command


def target_choice(given: Mapping[str, Any], paths: tuple[str, ...]) -> TargetChoice:
    """Return which target the options of `target_options` want."""
    import os

    from scenario_runner.execution.targets import TargetChoice

    return TargetChoice(
        paths=paths,
        file=given["targets_file"],
        name=given["target_name"],
        allow_protected=given["allow_protected"],
        environment=dict(os.environ),
    )


def context_of(given: Mapping[str, Any]) -> Context:
    """Return what a target is opened with; what people have to do is shown on standard error."""
    from scenario_runner.pbx.context import Context

    return Context(insecure=given["insecure"], announce=lambda line: click.echo(line, err=True))


def target_words(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the options of `target_options` with their values, as they would be typed."""
    words = [("--allow-protected", host) for host in given["allow_protected"]]
    named = (("--targets", given["targets_file"]), ("--target", given["target_name"]))
    return words + [(option, value) for option, value in named if value]


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
