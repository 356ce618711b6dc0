"""Who may ask the mock, and how often: tokens and the hourly limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qsl

from scenario_runner.mock_pbx.seeding import hex_name
from scenario_runner.mock_pbx.world import Reply, told

if TYPE_CHECKING:
    from scenario_runner.exchange import Headers
    from scenario_runner.mock_pbx.profile import Access, Profile


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
        self.limit = limit
        self._limit_header = ("X-RateLimit-Limit", str(limit))
        self._hour = 0
        self.taken = 0

    def take(self, now_us: int) -> bool:
        """Count one request; False where the hour's limit is used up."""
        hour = now_us // HOUR
        if hour != self._hour:
            self._hour, self.taken = hour, 0
        if self.taken >= self.limit:
            return False
        self.taken += 1
        return True

    def headers(self, now_us: int) -> Headers:
        """Tell the limit, what is left of it, and the seconds until it is whole again."""
        left = HOUR - now_us % HOUR
        return (
            self._limit_header,
            ("X-RateLimit-Remaining", str(self.limit - self.taken)),
            ("X-RateLimit-Reset", str(-(-left // 1_000_000))),
        )
