"""Ends a call as one of its two parties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.language.vocabulary import CallState, Party, Reason
from scenario_runner.pbx.asterisk.reaching import reach, refuse
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.pbx.tracked.waiters import outcome

if TYPE_CHECKING:
    from scenario_runner.pbx.asterisk.board import Call
    from scenario_runner.pbx.asterisk.frames import Message
    from scenario_runner.pbx.asterisk.line import Line
    from scenario_runner.pbx.commands import CallAddress
    from scenario_runner.pbx.protocol import Outcome

_IN_STEAD = "Asterisk ended the channel in the party's stead: nobody hung a phone up"


async def hang_up(line: Line, address: CallAddress, by: Party, within: int) -> Outcome:
    """Hang the party's channel up and wait until all of the call is gone."""
    watch = line.start()
    await line.connect()
    call = reach(line.hub.board, address)
    if isinstance(call, Reason):
        left = line.hub.board.find(address.call_api_id)
        if left is None or left.owned or not left.alive:
            return refuse(call, line.raw(watch))
        # A call that a run before has left: where it is by now is not known from then.
        call = left
    legs = set(call.legs) | set(call.partner.legs if call.partner is not None else ())

    names = line.hub.board.names

    def gone(message: Message) -> Message | None:
        over = message.event == "Hangup" and not any(uid in names for uid in legs)
        return message if over else None

    with line.hub.expectations.of(legs, gone) as ended:
        reply = await line.ask("Hangup", (("Channel", _channel(call, by)), ("Cause", "16")), within)
        if reply.refused:
            raw = line.raw(watch, reply.first)
            return Refused(raw=raw, reason=Reason.NO_SUCH_CALL, message=reply.message)
        message = await outcome(ended, within, "the call did not end")
    return Done(raw=line.raw(watch, message), state=CallState.ENDED, driver_word=_IN_STEAD)


def _channel(call: Call, by: Party) -> str:
    """Return whose channel it is; a parked call has only one, joined calls share two."""
    if by is Party.EXTENSION and call.desk:
        return call.desk
    if call.remote or call.partner is None:
        return call.remote or call.desk
    return call.partner.remote or call.desk
