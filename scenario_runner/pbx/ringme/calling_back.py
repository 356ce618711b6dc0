"""`call` steps by callback: the PBX rings one party and then the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from scenario_runner.durations import SECOND
from scenario_runner.errors import AnswerLost, BadAnswer, NotPossible, PbxError, TimedOut
from scenario_runner.pbx.protocol import CallIds
from scenario_runner.pbx.ringme.answers import dashed, object_of, uuid_of
from scenario_runner.pbx.ringme.callers import Placed
from scenario_runner.pbx.ringme.finding import (
    Looking,
    Placing,
    Sight,
    current_calls,
    same_number,
    until_there,
)
from scenario_runner.references import Json, as_text

if TYPE_CHECKING:
    from scenario_runner.model.vocabulary import Capability
    from scenario_runner.pbx.protocol import CallAddress, Raw
    from scenario_runner.pbx.ringme.rest import Rest

_SOON = 10 * SECOND
_NO_ANSWER = (AnswerLost, TimedOut, BadAnswer)


class CallbackCallers:
    """Calls that the PBX brings up itself.

    An outgoing call rings the extension first, an incoming one the party outside. `pickup` is how
    long the first party rings, in microseconds (0: the PBX's own choice).
    """

    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, look: Looking, pickup: int = 0) -> None:
        self._look = look
        self._pickup = pickup

    async def place(self, placing: Placing) -> Placed:
        """Bring a call up, and wait until it is listed and answered.

        The id in the answer to a callback may lack its number and its dashes, so the call is
        found by its UUID; an incoming one has a leg of its own and is found by its party.
        """
        placing.strangers.update(sight.ids.uuid for sight in await current_calls(placing))
        lost: PbxError | None = None
        told = ""
        try:
            raw = await self._ask(placing)
            if raw.status >= 400:
                return Placed(raw)
            told = _own_as_told(raw, placing)
        except _NO_ANSWER as error:
            lost = error

        def is_it(sight: Sight) -> bool:
            by_party = same_number(sight.party, placing.request.party)
            return sight.ids.uuid == told or (sight.ids.uuid not in placing.strangers and by_party)

        if lost is not None:
            soon = min(placing.request.within, _SOON)
            placing = replace(placing, request=replace(placing.request, within=soon))
        found = await until_there(placing, self._look, is_it)
        word = f"up: {lost.message}; such a call is listed since" if lost is not None else ""
        return Placed(found.raw, found.ids, word)

    async def _ask(self, placing: Placing) -> Raw:
        request = placing.request
        parties = request.extension, request.party
        first, second = parties if request.flow == "out" else parties[::-1]
        body: dict[str, Json] = {"src_num": [first], "dst_num": second}
        if self._pickup:
            body["wait_for_pickup"] = self._pickup // SECOND
        path = f"/extension/{quote(placing.extension_id, safe='')}/callback/"
        return await placing.sent(placing.rest.call("POST", path, placing.within, body))

    async def answer(self, rest: Rest, uuid: str, within: int) -> Raw:
        """Raise NotPossible: telephones are answered by people."""
        del uuid, within
        raise nobody_answers(rest)

    async def hangup_remote(self, rest: Rest, call: CallAddress, within: int) -> Raw | None:
        """Return None: nobody can make the party outside hang up."""
        del rest, call, within
        return None


def nobody_answers(rest: Rest) -> NotPossible:
    """Return the error for a call that is to be answered by the runner."""
    return NotPossible(
        f"target {rest.settings.name}: the runner can't answer a telephone",
        hint="let somebody answer it, or leave the step out: when: {target_can: answer}",
    )


def _own_as_told(raw: Raw, placing: Placing) -> str:
    """Let the session own the call by the id in the answer; return its UUID."""
    answer = object_of(raw, "the callback")
    call_api_id = as_text(answer.get("call_api_id") or "")
    if not call_api_id:
        raise BadAnswer("the answer to the callback has no call_api_id")
    uuid = dashed(uuid_of(call_api_id))
    placing.own(
        CallIds(
            uuid=uuid,
            call_api_id=call_api_id,
            extension=placing.request.extension,
            extension_id=placing.extension_id,
            call_id=as_text(answer.get("call_id") or ""),
        )
    )
    return uuid
