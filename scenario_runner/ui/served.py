"""The lots of a mock that is served over HTTP: what its clients do is seen, and acted beside."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from msgspec import structs

from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import settings_of
from scenario_runner.pbx.mock import MockSettings
from scenario_runner.pbx.ringme.settings import Credentials
from scenario_runner.ui.narration import Narrator
from scenario_runner.ui.requests import curl_of
from scenario_runner.ui.stages import Unconnected, facts_of_profile
from scenario_runner.ui.timeline import Observed, Timeline, TimerFired, timeline_of
from scenario_runner.ui.world import Acted, World, exchanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.exchange import Request
    from scenario_runner.language.target import Target
    from scenario_runner.mock_pbx import Answer, Profile
    from scenario_runner.mock_pbx.server.app import MockHandler
    from scenario_runner.mock_pbx.server.tenants import OwnedPbx
    from scenario_runner.ui.gestures import Gesture
    from scenario_runner.ui.lot import LotFacts
    from scenario_runner.ui.world import Deed


@dataclass(slots=True, eq=False)
class ServedLot(Unconnected):
    """One client's PBX of a served mock; its time is that of its clients, so it has no future."""

    owned: OwnedPbx
    handler: MockHandler
    base_url: str
    changed: Callable[[], None]
    line: Timeline = field(init=False)
    _acting: bool = False

    acts = True
    bends_time = False

    def __post_init__(self) -> None:
        """Begin with the PBX as it is now."""
        mock = self.owned.mock
        settings = settings_of(target_of(mock.profile), mock.profile)
        settings = replace(settings, credentials=_credentials(self.owned, mock.profile))
        world = World(pbx=mock.copy(), settings=settings).become(mock.copy())
        self.line = timeline_of(world, at=self.now)

    @property
    def name(self) -> str:
        """The client's id."""
        return self.owned.client or "first client"

    @property
    def title(self) -> str:
        """What this is, in a few words."""
        return f"Client {self.name}"

    @property
    def now(self) -> int:
        """The PBX's time."""
        return self.owned.clock.now()

    @property
    def facts(self) -> LotFacts:
        """What the PBX's lot is like."""
        return facts_of_profile(self.owned.mock.profile)

    @property
    def world(self) -> World:
        """The world as it was seen last."""
        world = self.line.now.world
        assert world is not None
        return world

    async def do(self, gesture: Gesture) -> None:
        """Send a gesture, as one more client of this PBX."""
        self._acting = True
        try:
            deed = self.world.do_on(self.owned.mock, self._act, gesture, self.now)
        finally:
            self._acting = False
        self.line = self.line.done(gesture, deed)
        self.changed()

    def _act(self, request: Request, now: int) -> Acted:
        del now  # this PBX has a clock of its own
        mock = self.owned.mock
        answer = self.handler.handled(self.owned, request)
        return Acted(answer, mock.happened, mock.decided)

    def curl(self, gesture: Gesture) -> str:
        """Return the request that a gesture is, as a command."""
        return curl_of(self.world.request(gesture), self.base_url)

    def seen(self, request: Request | None, answer: Answer | None) -> None:
        """Take in what a client, or time, has done."""
        if self._acting:
            return
        mock = self.owned.mock
        made = () if request is None or answer is None else (exchanged(request, answer, self.now),)
        deed = self.world.seen(mock, self.now, made)
        if request is None and not (deed.reports or deed.rules):
            return
        self.line = self.line.observed(deed, *self._told(request, deed))
        self.changed()

    def _told(self, request: Request | None, deed: Deed) -> tuple[Observed | TimerFired, str]:
        narrator = Narrator(before=self.line.now.picture)
        if request is None:
            return TimerFired(), narrator.by_itself(deed)[0]
        path = request.path.partition("?")[0]
        return Observed(), narrator.noticed(deed) or f"{request.method} {path}"

    def change(self, line: Timeline) -> None:
        """Go on with the same moments, of which other things are expected."""
        self.line = line
        self.changed()


def target_of(profile: Profile) -> Target:
    """Return a target like the served mock, for what is said of targets."""
    first = profile.first_slot
    return structs.replace(
        MOCK,
        slots=(first, first + profile.slots - 1),
        park_timeout=profile.park_timeout,
        settings=MockSettings(profile=profile.name),
    )


def _credentials(owned: OwnedPbx, profile: Profile) -> Credentials:
    secret = next(
        (one.client_secret for one in profile.clients if one.client_id == owned.client), "page"
    )
    return Credentials(client_id=owned.client or "page", client_secret=secret)


@dataclass(slots=True, eq=False)
class ServedLots:
    """All lots of a served mock, each there as soon as its client has come."""

    handler: MockHandler
    base_url: str
    lots: list[ServedLot] = field(default_factory=list)
    changed: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Watch from now on."""
        self.handler.watching = self
        self._meet()

    def seen(self, owned: OwnedPbx, request: Request | None, answer: Answer | None) -> None:
        """Take in what was done to a PBX; see `mock_pbx.server.app.Watching`."""
        self._meet()
        for lot in self.lots:
            if lot.owned is owned:
                lot.seen(request, answer)

    def _meet(self) -> None:
        known = [lot.owned for lot in self.lots]
        for owned in self.handler.lots:
            if owned not in known:
                self.lots.append(ServedLot(owned, self.handler, self.base_url, self._changed))
                self.changed()

    def _changed(self) -> None:
        self.changed()
