"""One scenario's exchanges with Asterisk: each one traced, and looked at for permission."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING

from scenario_runner.errors import BadAnswer, PbxError
from scenario_runner.pbx.asterisk.frames import Fields, action_text
from scenario_runner.pbx.asterisk.hub import permitted
from scenario_runner.pbx.protocol import Raw, Trace

if TYPE_CHECKING:
    from scenario_runner.clock import Clock
    from scenario_runner.pbx.asterisk.ami import Reply
    from scenario_runner.pbx.asterisk.frames import Message
    from scenario_runner.pbx.asterisk.hub import Hub
    from scenario_runner.pbx.protocol import Watcher
    from scenario_runner.references import Json

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Watch:
    """When an exchange began: on the scenario's clock in microseconds, really in nanoseconds."""

    begin: int
    real: int


@dataclass(frozen=True, slots=True)
class Line:
    """Sends actions for one scenario."""

    hub: Hub
    clock: Clock
    watcher: Watcher

    def start(self) -> Watch:
        """Begin to take the time."""
        return Watch(self.clock.now(), perf_counter_ns())

    def raw(self, watch: Watch, message: Message | None = None) -> Raw:
        """Return what decided the outcome as a raw answer: its fields are the body."""
        now = self.clock.now()
        body: dict[str, Json] = {} if message is None else dict(message.fields)
        real = (perf_counter_ns() - watch.real) // 1000
        return Raw(body=body, at=now, took=now - watch.begin, real=real)

    async def connect(self) -> None:
        """See to it that there is a connection, and that what Asterisk holds is known.

        To be done before a call is looked up: it may have ended while there was none.
        """
        await self.hub.ami(self._trace_login)

    async def ask(self, action: str, fields: Fields, within: int) -> Reply:
        """Send an action and return its answer; raises what the client raises."""
        begin = self.clock.now()
        ami = await self.hub.ami(self._trace_login)
        try:
            reply = await ami.send(action, fields, within)
        except PbxError as error:
            self._trace(action, fields, error, begin)
            raise
        self._trace(action, fields, reply, begin)
        return permitted(action, reply)

    async def must(self, action: str, fields: Fields, within: int) -> Reply:
        """Send an action that Asterisk has no reason to refuse; raises BadAnswer if it does."""
        reply = await self.ask(action, fields, within)
        if reply.refused:
            raise BadAnswer(f"Asterisk refuses the action {action}: {reply.message}")
        return reply

    async def parked(self, within: int) -> dict[str, Message]:
        """Ask who is in the lot: ParkedCall messages by space."""
        fields = (("ParkingLot", self.hub.settings.lot),)
        reply = await self.must("ParkedCalls", fields, within)
        return {item.get("ParkingSpace"): item for item in reply.items}

    def _trace_login(self, action: str, fields: Fields, answer: Reply | PbxError) -> None:
        self._trace(action, fields, answer, self.clock.now())

    def _trace(self, action: str, fields: Fields, answer: Reply | PbxError, begin: int) -> None:
        received, outcome = _told(answer)
        self.watcher.traced(
            Trace(
                protocol="ami",
                sent=action_text(action, fields),
                received=received,
                outcome=outcome,
                at=begin,
                took=self.clock.now() - begin,
            )
        )


def _told(answer: Reply | PbxError) -> tuple[str, str]:
    if isinstance(answer, PbxError):
        return answer.message, "lost"
    messages = [answer.first, *answer.items[:_SHOWN]]
    texts = [message.text for message in messages]
    if len(answer.items) > _SHOWN:
        texts.append(f"… and {len(answer.items) - _SHOWN} more items")
    return "\n\n".join(texts), "refused" if answer.refused else "ok"
