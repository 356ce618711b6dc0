"""Asks for what a gesture needs, and shows the step and the request before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from nicegui import ui

from scenario_runner.ui.gestures import (
    ExtensionDials,
    LookIntoSlot,
    ParkCall,
    SomebodyCalls,
    TakeFromSlot,
    slot_from,
    suggested_name,
    wrong_name,
)
from scenario_runner.ui.page.elements import Press, Words, say
from scenario_runner.ui.recording import gesture_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.ui.gestures import Gesture
    from scenario_runner.ui.page.state import State

    Made: TypeAlias = Gesture | str
    Field: TypeAlias = ui.input | ui.select | ui.switch

_NUMBERS = {SomebodyCalls: "+78120000443", ExtensionDials: "+74950000200"}


class Dialogs:
    """Opens the dialogs of one browser."""

    def __init__(self, state: State) -> None:
        self._state = state

    def somebody_calls(self, extension: str = "") -> None:
        """Ask who calls which extension."""
        self._call("Somebody calls", SomebodyCalls, extension)

    def extension_dials(self, extension: str = "") -> None:
        """Ask which extension dials whom."""
        self._call("An extension dials out", ExtensionDials, extension)

    def _call(self, title: str, kind: type[SomebodyCalls | ExtensionDials], extension: str) -> None:
        taken = self._state.line.taken
        known = self._state.stage.facts.extensions
        busy = {call.extension for call in self._state.moment.picture.calls}
        free = next((one for one in known if one not in busy), "341")
        incoming = kind is SomebodyCalls
        with Form(title, "Call", self._state) as form:
            name = form.text("Name of the call", suggested_name(kind, taken))
            number = form.text("Their number", _NUMBERS[kind])
            desk = form.text("Extension", extension or free)
            answered = form.switch("Answered at once", on=not incoming)

        def make() -> Made:
            wrong = wrong_name(str(name.value), taken)
            if wrong:
                return wrong
            if not str(number.value).strip() or not str(desk.value).strip():
                return "a call has a number and an extension"
            return kind(
                name=str(name.value),
                extension=str(desk.value).strip(),
                number=str(number.value).strip(),
                answered=bool(answered.value),
            )

        form.open(make)

    def park(self, call: str) -> None:
        """Ask for the slot to park a call in."""
        picture = self._state.moment.picture
        taken = {one.slot for one in picture.parked()}
        first, last = self._state.stage.facts.slots
        free = next((n for n in map(str, range(first, last + 1)) if n not in taken), str(first))
        with Form(f"Park {call}", "Park", self._state) as form:
            slot = form.text("Slot", free)
            other = form.text("In the name of extension (optional)", "")
        form.open(
            lambda: ParkCall(
                call=call, slot=slot_from(str(slot.value)), extension=str(other.value).strip()
            )
        )

    def take(self, call: str) -> None:
        """Ask which parked call to take."""
        parked = self._state.moment.picture.parked()
        with Form(f"Take a parked call with {call}", "Take", self._state) as form:
            slot = form.text("Slot (empty: any parked call)", parked[0].slot if parked else "")
        form.open(lambda: TakeFromSlot(call=call, slot=slot_from(str(slot.value))))

    def look(self, call: str) -> None:
        """Ask which slot to look into."""
        parked = self._state.moment.picture.parked()
        with Form(f"Look into a slot, through {call}", "Look", self._state) as form:
            slot = form.text("Slot", parked[0].slot if parked else "1")
        form.open(lambda: LookIntoSlot(call=call, slot=slot_from(str(slot.value))))


class Form:
    """A dialog with fields, what they come to as a step and a request, and a button that sends."""

    def __init__(self, title: str, verb: str, state: State) -> None:
        self._state = state
        self._first = True
        self._make: Callable[[], Made] = lambda: ""
        # Beside the panels: drawn inside of one, it would go when that is drawn anew.
        with ui.context.client.content:
            self._dialog = ui.dialog().props("aria-label=dialog")
        self._dialog._props["aria-label"] = title  # noqa: SLF001 -- any letters may be in it
        with self._dialog, ui.element("form").classes("dialog") as self._form:
            Words("h2", title)
            self._fields = ui.element("div").classes("fields")
            self._problem = Words("p", "", "problem").props("role=alert")
            Words("h3", "The step")
            self._step = Words("pre", "", "code")
            self._curl_head = Words("h3", "The request")
            self._curl = Words("pre", "", "code")
            with ui.element("div").classes("dialog-foot"):
                Press("Cancel", self._dialog.close)
                self._go = Press(verb, classes="press main")
                self._go.props("type=submit")
        self._form.on("submit.prevent", self._send, [])
        self._dialog.on("hide", lambda _: self._dialog.delete(), [])

    def __enter__(self) -> Form:
        self._fields.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._fields.__exit__(*_)

    def text(self, label: str, value: str) -> ui.input:
        """Add a field for text."""
        made = ui.input(label, value=value, on_change=self._changed).props("outlined dense")
        if self._first:
            made.props("autofocus")
            self._first = False
        return made

    def switch(self, label: str, *, on: bool) -> ui.switch:
        """Add a switch."""
        return ui.switch(label, value=on, on_change=self._changed)

    def open(self, make: Callable[[], Made]) -> None:
        """Show the dialog; `make` returns the gesture that is typed, or what is wrong with it."""
        self._make = make
        self._changed()
        self._dialog.open()

    def _changed(self) -> None:
        made = self._make()
        if isinstance(made, str):
            say(self._problem, made)
            self._go.enable(enabled=False)
            return
        say(self._problem, "")
        self._go.enable(enabled=True)
        say(self._step, gesture_text(made))
        curl = self._state.stage.curl(made)
        say(self._curl, curl)
        for element in (self._curl_head, self._curl):
            element.set_visibility(bool(curl))

    async def _send(self) -> None:
        made = self._make()
        if not isinstance(made, str):
            self._dialog.close()
            await self._state.send(made)
