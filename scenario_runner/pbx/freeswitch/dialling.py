"""Numbers and what FreeSWITCH dials for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.errors import NotPossible

if TYPE_CHECKING:
    from scenario_runner.model.target import FreeSwitchSettings, Target

_NUMBER = re.compile(r"[+*#0-9A-Za-z._-]+")
_NULL = "null/"
_RINGS = ("null_enable_auto_answer=false", "null_pre_answer=true")
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


def endpoint(uid: str, dialled: str, *variables: str, rings: bool = False) -> str:
    """Write what is dialled, with the channel's name; `rings`: until told to answer."""
    ringing = _RINGS if rings and dialled.startswith(_NULL) else ()
    given = (f"origination_uuid={uid}", _STAYS, *variables, *ringing)
    return f"{{{','.join(given)}}}{dialled}"


def return_to(uid: str, dialled: str) -> str:
    """Write the little dialplan by which a parked call goes back to its extension.

    An extension without a phone rings then until it is told to answer.
    """
    return f"m:^:bridge:{endpoint(uid, dialled, rings=True)}"


def _filled(template: str, number: str) -> str:
    if _NUMBER.fullmatch(number) is None:
        raise NotPossible(f"'{number}' is no number that FreeSWITCH could dial")
    if number == "any":
        raise NotPossible(
            "a call from anybody can't be placed by the runner",
            hint="name a number, or let people dial: `calls: wait` in the targets file",
        )
    return template.replace("{number}", number)
