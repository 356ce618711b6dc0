"""Looks at what an Asterisk holds after connecting: its channels, its parked calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.model.vocabulary import CallState
from scenario_runner.pbx.asterisk.board import Board, Call
from scenario_runner.pbx.asterisk.readiness import ask

if TYPE_CHECKING:
    from scenario_runner.pbx.asterisk.ami import Ami, Reply
    from scenario_runner.pbx.asterisk.dialling import Dialling
    from scenario_runner.pbx.asterisk.frames import Message


async def resync(ami: Ami, board: Board, dialling: Dialling, lot: str, within: int) -> None:
    """Bring the board up to date; calls whose channels are gone have ended."""
    channels = await ask(ami, "CoreShowChannels", (), within)
    parked = await ask(ami, "ParkedCalls", (("ParkingLot", lot),), within)
    _take_channels(board, channels)
    board.clear_spaces()
    for call in list(board.alive()):
        _check(board, call)
    for bridge in _bridged(channels).values():
        _take_pair(board, dialling, bridge)
    for item in parked.items:
        _take_parked(board, dialling, item)


def _take_channels(board: Board, channels: Reply) -> None:
    seen = {item.get("Uniqueid"): item for item in channels.items}
    for known in (board.names, board.family, board.bridges):
        known.clear()
    for uid, item in seen.items():
        board.names[uid] = item.get("Channel")
        board.family[uid] = item.get("Linkedid")
        if item.get("BridgeId"):
            board.bridges[uid] = item.get("BridgeId")


def _check(board: Board, call: Call) -> None:
    """End a call whose remote party is gone, or the joined call whose desk is gone."""
    if call.remote and call.remote not in board.names:
        board.set_remote(call, "")
    if call.desk and call.desk not in board.names:
        board.set_desk(call, "")
    if not call.remote and not (call.desk and call.partner is not None):
        call.part()
        call.state = CallState.ENDED
    elif call.state is CallState.PARKED:
        call.state = CallState.UP


def _bridged(channels: Reply) -> dict[str, list[Message]]:
    bridges: dict[str, list[Message]] = {}
    for item in channels.items:
        if item.get("BridgeId"):
            bridges.setdefault(item.get("BridgeId"), []).append(item)
    return bridges


def _take_pair(board: Board, dialling: Dialling, pair: list[Message]) -> None:
    """Take in a call that somebody else placed: an extension's channel and one other."""
    if len(pair) != 2 or any(board.of(item.get("Uniqueid")) for item in pair):
        return
    for desk, remote in (pair, pair[::-1]):
        number = dialling.number_of(desk.get("Channel"))
        if number is not None:
            uid = remote.get("Uniqueid")
            call = Call(
                uuid=uid,
                extension=number,
                flow="in",
                party=remote.get("CallerIDNum"),
                remote=uid,
                desk=desk.get("Uniqueid"),
                state=CallState.UP,
            )
            board.add(call)
            return


def _take_parked(board: Board, dialling: Dialling, item: Message) -> None:
    uid = item.get("ParkeeUniqueid")
    parker = dialling.number_dialled(item.get("ParkerDialString"))
    call = board.owner(uid)
    if call is None and parker is not None:
        party = item.get("ParkeeCallerIDNum")
        call = board.add(Call(uuid=uid, extension=parker, flow="in", party=party, remote=uid))
    if call is not None:
        board.occupy(item.get("Parkinglot"), item.get("ParkingSpace"), call)
        call.state = CallState.PARKED
