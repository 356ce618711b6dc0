"""Numbers and what Asterisk dials for them: which channel belongs to which extension."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.errors import NotPossible

if TYPE_CHECKING:
    from scenario_runner.language.target import AsteriskSettings, Target

_NUMBER = re.compile(r"[+*#0-9A-Za-z._-]+")
_ANY = r"(?P<number>[^@/;]+)"
_INSTANCE = r"-[0-9a-f]{8,}(?:;[12])?"


@dataclass(frozen=True, slots=True)
class Dialling:
    """What is dialled for the extensions of a target and for people outside."""

    settings: AsteriskSettings
    own: dict[str, str]
    _patterns: tuple[tuple[re.Pattern[str], str], ...]

    def extension(self, number: str, *, rings: bool = False) -> str:
        """Return what reaches an extension; `rings`: one that rings until told to answer."""
        if rings and self.settings.headless is not None:
            return _filled(self.settings.headless.extension, number)
        return self.own.get(number) or _filled(self.settings.extension, number)

    def party(self, number: str, *, rings: bool = False) -> str:
        """Return what reaches a person outside."""
        if rings and self.settings.headless is not None:
            return _filled(self.settings.headless.party, number)
        return _filled(self.settings.party, number)

    def origin(self, number: str) -> str:
        """Return the channel name by which Asterisk brings a parked call back to the extension.

        Asterisk cuts the name at its last dash to know what to dial (measured), and plays the
        space's digits to a channel that exists: so it is one that does not. Extensions without
        phones ring when a call comes back, until they are told to answer.
        """
        return self.extension(number, rings=True) + "-0"

    def number_dialled(self, dialled: str) -> str | None:
        """Return the extension that is reached by dialling this."""
        return self.number_of(dialled.removesuffix("/n") + "-00000000")

    def number_of(self, channel: str) -> str | None:
        """Return the extension that a channel of this name belongs to."""
        for pattern, number in self._patterns:
            found = pattern.fullmatch(channel)
            if found is not None:
                return number or found["number"]
        return None


def dialling_of(target: Target, settings: AsteriskSettings) -> Dialling:
    """Read what is dialled from a target; an extension's own is what has a slash in it."""
    own = {number: dialled for number, dialled in target.extensions if "/" in dialled}
    templates = [settings.extension]
    if settings.headless is not None:
        templates.append(settings.headless.extension)
    patterns = [(_pattern(dialled), number) for number, dialled in own.items()]
    patterns += [(_pattern(template), "") for template in templates]
    return Dialling(settings, own, tuple(patterns))


def _pattern(dialled: str) -> re.Pattern[str]:
    """Return the names of the channels that dialling this makes: `PJSIP/341-0000000a`."""
    name = dialled
    if dialled.startswith("Local/"):
        technology, _, rest = dialled.partition("/")
        name = f"{technology}/{rest.partition('/')[0]}"
    return re.compile(re.escape(name).replace(re.escape("{number}"), _ANY) + _INSTANCE)


def _filled(template: str, number: str) -> str:
    if _NUMBER.fullmatch(number) is None:
        raise NotPossible(f"'{number}' is no number that Asterisk could dial")
    if number == "any":
        raise NotPossible(
            "a call from anybody can't be placed by the runner",
            hint="name a number, or let people dial: `calls: wait` in the targets file",
        )
    return template.replace("{number}", number)
