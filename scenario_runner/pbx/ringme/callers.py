"""How `call` steps come about: asked of the PBX's control interface."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, Protocol

from scenario_runner.exchange import Request
from scenario_runner.model.vocabulary import Capability
from scenario_runner.pbx.ringme.answers import ids_of, object_of

if TYPE_CHECKING:
    from scenario_runner.pbx.protocol import CallAddress, CallIds, Raw
    from scenario_runner.pbx.ringme.finding import Placing
    from scenario_runner.pbx.ringme.rest import Rest
    from scenario_runner.references import Json


class Placed(NamedTuple):
    """The answer to placing a call, and the call's ids; None where the PBX refused.

    `word` says what the driver had to find out by itself.
    """

    raw: Raw
    ids: CallIds | None = None
    word: str = ""


class Callers(Protocol):
    """Brings calls up and lets the remote party act."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the target can do thanks to this way of calling."""
        ...

    async def place(self, placing: Placing) -> Placed:
        """Bring a call up."""
        ...

    async def answer(self, rest: Rest, uuid: str, within: int) -> Raw:
        """Answer a ringing call; raises NotPossible where nobody can."""
        ...

    async def hangup_remote(self, rest: Rest, call: CallAddress, within: int) -> Raw | None:
        """Let the remote party hang up; None where nobody can make it do so."""
        ...


class ControlCallers:
    """Calls brought in from outside through `/mock/calls`, as a test PBX offers it."""

    capabilities = frozenset({Capability.ANSWER, Capability.REMOTE_HANGUP})

    async def place(self, placing: Placing) -> Placed:
        """Bring a call up."""
        request = placing.request
        party = "from" if request.flow == "in" else "to"
        body: Json = {
            "extension": request.extension,
            party: request.party,
            "answered": request.answered,
        }
        command = _control(placing.rest, "POST", "/mock/calls", placing.within, body)
        raw = await placing.sent(command)
        if raw.status >= 400:
            return Placed(raw)
        answer = object_of(raw, "placing a call")
        ids = ids_of(answer, request.extension, placing.extension_id)
        placing.own(ids)
        return Placed(raw, ids)

    async def answer(self, rest: Rest, uuid: str, within: int) -> Raw:
        """Answer a ringing call."""
        return await _control(rest, "POST", f"/mock/calls/{uuid}/answer", within)

    async def hangup_remote(self, rest: Rest, call: CallAddress, within: int) -> Raw | None:
        """Let the remote party hang up."""
        uuid = call.call_api_id.partition("-")[2]
        return await _control(rest, "DELETE", f"/mock/calls/{uuid}", within)


async def _control(rest: Rest, method: str, path: str, within: int, body: Json = None) -> Raw:
    data = b"" if body is None else json.dumps(body).encode()
    headers = (("Content-Type", "application/json"),) if data else ()
    request = Request(method=method, path=path, headers=headers, body=data)
    return rest.understood(request, await rest.authorised(request, within))
