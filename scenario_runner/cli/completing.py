"""What a shell can complete: files, targets, tags, codes, and the scenarios of a file.

Each answer is made by reading what the command line names so far. Whatever can't be read completes
to nothing: a shell has no place to show a problem.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    split_arg_string,
)

from scenario_runner.errors import ScenarioRunnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return what can stand at a parameter, by its name; a file where it takes one."""
    names = _BY_NAME.get(param.name or "")
    if param.name == "paths" and "::" in incomplete:
        names = _scenarios
    if names is None:
        takes_file = any(word in str(param.metavar) for word in ("FILE", "PATH", "LOG", "EVENTS"))
        return [CompletionItem(incomplete, type="file")] if takes_file else []
    try:
        return [
            CompletionItem(name) for name in names(ctx, incomplete) if name.startswith(incomplete)
        ]
    except (ScenarioRunnerError, OSError):
        return []


def _targets(ctx: click.Context, _: str) -> Iterable[str]:
    from scenario_runner.execution.targets import TargetChoice, all_names

    paths = tuple(_paths(ctx))
    return all_names(TargetChoice(paths=paths or (".",), file=ctx.params.get("targets_file")))


def _tags(ctx: click.Context, _: str) -> Iterable[str]:
    from scenario_runner.loading.documents import LoadOptions, load
    from scenario_runner.loading.files import find_files, run_root

    paths = _paths(ctx) or ["."]
    options = LoadOptions(root=run_root(paths))
    loaded = load(find_files(paths), options)
    return sorted({tag for one in loaded for tag in one.scenarios.tags()})


def _scenarios(_: click.Context, incomplete: str) -> Iterable[str]:
    """The names of a file's scenarios, with those of its matrices and their rows."""
    from scenario_runner.loading.documents import LoadOptions, load
    from scenario_runner.loading.files import run_root

    file = incomplete.partition("::")[0]
    for one in load([file], LoadOptions(root=run_root([file]))):
        for scenario in one.scenarios[:_MOST]:
            yield from (f"{file}::{name}" for name in (scenario.matrix, scenario.name) if name)


_MOST = 200
"""Rows of a matrix that are shown; more would fill any screen."""


def _codes(_: click.Context, __: str) -> Iterable[str]:
    from scenario_runner.loading.messages import catalogue

    return catalogue()


def _schemas(_: click.Context, __: str) -> Iterable[str]:
    from scenario_runner.language.schema import schema_names

    return schema_names()


_BY_NAME: dict[str, Callable[[click.Context, str], Iterable[str]]] = {
    "a": _targets,
    "b": _targets,
    "code": _codes,
    "name": _schemas,
    "skip_tags": _tags,
    "tags": _tags,
    "target": _targets,
    "target_name": _targets,
}


def _paths(ctx: click.Context) -> list[str]:
    """The files and folders that are named before."""
    return [path.partition("::")[0] for path in ctx.params.get("paths") or ()]


class Bash(BashComplete):
    """Bash, which ends a word at each colon: what stands before the last one is not said again."""

    source_template = """\
%(complete_func)s() {
    local IFS=$'\\n' response completion type value
    response=$(env COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1")
    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        if [[ $type == 'file' ]]; then
            COMPREPLY=()
            compopt -o default
        elif [[ $type == 'plain' ]]; then
            compopt -o filenames
            COMPREPLY+=("$value")
        fi
    done
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor, and the one that it stands in."""
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)
        incomplete = "" if line.endswith((" ", "\t")) and not _open_quote(line) else words.pop()
        colon = incomplete.rfind(":") if ":" in os.environ.get("COMP_WORDBREAKS", "") else -1
        self._said = 0 if _open_quote(line) else colon + 1
        return words[1:], incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Write one answer, from the last colon of what is there."""
        value = item.value[self._said :] if item.type == "plain" else item.value
        return f"{item.type},{value}"


def _open_quote(line: str) -> bool:
    return line.count("'") % 2 == 1 or line.count('"') % 2 == 1


def register() -> None:
    """Let click ask this Bash in place of its own."""
    add_completion_class(Bash, "bash")
