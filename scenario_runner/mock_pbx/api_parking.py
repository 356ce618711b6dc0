"""`valet_park`: parks, bridges and asks about slots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenario_runner.mock_pbx.commands import AskSlot, Bridge, InSlot, Park, Refusal
from scenario_runner.mock_pbx.replies import json_object, told
from scenario_runner.mock_pbx.resource import uuid_in
from scenario_runner.mock_pbx.rules import ACTION_UNKNOWN

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.profile import Profile
    from scenario_runner.mock_pbx.replies import Reply
    from scenario_runner.mock_pbx.resource import Asked
    from scenario_runner.mock_pbx.world import World

_COMMANDS: Final[dict[str, type[Park | Bridge | AskSlot]]] = {
    "park": Park,
    "bridge": Bridge,
    "slots": AskSlot,
}


def valet_park(world: World, asked: Asked) -> Reply:
    """Park the call, join it with a parked one, or ask who is in a slot, by the body's `action`."""
    body = json_object(asked.body)
    if body is None:
        return world.complain("malformed")
    action, slot = body.get("action"), body.get("slot")
    kind = _COMMANDS.get(action) if isinstance(action, str) else None
    if kind is None:
        return world.refuse(ACTION_UNKNOWN)
    profile = world.profile
    call, extension = uuid_in(profile, asked.item), profile.extension_number(asked.owner)
    answer = world.do(kind(call, extension, slot), InSlot)
    if isinstance(answer, Refusal):
        return world.refused(answer)
    if kind is AskSlot:
        return told(200, _slot_view(profile, answer))
    return told(200, _done_view(profile, str(action), slot, answer))


def _slot_view(profile: Profile, answer: InSlot) -> dict[str, object]:
    slot = str(answer.slot)
    if answer.uuid is not None or profile.empty_slot == "null":
        return {"slot": slot, "UUID": answer.uuid}
    return {"slot": slot, "UUID": ""} if profile.empty_slot == "empty-text" else {"slot": slot}


def _done_view(profile: Profile, action: str, slot: object, answer: InSlot) -> dict[str, object]:
    if profile.done_body == "empty-object":
        return {}
    if slot is None and profile.random_report == "no-slot":
        return {"action": action}
    return {"action": action, "slot": answer.slot if slot is None else slot}
