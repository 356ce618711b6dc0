"""Draws the lot: slots with the time left, extensions as lamps, calls with what can be done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nicegui import ui

from scenario_runner.ui.gestures import (
    LookAtCall,
    LookAtExtension,
    LookIntoSlot,
    ParkCall,
    PickUp,
    PutDown,
    TakeFromSlot,
    slot_from,
)
from scenario_runner.ui.page.elements import Press, Words, attribute, choose, region, say
from scenario_runner.ui.page.state import complain

if TYPE_CHECKING:
    from collections.abc import Callable

    from nicegui.events import GenericEventArguments

    from scenario_runner.ui.gestures import Gesture
    from scenario_runner.ui.lot import CallView, ExtensionView, LotView, SlotView
    from scenario_runner.ui.page.dialogs import Dialogs
    from scenario_runner.ui.page.state import State

_SMALL = "press small"
_ROOM = 7
_LAMPS = ("free", "ringing", "talking", "two")


class LotPanel:
    """The lot, drawn once and brought up to date."""

    def __init__(self, state: State, dialogs: Dialogs) -> None:
        self._state = state
        self._dialogs = dialogs
        self._slots: dict[str, SlotTile] = {}
        self._lamps: dict[str, LampTile] = {}
        self._people: tuple[object, ...] = ()
        self._drawn: dict[str, CallCard] = {}
        with region("section", "Lot", "panel lot"):
            with ui.element("div").classes("panel-head"):
                Words("h2", "Lot")
                self._summary = Words("span", "", "muted")
                ui.element("span").classes("grow")
                self._calls = Press(
                    "Somebody calls", dialogs.somebody_calls, icon="call_received", classes=_SMALL
                )
                self._dials = Press(
                    "Dial out", dialogs.extension_dials, icon="call_made", classes=_SMALL
                )
            with ui.element("div").classes("failure").props("role=alert") as self._problem:
                self._why = Words("p", "")
                Press("Connect", self._connect, icon="refresh", classes=_SMALL)
            self._grid = region("div", "Slots", "slots")
            Words("h3", "Extensions")
            self._board = region("div", "Extensions", "lamps")
            Words("h3", "Calls")
            self._cards = region("div", "Calls", "cards")
        ui.on("lot-drop", self._dropped)
        ui.on("lot-over", self._over)

    def draw(self, view: LotView) -> None:
        """Bring the lot up to date."""
        state = self._state
        taken = sum(bool(slot.call) for slot in view.slots)
        say(self._summary, f"{taken} of {len(view.slots)} slots taken")
        say(self._why, state.stage.problem)
        self._problem.set_visibility(bool(state.stage.problem))
        for press in (self._calls, self._dials):
            press.enable(enabled=state.can_act)
        self._draw_slots(view.slots)
        self._draw_lamps(view.extensions)
        # Drawn anew a card would lose the click or the focus that is on its way, so that the time
        # that goes by only changes its words.
        still = tuple(replace(call, left="", share=0.0) for call in view.people)
        key = (still, state.call, state.can_act)
        if key != self._people:
            self._people = key
            self._draw_people(view.people)
        for call in view.people:
            self._drawn[call.name].tell(call)

    def _draw_slots(self, slots: tuple[SlotView, ...]) -> None:
        if [slot.number for slot in slots] != list(self._slots):
            self._grid.clear()
            with self._grid:
                self._slots = {slot.number: SlotTile(slot.number, self) for slot in slots}
        for slot in slots:
            self._slots[slot.number].draw(slot, chosen=slot.call == self._state.call != "")

    def _draw_lamps(self, extensions: tuple[ExtensionView, ...]) -> None:
        if [one.number for one in extensions] != list(self._lamps):
            self._board.clear()
            with self._board:
                self._lamps = {one.number: LampTile(one.number, self) for one in extensions}
        for one in extensions:
            self._lamps[one.number].draw(one)

    def _draw_people(self, people: tuple[CallView, ...]) -> None:
        self._cards.clear()
        self._drawn.clear()
        with self._cards:
            if not people:
                Words("p", "Nobody is on the line. Let somebody call.", "muted empty")
            for call in people:
                chosen = call.name == self._state.call or len(people) == 1
                self._drawn[call.name] = CallCard(call, self, chosen=chosen)

    async def _connect(self) -> None:
        await self._state.stage.open()

    # What is done on the lot

    def choose_call(self, name: str) -> None:
        """Choose a call to act on."""
        self._state.call = "" if self._state.call == name else name
        self._state.redraw()

    def press_slot(self, number: str) -> None:
        """Park the chosen call in a free slot, or choose the call in a taken one."""
        state = self._state
        there = state.moment.picture.in_slot(number)
        if there is not None:
            self.choose_call(there.name)
            return
        gesture = self.gesture_for_slot(number)
        if gesture is not None and state.can_act:
            self.do(gesture)
        elif state.can_act:
            complain("choose a call first", "it has to be answered to be parked")

    def gesture_for_slot(self, number: str) -> Gesture | None:
        """Return what pressing a free slot would do."""
        name = self.chosen()
        return None if not name else ParkCall(call=name, slot=slot_from(number))

    def chosen(self) -> str:
        """Return the call that gestures are about: the chosen one, or the only one that talks."""
        picture = self._state.moment.picture
        if picture.call(self._state.call) is not None:
            return self._state.call
        talking = [call.name for call in picture.calls if call.doing == "up"]
        return talking[0] if len(talking) == 1 else ""

    def press_lamp(self, number: str) -> None:
        """Choose the call of an extension, or call one that is free."""
        calls = self._state.moment.picture.at(number)
        if calls:
            self.choose_call(calls[0].name)
        elif self._state.can_act:
            self._dialogs.somebody_calls(number)

    def do(self, gesture: Gesture) -> None:
        """Send a gesture."""
        self._state.do(gesture)

    def show(self, gesture: Gesture | None) -> None:
        """Show what a gesture would send."""
        if self._state.can_act:
            self._state.show(gesture)

    def actions(self, call: CallView) -> list[tuple[str, str, Gesture | Callable[[], None]]]:
        """Return what can be done with a call: an icon, words, and what it does."""
        name, extension = call.name, call.extension
        dialogs = self._dialogs
        every: dict[type[Gesture], list[tuple[str, str, Gesture | Callable[[], None]]]] = {
            PickUp: [("call", "Answer", PickUp(call=name))],
            ParkCall: [("local_parking", "Park…", lambda: dialogs.park(name))],
            TakeFromSlot: [("call_merge", "Take…", lambda: dialogs.take(name))],
            LookIntoSlot: [("search", "Look into a slot…", lambda: dialogs.look(name))],
            PutDown: [
                ("call_end", f"{name} hangs up", PutDown(call=name)),
                ("phone_disabled", f"{extension} hangs up", PutDown(call=name, by="extension")),
            ],
        }
        found = [one for action in call.actions for one in every[action]]
        return [
            *found,
            ("help_outline", f"What is {name} doing?", LookAtCall(call=name)),
            ("list", f"List the calls of {extension}", LookAtExtension(extension=extension)),
        ]

    # Dragging

    def _gesture_of_drop(self, event: GenericEventArguments) -> Gesture | None:
        """Return what dropping one thing on another means."""
        kind, _, what = str(event.args.get("from", "")).partition(":")
        onto, _, where = str(event.args.get("onto", "")).partition(":")
        match kind, onto:
            case "call", "slot":
                return ParkCall(call=what, slot=slot_from(where))
            case "slot", "call":
                return TakeFromSlot(call=where, slot=slot_from(what))
            case "slot", "ext":
                calls = self._state.moment.picture.at(where)
                talking = [call for call in calls if call.doing != "ringing"]
                if talking:
                    return TakeFromSlot(call=talking[0].name, slot=slot_from(what))
                return None
            case _:
                return None

    def _over(self, event: GenericEventArguments) -> None:
        self.show(self._gesture_of_drop(event))

    async def _dropped(self, event: GenericEventArguments) -> None:
        gesture = self._gesture_of_drop(event)
        if gesture is not None and self._state.can_act:
            await self._state.send(gesture)
        elif self._state.can_act:
            complain("only an extension that is on a call can take another one")


class SlotTile:
    """One slot."""

    def __init__(self, number: str, panel: LotPanel) -> None:
        self._seen: tuple[SlotView, bool] | None = None
        self._tile = Press(on_click=lambda: panel.press_slot(number), classes="slot")
        tile = self._tile
        attribute(tile, "data-drop", f"slot:{number}")
        attribute(tile, "data-slot", number)
        tile.on("mouseenter", lambda _: panel.show(self._wanted(panel, number)), [], throttle=0.1)
        tile.on("focus", lambda _: panel.show(self._wanted(panel, number)), [])
        tile.on("mouseleave", lambda _: panel.show(None), [], throttle=0.1)
        with tile:
            with ui.element("span").classes("slot-top").props("aria-hidden=true"):
                Words("span", number, "slot-number")
                self._ring = Words("span", "", "ring")
            self._name = Words("span", "", "slot-name").props("aria-hidden=true")
            self._party = Words("span", "", "slot-party").props("aria-hidden=true")
            with ui.element("span").classes("slot-left").props("aria-hidden=true"):
                self._left = Words("span", "")
                self._parker = Words("span", "", "muted")

    def _wanted(self, panel: LotPanel, number: str) -> Gesture | None:
        name = panel.chosen()
        if self._seen is None or not name:
            return None
        if self._seen[0].call:
            asks = name if name != self._seen[0].call else ""
            return LookIntoSlot(call=asks, slot=slot_from(number)) if asks else None
        return panel.gesture_for_slot(number)

    def draw(self, view: SlotView, *, chosen: bool) -> None:
        """Bring it up to date."""
        if self._seen == (view, chosen):
            return
        self._seen = (view, chosen)
        choose(self._tile, ("free", "taken"), "taken" if view.call else "free")
        choose(self._tile, ("chosen", "other"), "chosen" if chosen else "other")
        choose(self._tile, ("broken", "fine"), "broken" if view.failed else "fine")
        attribute(self._tile, "aria-label", view.label)
        attribute(self._tile, "draggable", "true" if view.call else "false")
        attribute(self._tile, "data-drag", f"slot:{view.number}" if view.call else "")
        say(self._name, view.call)
        say(self._party, view.party if len(view.party) <= _ROOM else f"…{view.party[-_ROOM:]}")
        say(self._left, view.left)
        say(self._parker, view.parker)
        self._ring.style(f"--share: {view.share:.4f}")


class LampTile:
    """One extension."""

    def __init__(self, number: str, panel: LotPanel) -> None:
        self._seen: ExtensionView | None = None
        self._tile = Press(on_click=lambda: panel.press_lamp(number), classes="lamp free")
        attribute(self._tile, "data-drop", f"ext:{number}")
        attribute(self._tile, "data-extension", number)
        with self._tile:
            ui.element("span").classes("light").props("aria-hidden=true")
            Words("span", number, "lamp-number").props("aria-hidden=true")
            self._text = Words("span", "free", "lamp-text").props("aria-hidden=true")

    def draw(self, view: ExtensionView) -> None:
        """Bring it up to date."""
        if self._seen == view:
            return
        self._seen = view
        choose(self._tile, _LAMPS, view.lamp.partition(" ")[0])
        attribute(self._tile, "aria-label", view.label)
        attribute(self._tile, "title", view.label)
        names = ", ".join(call.name for call in view.calls)
        say(self._text, names or "free")


class CallCard:
    """One call: who, what they do, and what can be done with it."""

    def __init__(self, call: CallView, panel: LotPanel, *, chosen: bool) -> None:
        card = ui.element("article").classes(f"card {call.doing}{' chosen' if chosen else ''}")
        for name, value in (("data-call", call.name), ("data-drop", f"call:{call.name}")):
            attribute(card, name, value)
        if call.doing in ("up", "bridged"):
            attribute(card, "draggable", "true")
            attribute(card, "data-drag", f"call:{call.name}")
        with card:
            with Press(on_click=lambda: panel.choose_call(call.name), classes="card-head") as head:
                head.pressed(pressed=chosen)
                Words("strong", f"{call.name} + {call.partner}" if call.partner else call.name)
                Words("span", call.party, "number")
                self._where = Words("span", _where(call), "muted")
            if chosen and panel._state.can_act:  # noqa: SLF001 -- a part of the panel
                with ui.element("div").classes("actions"):
                    for icon, words, action in panel.actions(call):
                        _action(icon, words, action, panel)

    def tell(self, call: CallView) -> None:
        """Bring the time left up to date."""
        say(self._where, _where(call))


def _where(call: CallView) -> str:
    return f"{call.where}{f' · {call.left}' if call.left else ''}"


def _action(icon: str, words: str, action: Gesture | Callable[[], None], panel: LotPanel) -> None:
    if callable(action):
        Press(words, action, icon=icon, classes="press small")
        return
    gesture = action
    press = Press(words, lambda: panel.do(gesture), icon=icon, classes="press small")
    press.on("mouseenter", lambda _: panel.show(gesture), [], throttle=0.1)
    press.on("focus", lambda _: panel.show(gesture), [])
    press.on("mouseleave", lambda _: panel.show(None), [], throttle=0.1)
