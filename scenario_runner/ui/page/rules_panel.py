"""Faults to switch on, and the rules with what this session has met of them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from nicegui import background_tasks, ui

from scenario_runner.exchange import Request
from scenario_runner.mock_pbx.faults import ACTIONS, BY, EVENTS, KINDS, SAYS, EventKind
from scenario_runner.mock_pbx.rules import RULES
from scenario_runner.ui.answers import source_text
from scenario_runner.ui.gestures import SendRequest
from scenario_runner.ui.page.elements import Press, Words, region, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.mock_pbx.rules import Rule
    from scenario_runner.ui.page.state import State


class FaultsPanel:
    """A switch for each fault of the mock."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen: object = None
        self._drawing = False
        with ui.element("div").classes("panel-head"):
            Words("span", "Strikes", "muted")
            self._times = ui.select({1: "once", 2: "twice", 0: "always"}, value=1).props(
                "outlined dense options-dense aria-label='How often'"
            )
            Words("span", "on", "muted")
            self._on = ui.select(["any action", *ACTIONS], label="On", value="any action").props(
                "outlined dense options-dense"
            )
        self._list = region("div", "Faults", "faults")

    def draw(self) -> None:
        """Bring the switches up to date."""
        faults = self._faults()
        key = (faults, self._can_switch())
        if key == self._seen:
            return
        self._seen = key
        active = {str(fault["fault"]): fault for fault in faults}
        self._drawing = True
        self._list.clear()
        with self._list:
            for name in KINDS:
                self._row(name, active.get(name))
        self._drawing = False

    def _faults(self) -> tuple[dict[str, object], ...]:
        world = self._state.stage.world
        return () if world is None else world.faults

    def _can_switch(self) -> bool:
        return self._state.can_act and self._state.stage.world is not None

    def _row(self, name: str, fault: Mapping[str, object] | None) -> None:
        with ui.element("div").classes("fault"):
            switch = ui.switch(name, value=fault is not None, on_change=lambda _: self._flip(name))
            switch.set_enabled(self._can_switch())
            Words("span", SAYS[KINDS[name]].replace("`by`", "5s"), "muted")
            if fault is not None:
                Words("span", f"met {fault['met']}, struck {fault['struck']}", "badge")

    def _flip(self, name: str) -> None:
        if not self._drawing:
            background_tasks.create(self._change(name))

    async def _change(self, name: str) -> None:
        """Switch a fault on or off; the mock removes all at once, so the others are added again."""
        faults = self._faults()
        left = [fault for fault in faults if fault["fault"] != name]
        if len(left) == len(faults):
            await self._state.send(_adding(self._wanted(name)))
            return
        await self._state.send(SendRequest(request=Request(method="DELETE", path="/mock/faults")))
        for fault in left:
            kept = {key: value for key, value in fault.items() if key not in ("met", "struck")}
            await self._state.send(_adding(kept))

    def _wanted(self, name: str) -> dict[str, object]:
        fault: dict[str, object] = {"fault": name}
        on = self._on.value
        known = EVENTS if isinstance(KINDS[name], EventKind) else ACTIONS
        if on in known:
            fault["on"] = on
        if self._times.value:
            fault["times"] = self._times.value
        if KINDS[name] in BY:
            fault["by"] = "5s"
        return fault


def _adding(fault: Mapping[str, object]) -> SendRequest:
    body = json.dumps(fault).encode()
    headers = (("Content-Type", "application/json"),)
    request = Request(method="POST", path="/mock/faults", headers=headers, body=body)
    return SendRequest(request=request)


class RulesPanel:
    """The table of rules: what the PBX does, its source, how often it was met here."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._counts: dict[str, tuple[Words, Words]] = {}
        self._summary = Words("p", "", "muted")
        scroll = region("div", "Rules", "scroll").props("tabindex=0")
        with scroll, ui.element("table").classes("rules"):
            with ui.element("thead"), ui.element("tr"):
                for head in ("Rule", "Here", "Scenarios"):
                    Words("th", head).props("scope=col")
            with ui.element("tbody"):
                for rule in RULES:
                    self._row(rule)

    def _row(self, rule: Rule) -> None:
        with ui.element("tr"):
            with ui.element("td"):
                Words("code", rule.id)
                Words("p", rule.says)
                Words("span", source_text(rule), f"badge {rule.source.partition(' ')[0]}")
            here, runs = Words("td", "", "number met"), Words("td", "", "number met")
            self._counts[rule.id] = (here, runs)

    def draw(self) -> None:
        """Bring the counts up to date."""
        state = self._state
        moments = state.line.moments[: state.position.index + 1]
        here = Counter(rule.id for moment in moments for rule in moment.rules)
        runs = Counter(rule for runs in state.studio.results.values() for rule in runs[-1].rules)
        if state.run is not None:
            here = Counter(state.run.rules)
        say(self._summary, f"{len(here)} of {len(RULES)} met here, {len(runs)} by the scenarios")
        for name, (own, others) in self._counts.items():
            say(own, str(here[name]) if here[name] else "–")
            say(others, str(runs[name]) if runs[name] else "–")


class KeysDialog:
    """An overview of the keys."""

    KEYS = (
        ("← →", "the moment before, the next one"),
        ("End", "now"),
        ("Space", "let time run, or stop it"),
        ("+", "one second passes"),
        ("t", "to the next timer"),
        ("c", "somebody calls"),
        ("d", "an extension dials out"),
        ("p", "park the chosen call"),
        ("b", "take a parked call (bridge)"),
        ("s", "look into a slot"),
        ("Ctrl+Z, Ctrl+Y", "undo, redo"),
        ("Ctrl+S", "in the editor: save"),
        ("Ctrl+Enter", "in the editor: run the scenario at the cursor"),
        ("Ctrl+Space", "in the editor: what can be written here"),
        ("Esc, then Tab", "leave the editor"),
        ("?", "this overview"),
    )

    @classmethod
    def open(cls) -> None:
        """Show it."""
        with ui.dialog() as dialog, ui.element("div").classes("dialog"):
            Words("h2", "Keys")
            with ui.element("dl").classes("keys"):
                for key, words in cls.KEYS:
                    Words("dt", key)
                    Words("dd", words)
            with ui.element("div").classes("dialog-foot"):
                Press("Close", dialog.close, classes="press main")
        dialog.props("aria-label=Keys")
        dialog.on("hide", lambda _: dialog.delete(), [])
        dialog.open()
