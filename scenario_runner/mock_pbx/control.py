"""The mock's own resources under `/mock`: the outside world that calls, answers and hangs up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scenario_runner.mock_pbx.calls import (
    AnswerCall,
    Ended,
    HangUp,
    OneCall,
    Parked,
    PlaceCall,
    Recalled,
    Refusal,
    Ringing,
    next_deadline,
)
from scenario_runner.mock_pbx.profile import dialled
from scenario_runner.mock_pbx.rules import EXTENSION_UNKNOWN
from scenario_runner.mock_pbx.world import (
    NO_ROUTE,
    Reply,
    complaint,
    json_object,
    not_allowed,
    told,
)

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import Call
    from scenario_runner.mock_pbx.profile import Profile
    from scenario_runner.mock_pbx.world import World

View = dict[str, object]


def dispatch(world: World, method: str, path: str, body: bytes) -> Reply:
    """Answer a request to `path` below `/mock/`; no token is asked for."""
    match method, path.split("/"):
        case "POST", ["calls"]:
            return _place(world, body)
        case "POST", ["calls", uuid, "answer"]:
            return _one(world, AnswerCall(uuid), 200)
        case "DELETE", ["calls", uuid]:
            return _hang_up(world, uuid)
        case "GET", ["extensions", number]:
            return _extension(world, number)
        case "GET", ["state"]:
            return told(200, _state_view(world))
        case _, route:
            return _no_such(route)


def _no_such(route: list[str]) -> Reply:
    """Answer a method that a resource does not have, or a path where none is."""
    match route:
        case ["calls"] | ["calls", _, "answer"]:
            return not_allowed("POST")
        case ["calls", _]:
            return not_allowed("DELETE")
        case ["state"] | ["extensions", _]:
            return not_allowed("GET")
        case _:
            return NO_ROUTE


def _place(world: World, body: bytes) -> Reply:
    wanted = json_object(body)
    if wanted is None:
        return world.complain("malformed")
    command = _placing(wanted)
    return complaint(400, command) if isinstance(command, str) else _one(world, command, 201)


def _placing(wanted: dict[str, object]) -> PlaceCall | str:
    unknown = sorted(wanted.keys() - {"extension", "from", "to", "answered"})
    if unknown:
        return f"unknown key {unknown[0]}"
    extension, answered = str(wanted.get("extension")), wanted.get("answered", True)
    if not (extension.isascii() and extension.isdigit() and len(extension) <= 9):
        return "extension must be a number"
    if not isinstance(answered, bool):
        return "answered must be true or false"
    if ("from" in wanted) == ("to" in wanted):
        return "either from or to is required"
    party = wanted["from"] if "from" in wanted else wanted["to"]
    if not isinstance(party, str) or not party:
        return "from and to must be text"
    return PlaceCall("in" if "from" in wanted else "out", dialled(extension), party, answered)


def _one(world: World, command: PlaceCall | AnswerCall, status: int) -> Reply:
    answer = world.do(command, OneCall)
    if isinstance(answer, Refusal):
        return world.refused(answer)
    return told(status, _call_view(world.profile, answer.call))


def _hang_up(world: World, uuid: str) -> Reply:
    answer = world.do(HangUp(uuid, None, "remote"), Ended)
    return world.refused(answer) if isinstance(answer, Refusal) else Reply(204)


def _call_view(profile: Profile, call: Call) -> View:
    """Show the names of a call."""
    return {
        "call_api_id": profile.call_api_id(call.uuid),
        "uuid": call.uuid,
        "call_id": call.call_id,
        "extension": str(call.extension),
        "extension_id": profile.extension_id(call.extension),
    }


def _extension(world: World, number: str) -> Reply:
    """Show whether an extension is free, rings or is busy; calls that it parked do not count."""
    profile = world.profile
    if not re.fullmatch("[1-9][0-9]{0,8}", number) or not profile.has_extension(int(number)):
        return world.refuse(EXTENSION_UNKNOWN)
    legs = {
        _lamp(call)
        for call in world.state.calls.values()
        if call.extension == int(number) and not isinstance(call.phase, Parked)
    }
    lamp = "busy" if "busy" in legs else "ringing" if legs else "free"
    return told(200, {"extension": number, "state": lamp})


def _lamp(call: Call) -> str:
    """Return what a call makes of its extension: one that dials out is busy while it rings."""
    rings = isinstance(call.phase, Ringing | Recalled)
    return "ringing" if rings and call.leg_flow == "in" else "busy"


def _state_view(world: World) -> View:
    """Show everything the switch holds; times are microseconds of the mock's clock."""
    state = world.state
    slots = sorted((place[1], uuid) for place, uuid in state.slots.items())
    return {
        "clock": world.clock,
        "next_deadline": next_deadline(state),
        "placed": state.placed,
        "alive": len(state.calls),
        "ended": state.ended,
        "slots": [
            {"slot": str(slot), "uuid": uuid, "extension": str(state.calls[uuid].extension)}
            for slot, uuid in slots
        ],
        "calls": [_controlled_call(state.profile, call) for call in state.calls.values()],
    }


def _controlled_call(profile: Profile, call: Call) -> View:
    more: View = {"state": call.phase.word, "flow": call.flow, "party": call.party}
    return _call_view(profile, call) | more
