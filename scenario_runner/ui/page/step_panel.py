"""Shows one step: what a gesture would send, or what the one at this moment came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from scenario_runner.durations import duration_text
from scenario_runner.events import Exchange, PbxReported
from scenario_runner.ui.answers import source_text
from scenario_runner.ui.gestures import LetTimePass
from scenario_runner.ui.page.elements import Press, Words, lines, region
from scenario_runner.ui.recording import gesture_text
from scenario_runner.ui.timeline import Beginning, Observed, TimerFired

if TYPE_CHECKING:
    from scenario_runner.events import Event, Failure
    from scenario_runner.ui.answers import Answer, Pin
    from scenario_runner.ui.gestures import Gesture
    from scenario_runner.ui.page.state import State
    from scenario_runner.ui.timeline import Moment
    from scenario_runner.ui.world import Report


class StepPanel:
    """The step that is looked at."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen: tuple[object, ...] = ()
        self._panel = region("section", "Step", "panel step")

    def draw(self) -> None:
        """Bring it up to date."""
        state = self._state
        key = (state.preview, state.event, state.moment, state.position.index)
        if key == self._seen:
            return
        self._seen = key
        self._panel.clear()
        with self._panel:
            if state.event is not None:
                self._draw_event(state.event)
            elif state.preview is not None:
                self._draw_preview(state.preview)
            else:
                self._draw_moment(state.moment)

    def _draw_preview(self, gesture: Gesture) -> None:
        Words("h2", "Would send")
        lines(gesture_text(gesture))
        curl = self._state.stage.curl(gesture)
        if curl:
            lines(curl, "curl")

    def _draw_moment(self, moment: Moment) -> None:
        with ui.element("div").classes("panel-head"):
            Words("h2", moment.title)
            ui.element("span").classes("grow")
            Words("span", duration_text(moment.at), "muted number")
        cause = moment.cause
        if isinstance(cause, LetTimePass):
            lines(f"- wait: {duration_text(cause.duration)}")
        elif not isinstance(cause, Beginning | Observed | TimerFired):
            expect = tuple((pin.key, pin.value) for pin in moment.pinned)
            lines(gesture_text(cause, expect))
        if moment.answer is not None:
            self._draw_answer(moment.answer)
            self._draw_pins(moment)
        for report in moment.returns:
            self._draw_report(report, moment)
        for failure in self._failures(moment):
            self._draw_failure(failure)
        self._draw_requests(moment)

    def _draw_answer(self, answer: Answer) -> None:
        with ui.element("p").classes(f"answer {answer.outcome}"):
            Words("span", {"ok": "✓", "refused": "✗", "lost": "?"}[answer.outcome], "sign")
            Words("span", answer.saw)
        if answer.outcome == "lost":
            Words("p", answer.words, "muted")
        rule = answer.rule
        if rule is not None:
            with ui.element("p").classes("rule"):
                Words("code", rule.id)
                Words("span", rule.says)
                source = source_text(rule)
                Words("span", source, f"badge {rule.source.partition(' ')[0]}")

    def _draw_pins(self, moment: Moment) -> None:
        answer = moment.answer
        if answer is None or not answer.pins or not self._state.stage.acts:
            return
        with ui.element("div").classes("pins"):
            Words("span", "Expect:", "muted")
            for pin in answer.pins:
                self._pin(pin, on=pin in moment.pinned)

    def _pin(self, pin: Pin, *, on: bool) -> None:
        press = Press(str(pin), lambda: self._toggle(pin), icon="push_pin", classes="press pin")
        press.pressed(pressed=on)

    def _toggle(self, pin: Pin) -> None:
        stage = self._state.stage
        stage.change(stage.line.pin(self._state.position.index, pin))

    def _draw_report(self, report: Report, moment: Moment) -> None:
        stage, index = self._state.stage, self._state.position.index
        if not stage.acts:
            return

        def toggle() -> None:
            stage.change(stage.line.pin_report(index, report))

        with ui.element("div").classes("pins"):
            Words("span", "Expect:", "muted")
            words = f"{report.call} returns to {report.extension}"
            press = Press(words, toggle, icon="push_pin", classes="press pin")
            press.pressed(pressed=report in moment.pinned_reports)

    def _failures(self, moment: Moment) -> list[Failure]:
        run = self._state.run
        if run is None or not moment.verdict:
            return []
        return [failure for step, failure in run.failures if step == moment.step]

    def _draw_failure(self, failure: Failure) -> None:
        with ui.element("div").classes("failure").props("role=alert"):
            Words("strong", failure.message)
            for word, text in (("expected", failure.expected), ("actual", failure.actual)):
                if text is not None:
                    Words("p", f"{word}: {text}")
            if failure.hint:
                Words("p", failure.hint, "muted")

    def _draw_requests(self, moment: Moment) -> None:
        exchanges = [event for event in moment.events if isinstance(event, Exchange)]
        for exchange in exchanges[-1:]:
            with ui.element("details"):
                Words("summary", "What went over the wire")
                self._draw_exchange(exchange)

    def _draw_event(self, event: Event) -> None:
        with ui.element("div").classes("panel-head"):
            match event:
                case Exchange():
                    Words("h2", "Request and answer")
                case _:
                    Words("h2", "The PBX reports")
            ui.element("span").classes("grow")
            Press(icon="close", label="Back to the step", on_click=self._close, classes="icon")
        match event:
            case Exchange():
                self._draw_exchange(event)
            case PbxReported():
                told = "\n".join(f"{name}: {value}" for name, value in event.details)
                lines(told)
            case _:
                pass

    def _draw_exchange(self, exchange: Exchange) -> None:
        from scenario_runner.reporters.failures import curl_line

        Words("h3", f"Sent at {duration_text(exchange.at)}")
        lines(exchange.sent)
        Words("h3", f"Received after {duration_text(exchange.took)}")
        lines(exchange.received)
        curl = curl_line(exchange, self._state.stage.base_url)
        if curl:
            Words("h3", "Repeat it")
            lines(curl, "curl")

    def _close(self) -> None:
        self._state.event = None
        self._state.redraw()
