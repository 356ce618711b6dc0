"""Numbers and what FreeSWITCH dials for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND
from scenario_runner.errors import NotPossible

if TYPE_CHECKING:
    from scenario_runner.language.target import FreeSwitchSettings, Target

_NUMBER = re.compile(r"[+*#0-9A-Za-z._-]+")
_NULL = "null/"
_RINGS = ("null_enable_auto_answer=false", "null_pre_answer=true")
# A call is up when somebody answers, not when the first sound comes.
_ANSWERED = "ignore_early_media=true"
# A loopback channel would take itself out of the call, and its name with it.
_STAYS = "loopback_bowout=false"


@dataclass(frozen=True, slots=True)
class Dialling:
    """What is dialled for the extensions of a target and for people outside."""

    settings: FreeSwitchSettings
    own: dict[str, str]

    def extension(self, number: str) -> str:
        """Return what reaches an extension."""
        return self.own.get(number) or _filled(self.settings.extension, number)

    def party(self, number: str) -> str:
        """Return what reaches a person outside."""
        return _filled(self.settings.party, number)

    @property
    def answers(self) -> bool:
        """Whether the runner can answer for both ends, since nobody there has a phone."""
        dialled = (self.settings.extension, self.settings.party, *self.own.values())
        return all(to.startswith(_NULL) for to in dialled)


def dialling_of(target: Target, settings: FreeSwitchSettings) -> Dialling:
    """Read what is dialled from a target; an extension's own is what has a slash in it."""
    return Dialling(settings, {number: to for number, to in target.extensions if "/" in to})


def endpoint(uid: str, dialled: str, within: int, *variables: str) -> str:
    """Write what is dialled: the channel's name, and how long it may ring, in microseconds."""
    rings = f"originate_timeout={max(1, within // SECOND)}"
    given = (f"origination_uuid={uid}", rings, _ANSWERED, _STAYS, *variables)
    return f"{{{','.join(given)}}}{dialled}"


def ringing(dialled: str) -> tuple[str, ...]:
    """Return what lets an end without a phone ring until it is told to answer."""
    return _RINGS if dialled.startswith(_NULL) else ()


def return_to(uid: str, dialled: str, within: int) -> str:
    """Write the little dialplan by which a parked call goes back to its extension."""
    return f"m:^:bridge:{endpoint(uid, dialled, within, *ringing(dialled))}"


def _filled(template: str, number: str) -> str:
    if _NUMBER.fullmatch(number) is None:
        raise NotPossible(f"'{number}' is no number that FreeSWITCH could dial")
    if number == "any":
        raise NotPossible(
            "a call from anybody can't be placed by the runner",
            hint="name a number, or let people dial: `calls: wait` in the targets file",
        )
    return template.replace("{number}", number)
