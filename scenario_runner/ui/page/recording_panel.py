"""Shows what is done by hand as a scenario file while it grows, and whether that file passes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nicegui import ui

from scenario_runner.errors import UsageError
from scenario_runner.ui.page.elements import Press, Words, choose, region, say
from scenario_runner.ui.page.state import complain, tell
from scenario_runner.ui.recording import recorded
from scenario_runner.ui.runner import tried

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.ui.page.state import State

_FILE = "recorded.scenario.yaml"
_BADGES = ("good", "bad", "open")


class RecordingPanel:
    """The recording of the lot that is driven by hand."""

    def __init__(self, state: State, saved: Callable[[str], None]) -> None:
        self._state = state
        self._saved = saved
        self._text: str | None = ""
        self._checking = 0
        with ui.element("div").classes("panel-head"):
            self._undo = Press("Undo", self.undo, icon="undo", classes="press small")
            self._redo = Press("Redo", self.redo, icon="redo", classes="press small")
            ui.element("span").classes("grow")
            self._badge = Words("span", "", "badge open").props("role=status")
        self._name = ui.input("Name of the scenario", value="Recorded by hand",
                              on_change=self.draw).props("outlined dense")  # fmt: skip
        self._struck = Words(
            "p", "Faults are at work here; the file runs without them.", "note"
        ).props("role=status")
        self._code = region("div", "Recorded scenario", "recording code")
        self._code.props("tabindex=0")
        with ui.element("div").classes("panel-foot"):
            self._file = ui.input("Save as", value="recorded.scenario.yaml")
            self._file.props("outlined dense").classes("grow")
            self._copy = Press("Copy", self._to_clipboard, icon="content_copy", classes="press")
            self._save = Press("Save", self._write, icon="save", classes="press main")

    def draw(self) -> None:
        """Bring it up to date."""
        hand = self._state.hand
        self._undo.enable(enabled=hand is not None and bool(hand.branches.done))
        self._redo.enable(enabled=hand is not None and bool(hand.branches.undone))
        stage = self._state.stage
        self._save.enable(enabled=stage.acts and self._state.studio.workspace is not None)
        self._copy.enable(enabled=stage.acts)
        world = stage.world
        self._struck.set_visibility(world is not None and bool(world.faults))
        if not stage.acts:
            self._draw_nothing()
            return
        file = recorded(stage.line, self._name.value or "Recorded by hand")
        if file.text == self._text:
            return
        self._text = file.text
        self._draw_lines(file.lines())
        if not file.steps:
            self._show("open", "Nothing is recorded yet")
        elif not file.checks:
            self._show("open", "Nothing is checked yet: expect something of an answer")
        else:
            self._checking += 1
            ui.timer(0.15, lambda: self._check(file.text, self._checking), once=True)

    def _draw_nothing(self) -> None:
        if self._text is None:
            return
        self._text = None
        self._code.clear()
        with self._code:
            Words("p", "A run is not recorded. Go on from one of its moments by hand: that is.")
        self._show("open", "Nothing is recorded")

    def _draw_lines(self, lines: list[tuple[str, int]]) -> None:
        self._code.clear()
        with self._code:
            for text, moment in lines:
                line = Words("div", text or " ", _line_class(text))
                if moment >= 0:
                    line.on("click", self._jump(moment), [])

    def _jump(self, moment: int) -> Callable[[object], None]:
        return lambda _: self._state.move(float(moment))

    async def _check(self, text: str, number: int) -> None:
        """Check the file as the command line would, and say what it came to."""
        if number != self._checking:
            return
        trial = await asyncio.to_thread(tried, text, self._state.studio.target)
        if text == self._text:
            self._show("good" if trial.good else "bad", trial.words)

    def _show(self, kind: str, text: str) -> None:
        choose(self._badge, _BADGES, kind)
        say(self._badge, text)

    def undo(self) -> None:
        """Take the last change back."""
        hand = self._state.hand
        if hand is not None and hand.branches.undo():
            self._state.move(None)
            hand.changed()

    def redo(self) -> None:
        """Do again what was taken back."""
        hand = self._state.hand
        if hand is not None and hand.branches.redo():
            self._state.move(None)
            hand.changed()

    def _to_clipboard(self) -> None:
        ui.clipboard.write(self._text or "")
        tell("Copied", timeout=1500)

    def _write(self) -> None:
        workspace = self._state.studio.workspace
        if workspace is None:
            return
        try:
            document = workspace.create(self._file.value or _FILE, self._text or "")
        except UsageError as error:
            complain(error.message, error.hint or "")
            return
        tell(f"Saved as {document.file}")
        self._saved(document.file)


def _line_class(text: str) -> str:
    word = text.strip().removeprefix("- ").partition(":")[0]
    kinds = {"scenario": "key", "vars": "key", "steps": "key", "expect": "expect", "name": "name"}
    return f"line {kinds.get(word, 'comment' if text.strip().startswith('#') else '')}"
