"""What a target of the RingMe dialect is like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.durations import MINUTE

if TYPE_CHECKING:
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.language.vocabulary import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How a token is asked for; `username` and `password` turn it into a password grant."""

    client_id: str
    client_secret: str = field(repr=False)
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RingMeSettings:
    """One target: where its API is, whom it knows, and what its words mean.

    `extension_ids` maps numbers to the PBX's ids; `reasons` teaches what the PBX's words mean and
    is asked before the words that the vendor documents. `shared` says that others use this PBX
    too, so that only what this run placed or leased counts as left behind. `empty_slot_404` takes
    status 404 about a slot for "nobody is there", which the vendor leaves open.
    """

    name: str
    credentials: Credentials
    api_root: str = "/api/ver1.0"
    token_path: str = "/oauth/token"
    extension_ids: dict[str, str] = field(default_factory=dict)
    reasons: tuple[tuple[Reason, Matcher], ...] = ()
    slots: tuple[int, int] = (1, 20)
    park_timeout: int = 3 * MINUTE
    shared: bool = True
    random_bridge: bool = True
    virtual_time: bool = False
    empty_slot_404: bool = False
