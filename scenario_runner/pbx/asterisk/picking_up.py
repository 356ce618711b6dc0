"""Answers a call that rings at a party without a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.errors import NotPossible
from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.asterisk.reaching import reach, refuse
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.pbx.tracked.waiters import outcome

if TYPE_CHECKING:
    from scenario_runner.pbx.asterisk.board import Call
    from scenario_runner.pbx.asterisk.frames import Message
    from scenario_runner.pbx.asterisk.line import Line
    from scenario_runner.pbx.commands import CallAddress
    from scenario_runner.pbx.protocol import Outcome


async def pick_up(line: Line, address: CallAddress, within: int) -> Outcome:
    """Send the ringing party's half of a Local channel to where it answers."""
    watch = line.start()
    await line.connect()
    board = line.hub.board
    call = reach(board, address)
    if isinstance(call, Reason):
        return refuse(call, line.raw(watch))
    if call.state is not CallState.RINGING:
        message = "the call does not ring"
        return Refused(raw=line.raw(watch), reason=Reason.OTHER, message=message)
    half, context, extension = _answering(line, call)

    def talking(message: Message) -> Message | None:
        return message if board.talking(call) else None

    where = (("Context", context), ("Exten", extension), ("Priority", "1"))
    with line.hub.expectations.of(call.legs, talking) as up:
        await line.must("Redirect", (("Channel", half), *where), within)
        seen = await outcome(up, within, "the call was not answered")
    return Done(raw=line.raw(watch, seen), state=CallState.UP)


def _answering(line: Line, call: Call) -> tuple[str, str, str]:
    """Return the half of the Local channel that runs the dialplan, its context, its extension."""
    headless = line.hub.settings.headless
    ringing = call.desk if call.flow == "in" else call.remote
    name = line.hub.board.names.get(ringing, "")
    if headless is None or not (name.startswith("Local/") and name.endswith(";1")):
        raise NotPossible(
            f"{name or 'the phone'} is answered by whoever it rings at, not by the runner",
            hint="parties without phones can be answered: `headless` in the targets file",
        )
    context = name.partition("@")[2].rpartition("-")[0]
    return name[:-1] + "2", context, headless.answer
