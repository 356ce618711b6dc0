"""Virtual time: waiting costs none, equal instants keep their order, commands take turns."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenario_runner.clock import (
    Deadlock,
    LoopClock,
    ManualClock,
    Turns,
    VirtualLoop,
    _IdleSelector,
)

_T = TypeVar("_T")


def run(main: Callable[[], Awaitable[_T]], choose: Callable[[int], int] = lambda _: 0) -> _T:
    turns = Turns(choose)

    async def whole() -> _T:
        return await main()

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(turns)) as runner:
        return runner.run(whole())


def the_turns() -> Turns:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop.turns


def test_an_hour_passes_at_once_and_exactly() -> None:
    async def main() -> int:
        clock = LoopClock(asyncio.get_running_loop())
        for _ in range(3600):
            await asyncio.sleep(1)
        return clock.now()

    assert run(main) == 3_600_000_000


@given(st.lists(st.integers(0, 5), max_size=20))
@settings(max_examples=30)
def test_timers_fire_in_time_and_equal_ones_in_the_order_made(seconds: list[int]) -> None:
    fired: list[int] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for index, delay in enumerate(seconds):
            loop.call_later(delay, fired.append, index)
        await asyncio.sleep(6)

    run(main)
    assert fired == sorted(range(len(seconds)), key=lambda index: seconds[index])


def test_a_time_out_is_virtual_too() -> None:
    async def main() -> int:
        clock = LoopClock(asyncio.get_running_loop())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.sleep(60)
        return clock.now()

    assert run(main) == 30_000_000


async def race() -> tuple[str, list[tuple[int, int]]]:
    taken: list[str] = []

    async def command(name: str) -> None:
        await the_turns().take()
        taken.append(name)

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(command(name))
    return "".join(taken), the_turns().order


def test_commands_take_turns_as_chosen_and_the_choices_are_kept() -> None:
    assert run(race) == ("abc", [(0, 3), (0, 2)])
    assert run(race, lambda count: count - 1) == ("cba", [(2, 3), (1, 2)])
    assert {run(race, random.Random(seed).randrange)[0] for seed in range(99)} == {
        "abc", "acb", "bac", "bca", "cab", "cba",
    }  # fmt: skip


def test_commands_go_before_timers_and_locks_do_no_harm() -> None:
    async def main() -> list[str]:
        lock, seen = asyncio.Lock(), list[str]()

        async def one(name: str) -> None:
            async with lock:
                await the_turns().take()
                seen.append(name)
                await asyncio.sleep(1)

        await asyncio.gather(one("a"), one("b"))
        return seen

    assert run(main) == ["a", "b"]


def test_waiting_for_nothing_is_told_and_does_not_hang() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock, match="every task waits"):
        run(main)


def test_the_clock_begins_again_for_the_next_scenario() -> None:
    async def main() -> int:
        await asyncio.sleep(100)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.begin(Turns(lambda _: 0))
        clock = LoopClock(loop)
        await asyncio.sleep(1)
        return clock.now()

    assert run(main) == 1_000_000


def test_a_cancelled_command_gives_its_turn_away() -> None:
    async def main() -> bool:
        waiting = asyncio.ensure_future(the_turns().take())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(1)
        return waiting.cancelled() or waiting.done()

    assert run(main)


def test_a_manual_clock_moves_when_told() -> None:
    clock = ManualClock()
    clock.advance(5)
    assert clock.now() == 5


def test_files_are_never_watched() -> None:
    with pytest.raises(KeyError):
        _IdleSelector().unregister(0)
