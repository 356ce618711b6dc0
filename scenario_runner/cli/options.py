"""Command lines as typed objects: each option is declared once, as a field of a dataclass.

@dataclass(frozen=True, slots=True, kw_only=True)
class ListLine:
paths: tuple[str, ...] = argument(nargs=-1)
selected: SelectionOptions = group(SelectionOptions)

@click.command("list")
@takes(ListLine)
def command(line: ListLine) -> int: ...
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.shell_completion import CompletionItem

    from scenario_runner.execution.run import RunRequest
    from scenario_runner.execution.selection import Selection
    from scenario_runner.execution.targets import ClusterChoice, TargetChoice
    from scenario_runner.loading.documents import LoadOptions
    from scenario_runner.pbx.drivers import Context


_Line = TypeVar("_Line")
_Result = TypeVar("_Result")


def option(*names: str, **attributes: Any) -> Any:  # noqa: ANN401 -- as click and dataclasses take it
    """Declare a field that is an option of click's; without names it is called like the field."""
    return field(metadata={"add": click.option, "names": names, "attributes": attributes})


def argument(**attributes: Any) -> Any:  # noqa: ANN401 -- as click and dataclasses take it
    """Declare a field that is an argument of click's."""
    return field(metadata={"add": click.argument, "names": (), "attributes": attributes})


def group(kind: type) -> Any:  # noqa: ANN401 -- as dataclasses take it
    """Declare a field that holds a dataclass of options."""
    return field(metadata={"group": kind})


def takes(
    kind: type[_Line],
) -> Callable[[Callable[[_Line], _Result]], Callable[..., _Result]]:
    """Add what this dataclass declares to a command, which gets an object of it."""

    def add(command: Callable[[_Line], _Result]) -> Callable[..., _Result]:
        @wraps(command)
        def call(**given: Any) -> _Result:  # noqa: ANN401 -- what click has parsed
            return command(_made(kind, given))

        for decorate in reversed(list(_decorators(kind))):
            decorate(call)
        return call

    return add


def _made(kind: type[_Line], given: dict[str, Any]) -> _Line:
    values: dict[str, Any] = {}
    for one in fields(kind):  # type: ignore[arg-type]
        inner = one.metadata.get("group")
        values[one.name] = _made(inner, given) if inner is not None else given[one.name]
    return kind(**values)


def _decorators(kind: type) -> Iterator[Callable[..., Any]]:
    for one in fields(kind):
        declared = one.metadata
        if "group" in declared:
            yield from _decorators(declared["group"])
        elif declared["add"] is click.argument:
            yield click.argument(one.name, **_completed(declared["attributes"]))
        else:
            names = declared["names"] or (f"--{one.name.replace('_', '-')}",)
            yield click.option(*names, one.name, **_completed(declared["attributes"]))


def _completed(attributes: dict[str, Any]) -> dict[str, Any]:
    """Let a shell complete what is text; choices complete themselves."""
    text = attributes.get("type", str) is str and not attributes.get("is_flag")
    return {"shell_complete": complete, **attributes} if text else attributes


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return what a shell can complete at a parameter."""
    from scenario_runner.cli.completing import complete as completed

    return completed(ctx, param, incomplete)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionOptions:
    """Which scenarios of the files that are named."""

    words: tuple[str, ...] = option(
        "-k", multiple=True, metavar="TEXT", help="Only where name or file has TEXT."
    )
    tags: tuple[str, ...] = option(
        "--tag",
        multiple=True,
        metavar="TAGS",
        help="Only scenarios with this tag, or for which 'smoke and not slow' holds.",
    )
    skip_tags: tuple[str, ...] = option("--skip-tag", multiple=True, help="Leave out this tag.")

    def selection(self, only: frozenset[str] | None = None) -> Selection:
        """Return what is to be run; `only` limits it to the scenarios with these ids."""
        from scenario_runner.execution.selection import Selection

        return Selection(words=self.words, tags=self.tags, skip_tags=self.skip_tags, only=only)


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableOptions:
    """Values in place of those under `vars`."""

    variables: tuple[str, ...] = option(
        "--var", multiple=True, metavar="NAME=VALUE", help="Replace a variable."
    )
    var_files: tuple[str, ...] = option(
        "--var-file", multiple=True, metavar="FILE", help="YAML file of variables."
    )

    def load_options(self, *, strict: bool = False) -> LoadOptions:
        """Return how files are loaded; raises UsageError for a variable that can't be read."""
        from scenario_runner.loading.documents import LoadOptions
        from scenario_runner.loading.files import parse_var, read_var_file

        overrides = [pair for file in self.var_files for pair in read_var_file(file)]
        overrides += [parse_var(text) for text in self.variables]
        return LoadOptions(overrides=tuple(overrides), strict=strict)

    def typed(self) -> list[tuple[str, str]]:
        """Return the options with their values, as they would be typed."""
        words = [("--var", text) for text in self.variables]
        return words + [("--var-file", file) for file in self.var_files]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsFileOptions:
    """Where targets are described, and whether their certificates are verified."""

    targets_file: str | None = option(
        "--targets",
        metavar="FILE",
        help="Targets file [default: scenario-targets.yaml beside the scenarios or above].",
    )
    insecure: bool = option(
        is_flag=True, help="Don't verify the PBX's certificate; send credentials over http, too."
    )

    def choice(self, paths: tuple[str, ...], name: str | None = None) -> TargetChoice:
        """Return which target is wanted for the scenarios at `paths`."""
        import os

        from scenario_runner.execution.targets import TargetChoice

        environment = dict(os.environ)
        return TargetChoice(paths=paths, file=self.targets_file, name=name, environment=environment)

    def context(self) -> Context:
        """Return what a target is opened with; what people have to do is shown on stderr."""
        from scenario_runner.masking import Mask
        from scenario_runner.pbx.drivers import Context

        mask = Mask()
        return Context(
            mask=mask,
            insecure=self.insecure,
            announce=lambda line: click.echo(mask.text(line), err=True),
        )

    def switches(self) -> list[str]:
        """Return the options that have no value, as they would be typed."""
        return ["--insecure"] if self.insecure else []


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsOptions(TargetsFileOptions):
    """Targets that scenarios run against."""

    allow_protected: tuple[str, ...] = option(
        multiple=True,
        metavar="HOST",
        help="Allow the protected target with this host.",
    )

    def choice(self, paths: tuple[str, ...], name: str | None = None) -> TargetChoice:
        """Return which target is wanted for the scenarios at `paths`."""
        chosen = TargetsFileOptions.choice(self, paths, name)
        return replace(chosen, allow_protected=self.allow_protected)

    def typed(self) -> list[tuple[str, str]]:
        """Return the options that have values, as they would be typed."""
        words = [("--allow-protected", host) for host in self.allow_protected]
        return words + ([("--targets", self.targets_file)] if self.targets_file else [])


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOptions(TargetsOptions):
    """One target, and what may be done with it."""

    target_name: str | None = option("--target", metavar="NAME", help="Target to run against.")

    def choice(self, paths: tuple[str, ...], name: str | None = None) -> TargetChoice:
        """Return which target is wanted for the scenarios at `paths`."""
        return TargetsOptions.choice(self, paths, name or self.target_name)

    def typed(self) -> list[tuple[str, str]]:
        """Return the options that have values, as they would be typed."""
        named = [("--target", self.target_name)] if self.target_name else []
        return TargetsOptions.typed(self) + named


@dataclass(frozen=True, slots=True, kw_only=True)
class MockRunOptions:
    """Which scenarios run on the built-in mock, and how."""

    selected: SelectionOptions = group(SelectionOptions)
    variables: VariableOptions = group(VariableOptions)
    target: TargetOptions = group(TargetOptions)
    seed: int = option(type=int, default=0, help="Random seed [default: 0].")

    def request(self, paths: tuple[str, ...], shard: str | None = None) -> RunRequest:
        """Return what is to be run; raises TargetError, UsageError, InvalidFiles."""
        import os
        import time

        from scenario_runner.execution.options import RunOptions, real_time
        from scenario_runner.execution.run import RunRequest, rerun_command
        from scenario_runner.execution.selection import split_ids
        from scenario_runner.execution.shards import Shard
        from scenario_runner.execution.targets import choose

        context = self.target.context()
        rerun = rerun_command(self.variables.typed() + self.target.typed(), seed=self.seed)
        return RunRequest(
            paths=paths,
            selection=self.selected.selection(),
            loading=self.variables.load_options(),
            options=RunOptions(
                environment=dict(os.environ),
                seed=self.seed,
                allow_skips=True,
                rerun=rerun,
                stopwatch=real_time,
            ),
            target=choose(self.target.choice(split_ids(paths)[0]), context.mask),
            context=context,
            shard=None if shard is None else Shard.parse(shard),
            started_at=time.time_ns() // 1000,
        )


MOST_WORKERS = 256


def cluster_at(address: str, choice: TargetChoice) -> ClusterChoice:
    """Return the cluster of a scheduler; raises UsageError where it can't be asked."""
    from importlib.util import find_spec

    if find_spec("distributed") is None:
        raise click.UsageError(
            "--cluster needs the package distributed: in its checkout: pip install '.[dask]'"
        )
    from scenario_runner.execution.targets import cluster_choice

    return cluster_choice(address, choice)


def worker_count(text: str) -> int:
    """Read `--workers`: a number, or 0 for `auto`; raises BadParameter."""
    if text != "auto" and not (text.isdecimal() and 1 <= int(text) <= MOST_WORKERS):
        raise click.BadParameter(
            f"'{text}' is neither 'auto' nor a number from 1 to {MOST_WORKERS}",
            param_hint="--workers",
        )
    return 0 if text == "auto" else int(text)


def _report(help_: str) -> Any:  # noqa: ANN401 -- see `option`
    return option(metavar="FILE", help=help_)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """Which reports are written, and how much the console shows."""

    html: str | None = _report("Write one HTML page to look at.")
    junit: str | None = _report("Write a JUnit XML report.")
    json: str | None = _report("Write a JSON report.")
    events: str | None = _report("Write every event as a line of JSON.")
    markdown: str | None = _report("Write a report in Markdown.")
    tap: str | None = _report("Write a TAP 14 report.")
    ctrf: str | None = _report("Write a CTRF report.")
    gitlab: str | None = _report("Write a GitLab code quality report.")
    reports: tuple[str, ...] = option(
        "--report",
        multiple=True,
        metavar="NAME=FILE",
        help="Write a report by name, also one that a package adds.",
    )
    verbose: int = option(
        "-v", "--verbose", count=True, help="Show all steps; twice: exchanges, too."
    )
    quiet: bool = option("-q", "--quiet", is_flag=True, help="Show failures and the summary only.")
    no_color: bool = option(is_flag=True, help="No colours [also: the variable NO_COLOR].")

    def files(self) -> list[tuple[str, str]]:
        """Return (reporter, path) pairs; raises BadParameter for a bad --report."""
        named = [(name, getattr(self, name)) for name in REPORTS]
        found = [(name, path) for name, path in named if path is not None]
        for text in self.reports:
            name, divider, path = text.partition("=")
            if not (name and divider and path):
                raise click.BadParameter("a report looks like junit=out.xml", param_hint="--report")
            found.append((name, path))
        return found


REPORTS = tuple(
    one.name for one in fields(ReportOptions) if one.metadata["attributes"].get("metavar") == "FILE"
)
"""The reports that have an option of their own."""
