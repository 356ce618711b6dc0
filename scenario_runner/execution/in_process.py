"""The mock PBX in this process: a transport, an event receiver and a timer, without sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, assert_never

from scenario_runner.durations import SECOND
from scenario_runner.errors import AnswerLost, BadAnswer, TimedOut
from scenario_runner.mock_pbx import Loss, MockPbx

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.clock import Clock, Turns
    from scenario_runner.exchange import Request, Response


_BODY_LIMIT = 1024 * 1024


class InProcess:
    """Carries requests to a mock in this process and its event deliveries back."""

    url = "http://in-process.invalid/events"

    def __init__(self, mock: MockPbx, clock: Clock, turns: Turns) -> None:
        self._mock = mock
        self._clock = clock
        self._turns = turns
        self._listeners: list[Callable[[str], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: int | None = None

    async def send(self, request: Request, within: float) -> Response:
        """Hand the request to the mock when it is its turn; see `exchange.Transport`."""
        await self._turns.take()
        answer = self._mock.handle(request, self._clock.now())
        self._after()
        delay = (answer.delay_us + answer.body_us) / SECOND
        if delay > within:
            await asyncio.sleep(within)
            raise TimedOut(f"no answer within {within:g}s")
        if delay:
            await asyncio.sleep(delay)
        match answer.loss:
            case Loss.NO:
                return _bounded(answer.response)
            case Loss.BEFORE | Loss.AFTER:
                raise AnswerLost("the connection was lost before the answer came")
            case _:
                assert_never(answer.loss)

    def listen(self, heard: Callable[[str], None]) -> Callable[[], None]:
        """Call `heard` with each event delivery; see `pbx.ringme.events.Receiver`."""
        self._listeners.append(heard)
        return lambda: self._listeners.remove(heard)

    def close(self) -> None:
        """Stop the mock's timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _after(self) -> None:
        """Pass on what the mock reports, and wake it when its next timer is due."""
        for delivery in self._mock.take_deliveries():
            for heard in list(self._listeners):
                heard(delivery.form_body.decode())
        deadline = self._mock.next_deadline()
        if deadline == self._deadline:
            return
        self.close()
        self._deadline = deadline
        if deadline is not None:
            wait = (deadline - self._clock.now()) / SECOND
            self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    def _tick(self) -> None:
        self._deadline = None
        self._mock.tick(self._clock.now())
        self._after()


def _bounded(response: Response) -> Response:
    """Return the answer; raise BadAnswer where it is longer than any PBX's answer is."""
    if len(response.body) > _BODY_LIMIT:
        raise BadAnswer("the answer is larger than 1 MiB")
    return response
