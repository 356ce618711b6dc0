"""A watcher for dealings with a PBX that belong to no scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenario_runner.pbx.protocol import PbxEvent, Trace


class Deaf:
    """Is told what happens and does not listen; see `pbx.protocol.Watcher`."""

    def traced(self, trace: Trace) -> None:
        """Pass over it."""

    def reported(self, event: PbxEvent) -> None:
        """Pass over it."""
