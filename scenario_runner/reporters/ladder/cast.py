"""Who takes part in a scenario: its lifelines, and where each call is at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.reporters.ladder.labels import one_line
from scenario_runner.reporters.ladder.model import Lifeline, LifelineKind

if TYPE_CHECKING:
    from scenario_runner.events import CallChanged, PbxReported

RUNNER = "runner"
PBX = "pbx"
_ORDER = tuple(LifelineKind)


class Cast:
    """Makes a lifeline for everybody who is mentioned, and remembers who is parked where."""

    def __init__(self) -> None:
        self._lifelines: dict[str, Lifeline] = {
            RUNNER: Lifeline(key=RUNNER, kind=LifelineKind.RUNNER, label="runner"),
            PBX: Lifeline(key=PBX, kind=LifelineKind.PBX, label="PBX"),
        }
        self._parked: dict[str, str] = {}

    def lifelines(self) -> tuple[Lifeline, ...]:
        """Return all lifelines from left to right."""
        return tuple(sorted(self._lifelines.values(), key=lambda line: _ORDER.index(line.kind)))

    def extension(self, number: str) -> str:
        """Return the key of an extension's lifeline; without a number it is the PBX's."""
        number = one_line(number)
        return self._line(LifelineKind.EXTENSION, number, f"ext {number}") if number else PBX

    def ends_of(self, event: CallChanged) -> tuple[str, str]:
        """Return from where to where the arrow of a call's change goes, and move the call."""
        extension, party = self.extension(event.extension), self._party(event.party, event.call)
        was = self._parked.pop(event.call, None)
        match event.state:
            case "parked" if event.slot is not None:
                self._parked[event.call] = slot = self._slot(event.slot)
                return extension, slot
            case "up" if event.flow == "in":
                return extension, party
            case "ringing" if event.flow != "in":
                return extension, party
            case "bridged":
                return was or party, extension
            case _:
                return party, was or extension

    def recalled(self, event: PbxReported) -> str | None:
        """Return the slot that a parked call leaves, if this event says that it rings again."""
        if event.type != "dial-in" or event.call is None:
            return None
        return self._parked.pop(event.call, None)

    def _party(self, number: str, call: str) -> str:
        number, call = one_line(number), one_line(call)
        return self._line(LifelineKind.PARTY, f"{call} {number}", number or "unknown", call)

    def _slot(self, slot: str) -> str:
        slot = one_line(slot)
        return self._line(LifelineKind.SLOT, slot, f"slot {slot}")

    def _line(self, kind: LifelineKind, name: str, label: str, detail: str = "") -> str:
        key = f"{kind.value} {name}"
        if key not in self._lifelines:
            self._lifelines[key] = Lifeline(key=key, kind=kind, label=label, detail=detail)
        return key
