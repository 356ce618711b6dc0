"""The mock PBX as its users meet it: requests in, answers out, notifications, timers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qsl

from scenario_runner.exchange import Response, header
from scenario_runner.mock_pbx import api, control
from scenario_runner.mock_pbx.api import asked_from
from scenario_runner.mock_pbx.calls import next_deadline
from scenario_runner.mock_pbx.faults import (
    Answer,
    FaultPlan,
    action_of,
    fault_resource,
    is_in_api,
    played,
)
from scenario_runner.mock_pbx.profile import PROFILES, Profile
from scenario_runner.mock_pbx.rules import AUTH_REQUIRED, RATE_LIMIT
from scenario_runner.mock_pbx.transaction import hex_name
from scenario_runner.mock_pbx.world import NO_ROUTE, NOT_ALLOWED, Reply, World, told

if TYPE_CHECKING:
    from scenario_runner.exchange import Headers, Request
    from scenario_runner.mock_pbx.calls import State
    from scenario_runner.mock_pbx.faults import Fault
    from scenario_runner.mock_pbx.profile import Access, Profile
    from scenario_runner.mock_pbx.world import Delivery


class Grant(NamedTuple):
    """What a token allows, and until when (microseconds of the mock's clock)."""

    access: Access
    until: int


class Tokens:
    """The tokens handed out; they look random and follow from the seed."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._profile = profile
        self._seed = seed
        self._issued = 0
        self._grants: dict[str, Grant] = {}
        self._refreshes: dict[str, str] = {}

    def grant(self, authorization: str | None, now_us: int) -> Grant | None:
        """Return what an `Authorization` header allows, or None where the token is no good."""
        if authorization is None or authorization[:7].lower() != "bearer ":
            return None
        grant = self._grants.get(authorization[7:])
        return grant if grant is not None and now_us < grant.until else None

    def revoke(self, authorization: str | None) -> None:
        """Make the token in an `Authorization` header worthless."""
        self._grants.pop((authorization or "")[7:], None)

    def issue(self, form: str, now_us: int) -> Reply:
        """Answer a request for a token; `form` is its body or query string."""
        asked = dict(parse_qsl(form))
        if not (asked.get("client_id") and asked.get("client_secret")):
            return told(400, {"error": "invalid_request"})
        access = self._access(asked)
        if access is None:
            return told(self._profile.bad_client_status, {"error": "invalid_client"})
        match asked.get("grant_type"):
            case "client_credentials":
                return told(200, self._token(access, now_us))
            case "password":
                return self._for_user(asked, access, now_us)
            case "refresh_token":
                return self._refreshed(asked, access, now_us)
            case _:
                return told(400, {"error": "unsupported_grant_type"})

    def _access(self, asked: dict[str, str]) -> Access | None:
        if not self._profile.clients:
            return "all"
        for client in self._profile.clients:
            credentials = (client.client_id, client.client_secret)
            if credentials == (asked["client_id"], asked["client_secret"]):
                return client.access
        return None

    def _for_user(self, asked: dict[str, str], access: Access, now_us: int) -> Reply:
        if not (asked.get("username") and asked.get("password")):
            return told(400, {"error": "invalid_request"})
        return self._with_refresh(asked["client_id"], access, now_us)

    def _refreshed(self, asked: dict[str, str], access: Access, now_us: int) -> Reply:
        owner = self._refreshes.get(asked.get("refresh_token", ""))
        if owner != asked["client_id"]:
            return told(401, {"error": "invalid_grant"})
        del self._refreshes[asked["refresh_token"]]
        return self._with_refresh(owner, access, now_us)

    def _with_refresh(self, client_id: str, access: Access, now_us: int) -> Reply:
        token = self._token(access, now_us)
        refresh = hex_name(self._seed, "refresh", self._issued)
        self._refreshes[refresh] = client_id
        return told(200, token | {"refresh_token": refresh})

    def _token(self, access: Access, now_us: int) -> dict[str, object]:
        self._issued += 1
        token = hex_name(self._seed, "token", self._issued)
        life = self._profile.token_life
        alive = {name: grant for name, grant in self._grants.items() if now_us < grant.until}
        self._grants = alive | {token: Grant(access, now_us + life)}
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": life // 1_000_000,
            "scope": "all",
        }


HOUR: Final = 3_600_000_000


class HourlyLimit:
    """Counts the requests of each hour of the mock's clock (microseconds)."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._limit_header = ("X-RateLimit-Limit", str(limit))
        self._hour = 0
        self._taken = 0

    def take(self, now_us: int) -> bool:
        """Count one request; False where the hour's limit is used up."""
        hour = now_us // HOUR
        if hour != self._hour:
            self._hour, self._taken = hour, 0
        if self._taken >= self._limit:
            return False
        self._taken += 1
        return True

    def headers(self, now_us: int) -> tuple[tuple[str, str], ...]:
        """Tell the limit, what is left of it, and the seconds until it is whole again."""
        left = HOUR - now_us % HOUR
        return (
            self._limit_header,
            ("X-RateLimit-Remaining", str(self._limit - self._taken)),
            ("X-RateLimit-Reset", str(-(-left // 1_000_000))),
        )


EPOCH_US: Final = 1_767_225_600_000_000
"""What the mock's clock calls zero, unless told otherwise: 2026-01-01 00:00:00 UTC."""

_API: Final = "/api/ver1.0/"
_JSON: Final = (("Content-Type", "application/json"),)


class MockPbx:
    """A PBX to test against: one client's extensions, calls and slots.

    The same seed and the same requests at the same times give the same answers to the byte.
    Times are microseconds of a clock that starts at 0; `epoch_us` is that zero in microseconds
    since 1970. The clock never goes back: what comes with an earlier time happens now.
    """

    def __init__(
        self,
        profile: Profile = PROFILES["vendor"],
        *,
        seed: int = 0,
        epoch_us: int = EPOCH_US,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        self._seed = seed
        self._first_faults = faults
        self._tokens = Tokens(profile, seed)
        self._begin(profile, epoch_us)

    def _begin(self, profile: Profile, epoch_us: int) -> None:
        self._world = World(profile, self._seed, epoch_us)
        self._limit = HourlyLimit(profile.hourly_limit)
        self._faults = FaultPlan(self._seed, self._first_faults)

    @property
    def profile(self) -> Profile:
        """What this PBX is like."""
        return self._world.profile

    @property
    def state(self) -> State:
        """What the switch holds now."""
        return self._world.state

    @property
    def clock_us(self) -> int:
        """The latest time this PBX was told."""
        return self._world.clock

    @property
    def exercised(self) -> frozenset[str]:
        """The ids of the rules that have decided something so far."""
        return frozenset(self._world.exercised)

    def handle(self, request: Request, now_us: int) -> Answer:
        """Answer one request at the time `now_us`; timers that are due by then fire first."""
        self._world.pass_time(now_us)
        if self._faults.exchange:
            fault = self._faults.strike(action_of(request), in_api=is_in_api(request))
            if fault is not None:
                return played(fault, lambda: self._serve(request), lambda: self._expire(request))
        return self._serve(request)

    def reset(self) -> None:
        """Return to how it was made, with the faults it was made with; tokens stay good."""
        self._begin(self._world.profile, self._world.epoch_us)

    def _expire(self, request: Request) -> None:
        self._tokens.revoke(header(request.headers, "authorization"))

    def _serve(self, request: Request) -> Answer:
        path, _, query = request.path.partition("?")
        if path.startswith(_API):
            return self._api(request, path[len(_API) :])
        if path == "/oauth/token":
            return _answer(self._oauth(request, query), _JSON)
        if path == "/mock/faults":
            reply = fault_resource(self._faults, request.method, request.body)
            return _answer(reply, _JSON)
        if path == "/mock/reset":
            return _answer(self._reset(request.method), _JSON)
        if path.startswith("/mock/"):
            reply = control.dispatch(self._world, request.method, path[6:], request.body)
            return _answer(reply, _JSON)
        return _answer(NO_ROUTE, _JSON)

    def tick(self, now_us: int) -> None:
        """Let time pass without a request."""
        self._world.pass_time(now_us)

    def next_deadline(self) -> int | None:
        """Return the time of the earliest timer, or None while nothing waits."""
        timers = (next_deadline(self._world.state), self._faults.next_release)
        return min((timer for timer in timers if timer is not None), default=None)

    def take_deliveries(self) -> tuple[Delivery, ...]:
        """Return the notifications not taken yet, in the order of what they tell."""
        taken = tuple(self._world.outbox)
        self._world.outbox.clear()
        return self._faults.delivered(taken, self._world.clock)

    def _reset(self, method: str) -> Reply:
        if method != "POST":
            return NOT_ALLOWED
        self.reset()
        return Reply(204)

    def _api(self, request: Request, path: str) -> Answer:
        reply = self._reply(request, path)
        return _answer(reply, _JSON + self._limit.headers(self._world.clock))

    def _reply(self, request: Request, path: str) -> Reply:
        world = self._world
        authorization = header(request.headers, "authorization")
        grant = self._tokens.grant(authorization, world.clock)
        if grant is None:
            return world.refuse(AUTH_REQUIRED)
        if not self._limit.take(world.clock):
            return world.refuse(RATE_LIMIT)
        asked = asked_from(path, request.body)
        if asked is None:
            return NO_ROUTE
        return api.dispatch(world, grant.access, request.method, asked)

    def _oauth(self, request: Request, query: str) -> Reply:
        if request.method != "POST":
            return NOT_ALLOWED
        form = request.body.decode("utf-8", "replace") or query
        return self._tokens.issue(form, self._world.clock)


def _answer(reply: Reply, headers: Headers) -> Answer:
    response = Response(
        status=reply.status, headers=headers if reply.body else headers[1:], body=reply.body
    )
    return Answer(response=response)
