"""What came of a step: the answer or event it got, and how to say it in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from scenario_runner.durations import exact_text
from scenario_runner.events import Verdict
from scenario_runner.pbx.protocol import Done, Outcome, PbxEvent, Refused

if TYPE_CHECKING:
    from scenario_runner.events import Failure
    from scenario_runner.references import Json


class CheckFailed(Exception):
    """What a step waited for or checked is not so; carries the Failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Tally(Struct, frozen=True, kw_only=True):
    """What the branches of a `together` did: per step, and per branch.

    `winners` are the numbers, from 0, of those that ran and were not refused.
    """

    succeeded: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    branches_succeeded: int = 0
    branches_refused: int = 0
    winners: tuple[int, ...] = ()


class ActionResult(Struct, frozen=True, kw_only=True):
    """The outcome of an action.

    `sent` and `at` are when it was sent and when the thing itself happened. `summary` is short and
    for people. `inner` is the verdict of the steps inside, for actions that have some; `soft` says
    that what failed among them lets the scenario go on. `own` are the microseconds that a question
    of the runner's own took afterwards.
    """

    sent: int
    at: int
    summary: str = ""
    outcome: Outcome | None = None
    event: PbxEvent | None = None
    count: int | None = None
    tally: Tally | None = None
    inner: Verdict = Verdict.PASSED
    soft: bool = False
    note: str = ""
    own: int = 0

    def answer(self) -> dict[str, Json]:
        """Return what `save` and `body` can reach."""
        if self.outcome is None:
            return _event_answer(self.event)
        raw = self.outcome.raw
        headers: dict[str, Json] = {name.lower(): value for name, value in raw.headers}
        answer: dict[str, Json] = {"status": raw.status, "headers": headers, "body": raw.body}
        match self.outcome:
            case Done(slot=slot, uuid=uuid, state=state):
                answer |= {"slot": slot, "uuid": uuid}
                if state is not None:
                    answer["state"] = state.value
            case Refused(reason=reason, message=message):
                answer |= {"reason": reason.value, "message": message}
        return {**answer, "took": exact_text(raw.took)}


def _event_answer(event: PbxEvent | None) -> dict[str, Json]:
    if event is None:
        return {}
    fields: dict[str, Json] = dict(event.fields)
    return {**fields, "type": event.type.value, "uuid": event.uuid, "extension": event.extension}
