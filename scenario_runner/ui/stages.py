"""What a page can look at: a lot driven by hand, or a run of a scenario."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from scenario_runner.ui.lot import LotFacts, facts_of_run
from scenario_runner.ui.narration import NOWHERE
from scenario_runner.ui.requests import curl_of
from scenario_runner.ui.timeline import Branches, timeline_of
from scenario_runner.ui.world import new_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.language.target import Target
    from scenario_runner.mock_pbx import Profile
    from scenario_runner.source import Span
    from scenario_runner.ui.gestures import Gesture
    from scenario_runner.ui.runs import ScenarioRun
    from scenario_runner.ui.timeline import Timeline
    from scenario_runner.ui.world import World


class Stage(Protocol):
    """A timeline to look at, and what can be done with it."""

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        ...

    @property
    def line(self) -> Timeline:
        """Its moments so far."""
        ...

    @property
    def facts(self) -> LotFacts:
        """What its lot is like."""
        ...

    @property
    def acts(self) -> bool:
        """Whether gestures can be sent."""
        ...

    @property
    def bends_time(self) -> bool:
        """Whether time passes as one likes, and one can go on from any moment."""
        ...

    @property
    def world(self) -> World | None:
        """The mock as it is now, where it is one."""
        ...

    @property
    def base_url(self) -> str:
        """The root for repeating a request by hand; empty where there is none."""
        ...

    @property
    def now(self) -> int:
        """The time of what is newest: of the last moment, or of a clock that goes on."""
        ...

    async def do(self, gesture: Gesture) -> None:
        """Send a gesture; raises `errors.PbxError` and KeyError."""
        ...

    @property
    def problem(self) -> str:
        """Why nothing can be done just now, and perhaps later; empty where that is not so."""
        ...

    async def open(self) -> None:
        """Connect to whatever the stage is about."""
        ...

    async def close(self) -> None:
        """Undo what was done there, and disconnect."""
        ...

    def curl(self, gesture: Gesture) -> str:
        """Return the request that a gesture is, as a command; empty where it is no request."""
        ...

    def change(self, line: Timeline) -> None:
        """Go on with the same moments, of which other things are expected."""
        ...


def facts_of_profile(profile: Profile) -> LotFacts:
    """Return what the lot of a mock is like."""
    first, last = profile.extensions
    return LotFacts(
        slots=(profile.first_slot, profile.first_slot + profile.slots - 1),
        extensions=tuple(str(number) for number in range(first, last + 1)),
        park_timeout=profile.park_timeout,
        ring_timeout=profile.ring_timeout,
    )


SPEEDS = {"1×": 1, "4×": 4, "20×": 20, "60×": 60}
"""How fast time can run: each lets whole seconds pass at a time."""


class Unconnected:
    """What a stage has that needs no connection."""

    __slots__ = ()
    problem = ""

    async def open(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


@dataclass(slots=True, eq=False)
class HandStage(Unconnected):
    """A built-in mock of its own on the manual clock: gestures, time, branches, undo."""

    target: Target
    name: str = "By hand"
    playing: bool = False
    speed: int = 1
    branches: Branches = field(init=False)
    changed: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        """Begin with a mock that nobody has called yet."""
        self.branches = Branches(timeline_of(new_world(self.target)))

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"{self.name} · {self.branches.line.name}"

    @property
    def line(self) -> Timeline:
        """The moments so far."""
        return self.branches.line

    @property
    def now(self) -> int:
        """The time of the last moment: nothing passes by itself."""
        return self.line.now.at

    @property
    def world(self) -> World:
        """The world as it is now."""
        world = self.line.now.world
        assert world is not None
        return world

    @property
    def facts(self) -> LotFacts:
        """What the mock's lot is like."""
        return facts_of_profile(self.world.pbx.profile)

    acts = True
    bends_time = True

    @property
    def base_url(self) -> str:
        """Where `scenario-runner mock` serves the same PBX."""
        return self.target.base_url

    async def do(self, gesture: Gesture) -> None:
        """Send a gesture."""
        self.branches.become(self.line.do(gesture))
        self.changed()

    def curl(self, gesture: Gesture) -> str:
        """Return the request that a gesture is, as a command."""
        return curl_of(self.world.request(gesture), self.base_url)

    def change(self, line: Timeline) -> None:
        """Go on with the same moments, of which other things are expected."""
        self.branches.become(line)
        self.changed()

    def wait(self, duration: int, *, merges: bool = False) -> None:
        """Let time pass."""
        self.branches.become(self.line.wait(duration), merges=merges)
        self.changed()

    def wait_for_timer(self) -> None:
        """Let time pass until the next timer has fired."""
        self.branches.become(self.line.wait_for_timer())
        self.changed()


@dataclass(slots=True, eq=False)
class RunStage(Unconnected):
    """A run of one scenario, going on or over; nothing can be done with it but look."""

    run: ScenarioRun
    extensions: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        verdict = self.run.verdict or "running"
        return f"{self.run.started.name} · {verdict}"

    @property
    def line(self) -> Timeline:
        """The moments so far."""
        return self.run.timeline

    @property
    def now(self) -> int:
        """The time of the last moment."""
        return self.line.now.at

    @property
    def facts(self) -> LotFacts:
        """What the lot of the run was like."""
        return facts_of_run(self.run.run, self.extensions)

    acts = False
    bends_time = False
    world = None

    @property
    def base_url(self) -> str:
        """The target's root."""
        return self.run.run.base_url

    async def do(self, gesture: Gesture) -> None:
        """Refuse: a run takes no gestures."""
        raise ValueError(f"a run can't be acted on: {gesture}")

    def curl(self, gesture: Gesture) -> str:
        """Return nothing."""
        del gesture
        return ""

    def change(self, line: Timeline) -> None:
        """Change nothing: a run is not recorded."""

    def span_at(self, index: int) -> Span:
        """Return where the step of a moment stands in its file."""
        step = self.line.moments[index].step
        return self.run.span_of(step) or NOWHERE
