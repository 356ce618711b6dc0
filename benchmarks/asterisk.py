"""Measures the Asterisk driver: its own time per exchange, and two hundred parked calls at once.

    python -m benchmarks.asterisk

Starts an Asterisk from Debian's packages (see tests/asterisk) and ends it. Each exchange is timed
twice: by a bare socket that sends the action and waits for the end of its answer, and by the
driver's own command. What the driver costs is the difference.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.clock import LoopClock
from scenario_runner.durations import HOUR, SECOND
from scenario_runner.language.target import Target
from scenario_runner.pbx.asterisk.connection import Asterisk
from scenario_runner.pbx.asterisk.settings import AsteriskSettings, Headless
from scenario_runner.pbx.commands import (
    AskSlot,
    CallAddress,
    ParkCall,
    PlaceCall,
    ShowCall,
    ShowCalls,
)
from scenario_runner.pbx.drivers import Context
from scenario_runner.pbx.protocol import Done, NullWatcher, Plan
from tests.asterisk.instance import SECRET, USER, Instance, discard, free_ports
from tests.asterisk.packages import NotToBeHad, fetched

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scenario_runner.pbx.protocol import CallIds, Session

TIMES = 400
CALLS = 200
MOST_OVERHEAD_MS = 0.5
WITHIN = 30 * SECOND


class Row(NamedTuple):
    """One line of the table: medians in milliseconds."""

    what: str
    bare: float
    driver: float

    @property
    def overhead(self) -> float:
        return self.driver - self.bare


def target(port: int) -> Target:
    """Return a target with two hundred slots."""
    return Target(
        name="bench",
        driver="asterisk",
        host="127.0.0.1",
        base_url="",
        settings=AsteriskSettings(
            port=port,
            username=USER,
            password=SECRET,
            lot="big",
            first_space=10001,
            retrieve_context="parkedcalls-big",
            extension="Local/{number}@desk/n",
            headless=Headless(
                extension="Local/{number}@desk-rings/n", party="Local/{number}@outside-rings/n"
            ),
        ),
        slots=(1, CALLS),
        park_timeout=HOUR,
    )


class Bare:
    """A socket that asks and waits for the last line of the answer, and understands nothing."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, text: str, end: bytes) -> None:
        self._writer.write(text.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        while end not in await self._reader.readuntil(b"\r\n\r\n"):
            pass


async def bare(port: int) -> Bare:
    """Log in without events."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    one = Bare(reader, writer)
    await one.ask(f"Action: Login\nUsername: {USER}\nSecret: {SECRET}\nEvents: off", b"Success")
    return one


async def median(act: Callable[[], Awaitable[object]]) -> float:
    """Return the median time of many turns, in milliseconds."""
    taken: list[float] = []
    for _ in range(TIMES):
        begin = perf_counter()
        await act()
        taken.append((perf_counter() - begin) * 1000)
    return statistics.median(taken)


def at(ids: CallIds) -> CallAddress:
    return CallAddress(call_api_id=ids.call_api_id, extension=ids.extension)


async def exchanges(on: Session, port: int) -> list[Row]:
    """Time single exchanges on an empty lot."""
    outcome = await on.do(PlaceCall(extension="341", flow="in", party="+78120000443"), WITHIN)
    assert isinstance(outcome, Done)
    assert outcome.ids is not None
    ids = outcome.ids
    socket = await bare(port)
    parked = "Action: ParkedCalls\nParkingLot: big"
    status = f"Action: Status\nChannel: {ids.uuid}"
    channels = "Action: CoreShowChannels"
    return [
        Row(
            "slots (ParkedCalls, empty lot)",
            await median(lambda: socket.ask(parked, b"ParkedCallsComplete")),
            await median(lambda: on.do(AskSlot(call=at(ids), slot=6), WITHIN)),
        ),
        Row(
            "calls of one call (Status)",
            await median(lambda: socket.ask(status, b"StatusComplete")),
            await median(lambda: on.do(ShowCall(call=at(ids)), WITHIN)),
        ),
        Row(
            "calls of an extension (CoreShowChannels)",
            await median(lambda: socket.ask(channels, b"CoreShowChannelsComplete")),
            await median(lambda: on.do(ShowCalls(extension="341"), WITHIN)),
        ),
    ]


async def many(on: Session) -> tuple[float, float, int, int]:
    """Place and park two hundred calls at once; return seconds of both and how many are there."""
    begin = perf_counter()
    limit = asyncio.Semaphore(20)

    async def placed(number: int) -> CallIds:
        request = PlaceCall(extension="341", flow="in", party=f"+7812{number:07}")
        async with limit:
            outcome = await on.do(request, WITHIN)
        assert isinstance(outcome, Done)
        assert outcome.ids is not None
        return outcome.ids

    calls = await asyncio.gather(*(placed(number) for number in range(CALLS)))
    placing = perf_counter() - begin
    begin = perf_counter()
    parked = await asyncio.gather(
        *(on.do(ParkCall(call=at(ids), slot=slot), WITHIN) for slot, ids in enumerate(calls, 1))
    )
    parking = perf_counter() - begin
    held = dict((await on.holding()).slots)
    right = sum(held.get(str(slot)) == ids.uuid for slot, ids in enumerate(calls, 1))
    return placing, parking, sum(isinstance(one, Done) for one in parked), right


async def measure(port: int) -> bool:
    """Measure everything and print it; return whether it is good enough."""
    of = target(port)
    assert isinstance(of.settings, AsteriskSettings)
    connection = Asterisk(of, of.settings, Context())
    clock = LoopClock(asyncio.get_running_loop())
    async with connection.session(Plan(scenario="bench"), NullWatcher(), clock) as on:
        rows = await exchanges(on, port)
        placing, parking, done, right = await many(on)
        begin = perf_counter()
        left = await on.close()
        closing = perf_counter() - begin
    await connection.close()
    print(f"{'exchange, median of ' + str(TIMES):<44}{'bare':>10}{'driver':>10}{'more':>10}")
    for row in rows:
        times = f"{row.bare:>8.2f}ms{row.driver:>8.2f}ms{row.overhead:>8.2f}ms"
        print(f"{row.what:<44}{times}")
    print(
        f"{CALLS} calls placed in {placing:.1f}s, parked in {parking:.1f}s: {done} done, ", end=""
    )
    print(f"{right} in their slots; hung up in {closing:.1f}s, {len(left)} left behind")
    return (
        all(row.overhead <= MOST_OVERHEAD_MS for row in rows)
        and done == right == CALLS
        and not left
    )


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="asterisk-"))
    try:
        instance = Instance(fetched(), folder, free_ports())
    except NotToBeHad as error:
        print(f"no Asterisk to measure: {error}", file=sys.stderr)
        return 1
    instance.start()
    try:
        good = asyncio.run(measure(instance.ports.ami))
    finally:
        discard(instance)
        shutil.rmtree(folder, ignore_errors=True)
    print("good enough" if good else f"not good enough: at most {MOST_OVERHEAD_MS} ms more")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
