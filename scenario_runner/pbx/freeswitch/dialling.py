"""What FreeSWITCH dials: endpoints with the channels' names and the variables they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND
from scenario_runner.pbx.tracked.dialling import Dialling, own_of

if TYPE_CHECKING:
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.freeswitch.settings import FreeSwitchSettings

_NULL = "null/"
_RINGS = ("null_enable_auto_answer=false", "null_pre_answer=true")
# A call is up when somebody answers, not when the first sound comes.
_ANSWERED = "ignore_early_media=true"
# A loopback channel would take itself out of the call, and its name with it.
_STAYS = "loopback_bowout=false"


@dataclass(frozen=True, slots=True)
class FreeSwitchDialling(Dialling):
    """What is dialled for the extensions of a target and for people outside."""

    @property
    def answers(self) -> bool:
        """Whether the runner can answer for both ends, since nobody there has a phone."""
        dialled = (self.extensions, self.parties, *self.own.values())
        return all(to.startswith(_NULL) for to in dialled)


def dialling_of(target: Target, settings: FreeSwitchSettings) -> FreeSwitchDialling:
    """Read from a target what is dialled."""
    return FreeSwitchDialling("FreeSWITCH", settings.extension, settings.party, own_of(target))


def endpoint(uid: str, dialled: str, within: int, *variables: str) -> str:
    """Write what is dialled: the channel's name, and how long it may ring, in microseconds."""
    # FreeSWITCH counts by a clock of whole seconds: the first one may be over at once (measured).
    rings = f"originate_timeout={max(1, within // SECOND) + 1}"
    given = (f"origination_uuid={uid}", rings, _ANSWERED, _STAYS, *variables)
    return f"{{{','.join(given)}}}{dialled}"


def ringing(dialled: str) -> tuple[str, ...]:
    """Return what lets an end without a phone ring until it is told to answer."""
    return _RINGS if dialled.startswith(_NULL) else ()


def return_to(uid: str, dialled: str, within: int) -> str:
    """Write the little dialplan by which a parked call goes back to its extension."""
    return f"m:^:bridge:{endpoint(uid, dialled, within, *ringing(dialled))}"
