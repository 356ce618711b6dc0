"""The time of what is looked at: back and forth on a slider, and on where time can be bent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.ui.page.elements import Press, Words, attribute, region, say
from scenario_runner.ui.page.state import complain, tell
from scenario_runner.ui.stages import SPEEDS

if TYPE_CHECKING:
    from nicegui.events import ValueChangeEventArguments

    from scenario_runner.ui.page.state import State


class TimeBar:
    """Buttons and a slider."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._own = 0.0
        with region("section", "Time", "time"):
            with ui.element("div").classes("time-buttons"):
                self._back = Press(icon="skip_previous", label="Earlier (←)", on_click=self.back)
                self._forth = Press(icon="skip_next", label="Later (→)", on_click=self.forth)
                self._now = Press(icon="last_page", label="Now (End)", on_click=self.to_now)
            self._slider = ui.slider(min=0, max=1, step=0.25, value=0, on_change=self._slid)
            self._slider.props("aria-label=Moment").classes("time-slider")
            self._text = Words("output", "0s", "time-text")
            with ui.element("div").classes("time-buttons") as self._bending:
                self._play = Press(icon="play_arrow", label="Let time run (Space)",
                                   on_click=self.play)  # fmt: skip
                self._speed = ui.select(list(SPEEDS), value="1×", on_change=self._speeded)
                self._speed.props("dense outlined options-dense aria-label=Speed")
                self._second = Press("+1 s", lambda: self.wait(SECOND), label="One second passes")
                self._ten = Press("+10 s", lambda: self.wait(10 * SECOND), label="10 s pass")
                self._timer = Press("Next timer", self.to_timer, icon="timer", classes="press")
            self._branch = Press(
                "Go on from here", self.go_on, icon="call_split", classes="press main"
            )

    def draw(self) -> None:
        """Bring it up to date."""
        state = self._state
        line, position = state.line, state.position
        last = max(1, len(line.moments) - 1)
        attribute(self._slider, "max", last)
        value = float(last) if state.value is None else state.value
        if len(line.moments) == 1:
            value = 0.0
        if self._slider.value != value:
            self._own = value
            self._slider.set_value(value)
        count = len(line.moments)
        text = f"{duration_text(position.at)} · moment {position.index + 1} of {count}"
        say(self._text, text)
        attribute(self._slider, "aria-valuetext", f"{text}: {state.moment.title}")
        self._back.enable(enabled=position.index > 0)
        self._forth.enable(enabled=not state.at_end)
        self._now.enable(enabled=not state.at_end)
        self._draw_bending()

    def _draw_bending(self) -> None:
        state, hand = self._state, self._state.hand
        self._bending.set_visibility(state.stage.bends_time)
        can_branch = hand is not None and not state.at_end
        studio = state.studio
        can_take_over = state.run is not None and studio.workspace is not None
        can_take_over = can_take_over and studio.target.driver == "mock"
        self._branch.set_visibility(can_branch or can_take_over)
        if hand is None:
            return
        icon, label = ("pause", "Pause") if hand.playing else ("play_arrow", "Let time run")
        attribute(self._play, "aria-label", f"{label} (Space)")
        child = next(iter(self._play.default_slot.children))
        attribute(child, "name", icon)
        for press in (self._play, self._second, self._ten):
            press.enable(enabled=state.at_end)
        timer = hand.world.next_timer
        self._timer.enable(enabled=state.at_end and timer is not None)
        left = "" if timer is None else f" in {duration_text(timer - hand.line.now.at)}"
        attribute(
            self._timer, "title", f"The next timer fires{left}" if left else "No timer is set"
        )

    def _slid(self, event: ValueChangeEventArguments[float | None]) -> None:
        value = event.value
        if value is not None and value != self._own:
            self._own = value
            self._state.move(value)

    def back(self) -> None:
        """Look at the moment before."""
        index = self._state.position.index
        between = self._state.value is not None and self._state.value > index
        self._state.move(float(index if between else index - 1))

    def forth(self) -> None:
        """Look at the next moment."""
        self._state.move(float(self._state.position.index + 1))

    def to_now(self) -> None:
        """Look at the newest moment, and follow what happens."""
        self._state.move(None)

    def play(self) -> None:
        """Let time run by itself, or stop it."""
        hand = self._state.hand
        if hand is not None:
            hand.playing = not hand.playing
            hand.changed()

    def _speeded(self, event: ValueChangeEventArguments[str]) -> None:
        hand = self._state.hand
        if hand is not None:
            hand.speed = SPEEDS[event.value]

    def wait(self, duration: int) -> None:
        """Let time pass."""
        hand = self._state.hand
        if hand is not None and self._state.at_end:
            hand.wait(duration)

    def to_timer(self) -> None:
        """Let time pass until the next timer has fired."""
        hand = self._state.hand
        if hand is not None and self._state.at_end:
            hand.wait_for_timer()

    async def go_on(self) -> None:
        """Branch from the moment that is looked at."""
        state = self._state
        index = state.position.index
        if state.hand is not None:
            state.hand.branches.go_on_from(index)
            state.move(None)
            state.hand.changed()
        elif state.run is not None:
            try:
                lot = await state.studio.go_on_from(state.run, index)
            except ValueError as error:
                complain(str(error))
                return
            state.look_at(lot)
            tell("This is a lot of your own from here on")
