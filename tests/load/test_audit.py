"""The look at a PBX before and after a load run, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

from scenario_runner.clock import LoopClock, Turns, VirtualLoop
from scenario_runner.durations import SECOND
from scenario_runner.errors import PbxError
from scenario_runner.execution.interleavings import seeded
from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import MockTarget
from scenario_runner.loadtest.audit import Inventory, extensions_used, look
from scenario_runner.pbx.commands import PlaceCall
from scenario_runner.pbx.protocol import NullWatcher, Plan
from tests.load.virtual import PARK, suite_of


async def _around(placing: bool) -> tuple[Inventory, Inventory]:
    """Look, perhaps place a call that nobody hangs up, and look again."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    clock = LoopClock(loop)
    connection, wire = MockTarget(MOCK).open(clock, loop.turns, 0)
    try:
        before = await look(connection, ["341", "342"])
        async with connection.session(Plan(scenario="x"), NullWatcher(), clock) as session:
            if placing:
                place = PlaceCall(extension="341", flow="in", party="+78120000443")
                await session.do(place, SECOND)
            return before, await look(connection, ["341", "342"])
    finally:
        wire.close()


def around(*, placing: bool) -> tuple[Inventory, Inventory]:
    turns = Turns(seeded(0))
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(turns)) as runner:
        return runner.run(_around(placing))


def test_a_call_that_nobody_hung_up_is_new() -> None:
    before, after = around(placing=True)
    assert before == Inventory(frozenset())
    (left,) = after.things
    assert left.endswith("at 341")


def test_nothing_is_new_where_nothing_was_left() -> None:
    before, after = around(placing=False)
    assert before == after == Inventory(frozenset())


def test_an_unknown_extension_could_not_be_asked() -> None:
    class Away:
        def session(self, *_: Any) -> Any:
            raise PbxError("the PBX can't be reached")

    async def asked() -> Inventory:
        return await look(Away(), ["341"])  # type: ignore[arg-type]

    assert asyncio.run(asked()) == Inventory(frozenset(), ("the PBX can't be reached",))


def test_extensions_are_those_that_are_named_and_all_of_a_pool_that_is_leased_from() -> None:
    named = PARK.replace("extensions: [desk]", "extensions: []").replace("$desk", "341")
    leased, literal = suite_of(PARK, named.replace(", extensions: []", ""))
    pool = ("342", "343")
    assert extensions_used([literal.needs], pool) == ("341",)
    assert set(extensions_used([literal.needs, leased.needs], pool)) == {"341", "342", "343"}
