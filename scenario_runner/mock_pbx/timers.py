"""The switch's timers: a parked call goes back, and ends where nobody answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.mock_pbx.calls import NEVER, Call, Parked, Recalled
from scenario_runner.mock_pbx.reaching import dialled_in
from scenario_runner.mock_pbx.rules import (
    PARK_RETURN_BUSY,
    PARK_RETURN_UNANSWERED,
    PARK_RETURNS,
)

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.draft import Draft


def fire(draft: Draft) -> None:
    """Fire every timer that is due, in order, each at its own time."""
    now = draft.now
    while draft.deadline <= now:
        draft.now = draft.deadline
        due = next(call for call in draft.calls.values() if call.phase.until == draft.deadline)
        if isinstance(due.phase, Parked):
            _return(draft, due, due.phase)
        else:
            _give_up(draft, due)
    draft.now = now


def _return(draft: Draft, call: Call, phase: Parked) -> None:
    draft.note(PARK_RETURNS)
    busy = _is_busy(draft, call)
    draft.empty(phase.place)
    leg = dialled_in(draft, call, call.extension)
    back = leg._replace(phase=Recalled(draft.now + draft.profile.ring_timeout))
    draft.put(back)
    if draft.profile.return_event == "dial-in":
        draft.emit("dial-in", back, "CALLING")
    if busy:
        draft.note(PARK_RETURN_BUSY)
        if draft.profile.return_busy == "ends":
            draft.end(back, "BUSY")


def _is_busy(draft: Draft, call: Call) -> bool:
    return any(
        other.extension == call.extension and not isinstance(other.phase, Parked)
        for other in draft.calls.values()
    )


def _give_up(draft: Draft, call: Call) -> None:
    draft.note(PARK_RETURN_UNANSWERED)
    if draft.profile.return_unanswered == "ends":
        draft.end(call, "NOANSWER")
    else:
        draft.put(call._replace(phase=Recalled(NEVER)))
