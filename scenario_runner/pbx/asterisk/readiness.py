"""Checks, once connected, that Asterisk has what the target says and the driver needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.errors import BadCredentials, TargetError, did_you_mean
from scenario_runner.pbx.asterisk.spaces import Spaces

if TYPE_CHECKING:
    from scenario_runner.model.target import AsteriskSettings, Target
    from scenario_runner.pbx.asterisk.ami import Ami, Reply
    from scenario_runner.pbx.asterisk.frames import Fields


def permitted(action: str, reply: Reply) -> Reply:
    """Return the reply; raises BadCredentials where the manager user lacks a permission."""
    if reply.refused and reply.message == "Permission denied":
        raise BadCredentials(
            f"Asterisk does not let this manager user use the action {action}",
            hint="manager.conf: read = call,reporting and write = call,reporting,originate",
        )
    return reply


async def ask(ami: Ami, action: str, fields: Fields, within: int) -> Reply:
    """Send an action that has to be permitted."""
    return permitted(action, await ami.send(action, fields, within))


async def check_lot(ami: Ami, target: Target, settings: AsteriskSettings, within: int) -> None:
    """Raise TargetError where Asterisk has no such lot, or the slots are not all in it."""
    reply = await ask(ami, "Parkinglots", (), within)
    lots = {lot.get("Name"): lot for lot in reply.items}
    if settings.lot not in lots:
        raise TargetError(
            f"the target {target.name} names the parking lot '{settings.lot}', which Asterisk "
            f"does not have; it has: {', '.join(lots) or 'none'}",
            hint=did_you_mean(settings.lot, lots),
        )
    lot = lots[settings.lot]
    first, last = int(lot.get("StartSpace") or 0), int(lot.get("StopSpace") or 0)
    spaces = Spaces(target, settings)
    if spaces.first < first or spaces.last > last:
        raise TargetError(
            f"the target {target.name} has slots in the spaces {spaces.first}-{spaces.last}, but "
            f"the parking lot '{settings.lot}' has {first}-{last}",
            hint=f"slots: {first}-{last}, or first_space: {first} with as many slots as it has",
        )


async def check_dialplan(ami: Ami, target: Target, settings: AsteriskSettings, within: int) -> None:
    """Raise TargetError where the dialplan lacks an extension that the driver sends calls to."""
    wanted = [(settings.retrieve_context, str(Spaces(target, settings).first))]
    if settings.calls == "originate":
        wanted.append((settings.dial_context, "dial"))
    for context, extension in wanted:
        fields = (("Context", context), ("Extension", extension))
        reply = await ask(ami, "ShowDialPlan", fields, within)
        if reply.refused:
            raise TargetError(
                f"Asterisk's dialplan has no extension '{extension}' in the context '{context}': "
                f"{reply.message}",
                hint="see docs/asterisk.md for the few lines of dialplan that the driver needs",
            )
