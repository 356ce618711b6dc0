"""Options of commands that report: which files are written, and how much the console tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Command = TypeVar("_Command", bound="Callable[..., Any]")

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
