"""The guard in front of a driver: what never reaches it, and what becomes of time limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from scenario_runner.clock import Clock, LoopClock
from scenario_runner.durations import SECOND
from scenario_runner.errors import NotPossible
from scenario_runner.exchange import Request
from scenario_runner.language.target import Allow, Target
from scenario_runner.language.vocabulary import Capability
from scenario_runner.pbx.commands import (
    AnswerCall,
    AnySlot,
    AskSlot,
    BridgeCall,
    CallAddress,
    Command,
    HangUp,
    ParkCall,
    PlaceCall,
    SendRequest,
    Unsubscribe,
)
from scenario_runner.pbx.drivers import Context
from scenario_runner.pbx.guard import Guard, GuardedConnection
from scenario_runner.pbx.mock import MockSettings
from scenario_runner.pbx.protocol import (
    CallIds,
    Done,
    Holding,
    Leftover,
    NullWatcher,
    Outcome,
    Plan,
    Raw,
    Session,
    Traits,
    Watcher,
)

WITHIN = SECOND
LEAVE_OUT = "leave such steps out here: when: {target_can: "
CALL = CallAddress(call_api_id="1-u", extension="341")
PLACE = PlaceCall(extension="341", flow="in", party="+78120000443")


class Bench:
    """A connection and its session that note what reaches them."""

    def __init__(self, *can: Capability, fails: type[Exception] | None = None) -> None:
        remedy = ((Capability.ANSWER, "name `headless` in the targets file"),)
        self.traits = Traits(
            name="bench", slots=1, park_timeout=1, capabilities=frozenset(can), remedies=remedy
        )
        self.reached: list[Command] = []
        self.hung_up = asyncio.Event()
        self._fails = fails

    @asynccontextmanager
    async def session(self, plan: Plan, watcher: Watcher, clock: Clock) -> AsyncIterator[Session]:
        del plan, watcher, clock
        yield self

    async def do(self, command: Command, within: int) -> Outcome:
        del within
        self.reached.append(command)
        if isinstance(command, HangUp):
            self.hung_up.set()
            if self._fails is not None:
                raise self._fails
        return Done(raw=Raw(), ids=CallIds(uuid="u", call_api_id="1-u", extension="341"))

    def ids(self, uuid: str) -> CallIds | None:
        return CallIds(uuid=uuid, call_api_id="1-u", extension="341")

    async def close(self) -> tuple[Leftover, ...]:
        return ()

    async def holding(self) -> Holding:
        return Holding()


def play(
    bench: Bench, act: Callable[[Session], Awaitable[None]], allow: Allow | None = None
) -> None:
    """Let `act` deal with a guarded session of the bench."""

    async def whole() -> None:
        target = Target(
            name="bench",
            driver="bench",
            host="here",
            base_url="",
            settings=MockSettings(),
            allow=allow or Allow(),
        )
        connection = GuardedConnection(bench, Guard(target, Context()))
        clock = LoopClock(asyncio.get_running_loop())
        async with connection.session(Plan(scenario="s"), NullWatcher(), clock) as session:
            await act(session)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        (
            AnswerCall(call=CALL),
            "target bench: the runner can't answer a telephone",
            f"name `headless` in the targets file; or {LEAVE_OUT}answer}}",
        ),
        (
            SendRequest(request=Request(method="GET", path="/")),
            "target bench: there are no raw requests",
            LEAVE_OUT + "raw-requests}",
        ),
        (
            BridgeCall(call=CALL, slot=AnySlot()),
            "target bench: a bridge has to name its slot",
            LEAVE_OUT + "random-bridge}",
        ),
        (
            Unsubscribe(path="/event/", url="http://here"),
            "target bench: there are no raw requests",
            LEAVE_OUT + "raw-requests}",
        ),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, str) else "",
)
def test_what_the_target_is_not_able_to_do_never_reaches_its_driver(
    command: Command, message: str, hint: str
) -> None:
    bench = Bench()

    async def act(session: Session) -> None:
        with pytest.raises(NotPossible) as refused:
            await session.do(command, WITHIN)
        assert (refused.value.message, refused.value.hint) == (message, hint)

    play(bench, act)
    assert bench.reached == []


def test_what_the_target_is_able_to_do_is_passed_on_as_it_is() -> None:
    bench = Bench(*Capability)
    commands: tuple[Command, ...] = (
        AnswerCall(call=CALL),
        SendRequest(request=Request(method="GET", path="/")),
        BridgeCall(call=CALL, slot=AnySlot()),
        BridgeCall(call=CALL, slot=6),
        ParkCall(call=CALL, slot=6),
        AskSlot(call=CALL, slot=[6]),
    )

    async def act(session: Session) -> None:
        for command in commands:
            await session.do(command, WITHIN)

    play(bench, act)
    assert tuple(bench.reached) == commands


def test_a_time_limit_ends_with_its_session() -> None:
    bench = Bench()

    async def act(session: Session) -> None:
        await session.do(PLACE, WITHIN)

    play(bench, act, Allow(max_duration=3600 * SECOND))
    assert bench.reached == [PLACE]


def test_an_error_of_our_own_in_a_time_limit_is_not_lost() -> None:
    bench = Bench(fails=ZeroDivisionError)

    async def act(session: Session) -> None:
        await session.do(PLACE, WITHIN)
        await bench.hung_up.wait()

    with pytest.raises(ZeroDivisionError):
        play(bench, act, Allow(max_duration=1))
