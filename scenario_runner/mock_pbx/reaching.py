"""The call a command is about: finding it, moving it to an extension, letting its partner go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.mock_pbx.calls import Flow, Joined
from scenario_runner.mock_pbx.rules import CALL_FOREIGN, CALL_UNKNOWN

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import Call
    from scenario_runner.mock_pbx.commands import Refusal
    from scenario_runner.mock_pbx.draft import Draft


def reach(draft: Draft, uuid: str, extension: int | None) -> Call | Refusal:
    """Return the call of that name at that extension (None: at any), or the rule broken."""
    call = draft.calls.get(uuid)
    if call is None:
        return draft.refuse(CALL_UNKNOWN)
    if extension not in (None, call.extension) and draft.profile.foreign_call == "refuse":
        return draft.refuse(CALL_FOREIGN)
    return call


def let_go(draft: Draft, call: Call) -> None:
    """End the call that `call` is joined with, if any."""
    if isinstance(call.phase, Joined):
        draft.end(draft.calls[call.phase.partner], "ANSWER")


def dialled_in(draft: Draft, call: Call, extension: int) -> Call:
    """Return the call with a new leg, not answered yet, that is dialled to the extension."""
    flow: Flow = "in"
    return call._replace(extension=extension, leg=draft.new_leg(), leg_flow=flow, answered_at=None)
