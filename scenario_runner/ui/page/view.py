"""Puts the page together for one browser, and draws it anew when something has changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nicegui import ui

from scenario_runner.durations import SECOND
from scenario_runner.reporters.ladder.drawing import ladder_style
from scenario_runner.ui.page.dialogs import Dialogs
from scenario_runner.ui.page.editor_panel import EditorPanel
from scenario_runner.ui.page.elements import Press, Words, region
from scenario_runner.ui.page.files_panel import FilesPanel, RunsList
from scenario_runner.ui.page.ladder_panel import LadderPanel
from scenario_runner.ui.page.lot_panel import LotPanel
from scenario_runner.ui.page.recording_panel import RecordingPanel
from scenario_runner.ui.page.rules_panel import FaultsPanel, KeysDialog, RulesPanel
from scenario_runner.ui.page.state import State, complain
from scenario_runner.ui.page.step_panel import StepPanel
from scenario_runner.ui.page.time_bar import TimeBar
from scenario_runner.ui.page.try_panel import TryPanel
from scenario_runner.ui.stages import HandStage
from scenario_runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from nicegui.events import KeyEventArguments, ValueChangeEventArguments

    from scenario_runner.ui.stages import Stage
    from scenario_runner.ui.studio import Studio

_PAUSE = 0.03
_LEAVE_KEYS = ["input", "select", "textarea", "div"]
"""Where keys are typed and mean nothing else; the editor is a `div`."""


def build_page(studio: Studio, lot: str = "") -> None:
    """Build the page for one browser; `lot` names the lot to look at first."""
    View(studio, lot)


class View:
    """The page of one browser."""

    def __init__(self, studio: Studio, lot: str) -> None:
        assets = f"/assets/{__version__}"
        ui.add_css(ladder_style())
        ui.add_head_html(f'<link rel="stylesheet" href="{assets}/page.css">')
        for script in ("drag", "editor"):
            ui.add_body_html(f'<script type="module" src="{assets}/{script}.js"></script>')
        self._due = False
        self._told: object = None
        self._client = ui.context.client
        self._loop = asyncio.get_running_loop()
        self._state = State(studio, _first_stage(studio, lot), self._client, redraw=self.draw)
        self._dark = ui.dark_mode(None)
        self._dialogs = Dialogs(self._state)
        self._build()
        ui.keyboard(self._key, ignore=_LEAVE_KEYS)
        ui.keyboard(self._space, ignore=[*_LEAVE_KEYS, "button", "summary", "svg", "rect"])
        studio.listeners.append(self.changed)
        self._client.on_connect(self._ask_for_shade)
        self._client.on_delete(lambda: studio.listeners.remove(self.changed))
        run = self._state.run
        if run is None:
            self.draw()
        else:
            self._state.look_at_run(run)

    def _build(self) -> None:
        Press("Skip to the lot", self._skip, classes="skip")
        with ui.element("header").classes("top"):
            Words("h1", "scenario-runner")
            target = self._state.studio.target
            Words("span", f"{target.name} · {target.host}", "badge")
            self._stages = ui.select({}, label="Look at", on_change=self._staged)
            self._stages.props("outlined dense options-dense").classes("stages")
            ui.element("span").classes("grow")
            Press(icon="contrast", label="Light or dark", on_click=self._shade, classes="icon")
            Press(icon="keyboard", label="Keys (?)", on_click=KeysDialog.open, classes="icon")
        self._time = TimeBar(self._state)
        with ui.element("main").classes("frame"):
            self._files = FilesPanel(self._state, self._open_file)
            self._lot = LotPanel(self._state, self._dialogs)
            with ui.element("div").classes("stack"):
                self._step = StepPanel(self._state)
                with region("section", "Details", "panel tabs"):
                    self._build_tabs()

    def _build_tabs(self) -> None:
        names = ("Ladder", "Scenario", "Recording", "Try it", "Faults", "Rules")
        self._tabs = ui.tabs().props("dense no-caps align=left")
        with self._tabs:
            for name in names:
                ui.tab(name)
        panels = ui.tab_panels(self._tabs, value="Ladder", animated=False)
        with panels.props("keep-alive"):
            with ui.tab_panel("Ladder"):
                self._ladder = LadderPanel(self._state)
            with ui.tab_panel("Scenario"):
                self._editor = EditorPanel(self._state)
                self._runs = RunsList(self._state)
            with ui.tab_panel("Recording"):
                self._recording = RecordingPanel(self._state, self._open_saved)
            with ui.tab_panel("Try it"):
                self._try = TryPanel(self._state)
            with ui.tab_panel("Faults"):
                self._faults = FaultsPanel(self._state)
            with ui.tab_panel("Rules"):
                self._rules = RulesPanel(self._state)

        self._in_tabs: dict[str, list[Callable[[], None]]] = {
            "Ladder": [self._ladder.draw],
            "Scenario": [self._editor.draw, self._runs.draw],
            "Recording": [self._recording.draw],
            "Try it": [self._try.draw],
            "Faults": [self._faults.draw],
            "Rules": [self._rules.draw],
        }
        self._tabs.on_value_change(lambda _: self.draw())

    def _open_file(self, file: str, line: int) -> None:
        self._editor.open(file, line)
        self._tabs.set_value("Scenario")

    def _open_saved(self, file: str) -> None:
        self._open_file(file, 0)

    def changed(self) -> None:
        """Draw soon: many changes in a row are drawn once."""
        if not self._due:
            self._due = True
            self._loop.call_later(_PAUSE, self._draw_if_there)

    def _draw_if_there(self) -> None:
        self._due = False
        if not self._client.is_deleted:
            with self._client:
                self._follow()
                self._tell_of_errors()
                self._editor.look_at_disk()
                self.draw()

    def _follow(self) -> None:
        """Look at the run that was asked for as soon as it has begun."""
        state = self._state
        runs = state.studio.results.get(state.follow, [])
        if state.follow and runs and runs[-1] is not state.run:
            state.look_at(state.studio.stage_of(runs[-1]))
        run = state.run
        if state.follow and run is not None and run.finished is not None:
            running = state.studio.running
            if running is None or running.over:
                state.follow = ""
                state.look_at_run(runs[0] if runs else run)

    def _tell_of_errors(self) -> None:
        """Say why a run could not be done, once."""
        running = self._state.studio.running
        error = None if running is None else running.error
        if error is not None and error is not self._told:
            self._told = error
            complain(error.message, error.hint or "")

    def draw(self) -> None:
        """Bring everything up to date."""
        self._draw_stages()
        self._time.draw()
        self._lot.draw(self._state.lot)
        self._step.draw()
        self._files.draw()
        for draw in self._in_tabs[str(self._tabs.value)]:
            draw()

    # What is looked at

    def _choices(self) -> dict[str, tuple[str, Callable[[], None]]]:
        """Return what can be looked at: each lot with its branches, and the run at hand."""
        found: dict[str, tuple[str, Callable[[], None]]] = {}
        for number, lot in enumerate(self._state.studio.lots):
            found[f"lot {number}"] = (lot.title, self._looking_at(lot))
            if isinstance(lot, HandStage):
                for place, other in enumerate(lot.branches.others):
                    name = f"{lot.name} · {other.name}"
                    found[f"lot {number} {place}"] = (name, self._taking_up(lot, place))
        run = self._state.run
        if run is not None:
            found["run"] = (self._state.stage.title, lambda: None)
        return found

    def _draw_stages(self) -> None:
        choices = self._choices()
        options = {key: words for key, (words, _) in choices.items()}
        stage = self._state.stage
        lots = self._state.studio.lots
        value = f"lot {lots.index(stage)}" if stage in lots else "run"
        if options != self._stages.options or value != self._stages.value:
            self._stages.set_options(options, value=value)

    def _staged(self, event: ValueChangeEventArguments[str]) -> None:
        choices = self._choices()
        stage, lots = self._state.stage, self._state.studio.lots
        now = f"lot {lots.index(stage)}" if stage in lots else "run"
        if event.value in choices and event.value != now:
            choices[event.value][1]()

    def _looking_at(self, stage: Stage) -> Callable[[], None]:
        return lambda: self._state.look_at(stage)

    def _taking_up(self, lot: HandStage, place: int) -> Callable[[], None]:
        def take_up() -> None:
            lot.branches.switch(place)
            self._state.look_at(lot)
            lot.changed()

        return take_up

    # Looks and keys

    def _skip(self) -> None:
        ui.run_javascript("document.querySelector('.slot')?.focus()")

    async def _ask_for_shade(self) -> None:
        """Ask the browser whether it wants a dark page: the editor has to be told."""
        wanted = "matchMedia('(prefers-color-scheme: dark)').matches"
        dark = bool(await self._client.run_javascript(wanted, timeout=10))
        if self._dark.value is None:
            self._editor.shade(dark=dark)

    def _shade(self) -> None:
        dark = self._dark.value is not True
        self._dark.value = dark
        self._editor.shade(dark=dark)

    def _space(self, event: KeyEventArguments) -> None:
        """Let time run, unless the key presses what has the focus."""
        if event.action.keydown and not event.action.repeat and event.key.name == " ":
            self._time.play()

    def _key(self, event: KeyEventArguments) -> None:
        if not event.action.keydown:
            return
        name = event.key.name
        if event.modifiers.ctrl or event.modifiers.meta:
            {"z": self._recording.undo, "y": self._recording.redo}.get(name, _nothing)()
            return
        call = self._lot.chosen()
        keys: dict[str, Callable[[], None]] = {
            "ArrowLeft": self._time.back,
            "ArrowRight": self._time.forth,
            "End": self._time.to_now,
            "+": lambda: self._time.wait(SECOND),
            "t": self._time.to_timer,
            "c": self._dialogs.somebody_calls,
            "d": self._dialogs.extension_dials,
            "?": KeysDialog.open,
        }
        if call:
            keys |= {
                "p": lambda: self._dialogs.park(call),
                "b": lambda: self._dialogs.take(call),
                "s": lambda: self._dialogs.look(call),
            }
        if name in keys and (self._state.can_act or name not in "cdpbs"):
            keys[name]()


def _nothing() -> None:
    return None


def _first_stage(studio: Studio, lot: str) -> Stage:
    """Return what is looked at first: the lot that was named, a lot, or the run that failed."""
    named = [one for one in studio.lots if getattr(one, "name", "") == lot]
    if named or studio.lots:
        return (named or studio.lots)[0]
    runs = [run for runs in studio.results.values() for run in runs]
    failed = [run for run in runs if run.failed_at is not None]
    return studio.stage_of((failed or runs)[0])
