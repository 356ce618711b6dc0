"""The list of scenario files with their scenarios and verdicts, and the runs of the chosen one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from scenario_runner.execution.interleavings import order_text
from scenario_runner.ui.page.elements import Press, Words, attribute, region, say
from scenario_runner.ui.tree import Node, counts_text, file_node, found, recorded_nodes

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


class FilesPanel:
    """Files, scenarios and rows as a tree."""

    def __init__(self, state: State, opened: Callable[[str, int], None]) -> None:
        self._state = state
        self._opened = opened
        self._nodes: tuple[Node, ...] = ()
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
        nodes = found(self._lines(), self._find.value or "")
        if nodes != self._nodes:
            before = {node.id for node in self._nodes if node.children}
            self._nodes = nodes
            self._tree.props["nodes"] = [_shown(node) for node in nodes]
            new = [node.id for node in nodes if node.id not in before and node.children]
            if new and len(nodes) <= _UNFOLDED:
                self._tree.expand(new)
        say(self._counts, counts_text(studio.results))
        over = studio.running is None or studio.running.over
        attribute(self._counts, "data-runs", studio.runs if over else "")

    def _lines(self) -> tuple[Node, ...]:
        studio = self._state.studio
        space = studio.workspace
        if space is None:
            return recorded_nodes(studio.results)
        return tuple(
            file_node(space.loaded[file], space.root, studio.results) for file in space.files
        )

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
            self._state.run_scenarios(studio.workspace.scenarios)

    def _toggle(self) -> None:
        studio = self._state.studio
        studio.watching = not studio.watching
        studio.changed()


_UNFOLDED = 12


def _shown(node: Node) -> dict[str, Any]:
    """Return a line as the browser's tree takes it."""
    return {
        "id": node.id,
        "label": node.label,
        "kind": node.kind,
        "verdict": str(node.state).replace(" ", "-"),
        "sign": "" if node.kind == "note" else node.sign,
        "tags": list(node.tags),
        "selectable": node.kind != "note",
        "children": [_shown(child) for child in node.children],
    }


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
                press.classes(str(one.verdict or "running").replace(" ", "-"))
                press.pressed(pressed=one is run)

    def _looking_at(self, run: ScenarioRun) -> Callable[[], None]:
        return lambda: self._state.look_at_run(run)


def _run_text(number: int, run: ScenarioRun) -> str:
    order = order_text(run.order)
    sign = "…" if run.verdict is None else run.verdict.symbol
    return f"{sign} {number}{f' · order {order}' if order else ''}"
