"""Whether a manager user may do what the driver needs, and hears of calls.

Asterisk refuses nobody who may not hear: without `read = call`, or with an event filter, calls come
up and nothing is said of them. So a call into nowhere is placed, which rings at nobody.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from scenario_runner.errors import BadCredentials
from scenario_runner.pbx.asterisk.ami import RIGHTS
from scenario_runner.pbx.tracked.hub import CONNECTING

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.asterisk.ami import Ami

NOWHERE = "Local/hears@scenario-runner-nowhere/n"
"""A context that no dialplan has: Asterisk makes the two channels, says so, and drops them."""

_NEEDED = (
    "CoreShowChannels", "Hangup", "Park", "ParkedCalls", "Parkinglots", "Redirect", "Setvar",
    "ShowDialPlan", "Status",
)  # fmt: skip
_LOOKS, _PAUSE_S = 40, 0.05


async def check_rights(ami: Ami, *, originates: bool) -> None:
    """Raise BadCredentials where the manager user may not use an action that is needed."""
    reply = await ami.send("ListCommands", (), CONNECTING)
    needed = (*_NEEDED, "Originate") if originates else _NEEDED
    lacking = [action for action in needed if not reply.first.get(action)]
    if lacking:
        actions = f"action{'s' * (len(lacking) > 1)} {', '.join(lacking)}"
        message = f"Asterisk does not let this manager user use the {actions}"
        raise BadCredentials(message, hint=RIGHTS)


async def check_hearing(ami: Ami, heard: Callable[[str], set[str]]) -> None:
    """Raise BadCredentials where Asterisk does not say what becomes of a call.

    `heard` returns the names of the events about a channel that have come. The call is placed into
    a context that does not exist, and Asterisk refuses it at once.
    """
    uid = str(uuid4())
    ends = (("ChannelId", uid), ("OtherChannelId", f"{uid}-2"))
    fields = (("Channel", NOWHERE), ("Application", "Hangup"), ("Timeout", "1000"), *ends)
    await ami.send("Originate", fields, CONNECTING)
    for _ in range(_LOOKS):
        if heard(uid) >= {"Newchannel", "Hangup"}:
            return
        await asyncio.sleep(_PAUSE_S)
    raise BadCredentials(
        "Asterisk does not tell this manager user what becomes of calls",
        hint=f"{RIGHTS}; and no eventfilter that leaves out events of calls",
    )
