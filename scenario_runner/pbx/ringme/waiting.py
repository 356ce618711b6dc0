"""`call` steps by hand: a person is asked to dial, and the call is waited for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.pbx.ringme.callers import Placed
from scenario_runner.pbx.ringme.calling_back import nobody_answers
from scenario_runner.pbx.ringme.finding import (
    ANYBODY,
    Looking,
    Placing,
    Sight,
    current_calls,
    same_number,
    until_there,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.model.vocabulary import Capability
    from scenario_runner.pbx.protocol import CallAddress, CallRequest, Raw
    from scenario_runner.pbx.ringme.rest import Rest

_TOLD_AT = tuple(seconds * SECOND for seconds in (600, 300, 120, 60, 30, 10, 5))


class WaitCallers:
    """Calls that people place; `announce` shows a person a line."""

    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, look: Looking, announce: Callable[[str], None]) -> None:
        self._look = look
        self._announce = announce

    async def place(self, placing: Placing) -> Placed:
        """Ask for the call, count down, and return once it is there and answered."""
        request = placing.request
        placing.strangers.update(sight.ids.uuid for sight in await current_calls(placing))

        def is_it(sight: Sight) -> bool:
            wanted = request.party == ANYBODY or same_number(sight.party, request.party)
            return sight.ids.uuid not in placing.strangers and wanted and sight.flow == request.flow

        self._announce(f"{instruction(request)} (within {duration_text(request.within)})")
        look = replace(self._look, waiting=Countdown(self._announce, request.within).left)
        found = await until_there(placing, look, is_it)
        self._announce(f"The call is there: {found.party} at {request.extension}")
        return Placed(found.raw, found.ids)

    async def answer(self, rest: Rest, uuid: str, within: int) -> Raw:
        """Raise NotPossible: telephones are answered by people."""
        del uuid, within
        raise nobody_answers(rest)

    async def hangup_remote(self, rest: Rest, call: CallAddress, within: int) -> Raw | None:
        """Return None: nobody can make the party outside hang up."""
        del rest, call, within
        return None


def instruction(request: CallRequest) -> str:
    """Say in words what a person has to do; the step's name comes first, if it has one."""
    party = "any telephone" if request.party == ANYBODY else request.party
    call = (
        f"call extension {request.extension} from {party}"
        if request.flow == "in"
        else f"call {party} from extension {request.extension}"
    )
    end = " and answer it" if request.answered else ""
    return f"{request.instruction}: {call}{end}" if request.instruction else f"Please {call}{end}"


class Countdown:
    """Says how much time is left, seldom at first and often in the end."""

    def __init__(self, announce: Callable[[str], None], whole: int) -> None:
        self._announce = announce
        self._next = [mark for mark in _TOLD_AT if mark < whole]

    def left(self, microseconds: int) -> None:
        """Take in how much time is left."""
        due = [mark for mark in self._next if mark >= microseconds]
        if due:
            self._next = self._next[len(due) :]
            self._announce(f"still waiting: {duration_text(due[-1])} left")
