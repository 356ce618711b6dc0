"""Forms for every operation of the API, with the answer, the command, and the step that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from scenario_runner.events import Exchange
from scenario_runner.ui.gestures import SendRequest
from scenario_runner.ui.operations import operations
from scenario_runner.ui.page.elements import Press, Words, attribute, lines, say
from scenario_runner.ui.recording import gesture_text

if TYPE_CHECKING:
    from nicegui.events import ValueChangeEventArguments

    from scenario_runner.exchange import Request
    from scenario_runner.ui.operations import FormField
    from scenario_runner.ui.page.state import State


class TryPanel:
    """One operation at a time."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._operation = operations()[0]
        self._values: dict[str, ui.input | ui.select] = {}
        self._guessed: dict[str, str] = {}
        self._made = ""
        names = {one.id: f"{one.group}: {one.says}" for one in operations()}
        self._choice = ui.select(
            names, label="Operation", value="valetPark", on_change=self._chosen
        )
        self._choice.props("outlined dense options-dense").classes("wide")
        self._path = Words("code", "", "path")
        self._fields = ui.element("div").classes("fields")
        self._body = ui.textarea("Body, as it is sent", on_change=self._typed)
        self._body.props("outlined dense autogrow").classes("wide mono")
        self._curl = Words("pre", "", "code curl")
        self._step = Words("pre", "", "code")
        with ui.element("div").classes("panel-foot"):
            Words("span", "What is sent is recorded as a step.", "muted grow")
            self._send = Press("Send", self._go, icon="send", classes="press main")
        self._answer = ui.element("div")
        self._show("valetPark")

    def draw(self) -> None:
        """Bring the button up to date, and fill in what the lot tells where nobody has typed."""
        self._send.enable(enabled=self._state.can_act)
        if (self._body.value or "") != self._made:
            return
        for field in self._operation.fields:
            made, guess = self._values[field.name], self._guess(field)
            if isinstance(made, ui.input) and made.value == self._guessed[field.name] != guess:
                self._guessed[field.name] = guess
                made.value = guess

    def _chosen(self, event: ValueChangeEventArguments[str]) -> None:
        self._show(event.value)

    def _show(self, name: str) -> None:
        self._operation = next(one for one in operations() if one.id == name)
        self._answer.clear()
        self._fields.clear()
        with self._fields:
            self._values = {one.name: self._field(one) for one in self._operation.fields}
        self._filled()

    def _field(self, field: FormField) -> ui.input | ui.select:
        label = f"{field.name}{' *' if field.required else ''}"
        value = self._guessed[field.name] = self._guess(field)
        made: ui.input | ui.select
        if field.choices:
            choices = [*([] if field.required else [""]), *field.choices]
            made = ui.select(
                choices, label=label, value=value or choices[0], on_change=self._filled
            )
            made.props("outlined dense options-dense")
        else:
            made = ui.input(label, value=value, on_change=self._filled).props("outlined dense")
        attribute(made, "hint", field.says)
        return made

    def _guess(self, field: FormField) -> str:
        """Fill in what the lot tells: the ids of the first call and of its extension."""
        picture = self._state.moment.picture
        world = self._state.stage.world
        if world is None or not picture.calls:
            return {"extension_id": "34414", "client_id": "@me", "grant_type": ""}.get(
                field.name, ""
            )
        name = self._state.call or picture.calls[0].name
        call = world.find(name)
        known = {
            "extension_id": world.dialect.extension_id(call.extension),
            "call_api_id": call.call_api_id,
            "uuid": call.uuid,
            "client_id": "@me",
            "slot": "6",
            "extension": call.extension,
        }
        return known.get(field.name, "")

    def _request(self) -> Request:
        values = {name: str(one.value or "") for name, one in self._values.items()}
        made = self._operation.request(values)
        typed = (self._body.value or "").encode()
        return self._operation.raw(made.path, typed)

    def _filled(self) -> None:
        values = {name: str(one.value or "") for name, one in self._values.items()}
        made = self._operation.request(values)
        has_body = any(field.where == "body" for field in self._operation.fields)
        self._body.set_visibility(has_body)
        self._made = made.body.decode()
        self._body.value = self._made
        self._typed()

    def _typed(self) -> None:
        request = self._request()
        say(self._path, f"{request.method} {request.path}")
        gesture = SendRequest(request=request)
        say(self._curl, self._state.stage.curl(gesture))
        say(self._step, gesture_text(gesture))

    async def _go(self) -> None:
        await self._state.send(SendRequest(request=self._request()))
        exchanges = [one for one in self._state.moment.events if isinstance(one, Exchange)]
        self._answer.clear()
        with self._answer:
            Words("h3", "The answer")
            for exchange in exchanges[-1:]:
                lines(exchange.received)
