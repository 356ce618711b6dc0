"""Options that several commands share: which scenarios, and with which variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenario_runner.execution.selection import Selection
    from scenario_runner.execution.targets import TargetChoice
    from scenario_runner.loading.documents import LoadOptions
    from scenario_runner.pbx.drivers import Context


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
    from scenario_runner.pbx.drivers import Context

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
    from scenario_runner.loading.documents import LoadOptions
    from scenario_runner.loading.files import parse_var, read_var_file

    overrides = [pair for file in var_files for pair in read_var_file(file)]
    overrides += [parse_var(text) for text in variables]
    return LoadOptions(overrides=tuple(overrides), strict=strict)


FILES = {
    "html": "Write one HTML page to look at.",
    "junit": "Write a JUnit XML report.",
    "json": "Write a JSON report.",
    "events": "Write every event as a line of JSON.",
    "markdown": "Write a report in Markdown.",
    "tap": "Write a TAP 14 report.",
    "ctrf": "Write a CTRF report.",
    "gitlab": "Write a GitLab code quality report.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What is reported: (reporter, path) pairs, and what the console tells."""

    files: tuple[tuple[str, str], ...] = ()
    verbose: bool = False
    quiet: bool = False
    colours: bool = True
    ladder: bool = False
    step: bool = False


def report_options(command: _Command) -> _Command:
    """Add --html, --junit and the others, -v, -q and --no-color."""
    for add in reversed(
        (
            *(_file_option(name, text) for name, text in FILES.items()),
            click.option(
                "--report",
                "reports",
                multiple=True,
                metavar="NAME=FILE",
                help="Write a report by name, also one that a package adds.",
            ),
            click.option("-v", "--verbose", count=True, help="Show exchanges with the PBX, too."),
            click.option("-q", "--quiet", is_flag=True, help="Show failures and the summary only."),
            click.option(
                "--no-color", is_flag=True, help="No colours [also: the variable NO_COLOR]."
            ),
        )
    ):
        command = add(command)
    return command


def _file_option(name: str, text: str) -> Callable[[_Command], _Command]:
    return click.option(f"--{name}", f"{name}_file", metavar="FILE", help=text)


def showing(given: Mapping[str, Any], *, ladder: bool = False, step: bool = False) -> Showing:
    """Return what a parsed command line asks for; raises BadParameter for a bad --report."""
    files = [(name, given[f"{name}_file"]) for name in FILES if given[f"{name}_file"] is not None]
    for text in given["reports"]:
        name, divider, path = text.partition("=")
        if not (name and divider and path):
            raise click.BadParameter("a report looks like junit=out.xml", param_hint="--report")
        files.append((name, path))
    return Showing(
        files=tuple(files),
        verbose=bool(given["verbose"]),
        quiet=given["quiet"],
        colours=not given["no_color"],
        ladder=ladder,
        step=step,
    )
