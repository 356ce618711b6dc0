"""Numbers and what a PBX dials for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.errors import NotPossible
from scenario_runner.pbx.people import ANYBODY

if TYPE_CHECKING:
    from scenario_runner.language.target import Target

_NUMBER = re.compile(r"[+*#0-9A-Za-z._-]+")


@dataclass(frozen=True, slots=True)
class Dialling:
    """What is dialled for extensions and for people outside, `{number}` standing for the number.

    `own` is what a target names for single extensions.
    """

    pbx: str
    extensions: str
    parties: str
    own: dict[str, str]

    def extension(self, number: str) -> str:
        """Return what reaches an extension."""
        return self.own.get(number) or self.filled(self.extensions, number)

    def party(self, number: str) -> str:
        """Return what reaches a person outside."""
        return self.filled(self.parties, number)

    def filled(self, template: str, number: str) -> str:
        """Put a number into a template; raises NotPossible for what can't be dialled."""
        if _NUMBER.fullmatch(number) is None:
            raise NotPossible(f"'{number}' is not a number that {self.pbx} could dial")
        if number == ANYBODY:
            raise NotPossible(
                "a call from anybody can't be placed by the runner",
                hint="name a number, or let people dial: `calls: wait` in the targets file",
            )
        return template.replace("{number}", number)


def own_of(target: Target) -> dict[str, str]:
    """Return what a target says is dialled for single extensions: what has a slash in it."""
    return {number: dialled for number, dialled in target.extensions if "/" in dialled}
