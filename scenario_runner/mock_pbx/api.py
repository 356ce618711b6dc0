"""The vendor's resources under `/api/ver1.0`: which methods each has, and what they do."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import Struct
from msgspec.json import Decoder

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
from scenario_runner.mock_pbx.notifications import wish_from
from scenario_runner.mock_pbx.profile import dialled
from scenario_runner.mock_pbx.rules import ACTION_UNKNOWN, AUTH_FORBIDDEN, EXTENSION_UNKNOWN
from scenario_runner.mock_pbx.world import NO_ROUTE, Reply, complaint, not_allowed, read_body, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.mock_pbx.calls import Call
    from scenario_runner.mock_pbx.notifications import Wish
    from scenario_runner.mock_pbx.profile import Access, Profile
    from scenario_runner.mock_pbx.world import World

View = dict[str, object]


class Asked(Struct, frozen=True):
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


class _Parking(Struct):
    """The body of a request to `valet_park`; what it holds may be anything."""

    action: Any = None
    slot: Any = None


class _Change(Struct):
    """The body of a change to a call."""

    action: Any = None
    send_dst: Any = None


class _Callback(Struct):
    """The body of a request to call somebody."""

    src_num: Any = None
    dst_num: Any = None


class _Subscription(Struct):
    """The body of a subscription."""

    url: Any = None
    method: Any = None
    event_type: Any = None


_PARKING: Final = Decoder(_Parking)
_CHANGE: Final = Decoder(_Change)
_CALLBACK: Final = Decoder(_Callback)
_SUBSCRIPTION: Final = Decoder(_Subscription)


class Resource(NamedTuple):
    """One kind of path: by method the function of `Api` that serves it, and who may reach it."""

    handlers: dict[str, str]
    access: tuple[Access, ...] = ("all", "call-api")


RESOURCES: Final = {
    ("extension", "valet_park", True): Resource({"PUT": "valet_park"}),
    ("extension", "current_calls", False): Resource({"GET": "list_extension"}),
    ("extension", "current_calls", True): Resource(
        {"GET": "show", "PUT": "change", "DELETE": "hang_up"}
    ),
    ("client", "current_calls", False): Resource({"GET": "list_client"}),
    ("extension", "callback", False): Resource({"POST": "call_back"}),
    ("extension", "event", False): Resource(
        {
            "GET": "list_subscriptions",
            "POST": "subscribe",
            "DELETE": "unsubscribe_all",
        },
        ("all",),
    ),
    ("extension", "event", True): Resource(
        {"GET": "show_subscription", "PUT": "change_subscription", "DELETE": "unsubscribe"},
        ("all",),
    ),
}
"""By what owns the resource, its name, and whether one item of it is named."""


class Api:
    """Answers requests to the vendor's API about one client's world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.profile = world.profile

    def dispatch(self, access: Access, method: str, asked: Asked) -> Reply:
        """Answer a request that has a good token; slashes at the end count, as the vendor's do."""
        resource = RESOURCES.get((asked.root, asked.name, asked.item != ""))
        if resource is None:
            return NO_ROUTE
        if not self.may_reach(access, resource):
            return self.world.refuse(AUTH_FORBIDDEN)
        name = resource.handlers.get(method)
        if name is None:
            return not_allowed(*resource.handlers)
        handler: Callable[[Asked], Reply] = getattr(self, name)
        return handler(asked)

    def may_reach(self, access: Access, resource: Resource) -> bool:
        """Tell whether an application with that access may use the resource."""
        return access in resource.access

    # Parking.

    def valet_park(self, asked: Asked) -> Reply:
        """Park the call, join it with a parked one, or ask for a slot, by the body's `action`."""
        body = read_body(_PARKING, asked.body)
        if body is None:
            return self.world.complain("malformed")
        action = self.parking_action(body.action)
        if action is None:
            return self.world.refuse(ACTION_UNKNOWN)
        call, extension = self._address(asked)
        command = action(call, extension, body.slot)
        answer = self.world.do(command, InSlot)
        if isinstance(answer, Refusal):
            return self.world.refused(answer)
        if isinstance(command, AskSlot):
            return told(200, self.slot_view(answer))
        return told(200, self.done_view(str(body.action), body.slot, answer))

    def parking_action(self, action: object) -> type[Park | Bridge | AskSlot] | None:
        """Return the command that an action is, or None for one that is not known."""
        match action:
            case "slots":
                return AskSlot
            case "park":
                return Park
            case "bridge":
                return Bridge
            case _:
                return None

    def slot_view(self, answer: InSlot) -> View:
        """Show who is in a slot."""
        slot, empty = str(answer.slot), self.profile.empty_slot
        if answer.uuid is not None or empty == "null":
            return {"slot": slot, "UUID": answer.uuid}
        return {"slot": slot, "UUID": ""} if empty == "empty-text" else {"slot": slot}

    def done_view(self, action: str, slot: object, answer: InSlot) -> View:
        """Show what was parked or joined; the slot as it was asked for."""
        if self.profile.done_body == "empty-object":
            return {}
        if slot is None and self.profile.random_report == "no-slot":
            return {"action": action}
        return {"action": action, "slot": answer.slot if slot is None else slot}

    # Calls.

    def list_client(self, asked: Asked) -> Reply:
        """List the calls of all extensions of the client."""
        if asked.owner not in ("@me", "%40me", str(self.profile.client_number)):
            return self.world.complain("client_unknown")
        return self._all(None)

    def list_extension(self, asked: Asked) -> Reply:
        """List the calls of one extension."""
        return self._all(self.profile.extension_number(asked.owner))

    def show(self, asked: Asked) -> Reply:
        """Show one call, in the shape it has in a list (assumed)."""
        return self._one(ShowCall(*self._address(asked)))

    def change(self, asked: Asked) -> Reply:
        """Transfer a call to another extension, and show it; no other action is played."""
        body = read_body(_CHANGE, asked.body)
        if body is None:
            return self.world.complain("malformed")
        goal = body.send_dst
        if body.action != "transfer":
            return complaint(400, "action must be transfer: the mock plays no other")
        if not isinstance(goal, str) or not (goal.isascii() and goal.isdigit() and len(goal) <= 9):
            return complaint(400, "send_dst must be an extension number")
        return self._one(Transfer(*self._address(asked), dialled(goal)))

    def hang_up(self, asked: Asked) -> Reply:
        """End a call on behalf of its extension."""
        answer = self.world.do(HangUp(*self._address(asked), "extension"), Ended)
        if isinstance(answer, Refusal):
            return self.world.refused(answer)
        return Reply(self.profile.ended_status)

    def call_back(self, asked: Asked) -> Reply:
        """Ring the extension and then the destination; both answer at once (assumed)."""
        extension = self.profile.extension_number(asked.owner)
        body = read_body(_CALLBACK, asked.body)
        if body is None:
            return self.world.complain("malformed")
        wrong = _wrong_numbers(body)
        if wrong:
            return complaint(400, wrong)
        answer = self.world.do(PlaceCall("out", extension, body.dst_num, answered=True), OneCall)
        if isinstance(answer, Refusal):
            return self.world.refused(answer)
        call = answer.call
        names = {"call_api_id": self.profile.call_api_id(call.uuid), "call_id": call.call_id}
        return told(201, names)

    def listed_call(self, call: Call) -> View:
        """Show a call as `current_calls` lists it; times are in GMT."""
        profile, epoch = self.profile, self.world.epoch_us
        answered = call.answered_at
        short = profile.short_name(call.extension)
        own = _extension_view(profile, call.extension)
        incoming = call.flow == "in"
        return {
            "call_api_id": profile.call_api_id(call.uuid),
            "call_flow": call.flow.upper(),
            "extension_id": profile.extension_id(call.extension),
            "init_time_gmt": _gmt(epoch + call.placed_at),
            "answer_time_gmt": None if answered is None else _gmt(epoch + answered),
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

    def _address(self, asked: Asked) -> tuple[str, int]:
        profile = self.profile
        return uuid_in(profile, asked.item), profile.extension_number(asked.owner)

    def _all(self, extension: int | None) -> Reply:
        answer = self.world.do(ListCalls(extension), Calls)
        if isinstance(answer, Refusal):
            return self.world.refused(answer)
        return told(200, {"call_list": [self.listed_call(call) for call in answer.calls]})

    def _one(self, command: ShowCall | Transfer) -> Reply:
        answer = self.world.do(command, OneCall)
        if isinstance(answer, Refusal):
            return self.world.refused(answer)
        return told(200, self.listed_call(answer.call))

    # Subscriptions.

    def list_subscriptions(self, asked: Asked) -> Reply:
        """List an extension's subscriptions."""
        wishes = self._wishes(asked)
        if isinstance(wishes, Reply):
            return wishes
        return told(200, [_wish_view(wish_id, wish) for wish_id, wish in wishes.items()])

    def subscribe(self, asked: Asked) -> Reply:
        """Add a subscription."""
        extension = self.profile.extension_number(asked.owner)
        if not extension:
            return self.world.refuse(EXTENSION_UNKNOWN)
        wish = self._read(asked)
        if isinstance(wish, Reply):
            return wish
        return told(201, _wish_view(self.world.notifier.add(extension, wish), wish))

    def show_subscription(self, asked: Asked) -> Reply:
        """Show one subscription."""
        found = self._find(asked)
        return found if isinstance(found, Reply) else told(200, _wish_view(*found))

    def change_subscription(self, asked: Asked) -> Reply:
        """Replace one subscription; its id stays."""
        found = self._find(asked)
        if isinstance(found, Reply):
            return found
        wish = self._read(asked)
        if isinstance(wish, Reply):
            return wish
        self._own(asked)[found[0]] = wish
        return told(200, _wish_view(found[0], wish))

    def unsubscribe(self, asked: Asked) -> Reply:
        """Remove one subscription."""
        found = self._find(asked)
        if isinstance(found, Reply):
            return found
        del self._own(asked)[found[0]]
        return Reply(204)

    def unsubscribe_all(self, asked: Asked) -> Reply:
        """Remove all subscriptions of an extension."""
        wishes = self._wishes(asked)
        if isinstance(wishes, Reply):
            return wishes
        wishes.clear()
        return Reply(204)

    def _own(self, asked: Asked) -> dict[int, Wish]:
        return self.world.notifier.of(self.profile.extension_number(asked.owner))

    def _wishes(self, asked: Asked) -> dict[int, Wish] | Reply:
        if not self.profile.extension_number(asked.owner):
            return self.world.refuse(EXTENSION_UNKNOWN)
        return self._own(asked)

    def _find(self, asked: Asked) -> tuple[int, Wish] | Reply:
        wishes = self._wishes(asked)
        if isinstance(wishes, Reply):
            return wishes
        known = {str(wish_id): (wish_id, wish) for wish_id, wish in wishes.items()}
        return known.get(asked.item, NO_ROUTE)

    def _read(self, asked: Asked) -> Wish | Reply:
        body = read_body(_SUBSCRIPTION, asked.body)
        if body is None:
            return self.world.complain("malformed")
        wish = wish_from(body.url, body.method, body.event_type)
        return complaint(400, wish) if isinstance(wish, str) else wish


def _wrong_numbers(body: _Callback) -> str:
    sources, goal = body.src_num, body.dst_num
    if (
        not isinstance(sources, list)
        or not sources
        or not all(isinstance(source, str) and source for source in sources)
    ):
        return "src_num must be a list of numbers"
    return "" if isinstance(goal, str) and goal else "dst_num is required"


def _extension_view(profile: Profile, number: int) -> View:
    return {
        "id": profile.extension_id(number),
        "type": "phone",
        "name": profile.full_name(number),
        "client_id": profile.client_number,
        "extension_group_id": None,
    }


_LAST_SECOND = 253_402_300_799
"""The end of the year 9999, which a clock that is moved on may pass."""


@lru_cache(maxsize=1024)
def _gmt(epoch_us: int) -> str:
    """Write a moment as the API does; kept, since a list is asked for many times."""
    seconds, rest = divmod(epoch_us, 1_000_000)
    moment = datetime.fromtimestamp(min(seconds, _LAST_SECOND), UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S},{rest // 10_000:02d}"


def _wish_view(wish_id: int, wish: Wish) -> View:
    return {
        "id": wish_id,
        "url": wish.url,
        "method": wish.method,
        "event_type": wish.event_type,
    }
