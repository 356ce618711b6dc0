"""The vendor's resources under `/api/ver1.0`: which methods each has, and what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from scenario_runner.mock_pbx.calls import (
    AskSlot,
    Bridge,
    Calls,
    Ended,
    HangUp,
    InSlot,
    ListCalls,
    OneCall,
    Park,
    PlaceCall,
    Refusal,
    ShowCall,
    Transfer,
)
from scenario_runner.mock_pbx.rules import ACTION_UNKNOWN, AUTH_FORBIDDEN, EXTENSION_UNKNOWN
from scenario_runner.mock_pbx.world import (
    NO_ROUTE,
    NOT_ALLOWED,
    Reply,
    call_api_id,
    complaint,
    json_object,
    listed_call,
    told,
    wish_from,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.mock_pbx.profile import Access, Profile
    from scenario_runner.mock_pbx.world import Wish, World


class Asked(NamedTuple):
    """A request to `/{root}/{owner}/{name}/{item}`; `item` is empty for the whole of a list."""

    root: str
    owner: str
    name: str
    item: str
    body: bytes


def asked_from(path: str, body: bytes) -> Asked | None:
    """Take the path below the API's root apart, or return None where it has another shape."""
    parts = path.split("/")
    if len(parts) != 4:
        return None
    root, owner, name, item = parts
    return Asked(root, owner, name, item, body)


def uuid_in(profile: Profile, name: str) -> str:
    """Return the uuid of a `call_api_id`, or nothing where it is not of this PBX."""
    server, _, uuid = name.partition("-")
    return uuid if server == str(profile.media_server) else ""


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


def list_subscriptions(world: World, asked: Asked) -> Reply:
    """List an extension's subscriptions."""
    wishes = _wishes(world, asked)
    if isinstance(wishes, Reply):
        return wishes
    return told(200, [_view(wish_id, wish) for wish_id, wish in wishes.items()])


def subscribe(world: World, asked: Asked) -> Reply:
    """Add a subscription."""
    extension = world.profile.extension_number(asked.owner)
    if not extension:
        return world.refuse(EXTENSION_UNKNOWN)
    wish = _read(world, asked)
    if isinstance(wish, Reply):
        return wish
    return told(201, _view(world.subscriptions.add(extension, wish), wish))


def show_subscription(world: World, asked: Asked) -> Reply:
    """Show one subscription."""
    found = _find(world, asked)
    return found if isinstance(found, Reply) else told(200, _view(*found))


def change_subscription(world: World, asked: Asked) -> Reply:
    """Replace one subscription; its id stays."""
    found = _find(world, asked)
    if isinstance(found, Reply):
        return found
    wish = _read(world, asked)
    if isinstance(wish, Reply):
        return wish
    world.subscriptions.of(world.profile.extension_number(asked.owner))[found[0]] = wish
    return told(200, _view(found[0], wish))


def unsubscribe(world: World, asked: Asked) -> Reply:
    """Remove one subscription."""
    found = _find(world, asked)
    if isinstance(found, Reply):
        return found
    del world.subscriptions.of(world.profile.extension_number(asked.owner))[found[0]]
    return Reply(204)


def unsubscribe_all(world: World, asked: Asked) -> Reply:
    """Remove all subscriptions of an extension."""
    wishes = _wishes(world, asked)
    if isinstance(wishes, Reply):
        return wishes
    wishes.clear()
    return Reply(204)


def _wishes(world: World, asked: Asked) -> dict[int, Wish] | Reply:
    extension = world.profile.extension_number(asked.owner)
    return world.subscriptions.of(extension) if extension else world.refuse(EXTENSION_UNKNOWN)


def _find(world: World, asked: Asked) -> tuple[int, Wish] | Reply:
    wishes = _wishes(world, asked)
    if isinstance(wishes, Reply):
        return wishes
    known = {str(wish_id): (wish_id, wish) for wish_id, wish in wishes.items()}
    return known.get(asked.item, NO_ROUTE)


def _read(world: World, asked: Asked) -> Wish | Reply:
    body = json_object(asked.body)
    if body is None:
        return world.complain("malformed")
    wish = wish_from(body)
    return complaint(400, wish) if isinstance(wish, str) else wish


def _view(wish_id: int, wish: Wish) -> dict[str, object]:
    return {"id": wish_id, **wish._asdict()}


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


Handler: TypeAlias = "Callable[[World, Asked], Reply]"


class Resource(NamedTuple):
    """One kind of path: its handlers by method, and the levels of access that reach it."""

    handlers: dict[str, Handler]
    access: tuple[Access, ...] = ("all", "call-api")


RESOURCES: Final = {
    ("extension", "valet_park", True): Resource({"PUT": valet_park}),
    ("extension", "current_calls", False): Resource({"GET": list_extension}),
    ("extension", "current_calls", True): Resource({"GET": show, "PUT": change, "DELETE": hang_up}),
    ("client", "current_calls", False): Resource({"GET": list_client}),
    ("extension", "callback", False): Resource({"POST": call_back}),
    ("extension", "event", False): Resource(
        {
            "GET": list_subscriptions,
            "POST": subscribe,
            "DELETE": unsubscribe_all,
        },
        ("all",),
    ),
    ("extension", "event", True): Resource(
        {"GET": show_subscription, "PUT": change_subscription, "DELETE": unsubscribe},
        ("all",),
    ),
}
"""By what owns the resource, its name, and whether one item of it is named."""


def dispatch(world: World, access: Access, method: str, asked: Asked) -> Reply:
    """Answer a request that has a good token; slashes at the end count, as the vendor's do."""
    resource = RESOURCES.get((asked.root, asked.name, asked.item != ""))
    if resource is None:
        return NO_ROUTE
    if access not in resource.access:
        return world.refuse(AUTH_FORBIDDEN)
    handler = resource.handlers.get(method)
    return NOT_ALLOWED if handler is None else handler(world, asked)
