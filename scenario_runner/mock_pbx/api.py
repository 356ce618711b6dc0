"""The vendor's resources under `/api/ver1.0`: which methods each has, and what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from scenario_runner.mock_pbx import api_calls, api_events, api_parking
from scenario_runner.mock_pbx.replies import NO_ROUTE, NOT_ALLOWED, Reply
from scenario_runner.mock_pbx.rules import AUTH_FORBIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.mock_pbx.profile import Access
    from scenario_runner.mock_pbx.resource import Asked
    from scenario_runner.mock_pbx.world import World

Handler: TypeAlias = "Callable[[World, Asked], Reply]"


class Resource(NamedTuple):
    """One kind of path: its handlers by method, and the levels of access that reach it."""

    handlers: dict[str, Handler]
    access: tuple[Access, ...] = ("all", "call-api")


RESOURCES: Final = {
    ("extension", "valet_park", True): Resource({"PUT": api_parking.valet_park}),
    ("extension", "current_calls", False): Resource({"GET": api_calls.list_extension}),
    ("extension", "current_calls", True): Resource(
        {"GET": api_calls.show, "PUT": api_calls.change, "DELETE": api_calls.hang_up}
    ),
    ("client", "current_calls", False): Resource({"GET": api_calls.list_client}),
    ("extension", "callback", False): Resource({"POST": api_calls.call_back}),
    ("extension", "event", False): Resource(
        {
            "GET": api_events.list_all,
            "POST": api_events.subscribe,
            "DELETE": api_events.delete_all,
        },
        ("all",),
    ),
    ("extension", "event", True): Resource(
        {"GET": api_events.show, "PUT": api_events.change, "DELETE": api_events.delete},
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
