"""What Asterisk dials, and which channel belongs to which extension."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.pbx.tracked.dialling import Dialling, own_of

if TYPE_CHECKING:
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.asterisk.settings import AsteriskSettings, Headless

_ANY = r"(?P<number>[^@/;]+)"
_INSTANCE = r"-[0-9a-f]{8,}(?:;[12])?"
_END = re.compile(_INSTANCE + "$")


@dataclass(frozen=True, slots=True)
class AsteriskDialling(Dialling):
    """What is dialled for the extensions of a target and for people outside.

    `patterns` are the names of channels with the extension they belong to, "" for that in the name.
    """

    headless: Headless | None
    patterns: tuple[tuple[re.Pattern[str], str], ...]

    def ringing_extension(self, number: str) -> str:
        """Return what reaches an extension that rings until it is told to answer."""
        if self.headless is None:
            return self.extension(number)
        return self.filled(self.headless.extension, number)

    def ringing_party(self, number: str) -> str:
        """Return what reaches a person outside who rings until told to answer."""
        return (
            self.party(number)
            if self.headless is None
            else self.filled(self.headless.party, number)
        )

    def origin(self, number: str) -> str:
        """Return the channel name by which Asterisk brings a parked call back to the extension.

        Asterisk cuts the name at its last dash to know what to dial (measured), and plays the
        space's digits to a channel that exists: so it is one that does not. Extensions without
        phones ring when a call comes back, until they are told to answer.
        """
        return self.ringing_extension(number) + "-0"

    def number_dialled(self, dialled: str) -> str | None:
        """Return the extension that is reached by dialling this."""
        return self.number_of(dialled.removesuffix("/n") + "-00000000")

    def name_of(self, channel: str) -> str:
        """Return the extension that a channel belongs to, or the name of whatever else it is."""
        return self.number_of(channel) or _END.sub("", channel)

    def number_of(self, channel: str) -> str | None:
        """Return the extension that a channel of this name belongs to."""
        for pattern, number in self.patterns:
            found = pattern.fullmatch(channel)
            if found is not None:
                return number or found["number"]
        return None


def dialling_of(target: Target, settings: AsteriskSettings) -> AsteriskDialling:
    """Read from a target what is dialled."""
    own = own_of(target)
    templates = [settings.extension]
    if settings.headless is not None:
        templates.append(settings.headless.extension)
    patterns = [(_pattern(dialled), number) for number, dialled in own.items()]
    patterns += [(_pattern(template), "") for template in templates]
    return AsteriskDialling(
        "Asterisk",
        settings.extension,
        settings.party,
        own,
        settings.headless,
        tuple(patterns),
    )


def _pattern(dialled: str) -> re.Pattern[str]:
    """Return the names of the channels that dialling this makes: `PJSIP/341-0000000a`."""
    name = dialled
    if dialled.startswith("Local/"):
        technology, _, rest = dialled.partition("/")
        name = f"{technology}/{rest.partition('/')[0]}"
    return re.compile(re.escape(name).replace(re.escape("{number}"), _ANY) + _INSTANCE)
