"""`current_calls` and `callback`: lists calls, shows, transfers and ends one, brings one up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.mock_pbx.commands import (
    Calls,
    Ended,
    HangUp,
    ListCalls,
    OneCall,
    PlaceCall,
    Refusal,
    ShowCall,
    Transfer,
)
from scenario_runner.mock_pbx.replies import Reply, complaint, json_object, told
from scenario_runner.mock_pbx.resource import uuid_in
from scenario_runner.mock_pbx.views import call_api_id, listed_call

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.resource import Asked
    from scenario_runner.mock_pbx.world import World


def list_client(world: World, asked: Asked) -> Reply:
    """List the calls of all extensions of the client."""
    if asked.owner not in ("@me", "%40me", str(world.profile.client_number)):
        return world.complain("client_unknown")
    return _all(world, None)


def list_extension(world: World, asked: Asked) -> Reply:
    """List the calls of one extension."""
    return _all(world, world.profile.extension_number(asked.owner))


def show(world: World, asked: Asked) -> Reply:
    """Show one call, in the shape it has in a list (assumed)."""
    return _one(world, ShowCall(*_address(world, asked)))


def change(world: World, asked: Asked) -> Reply:
    """Transfer a call to another extension, and show it; no other action is played."""
    body = json_object(asked.body)
    if body is None:
        return world.complain("malformed")
    action, goal = body.get("action"), body.get("send_dst")
    if action != "transfer":
        return complaint(400, "action must be transfer: the mock plays no other")
    if not isinstance(goal, str) or not (goal.isascii() and goal.isdigit() and len(goal) <= 9):
        return complaint(400, "send_dst must be an extension number")
    return _one(world, Transfer(*_address(world, asked), int(goal)))


def hang_up(world: World, asked: Asked) -> Reply:
    """End a call on behalf of its extension."""
    answer = world.do(HangUp(*_address(world, asked), "extension"), Ended)
    if isinstance(answer, Refusal):
        return world.refused(answer)
    return Reply(world.profile.ended_status)


def call_back(world: World, asked: Asked) -> Reply:
    """Ring the extension and then the destination; both answer at once (assumed)."""
    extension = world.profile.extension_number(asked.owner)
    body = json_object(asked.body)
    if body is None:
        return world.complain("malformed")
    wrong = _wrong_numbers(body)
    if wrong:
        return complaint(400, wrong)
    answer = world.do(PlaceCall("out", extension, str(body["dst_num"]), answered=True), OneCall)
    if isinstance(answer, Refusal):
        return world.refused(answer)
    call = answer.call
    names = {"call_api_id": call_api_id(world.profile, call.uuid), "call_id": call.call_id}
    return told(201, names)


def _wrong_numbers(body: dict[str, object]) -> str:
    sources, goal = body.get("src_num"), body.get("dst_num")
    if (
        not isinstance(sources, list)
        or not sources
        or not all(isinstance(source, str) and source for source in sources)
    ):
        return "src_num must be a list of numbers"
    return "" if isinstance(goal, str) and goal else "dst_num is required"


def _address(world: World, asked: Asked) -> tuple[str, int]:
    profile = world.profile
    return uuid_in(profile, asked.item), profile.extension_number(asked.owner)


def _all(world: World, extension: int | None) -> Reply:
    answer = world.do(ListCalls(extension), Calls)
    if isinstance(answer, Refusal):
        return world.refused(answer)
    return told(200, {"call_list": [listed_call(world, call) for call in answer.calls]})


def _one(world: World, command: ShowCall | Transfer) -> Reply:
    answer = world.do(command, OneCall)
    if isinstance(answer, Refusal):
        return world.refused(answer)
    return told(200, listed_call(world, answer.call))
