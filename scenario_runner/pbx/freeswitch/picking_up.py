"""Answers a call that rings at a party without a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.errors import NotPossible
from scenario_runner.language.vocabulary import CallState, Reason
from scenario_runner.pbx.freeswitch.placing import no_call
from scenario_runner.pbx.freeswitch.reaching import reach, refuse
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.pbx.tracked.waiters import outcome

if TYPE_CHECKING:
    from scenario_runner.pbx.commands import CallAddress
    from scenario_runner.pbx.freeswitch.frames import Message
    from scenario_runner.pbx.freeswitch.line import Line
    from scenario_runner.pbx.protocol import Outcome


async def pick_up(line: Line, address: CallAddress, within: int) -> Outcome:
    """Answer for the channel that rings."""
    watch = line.start()
    if not line.hub.dialling.answers:
        raise NotPossible(
            "a phone is answered by whoever it rings at, not by the runner",
            hint="only ends without phones can be answered: extension: null/{number}",
        )
    await line.connect()
    board = line.hub.board
    call = reach(board, address)
    if isinstance(call, Reason):
        return refuse(call, line.raw(watch))
    if call.state is not CallState.RINGING or not call.rings:
        message = "the call does not ring"
        return Refused(raw=line.raw(watch), reason=Reason.OTHER, message=message)

    def talking(message: Message) -> Message | None:
        if message.event == "CHANNEL_HANGUP":
            raise no_call(f"the extension {call.extension}", message.get("Hangup-Cause"))
        return message if call.state is CallState.UP and board.talking(call) else None

    with line.hub.expectations.of(call.legs, talking) as up:
        # What it replies says nothing: some versions reply nothing at all when it is done.
        await line.api(f"uuid_answer {call.rings}", within)
        seen = await outcome(up, within, "the call was not answered")
    return Done(raw=line.raw(watch, seen), state=CallState.UP)
