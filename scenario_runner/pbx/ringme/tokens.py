"""The access token: asked for once, shared by all scenarios of a run, renewed when refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from scenario_runner.errors import BadAnswer, BadCredentials, PbxError, RateLimited
from scenario_runner.exchange import Request
from scenario_runner.masking import SHORTEST
from scenario_runner.pbx.ringme.answers import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.protocol import Raw
    from scenario_runner.pbx.ringme.rest import Wire
    from scenario_runner.pbx.ringme.settings import RingMeSettings

_FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


class Tokens:
    """Holds the token of one target; `hide` is told every token, for the mask."""

    def __init__(self, settings: RingMeSettings, hide: Callable[[str], None] | None = None) -> None:
        self._settings = settings
        self._hide = hide
        self._token = ""
        self._refresh = ""
        self._lock = asyncio.Lock()

    async def current(self, wire: Wire, within: int) -> str:
        """Return the token, asking for one where there is none yet; raises BadCredentials."""
        if self._token:
            return self._token
        return await self.renewed(wire, within, refused="")

    async def renewed(self, wire: Wire, within: int, *, refused: str) -> str:
        """Return another token than the one that was refused; raises BadCredentials.

        Whoever comes while another one is asking gets the same new token.
        """
        async with self._lock:
            if self._token == refused:
                self._token = await self._granted(wire, within)
            return self._token

    async def _granted(self, wire: Wire, within: int) -> str:
        if self._refresh:
            refresh, self._refresh = self._refresh, ""
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
            token, _ = await self._ask(form, wire, within)
            if token:
                return token
        token, told = await self._ask(self._first_form(), wire, within)
        if not token:
            raise BadCredentials(
                f"target {self._settings.name}, POST {self._settings.token_path}: the PBX gives "
                f"no token: {told}",
                hint=f"check {self._named()} in the targets file",
            )
        return token

    def _named(self) -> str:
        password = ", username and password" if self._settings.credentials.username else ""
        return f"client_id and client_secret{password}"

    def _first_form(self) -> dict[str, str]:
        credentials = self._settings.credentials
        if not credentials.username:
            return {"grant_type": "client_credentials"}
        return {
            "grant_type": "password",
            "username": credentials.username,
            "password": credentials.password,
        }

    async def _ask(self, form: dict[str, str], wire: Wire, within: int) -> tuple[str, str]:
        """Return the token, or "" and what the PBX said instead."""
        credentials = self._settings.credentials
        form |= {"client_id": credentials.client_id, "client_secret": credentials.client_secret}
        body = urlencode(form).encode()
        path = self._settings.token_path
        request = Request(method="POST", path=path, headers=_FORM, body=body)
        raw = await wire.patiently(request, within)
        answer = raw.body if isinstance(raw.body, dict) else {}
        token = answer.get("access_token")
        if raw.status in (400, 401, 403):
            return "", f"status {raw.status}, {answer.get('error') or words(raw.body)}"
        if raw.status >= 400 or not isinstance(token, str) or not token:
            raise self._no_answer(raw)
        refresh = answer.get("refresh_token")
        self._refresh = refresh if isinstance(refresh, str) else ""
        for secret in (token, self._refresh):
            if self._hide is not None and len(secret) >= SHORTEST:
                self._hide(secret)
        return token, ""

    def _no_answer(self, raw: Raw) -> PbxError:
        where = f"target {self._settings.name}, POST {self._settings.token_path}"
        if raw.status == 429:
            return RateLimited(f"{where}: the PBX gives no more tokens for now (status 429)")
        return BadAnswer(
            f"{where}: the answer (status {raw.status}) holds no access_token",
            hint="are 'url' and 'token_path' of the target right?",
        )
