"""Event subscriptions of an extension: list, add, show, change, delete one, delete all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.mock_pbx.replies import NO_ROUTE, Reply, complaint, json_object, told
from scenario_runner.mock_pbx.rules import EXTENSION_UNKNOWN
from scenario_runner.mock_pbx.subscriptions import wish_from

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.resource import Asked
    from scenario_runner.mock_pbx.subscriptions import Wish
    from scenario_runner.mock_pbx.world import World


def list_all(world: World, asked: Asked) -> Reply:
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


def show(world: World, asked: Asked) -> Reply:
    """Show one subscription."""
    found = _find(world, asked)
    return found if isinstance(found, Reply) else told(200, _view(*found))


def change(world: World, asked: Asked) -> Reply:
    """Replace one subscription; its id stays."""
    found = _find(world, asked)
    if isinstance(found, Reply):
        return found
    wish = _read(world, asked)
    if isinstance(wish, Reply):
        return wish
    world.subscriptions.of(world.profile.extension_number(asked.owner))[found[0]] = wish
    return told(200, _view(found[0], wish))


def delete(world: World, asked: Asked) -> Reply:
    """Remove one subscription."""
    found = _find(world, asked)
    if isinstance(found, Reply):
        return found
    del world.subscriptions.of(world.profile.extension_number(asked.owner))[found[0]]
    return Reply(204)


def delete_all(world: World, asked: Asked) -> Reply:
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
