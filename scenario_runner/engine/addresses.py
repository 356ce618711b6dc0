"""Finds the call that an action is about, by name or by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.engine.scope import NamedCallValue, Unbound, Unresolved
from scenario_runner.matching import typed
from scenario_runner.model.steps import CallTarget, NamedCall
from scenario_runner.pbx.protocol import CallAddress
from scenario_runner.references import Expression, as_text

if TYPE_CHECKING:
    from scenario_runner.engine.frame import Frame


def address_of(call: CallTarget, extension: Expression | None, frame: Frame) -> CallAddress:
    """Find the call's ids as they are now; `extension` stands in for the call's own."""
    if isinstance(call, NamedCall):
        value = named_call(call, frame)
        ids = frame.session.ids(value.uuid)
        if ids is None:
            raise Unresolved(f"the PBX's ids of the call '{call.name}' are not known", call.span)
        own, call_api_id = ids.extension, ids.call_api_id
    else:
        own = as_text(frame.scope.resolve(call.extension))
        call_api_id = as_text(frame.scope.resolve(call.call_api_id))
    if extension is not None:
        own = as_text(frame.scope.resolve(extension))
    return CallAddress(call_api_id=call_api_id, extension=own)


def named_call(call: NamedCall, frame: Frame) -> NamedCallValue:
    """Return what the name stands for; raise Unresolved where it is no call, or not yet."""
    try:
        value = frame.scope.find(call.name)
    except KeyError:
        message = f"there is no call '{call.name}': the step that places it did not succeed"
        raise Unbound(message, call.span) from None
    if not isinstance(value, NamedCallValue):
        raise Unresolved(f"'{call.name}' is no call but {typed(value)}", call.span)
    return value
