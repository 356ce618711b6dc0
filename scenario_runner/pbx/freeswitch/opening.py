"""Opens a FreeSWITCH as a target."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from scenario_runner.errors import TargetError
from scenario_runner.model.target import FreeSwitchSettings
from scenario_runner.pbx.freeswitch.connection import FreeSwitch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scenario_runner.model.target import Target
    from scenario_runner.pbx.context import Context
    from scenario_runner.pbx.protocol import Connection


@asynccontextmanager
async def open_freeswitch(target: Target, context: Context) -> AsyncIterator[Connection]:
    """Open the target; it is connected when the first scenario needs it."""
    if not isinstance(target.settings, FreeSwitchSettings):
        raise TargetError(f"the target {target.name} has no settings of a FreeSWITCH")
    connection = FreeSwitch(target, target.settings, context)
    try:
        yield connection
    finally:
        await connection.close()
