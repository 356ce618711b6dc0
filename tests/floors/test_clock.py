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


def test_equal_timers_keep_their_order_however_many_were_made_before() -> None:
    fired: list[int] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(3_996):
            loop.call_later(1, fired.clear).cancel()
        for index in range(5):
            loop.call_later(2, fired.append, index)
        await asyncio.sleep(3)

    run(main)
    assert fired == [0, 1, 2, 3, 4]


def test_all_timers_of_an_instant_fire_before_a_command_that_one_of_them_leads_to() -> None:
    async def main() -> list[str]:
        seen = list[str]()

        async def wake(name: str) -> None:
            await asyncio.sleep(1)
            seen.append(f"{name} wakes")
            await the_turns().take()
            seen.append(f"{name} acts")

        names = [str(number) for number in range(30)]
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(wake(name))
        assert the_turns().order == [(0, count) for count in range(30, 1, -1)]
        assert seen[:30] == [f"{name} wakes" for name in names]
        return seen[30:]

    assert run(main) == [f"{number} acts" for number in range(30)]


SLEEPS = {"0": 0, "1us": 1e-6, "1s": 1}
WAITS = st.lists(st.sampled_from(["turn", "lock", *SLEEPS]), max_size=5)
History = list[tuple[int, str, float]]


async def act(name: int, waits: list[str], lock: asyncio.Lock, seen: History) -> None:
    for wait in waits:
        match wait:
            case "turn":
                await the_turns().take()
            case "lock":
                async with lock:
                    await the_turns().take()
            case _:
                await asyncio.sleep(SLEEPS[wait])
        seen.append((name, wait, asyncio.get_running_loop().time()))


def history(programs: list[list[str]], seed: int, *, patient: bool) -> History:
    seen: History = []

    async def main() -> None:
        if patient:
            the_turns().alone = lambda: False
        lock = asyncio.Lock()
        async with asyncio.TaskGroup() as group:
            for name, waits in enumerate(programs):
                group.create_task(act(name, waits, lock, seen))

    run(main, random.Random(seed).randrange)
    return seen


@given(st.lists(WAITS, min_size=1, max_size=4), st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_who_is_alone_acts_at_once_and_it_is_as_if_it_had_waited(
    programs: list[list[str]], seed: int
) -> None:
    assert history(programs, seed, patient=False) == history(programs, seed, patient=True)


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
