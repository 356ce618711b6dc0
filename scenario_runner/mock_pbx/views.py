"""How calls are shown: in the vendor's lists and to whoever controls the mock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scenario_runner.mock_pbx.calls import next_deadline

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import Call
    from scenario_runner.mock_pbx.profile import Profile
    from scenario_runner.mock_pbx.world import World

View = dict[str, object]


def call_api_id(profile: Profile, uuid: str) -> str:
    """Write a call's name in the API: the media server's number and the uuid."""
    return f"{profile.media_server}-{uuid}"


def listed_call(world: World, call: Call) -> View:
    """Show a call as `current_calls` lists it; times are in GMT."""
    profile = world.profile
    answered = call.answered_at
    short = profile.short_name(call.extension)
    own = _extension(profile, call.extension)
    incoming = call.flow == "in"
    return {
        "call_api_id": call_api_id(profile, call.uuid),
        "call_flow": call.flow.upper(),
        "extension_id": profile.extension_id(call.extension),
        "init_time_gmt": _gmt(world.epoch_us + call.placed_at),
        "answer_time_gmt": None if answered is None else _gmt(world.epoch_us + answered),
        "caller_id_number": call.party if incoming else short,
        "caller_id_name": call.party if incoming else short,
        "caller_extension": None if incoming else own,
        "called_number": short if incoming else call.party,
        "called_did": profile.called_did if incoming else None,
        "called_extension": own if incoming else None,
        "callback_id": None,
        "record_uuid": None,
        "real_call": True,
    }


def _extension(profile: Profile, number: int) -> View:
    return {
        "id": profile.extension_id(number),
        "type": "phone",
        "name": profile.full_name(number),
        "client_id": profile.client_number,
        "extension_group_id": None,
    }


def _gmt(epoch_us: int) -> str:
    seconds, rest = divmod(epoch_us, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S},{rest // 10_000:02d}"


def call_ids(profile: Profile, call: Call) -> View:
    """Show the names of a call."""
    return {
        "call_api_id": call_api_id(profile, call.uuid),
        "uuid": call.uuid,
        "call_id": call.call_id,
        "extension": str(call.extension),
        "extension_id": profile.extension_id(call.extension),
    }


def state_view(world: World) -> View:
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
    return call_ids(profile, call) | more
