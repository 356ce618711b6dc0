"""A FreeSWITCH as a target: connects, logs in, and gives each scenario its dialect and its lot."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING
from uuid import uuid4

from scenario_runner.errors import BadAnswer, BadCredentials, TargetError
from scenario_runner.pbx.freeswitch.dialect import FreeSwitchDialect, ReturnPlan
from scenario_runner.pbx.freeswitch.dialling import dialling_of
from scenario_runner.pbx.freeswitch.esl import Esl, TracedEsl, shown_command
from scenario_runner.pbx.freeswitch.lot import Lot, SlotNames, Spoilage
from scenario_runner.pbx.freeswitch.pace import LIMIT, Pace
from scenario_runner.pbx.freeswitch.tracker import CHANNELS, SUBSCRIBED, FreeSwitchTracker
from scenario_runner.pbx.tracked.connection import TrackedConnection
from scenario_runner.pbx.tracked.hub import CONNECTING, Hub, Reconnecting
from scenario_runner.pbx.tracked.wire import Endpoint

if TYPE_CHECKING:
    from scenario_runner.clock import Clock
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.freeswitch.settings import FreeSwitchSettings
    from scenario_runner.pbx.protocol import Watcher
    from scenario_runner.pbx.tracked.hub import Tracing


class FreeSwitchHub(Hub[Esl]):
    """The connection to one FreeSWITCH."""

    def __init__(self, target: Target, settings: FreeSwitchSettings, again: Reconnecting) -> None:
        super().__init__(Esl, Endpoint(settings.host, settings.port), CHANNELS, again)
        self._target = target
        self._settings = settings
        self.pace = Pace(again.sleep)
        numbers = frozenset(number for number, _ in target.extensions)
        self.spoilage = Spoilage()
        self.tracker: FreeSwitchTracker = FreeSwitchTracker(
            self.calls, self.report, numbers, self.spoilage
        )

    async def log_in(self, client: Esl, trace: Tracing) -> None:
        """Say the password, ask for events, look for the modules and for the limit of sessions."""
        command = f"auth {self._settings.password}"
        reply = await client.command(command, CONNECTING)
        if not reply.granted:
            trace(shown_command(command), reply)
            raise BadCredentials(
                f"FreeSWITCH does not take the password: {reply.text}",
                hint="check it against `password` in FreeSWITCH's event_socket.conf.xml",
            )
        reply = await client.command(f"event plain {SUBSCRIBED}", CONNECTING)
        if not reply.granted:
            raise BadAnswer(f"FreeSWITCH does not send events: {reply.text}")
        await self._check_modules(client)
        self.pace.take((await client.command(f"api {LIMIT}", CONNECTING)).text)

    async def _check_modules(self, client: Esl) -> None:
        wanted = ["mod_valet_parking"]
        dialled = (self._settings.extension, self._settings.party)
        if any(template.startswith(("null/", "loopback/")) for template in dialled):
            wanted.append("mod_loopback")
        for module in wanted:
            reply = await client.command(f"api module_exists {module}", CONNECTING)
            if reply.text != "true":
                raise TargetError(
                    f"the target {self._target.name} needs {module}, which FreeSWITCH has not "
                    "loaded",
                    hint=f"load it: fs_cli -x 'load {module}', and for good in modules.conf.xml",
                )

    async def resync(self, client: Esl) -> None:
        """Look for each channel that is known, and at the lots."""

        async def ask(command: str) -> str:
            return (await client.command(f"api {command}", CONNECTING)).text

        await self.tracker.resync(ask)


class FreeSwitch(TrackedConnection):
    """A FreeSWITCH as a target.

    Each scenario parks in a lot of its own, unless the target names one: what an earlier scenario
    left in a lot would haunt the next one for seconds.
    """

    remedy = "only ends without phones can be answered: extension: null/{number}"

    def __init__(self, target: Target, settings: FreeSwitchSettings, context: Context) -> None:
        self._settings = settings
        self._sleep = context.sleep
        self._return = ReturnPlan(
            dialling_of(target, settings), settings, target.park_timeout, context.journal
        )
        self._run = uuid4().hex[:8]
        self._scenarios = count(1)
        self.answers = self._return.dialling.answers
        again = Reconnecting(settings.reconnect, context.sleep)
        self._own_hub = FreeSwitchHub(target, settings, again)
        super().__init__(target, settings, context, self._own_hub)

    def dialect(self, clock: Clock, watcher: Watcher) -> FreeSwitchDialect:
        """Return what speaks to FreeSWITCH for one scenario, in a lot of its own."""
        own = f"scenario-{self._run}-{next(self._scenarios)}"
        name = self._settings.lot or own
        names = SlotNames(self._settings.slot_name)
        lot = Lot(name, name == own, self.target.slots, names, self._own_hub.spoilage)
        return FreeSwitchDialect(
            TracedEsl(self.hub, clock, watcher), lot, self._return, self._own_hub.pace, self._sleep
        )
