"""What a path under the API's root names, and the call or extension it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.profile import Profile


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
