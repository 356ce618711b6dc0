"""One session as a real FreeSWITCH 1.11.1 answered it: the switch that is played must say the same.

What is recorded are the commands with their answers, and the events of each channel in their order,
those of the parking module apart. The order of events of different channels differs from time to
time, and so does that of a command's answer and the events that it causes. `--rewrite-golden` with
a FreeSWITCH named records it anew.
"""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from scenario_runner.clock import LoopClock
from scenario_runner.durations import SECOND
from scenario_runner.errors import PbxError
from scenario_runner.language.vocabulary import Party
from scenario_runner.pbx.commands import AnswerCall, AskSlot, BridgeCall, HangUp, ParkCall
from scenario_runner.pbx.protocol import Plan
from scenario_runner.pbx.tracked.waiters import EVERY

from .conftest import NAMED
from .playing import PASSWORD, Player
from .talking import WITHIN, Seen, at, called, connection, reason, target

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.protocol import CallIds, Session, Trace
    from scenario_runner.pbx.tracked.wire import WireMessage

RECORDED = Path(__file__).parent / "recorded.txt"
BUSY = "cause-USER_BUSY"
FIELDS = {
    "CHANNEL_CREATE": (
        "Other-Leg-Unique-ID",
        "Call-Direction",
        "Channel-Name",
        "Caller-Destination-Number",
    ),
    "CHANNEL_BRIDGE": ("Bridge-A-Unique-ID", "Bridge-B-Unique-ID"),
    "CHANNEL_HANGUP": ("Hangup-Cause",),
    "valet_parking::info": ("Action", "Valet-Lot-Name", "Valet-Extension", "Bridge-To-UUID"),
}
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_LOT = re.compile(r"scenario-[0-9a-f]{8}-\d+")


@dataclass
class Recorder:
    """Takes events in, by the channel that they are about."""

    events: dict[str, list[str]] = field(default_factory=dict)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: WireMessage) -> None:
        said = [f"{key}={event.get(key)}" for key in FIELDS.get(event.event, ()) if event.get(key)]
        if event.get("Action") == "exit":
            said.append(f"Channel-State-Number={event.get('Channel-State-Number')}")
        line = " ".join([event.event, *said])
        self.events.setdefault(event.get("Unique-ID"), []).append(line)
        self.came.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until what was heard is enough."""
        async with asyncio.timeout(10):
            while not holds():
                self.came.clear()
                await self.came.wait()

    def heard(self, uid: str, event: str, times: int = 1) -> bool:
        """Tell whether an event of a channel was heard."""
        return sum(line.startswith(event) for line in self.events.get(uid, ())) >= times

    def all_over(self) -> bool:
        """Tell whether all channels were hung up."""
        return all(self.heard(uid, "CHANNEL_HANGUP") for uid in self.events)

    def text(self, traces: list[Trace]) -> str:
        """Write all down, channels called A, B, ... in the order in which they are named."""
        names: dict[str, str] = {}

        def named(found: re.Match[str]) -> str:
            return names.setdefault(found[0], chr(ord("A") + len(names)))

        parts = [f"> {trace.sent}\n{_answer(trace)}" for trace in traces]
        _UUID.sub(named, "".join(trace.sent for trace in traces))
        for uid in list(names):
            own = sorted(self.events.get(uid, ["never there"]), key=is_of_parking)
            parts.append("\n".join([f"channel {uid}", *own]))
        return _LOT.sub("LOT", _UUID.sub(named, "\n\n".join(parts))) + "\n"


def is_of_parking(line: str) -> bool:
    """Tell whether an event is the parking module's: those come in an order of their own."""
    return line.startswith("valet_parking")


def _answer(trace: Trace) -> str:
    return "\n".join(f"< {line}" for line in trace.received.split("\n"))


async def speak(on: Session, recorder: Recorder) -> None:
    """Answer, park, ask, pick up, park again, hang up, meet a busy one, let a call return."""

    async def do(*commands: object) -> None:
        for command in commands:
            assert reason(await on.do(command, WITHIN)) == "done"  # type: ignore[arg-type]

    def now(call: CallIds) -> CallIds:
        return on.ids(call.uuid) or call

    customer = await called(on, answered=False)
    await do(
        AnswerCall(call=at(customer)),
        ParkCall(call=at(customer), slot=6),
        AskSlot(call=at(customer), slot=6),
    )
    agent = await called(on, "342", party="+78120000555")
    await do(BridgeCall(call=at(agent), slot=6))
    await do(ParkCall(call=at(now(customer)), slot=8))
    await do(HangUp(call=at(now(customer)), by=Party.REMOTE))
    for busy in ({"party": BUSY}, {"party": BUSY, "flow": "out"}):
        with pytest.raises(PbxError, match="null/cause-USER_BUSY: USER_BUSY"):
            await called(on, **busy)
    waiting = await called(on, "343")
    await do(ParkCall(call=at(waiting), slot=7))
    await recorder.until(lambda: recorder.heard(waiting.uuid, "valet_parking::info", 2))
    await recorder.until(lambda: any("PROGRESS" in lines[-1] for lines in recorder.events.values()))
    await do(AnswerCall(call=at(waiting)), HangUp(call=at(now(waiting)), by=Party.EXTENSION))
    await recorder.until(recorder.all_over)


async def transcript(port: int, password: str) -> str:
    """Hold the session with a FreeSWITCH and return what was said."""
    seen, recorder = Seen(), Recorder()
    of = replace(target(port, password=password, return_rings=5 * SECOND), park_timeout=SECOND)
    clock = LoopClock(asyncio.get_running_loop())
    async with (
        connection(of, seen) as opened,
        opened.session(Plan(scenario="recorded", events=True), seen, clock) as on,
    ):
        with opened.hub.waiters.of((EVERY,), recorder):
            await speak(on, recorder)
        return recorder.text(seen.traces)


async def played(player: Player) -> str:
    """Hold the session with a switch that is played."""
    player.switch.busy = f"null/{BUSY}"
    async with player:
        return await transcript(player.port, PASSWORD)


@pytest.mark.parametrize("answers_last", [False, True], ids=["answers first", "answers last"])
def test_the_played_switch_says_what_a_real_one_said(answers_last: bool) -> None:
    player = Player(keeps_time=True, answers_last=answers_last)
    assert asyncio.run(played(player)) == RECORDED.read_text(encoding="utf-8")


@pytest.mark.real
def test_a_real_one_still_says_so(golden: Callable[[Path, str], None]) -> None:
    named = os.environ.get(NAMED)
    if not named:
        pytest.skip(f"no FreeSWITCH is named: {NAMED}=host:port:password")
    _, port, password = named.split(":", 2)
    golden(RECORDED, asyncio.run(transcript(int(port), password)))
