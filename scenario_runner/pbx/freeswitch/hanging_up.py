"""Ends a call as one of its two parties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.language.vocabulary import CallState, Party, Reason
from scenario_runner.pbx.freeswitch.board import Call
from scenario_runner.pbx.freeswitch.reaching import reach, refuse
from scenario_runner.pbx.protocol import Done, Refused
from scenario_runner.pbx.tracked.waiters import outcome

if TYPE_CHECKING:
    from scenario_runner.pbx.commands import CallAddress
    from scenario_runner.pbx.freeswitch.frames import Message
    from scenario_runner.pbx.freeswitch.line import Line
    from scenario_runner.pbx.protocol import Outcome

_INSTEAD = "FreeSWITCH ended the channel in the party's stead: nobody hung a phone up"


async def hang_up(line: Line, address: CallAddress, by: Party, within: int) -> Outcome:
    """Hang the party's channel up and wait until all of the call is gone, also from its slot.

    FreeSWITCH lists a parked call for some milliseconds after it ended.
    """
    watch = line.start()
    await line.connect()
    board = line.hub.board
    call = reach(board, address)
    if isinstance(call, Call):
        channel, legs = _channel(call, by), set(call.legs)
        legs.update(call.partner.legs if call.partner is not None else ())
        gone = _Gone(board.live, legs, parked=call.state is CallState.PARKED)
    elif board.find(address.call_api_id) is None:
        # Maybe a call that a run before has left: only FreeSWITCH knows about it.
        channel, legs = address.call_api_id, {address.call_api_id}
        gone = _Gone(board.live, legs, parked=False)
    else:
        return refuse(call, line.raw(watch))
    with line.hub.expectations.of(legs, gone) as ended:
        said = await line.api(f"uuid_kill {channel}", within)
        if not said.startswith("+OK"):
            raw = line.raw(watch, said)
            return Refused(raw=raw, reason=Reason.NO_SUCH_CALL, message=said)
        message = await outcome(ended, within, "the call did not end")
    return Done(raw=line.raw(watch, message), state=CallState.ENDED, driver_word=_INSTEAD)


class _Gone:
    """Judges whether all channels of a call are gone, and its slot is left."""

    def __init__(self, live: set[str], legs: set[str], *, parked: bool) -> None:
        self._live = live
        self._legs = legs
        self._parked = parked

    def __call__(self, message: Message) -> Message | None:
        if message.get("Action") == "exit":
            self._parked = False
        return None if self._parked or self._legs & self._live else message


def _channel(call: Call, by: Party) -> str:
    """Return whose channel it is; a parked call has only one, joined calls share two."""
    if by is Party.EXTENSION and call.desk:
        return call.desk
    if call.remote or call.partner is None:
        return call.remote or call.desk
    return call.partner.remote or call.desk
