"""An Asterisk as a target: connects, logs in, and gives each scenario its dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.pbx.asterisk.access import endpoint, log_in
from scenario_runner.pbx.asterisk.ami import Ami, TracedAmi, permitted
from scenario_runner.pbx.asterisk.dialect import AsteriskDialect
from scenario_runner.pbx.asterisk.dialling import dialling_of
from scenario_runner.pbx.asterisk.lot import Spaces, check
from scenario_runner.pbx.asterisk.rights import check_hearing, check_rights
from scenario_runner.pbx.asterisk.tracker import CHANNELS, AsteriskTracker
from scenario_runner.pbx.tracked.connection import TrackedConnection
from scenario_runner.pbx.tracked.hub import CONNECTING, Hub, Reconnecting

if TYPE_CHECKING:
    from scenario_runner.clock import Clock
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.asterisk.dialling import AsteriskDialling
    from scenario_runner.pbx.asterisk.settings import AsteriskSettings
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.protocol import Watcher
    from scenario_runner.pbx.tracked.hub import Tracing


class AsteriskHub(Hub[Ami]):
    """The connection to one Asterisk."""

    def __init__(self, spaces: Spaces, dialling: AsteriskDialling, context: Context) -> None:
        again = Reconnecting(spaces.settings.reconnect, context.sleep)
        super().__init__(Ami, endpoint(spaces.settings, context), CHANNELS, again)
        self._spaces = spaces
        self._insecure = context.insecure
        self._settings = spaces.settings
        self.tracker: AsteriskTracker = AsteriskTracker(self.calls, dialling, self.report)

    async def log_in(self, client: Ami, trace: Tracing) -> None:
        """Log in with events, and look for the lot and the dialplan."""
        await log_in(client, self._settings, trace, insecure=self._insecure)
        originates = self._settings.calls == "originate"
        await check_rights(client, originates=originates)
        await check(client, self._spaces)
        if originates:
            await check_hearing(client, self._heard_of)

    def _heard_of(self, uid: str) -> set[str]:
        """Return the names of the events about a channel that came while connecting."""
        return {event.event for event in self.backlog if event.get("Uniqueid") == uid}

    async def resync(self, client: Ami) -> None:
        """Look at all channels, and at the lot."""
        lot = (("ParkingLot", self._settings.lot),)
        channels = await client.send("CoreShowChannels", (), CONNECTING)
        parked = await client.send("ParkedCalls", lot, CONNECTING)
        self.tracker.resync(
            permitted("CoreShowChannels", channels).items, permitted("ParkedCalls", parked).items
        )


class Asterisk(TrackedConnection):
    """An Asterisk as a target."""

    remedy = "parties without phones can be answered: `headless` in the targets file"

    def __init__(self, target: Target, settings: AsteriskSettings, context: Context) -> None:
        self._spaces = Spaces(target, settings)
        self._dialling = dialling_of(target, settings)
        self.answers = settings.headless is not None
        hub = AsteriskHub(self._spaces, self._dialling, context)
        super().__init__(target, settings, context, hub)

    def dialect(self, clock: Clock, watcher: Watcher) -> AsteriskDialect:
        """Return what speaks to Asterisk for one scenario."""
        return AsteriskDialect(TracedAmi(self.hub, clock, watcher), self._spaces, self._dialling)
