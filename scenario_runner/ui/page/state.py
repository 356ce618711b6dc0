"""What one browser looks at: which timeline, which moment, what is chosen there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nicegui import background_tasks, ui

from scenario_runner.errors import ScenarioRunnerError
from scenario_runner.ui.ladder_view import LadderView
from scenario_runner.ui.lot import LotView, Position, failed_slot, lot_view, position_at
from scenario_runner.ui.runner import WHOLE, Extent
from scenario_runner.ui.stages import HandStage, RunStage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nicegui import Client

    from scenario_runner.events import Event
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.ui.gestures import Gesture
    from scenario_runner.ui.runs import ScenarioRun
    from scenario_runner.ui.stages import Stage
    from scenario_runner.ui.studio import Studio
    from scenario_runner.ui.timeline import Moment, Timeline


@dataclass(slots=True)
class State:
    """One browser's view; `redraw` draws it anew.

    `value` is where the slider stands, None while it follows what happens. `call` is the chosen
    call, `preview` the gesture that would be sent, `event` the arrow that is looked into. `follow`
    is the scenario whose next run is looked at as soon as it begins.
    """

    studio: Studio
    stage: Stage
    client: Client
    redraw: Callable[[], None] = lambda: None
    value: float | None = None
    call: str = ""
    preview: Gesture | None = None
    event: Event | None = None
    http: bool = True
    follow: str = ""
    _ladders: dict[bool, LadderView] = field(default_factory=dict)

    @property
    def line(self) -> Timeline:
        """The moments of what is looked at."""
        return self.stage.line

    @property
    def position(self) -> Position:
        """The moment that is looked at, and the time."""
        line = self.line
        if self.value is None:
            return Position(index=len(line.moments) - 1, at=self.stage.now)
        return position_at(line, self.value)

    @property
    def moment(self) -> Moment:
        """The moment that is looked at."""
        return self.line.moments[self.position.index]

    @property
    def at_end(self) -> bool:
        """Whether the newest moment is looked at."""
        return self.position.index == len(self.line.moments) - 1

    @property
    def can_act(self) -> bool:
        """Whether gestures can be sent now."""
        return self.stage.acts and self.at_end

    @property
    def hand(self) -> HandStage | None:
        """The lot that is driven by hand, if that is looked at."""
        return self.stage if isinstance(self.stage, HandStage) else None

    @property
    def run(self) -> ScenarioRun | None:
        """The run that is looked at, if one is."""
        return self.stage.run if isinstance(self.stage, RunStage) else None

    @property
    def lot(self) -> LotView:
        """What the lot looks like."""
        position = self.position
        return lot_view(
            self.moment.picture, position.at, self.stage.facts, failed_slot(self.moment)
        )

    @property
    def ladder(self) -> LadderView:
        """The ladder of what is looked at."""
        if self.http not in self._ladders:
            self._ladders[self.http] = LadderView(http=self.http)
        view = self._ladders[self.http]
        view.show(self.line)
        return view

    def look_at(self, stage: Stage, value: float | None = None) -> None:
        """Look at another timeline."""
        self.stage, self.value, self.call, self.preview, self.event = stage, value, "", None, None
        self._ladders.clear()
        self.redraw()

    def look_at_run(self, run: ScenarioRun) -> None:
        """Look at a run: where it failed first, else after its last step, before all is hung up."""
        stage = self.studio.stage_of(run)
        at = run.failed_at
        if at is None and run.finished is not None:
            at = max(0, len(stage.line.moments) - 2)
        self.look_at(stage, None if at is None else float(at))

    def run_scenarios(self, scenarios: Sequence[Scenario], extent: Extent = WHOLE) -> None:
        """Run scenarios; what can't be run is said."""
        try:
            self.studio.run(scenarios, extent)
        except ScenarioRunnerError as error:
            complain(error.message, error.hint or "")

    def move(self, value: float | None) -> None:
        """Move the slider."""
        last = len(self.line.moments) - 1
        self.value = None if value is None or value >= last else max(0.0, value)
        self.preview = self.event = None
        self.redraw()

    def do(self, gesture: Gesture) -> None:
        """Send a gesture soon."""
        background_tasks.create(self.send(gesture))

    async def send(self, gesture: Gesture) -> None:
        """Send a gesture; what can't be sent is said."""
        with self.client:  # what was pressed may be gone by the time that there is an answer
            await self._send(gesture)

    async def _send(self, gesture: Gesture) -> None:
        try:
            await self.stage.do(gesture)
        except KeyError as error:
            complain(f"there is no call {error.args[0]}")
        except ScenarioRunnerError as error:
            complain(error.message, error.hint or "")
        self.value = self.preview = self.event = None
        placed = getattr(gesture, "name", "")
        if self.moment.picture.call(placed) is not None:
            self.call = placed
        self.redraw()

    def show(self, gesture: Gesture | None) -> None:
        """Show what a gesture would send."""
        self.preview = gesture
        self.redraw()


def complain(message: str, hint: str = "") -> None:
    """Say that something can't be done."""
    text = f"{message[:1].upper()}{message[1:]}{f' — {hint}' if hint else ''}"
    ui.notify(text, type="negative", position="top", close_button="Close", timeout=8000)


def tell(message: str, **how: Any) -> None:  # noqa: ANN401 -- NiceGUI's own
    """Say that something was done."""
    ui.notify(message, type="positive", position="top", **how)
