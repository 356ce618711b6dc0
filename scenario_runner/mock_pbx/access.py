"""Who may ask the mock, and how often: tokens and the hourly limit."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qsl

from scenario_runner.mock_pbx.profile import Client
from scenario_runner.mock_pbx.seeding import hex_name
from scenario_runner.mock_pbx.world import Reply, told

if TYPE_CHECKING:
    from scenario_runner.exchange import Headers
    from scenario_runner.mock_pbx.profile import Access, Profile


class Grant(NamedTuple):
    """What a token allows, until when (microseconds of the mock's clock), and how often an hour."""

    access: Access
    until: int
    hourly_limit: int


class Tokens:
    """The tokens handed out; they look random and follow from the seed."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self.profile = profile
        self._seed = seed
        self._issued = 0
        self._grants: dict[str, Grant] = {}
        self._refreshes: dict[str, str] = {}

    def copy(self) -> Tokens:
        """Return the same tokens, to be given out and revoked apart from these."""
        other: Tokens = copy(self)
        other._grants, other._refreshes = dict(self._grants), dict(self._refreshes)
        return other

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
        client = self._client(asked)
        if client is None:
            return told(self.profile.bad_client_status, {"error": "invalid_client"})
        match asked.get("grant_type"):
            case "client_credentials":
                return told(200, self._token(client, now_us))
            case "password":
                return self._for_user(asked, client, now_us)
            case "refresh_token":
                return self._refreshed(asked, client, now_us)
            case _:
                return told(400, {"error": "unsupported_grant_type"})

    def _client(self, asked: dict[str, str]) -> Client | None:
        client_id, client_secret = asked["client_id"], asked["client_secret"]
        if not self.profile.clients:
            return Client(client_id=client_id, client_secret=client_secret)
        for client in self.profile.clients:
            if (client.client_id, client.client_secret) == (client_id, client_secret):
                return client
        return None

    def _for_user(self, asked: dict[str, str], client: Client, now_us: int) -> Reply:
        if not (asked.get("username") and asked.get("password")):
            return told(400, {"error": "invalid_request"})
        return self._with_refresh(client, now_us)

    def _refreshed(self, asked: dict[str, str], client: Client, now_us: int) -> Reply:
        if self._refreshes.get(asked.get("refresh_token", "")) != client.client_id:
            return told(401, {"error": "invalid_grant"})
        del self._refreshes[asked["refresh_token"]]
        return self._with_refresh(client, now_us)

    def _with_refresh(self, client: Client, now_us: int) -> Reply:
        token = self._token(client, now_us)
        refresh = hex_name(self._seed, "refresh", self._issued)
        self._refreshes[refresh] = client.client_id
        return told(200, token | {"refresh_token": refresh})

    def _token(self, client: Client, now_us: int) -> dict[str, object]:
        self._issued += 1
        token = hex_name(self._seed, "token", self._issued)
        life, limit = self.profile.token_life, client.hourly_limit
        grant = Grant(
            client.access, now_us + life, self.profile.hourly_limit if limit is None else limit
        )
        alive = {name: grant for name, grant in self._grants.items() if now_us < grant.until}
        self._grants = alive | {token: grant}
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": life // 1_000_000,
            "scope": "all",
        }


HOUR: Final = 3_600_000_000


class HourlyLimit:
    """Counts the requests of each hour of the mock's clock (microseconds).

    All applications are counted together; each has a limit of its own (documented).
    """

    def __init__(self) -> None:
        self._hour = 0
        self.taken = 0

    def take(self, now_us: int, limit: int) -> bool:
        """Count one request; False where the hour's limit is used up."""
        hour = now_us // HOUR
        if hour != self._hour:
            self._hour, self.taken = hour, 0
        if self.taken >= limit:
            return False
        self.taken += 1
        return True

    def headers(self, now_us: int, limit: int) -> Headers:
        """Tell the limit, what is left of it, and the seconds until it is whole again."""
        left = HOUR - now_us % HOUR
        return (
            ("X-RateLimit-Limit", str(limit)),
            ("X-RateLimit-Remaining", str(max(0, limit - self.taken))),
            ("X-RateLimit-Reset", str(-(-left // 1_000_000))),
        )
