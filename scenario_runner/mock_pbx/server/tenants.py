"""Tenants of a served mock: each client id has a PBX of its own, so that suites never meet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl
from zlib import crc32

from scenario_runner.exchange import header
from scenario_runner.mock_pbx.rest import MockPbx

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.exchange import Request, Response
    from scenario_runner.mock_pbx.faults import Fault
    from scenario_runner.mock_pbx.profile import Profile


MOST_WORLDS: Final = 1000
_KEPT_TOKENS: Final = 10_000
_CREDENTIALS: Final = ("access_token", "refresh_token")


@dataclass(slots=True, eq=False)
class OwnedPbx:
    """One client's PBX and its clock; `client` is empty until a client has asked for a token."""

    client: str
    mock: MockPbx
    clock: WorldClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the PBX of each client is made.

    `epoch_us` returns what a clock that begins now calls zero, in microseconds since 1970.
    """

    profile: Profile
    seed: int
    faults: tuple[Fault, ...]
    epoch_us: Callable[[], int]
    clock: Callable[[], WorldClock]

    def make(self, client: str) -> OwnedPbx:
        """Return a fresh PBX; its seed follows from the client's id."""
        seed = self.seed ^ crc32(client.encode())
        mock = MockPbx(self.profile, seed=seed, epoch_us=self.epoch_us(), faults=self.faults)
        return OwnedPbx(client, mock, self.clock())


class TooMany(Exception):
    """There are as many worlds as one server keeps."""


class Tenants:
    """Finds the world that a request is about.

    The world that is there from the beginning has no owner; the first client that asks for a
    token gets it, with whatever was prepared in it.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._first = recipe.make("")
        self._by_client: dict[str, OwnedPbx] = {}
        self._by_token: dict[str, OwnedPbx] = {}

    @property
    def all(self) -> list[OwnedPbx]:
        """Every world there is."""
        return list(self._by_client.values()) or [self._first]

    def of_token(self, request: Request) -> OwnedPbx | None:
        """Return the world whose token the request carries."""
        authorization = header(request.headers, "authorization")
        return None if authorization is None else self._by_token.get(authorization[7:])

    def of_api(self, request: Request) -> OwnedPbx:
        """Return the world of a request to the API; one without a good token goes to any."""
        return self.of_token(request) or self.all[0]

    def of_client(self, client: str) -> OwnedPbx:
        """Return a client's world, made where it is new; raises TooMany.

        A client that the profile does not know gets none: any of them will refuse it.
        """
        known = self._by_client.get(client)
        if known is not None:
            return known
        allowed = {one.client_id for one in self._recipe.profile.clients}
        if not client or (allowed and client not in allowed):
            return self.all[0]
        if len(self._by_client) >= MOST_WORLDS:
            raise TooMany
        if not self._by_client:
            self._first.client = client
        owned = self._recipe.make(client) if self._by_client else self._first
        self._by_client[client] = owned
        return owned

    def of_control(self, request: Request) -> OwnedPbx | str:
        """Return the world that a request to `/mock/` is about, or why it is not clear which.

        The one of the token, of `?client=ID`, or the only one.
        """
        named = dict(parse_qsl(request.path.partition("?")[2])).get("client")
        if named is not None:
            known = self._by_client.get(named)
            return known or f"no client {named} has asked for a token here"
        owned = self.of_token(request)
        if owned is not None:
            return owned
        if len(self._by_client) > 1:
            names = ", ".join(sorted(self._by_client)[:20])
            return f"say whose PBX is meant with ?client=ID or a token; there are: {names}"
        return self.all[0]

    def remember(self, owned: OwnedPbx, response: Response) -> None:
        """Note the tokens that were given out, so that requests with them find their world."""
        if response.status != 200:
            return
        given = json.loads(response.body)
        for name in _CREDENTIALS:
            if name in given:
                self._by_token[given[name]] = owned
        while len(self._by_token) > _KEPT_TOKENS:
            del self._by_token[next(iter(self._by_token))]


def client_of(request: Request) -> str:
    """Return the client id in a request for a token; empty where credentials are missing."""
    form = request.body.decode("utf-8", "replace") or request.path.partition("?")[2]
    asked = dict(parse_qsl(form))
    return asked.get("client_id", "") if asked.get("client_secret") else ""


class WorldClock:
    """Tells a world's time in microseconds since it began.

    `passing` tells how much real time has passed since then; it is None where time stands still
    but for `advance`.
    """

    def __init__(self, passing: Callable[[], int] | None) -> None:
        self._passing = passing
        self._begin = 0 if passing is None else passing()
        self._moved = 0

    @property
    def stands(self) -> bool:
        """Whether this clock moves only when told to."""
        return self._passing is None

    def now(self) -> int:
        """Return the world's time."""
        passed = 0 if self._passing is None else self._passing() - self._begin
        return passed + self._moved

    def advance(self, by_us: int) -> None:
        """Let this much time pass at once."""
        self._moved += by_us
