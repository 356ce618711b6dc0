"""Looks at what a FreeSWITCH holds after connecting: which channels are left, who is parked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.model.vocabulary import CallState
from scenario_runner.pbx.freeswitch.lots import listed

if TYPE_CHECKING:
    from scenario_runner.pbx.freeswitch.board import Board, Call
    from scenario_runner.pbx.freeswitch.esl import Esl


async def resync(esl: Esl, board: Board, within: int) -> None:
    """Bring the board up to date; calls whose channels are gone have ended."""
    calls = list(board.alive())
    for call in calls:
        for uid in (*call.legs, call.coming):
            if uid:
                await _look_for(esl, board, uid, within)
        _check(board, call)
    parked = [call for call in calls if call.place is not None]
    if parked:
        reply = await esl.command("api valet_info", within)
        places = listed(reply.answer)
        for call in parked:
            if call.place is not None and places.get(call.place) != call.remote:
                call.leave()


async def _look_for(esl: Esl, board: Board, uid: str, within: int) -> None:
    reply = await esl.command(f"api uuid_exists {uid}", within)
    if reply.answer == "true":
        board.live.add(uid)
    else:
        board.live.discard(uid)
        board.separate(uid)


def _check(board: Board, call: Call) -> None:
    """End a call whose remote party is gone, or the joined call whose desk is gone."""
    if call.coming in board.live:
        call.desk, call.remote = (call.coming, call.remote) if call.remote else ("", call.coming)
        call.coming = ""
    if call.remote not in board.live:
        call.remote = ""
    if call.desk not in board.live:
        call.desk = ""
    if not call.remote and not (call.desk and call.state is CallState.BRIDGED):
        call.end()
