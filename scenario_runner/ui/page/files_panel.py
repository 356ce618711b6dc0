"""The list of scenario files with their scenarios and verdicts, and the runs of the chosen one."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from nicegui import ui

from scenario_runner.execution.interleavings import order_text
from scenario_runner.loading.files import SUFFIXES
from scenario_runner.reporters.text import SYMBOLS
from scenario_runner.ui.page.elements import Press, Words, attribute, region, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from nicegui.events import ValueChangeEventArguments

    from scenario_runner.ui.page.state import State
    from scenario_runner.ui.runs import ScenarioRun

_NODE = """
<span class="node" :class="props.node.kind + ' ' + props.node.verdict">
  <span class="sign" aria-hidden="true">{{ props.node.sign }}</span>
  <span class="node-name">{{ props.node.label }}</span>
  <span class="sr">{{ props.node.verdict }}</span>
  <span class="tag" v-for="tag in props.node.tags">{{ tag }}</span>
</span>
"""
"""How a line of the tree looks; what stands in `{{ }}` is text, whatever letters it has."""

_GRAVEST = ("invalid", "errored", "failed", "xpassed", "running", "flaky", "skipped")


class FilesPanel:
    """Files, scenarios and rows as a tree."""

    def __init__(self, state: State, opened: Callable[[str, int], None]) -> None:
        self._state = state
        self._opened = opened
        self._nodes: list[dict[str, Any]] = []
        self.chosen = ""
        with region("nav", "Scenarios", "panel files"):
            with ui.element("div").classes("panel-head"):
                Words("h2", "Scenarios")
                ui.element("span").classes("grow")
                self._all = Press("Run all", self.run_all, icon="play_arrow", classes="press small")
            with ui.element("div").classes("panel-head"):
                self._watch = Press(
                    "Run on save", self._toggle, icon="visibility", classes="press small"
                )
                self._counts = Words("span", "", "muted").props("role=status")
            self._find = ui.input("Find", on_change=self.draw).props("outlined dense clearable")
            self._tree = ui.tree([], on_select=self._selected).props("dense no-transition")
            self._tree.add_slot("default-header", _NODE)
            attribute(self._tree, "no-nodes-label", "No scenario file is here yet")
            attribute(self._tree, "no-results-label", "Nothing is called so")

    def draw(self) -> None:
        """Bring verdicts and files up to date."""
        studio = self._state.studio
        self._watch.pressed(pressed=studio.watching)
        self._watch.enable(enabled=studio.workspace is not None)
        self._all.enable(enabled=studio.workspace is not None)
        nodes = self._found(self._all_nodes())
        if nodes != self._nodes:
            before = {node["id"] for node in self._nodes}
            self._nodes = nodes
            self._tree.props["nodes"] = nodes
            new = [node["id"] for node in nodes if node["id"] not in before and node["children"]]
            if new and len(nodes) <= _UNFOLDED:
                self._tree.expand(new)
        counts: dict[str, int] = {}
        for node in nodes:
            for child in node["children"]:
                if child["verdict"]:
                    counts[child["verdict"]] = counts.get(child["verdict"], 0) + 1
        say(self._counts, ", ".join(f"{count} {word}" for word, count in sorted(counts.items())))

    def _found(self, nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        wanted = (self._find.value or "").casefold()
        if not wanted:
            return nodes
        found = []
        for node in nodes:
            said = [
                one
                for one in node["children"]
                if wanted in f"{one['label']} {one['tags']}".casefold()
            ]
            if said or wanted in node["id"].casefold():
                found.append({**node, "children": said or node["children"]})
        return found

    def _all_nodes(self) -> list[dict[str, Any]]:
        workspace = self._state.studio.workspace
        if workspace is None:
            return self._recorded_nodes()
        return [self._file_node(file) for file in workspace.files]

    def _file_node(self, file: str) -> dict[str, Any]:
        workspace = self._state.studio.workspace
        assert workspace is not None
        loaded = workspace.loaded[file]
        verdict_of = self._state.studio.verdict
        children = [
            _node(one.id, _row_name(one.name, one.row), verdict_of(one.id), one.tags)
            for one in loaded.scenarios
        ]
        broken = any(not problem.warning for problem in loaded.problems)
        verdicts = {child["verdict"] for child in children}
        verdict = "invalid" if broken else next((v for v in _GRAVEST if v in verdicts), "")
        if not verdict and verdicts and verdicts <= {"passed", "xfailed"}:
            verdict = "passed"
        path, root = PurePath(file), workspace.root
        name = str(path.relative_to(root)) if path.is_relative_to(root) else file
        for suffix in SUFFIXES:
            name = name.removesuffix(suffix)
        return {**_node(file, name, verdict, ()), "kind": "file", "children": children}

    def _recorded_nodes(self) -> list[dict[str, Any]]:
        """Return what a finished run tells of its files."""
        files: dict[str, list[dict[str, Any]]] = {}
        for runs in self._state.studio.results.values():
            started = runs[-1].started
            file = started.span.file
            node = _node(
                runs[-1].id, _row_name(started.name, started.row),
                self._state.studio.verdict(runs[-1].id), started.tags,
            )  # fmt: skip
            files.setdefault(file, []).append(node)
        return [
            {**_node(file, file, "", ()), "kind": "file", "children": children}
            for file, children in files.items()
        ]

    def _selected(self, event: ValueChangeEventArguments[str | None]) -> None:
        chosen = event.value or ""
        if not chosen:
            return
        self.chosen = chosen
        studio = self._state.studio
        file, _, name = chosen.partition("::")
        line = 0
        if studio.workspace is not None and name:
            scenario = studio.workspace.scenario(chosen)
            line = scenario.span.line if scenario is not None else 0
        runs = studio.results.get(chosen, [])
        if runs:
            self._state.look_at_run(runs[-1])
        self._opened(runs[-1].started.span.file if runs and not line else file, line)

    def run_all(self) -> None:
        """Run every scenario of every valid file."""
        studio = self._state.studio
        if studio.workspace is not None:
            self._state.follow = ""
            studio.run(studio.workspace.scenarios)

    def _toggle(self) -> None:
        studio = self._state.studio
        studio.watching = not studio.watching
        studio.changed()


_UNFOLDED = 12
_SIGNS = SYMBOLS | {"running": "…", "invalid": "✗"}


def _node(name: str, label: str, verdict: str, tags: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": name,
        "label": label,
        "kind": "scenario",
        "verdict": verdict.replace(" ", "-"),
        "sign": _SIGNS.get(verdict, "○"),
        "tags": list(tags),
        "children": [],
    }


def _row_name(name: str, row: tuple[tuple[str, str], ...]) -> str:
    """Return a row of a matrix by its values: its name is that of the scenario."""
    return ", ".join(f"{key}={value}" for key, value in row) if row else name


class RunsList:
    """The runs of the scenario that is looked at: its orders and attempts, each to be played."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen: tuple[object, ...] = ()
        self._box = region("div", "Runs of this scenario", "runs")

    def draw(self) -> None:
        """Bring it up to date."""
        run = self._state.run
        runs = [] if run is None else self._state.studio.results.get(run.id, [])
        key = (tuple((id(one), one.verdict) for one in runs), id(run))
        if key == self._seen:
            return
        self._seen = key
        self._box.clear()
        if len(runs) < 2:
            return
        with self._box:
            for number, one in enumerate(runs, 1):
                press = Press(
                    _run_text(number, one), self._looking_at(one), classes="press small run"
                )
                press.classes(one.verdict.replace(" ", "-"))
                press.pressed(pressed=one is run)

    def _looking_at(self, run: ScenarioRun) -> Callable[[], None]:
        return lambda: self._state.look_at_run(run)


def _run_text(number: int, run: ScenarioRun) -> str:
    order = order_text(run.order)
    sign = SYMBOLS.get(run.verdict, "…")
    return f"{sign} {number}{f' · order {order}' if order else ''}"
