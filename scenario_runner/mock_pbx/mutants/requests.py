"""Mutants of how requests are read and admitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import HOUR
from scenario_runner.mock_pbx.access import Grant, HourlyLimit, Tokens
from scenario_runner.mock_pbx.api import Api
from scenario_runner.mock_pbx.calls import AskSlot
from scenario_runner.mock_pbx.mutants.mutant import Kind, breaks, with_refusal
from scenario_runner.mock_pbx.profile import Said
from scenario_runner.mock_pbx.rules import (
    ACTION_UNKNOWN,
    AUTH_FORBIDDEN,
    AUTH_REQUIRED,
    RATE_LIMIT,
)

if TYPE_CHECKING:
    from scenario_runner.exchange import Headers
    from scenario_runner.mock_pbx.api import Resource
    from scenario_runner.mock_pbx.calls import Bridge, Park
    from scenario_runner.mock_pbx.profile import Access


# action.unknown


@breaks(ACTION_UNKNOWN, "asks", Kind.CHECK_SKIPPED)
class _AnythingAsks(Api):
    """An action that does not exist asked for the slot."""

    def parking_action(self, action: object) -> type[Park | Bridge | AskSlot] | None:
        return super().parking_action(action) or AskSlot


@breaks(ACTION_UNKNOWN, "capitals", Kind.PARSING)
class _Capitals(Api):
    """An action in capitals was understood."""

    def parking_action(self, action: object) -> type[Park | Bridge | AskSlot] | None:
        return super().parking_action(action.lower() if isinstance(action, str) else action)


with_refusal(
    ACTION_UNKNOWN,
    "other-status",
    "an unknown action was refused as a call that is not there",
    Said(404, "Not found"),
)


# auth.required


@breaks(AUTH_REQUIRED, "no-token", Kind.CHECK_SKIPPED)
class _NoTokenWanted(Tokens):
    """A request without a token was answered."""

    def grant(self, authorization: str | None, now_us: int) -> Grant | None:
        if authorization is None:
            return Grant("all", now_us, self.profile.hourly_limit)
        return super().grant(authorization, now_us)


@breaks(AUTH_REQUIRED, "wrong-token", Kind.CHECK_SKIPPED)
class _AnyToken(Tokens):
    """A request with any token was answered."""

    def grant(self, authorization: str | None, now_us: int) -> Grant | None:
        if authorization is not None and authorization.startswith("Bearer "):
            return super().grant(authorization, now_us) or Grant(
                "all", now_us, self.profile.hourly_limit
            )
        return None


@breaks(AUTH_REQUIRED, "expired-token", Kind.CHECK_SKIPPED)
class _ExpiredToken(Tokens):
    """A token was good for an hour too long."""

    def grant(self, authorization: str | None, now_us: int) -> Grant | None:
        return super().grant(authorization, now_us - HOUR)


with_refusal(
    AUTH_REQUIRED,
    "forbidden",
    "a wrong token was refused as one that reaches not far enough",
    Said(403, "Unauthorized"),
)


# auth.forbidden


@breaks(AUTH_FORBIDDEN, "all-allowed", Kind.CHECK_SKIPPED)
class _AllAllowed(Api):
    """An application without access reached everything."""

    def may_reach(self, access: Access, resource: Resource) -> bool:
        return True


@breaks(AUTH_FORBIDDEN, "calls-suffice", Kind.CHECK_SKIPPED)
class _CallsSuffice(Api):
    """An application that may only reach calls reached the subscriptions."""

    def may_reach(self, access: Access, resource: Resource) -> bool:
        return access != "none"


with_refusal(
    AUTH_FORBIDDEN,
    "other-words",
    "a refusal for lack of access did not say why in `status`",
    Said(403, "Access denied"),
)


# rate.limit


@breaks(RATE_LIMIT, "no-limit", Kind.CHECK_SKIPPED)
class _NoLimit(HourlyLimit):
    """Requests above the hourly limit were answered."""

    def take(self, now_us: int, limit: int) -> bool:
        super().take(now_us, limit)
        return True


@breaks(RATE_LIMIT, "one-more", Kind.LIMIT)
class _OneRequestMore(HourlyLimit):
    """One request above the hourly limit was answered."""

    def take(self, now_us: int, limit: int) -> bool:
        return super().take(now_us, limit + 1)


@breaks(RATE_LIMIT, "one-fewer", Kind.LIMIT, everywhere=True)
class _OneRequestFewer(HourlyLimit):
    """The last request of the hourly limit was refused."""

    def take(self, now_us: int, limit: int) -> bool:
        return super().take(now_us, limit - 1)


@breaks(RATE_LIMIT, "never-whole", Kind.STATE_KEPT, everywhere=True)
class _NeverWhole(HourlyLimit):
    """The hourly limit did not begin anew with the hour."""

    def take(self, now_us: int, limit: int) -> bool:
        return super().take(0, limit)


@breaks(RATE_LIMIT, "remaining", Kind.WRONG_ANSWER, everywhere=True)
class _RemainingStands(HourlyLimit):
    """The answers did not count down what is left of the hourly limit."""

    def headers(self, now_us: int, limit: int) -> Headers:
        told = dict(super().headers(now_us, limit))
        return tuple((told | {"X-RateLimit-Remaining": str(limit)}).items())


with_refusal(
    RATE_LIMIT,
    "other-status",
    "requests above the hourly limit were refused as forbidden",
    Said(403, "Too Many Requests", "rate_limit_exceeded"),
)
