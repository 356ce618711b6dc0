"""One scenario's exchanges with a PBX, each one timed and traced."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from scenario_runner.errors import PbxError
from scenario_runner.pbx.protocol import Raw, Trace
from scenario_runner.pbx.tracked.wire import WireClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.clock import Clock
    from scenario_runner.pbx.protocol import Watcher
    from scenario_runner.pbx.tracked.hub import Hub
    from scenario_runner.pbx.tracked.wire import WireAnswer
    from scenario_runner.references import Json

_C = TypeVar("_C", bound=WireClient)
_A = TypeVar("_A", bound="WireAnswer")


class Evidence(Protocol):
    """What decided an outcome: an event, an answer, or an item of a list."""

    @property
    def evidence(self) -> Json:
        """What is shown of it as the body of the outcome."""
        ...


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """When something began: on the scenario's clock in microseconds, really in nanoseconds."""

    begin: int
    real: int


class TracedClient(Generic[_C]):
    """Sends commands for one scenario."""

    protocol: ClassVar[str]

    def __init__(self, hub: Hub[_C], clock: Clock, watcher: Watcher) -> None:
        self.hub = hub
        self.clock = clock
        self.watcher = watcher

    def start(self) -> Stopwatch:
        """Begin to take the time."""
        return Stopwatch(self.clock.now(), perf_counter_ns())

    def raw(self, watch: Stopwatch, decided: Evidence | None = None) -> Raw:
        """Return what decided the outcome as a raw answer."""
        now = self.clock.now()
        body = None if decided is None else decided.evidence
        real = (perf_counter_ns() - watch.real) // 1000
        return Raw(body=body, at=now, took=now - watch.begin, real=real)

    async def connect(self) -> None:
        """See to it that there is a connection, and that what the PBX holds is known.

        To be done before a call is looked up: it may have ended while there was none.
        """
        await self.hub.client(self._trace_login)

    async def exchange(self, sent: str, send: Callable[[_C], Awaitable[_A]]) -> _A:
        """Send a command and return its answer; raises what the client raises.

        `sent` is the command as people see it, secrets masked.
        """
        client = await self.hub.client(self._trace_login)
        begin = self.clock.now()
        try:
            answer = await send(client)
        except PbxError as error:
            self._trace(sent, error, begin)
            raise
        self._trace(sent, answer, begin)
        return answer

    def _trace_login(self, sent: str, answer: WireAnswer | PbxError) -> None:
        self._trace(sent, answer, self.clock.now())

    def _trace(self, sent: str, answer: WireAnswer | PbxError, begin: int) -> None:
        if isinstance(answer, PbxError):
            received, outcome = answer.message, "lost"
        else:
            received, outcome = answer.text, "refused" if answer.refused else "ok"
        self.watcher.traced(
            Trace(
                protocol=self.protocol,
                sent=sent,
                received=received,
                outcome=outcome,
                at=begin,
                took=self.clock.now() - begin,
            )
        )
