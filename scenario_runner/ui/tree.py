"""The list of files, scenarios and rows, each with how its last run went."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from scenario_runner.events import Verdict
from scenario_runner.loading.files import SUFFIXES
from scenario_runner.loading.scenarios import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scenario_runner.language.scenario import Scenario
    from scenario_runner.loading.documents import LoadedFile
    from scenario_runner.ui.runs import ScenarioRun

Results: TypeAlias = "Mapping[str, Sequence[ScenarioRun]]"
"""The runs of each scenario, by its id: its orders and attempts."""

State: TypeAlias = Verdict | Literal["", "running", "invalid"]
"""How it stands with a scenario or a file; empty where it has not run."""

MOST_ROWS: Final = 100
"""So many rows of a matrix are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A line of the list; `id` is a file, a scenario's id, or a matrix without its row."""

    id: str
    label: str
    kind: Literal["file", "scenario", "matrix", "note"]
    state: State = ""
    tags: tuple[str, ...] = ()
    children: tuple[Node, ...] = ()

    @property
    def sign(self) -> str:
        """Return the state as one character."""
        if isinstance(self.state, Verdict):
            return self.state.symbol
        return {"running": "…", "invalid": "✗", "": "○"}[self.state]


def state_of(runs: Sequence[ScenarioRun]) -> State:
    """Return how the runs of one scenario went: the gravest of those that count."""
    if any(run.finished is None for run in runs):
        return "running"
    ended = [run.finished for run in runs if run.finished is not None and run.finished.final]
    gravest = max((one.verdict for one in ended), key=lambda one: one.gravity, default=None)
    return "" if gravest is None else gravest


def whole(states: Iterable[State]) -> State:
    """Return how several stand together: what is wrong counts first, then what has not run."""
    found = set(states)
    for word in ("invalid", "running"):
        if word in found:
            return "invalid" if word == "invalid" else "running"
    gravest = max(
        (state for state in found if isinstance(state, Verdict)),
        key=lambda verdict: verdict.gravity,
        default=None,
    )
    if gravest is None or ("" in found and gravest.green):
        return ""
    return gravest


def file_node(loaded: LoadedFile, root: Path, results: Results) -> Node:
    """Return a file with its scenarios; `root` is the folder that its name is shown below."""
    children: list[Node] = []
    for part in loaded.scenarios.parts:
        if isinstance(part, Rows):
            children.append(_matrix(part, results))
        else:
            children += [_scenario(one, one.name, results) for one in part]
    broken = any(not problem.warning for problem in loaded.problems)
    return Node(
        id=loaded.file,
        label=_short(loaded.file, root),
        kind="file",
        state="invalid" if broken else whole(child.state for child in children),
        children=tuple(children),
    )


def _matrix(rows: Rows, results: Results) -> Node:
    listed = [_scenario(one, row_name(one.name, one.row), results) for one in rows[:MOST_ROWS]]
    states: list[State] = [node.state for node in listed]
    left = len(rows) - len(listed)
    if left:
        begin = f"{rows.template.id} ["
        states += [state_of(runs) for name, runs in results.items() if name.startswith(begin)]
        more = f"and {left:,} more rows"
        listed.append(Node(id=f"{rows.template.id}::more", label=more, kind="note"))
    return Node(
        id=rows.template.id,
        label=rows.template.name,
        kind="matrix",
        state=whole(states),
        tags=rows.template.tags,
        children=tuple(listed),
    )


def _scenario(one: Scenario, label: str, results: Results) -> Node:
    state = state_of(results.get(one.id, ()))
    return Node(id=one.id, label=label, kind="scenario", state=state, tags=one.tags)


def _short(file: str, root: Path) -> str:
    path = Path(file)
    name = str(path.relative_to(root)) if path.is_relative_to(root) else file
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def row_name(name: str, row: tuple[tuple[str, str], ...]) -> str:
    """Return a row of a matrix by its values."""
    return ", ".join(f"{key}={value}" for key, value in row) if row else name


def recorded_nodes(results: Results) -> tuple[Node, ...]:
    """Return the files that a finished run tells of."""
    files: dict[str, list[Node]] = {}
    for name, runs in results.items():
        started = runs[-1].started
        node = Node(
            id=name,
            label=started.name,
            kind="scenario",
            state=state_of(runs),
            tags=started.tags,
        )
        files.setdefault(started.span.file, []).append(node)
    return tuple(
        Node(
            id=file,
            label=file,
            kind="file",
            state=whole(node.state for node in nodes),
            children=tuple(nodes),
        )
        for file, nodes in files.items()
    )


def found(nodes: Iterable[Node], wanted: str) -> tuple[Node, ...]:
    """Return the lines whose name or tags hold a text, with what is around and below them."""
    if not wanted:
        return tuple(nodes)
    text = wanted.casefold()
    kept: list[Node] = []
    for node in nodes:
        if text in " ".join((node.label, *node.tags)).casefold():
            kept.append(node)
        elif below := found(node.children, wanted):
            kept.append(replace(node, children=below))
    return tuple(kept)


def counts_text(results: Results) -> str:
    """Say how many scenarios stand how: `3 passed, 1 failed`."""
    states = [state_of(runs) for runs in results.values()]
    counts = {state: states.count(state) for state in set(states) if state}
    order = sorted(counts, key=lambda state: getattr(state, "gravity", -1), reverse=True)
    return ", ".join(f"{counts[state]} {state}" for state in order)
