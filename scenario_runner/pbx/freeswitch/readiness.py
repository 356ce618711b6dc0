"""Checks, once connected, that FreeSWITCH has the modules that the target and the driver need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.errors import TargetError

if TYPE_CHECKING:
    from scenario_runner.model.target import FreeSwitchSettings, Target
    from scenario_runner.pbx.freeswitch.esl import Esl


async def check_modules(
    esl: Esl, target: Target, settings: FreeSwitchSettings, within: int
) -> None:
    """Raise TargetError where a module is not loaded."""
    wanted = ["mod_valet_parking"]
    dialled = (settings.extension, settings.party)
    if any(template.startswith(("null/", "loopback/")) for template in dialled):
        wanted.append("mod_loopback")
    for module in wanted:
        reply = await esl.command(f"api module_exists {module}", within)
        if reply.answer != "true":
            raise TargetError(
                f"the target {target.name} needs {module}, which FreeSWITCH has not loaded",
                hint=f"load it: fs_cli -x 'load {module}', and for good in modules.conf.xml",
            )
