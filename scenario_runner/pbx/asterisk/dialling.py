"""What Asterisk dials, and which channel belongs to which extension."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.pbx.tracked.dialling import Dialling, own_of

if TYPE_CHECKING:
    from scenario_runner.language.target import Target
    from scenario_runner.pbx.asterisk.settings import AsteriskSettings, Headless

_ANY = r"(?P<number>[^@/;]+)"
_AGAIN = "(?P=number)"
_INSTANCE = r"-(?:[0-9a-f]{8,}(?:;[12])?|[0-9]{1,5})"
"""What tells the channels of one name apart: `-0000000a`; `-4711` for IAX2, `-1` for DAHDI."""
_END = re.compile(_INSTANCE + "$")


Patterns: TypeAlias = "tuple[tuple[re.Pattern[str], str], ...]"


@dataclass(frozen=True, slots=True)
class AsteriskDialling(Dialling):
    """What is dialled for the extensions of a target and for people outside.

    `names` are the names of channels and `strings` what is dialled for an extension, each with that
    extension, or "" for the one that stands in it.
    """

    headless: Headless | None
    names: Patterns
    strings: Patterns

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
        return _found(self.strings, _plain(dialled))

    def name_of(self, channel: str) -> str:
        """Return the extension that a channel belongs to, or the name of whatever else it is."""
        return self.number_of(channel) or _END.sub("", channel)

    def number_of(self, channel: str) -> str | None:
        """Return the extension that a channel of this name belongs to."""
        return _found(self.names, channel)


def dialling_of(target: Target, settings: AsteriskSettings) -> AsteriskDialling:
    """Read from a target what is dialled."""
    own = own_of(target)
    templates = [settings.extension]
    if settings.headless is not None:
        templates.append(settings.headless.extension)
    given = [(dialled, number) for number, dialled in own.items()]
    given += [(template, "") for template in templates]
    # Several phones may ring for one extension: PJSIP/alice&PJSIP/341.
    phones = [(one, number) for dialled, number in given for one in dialled.split("&")]
    return AsteriskDialling(
        "Asterisk",
        settings.extension,
        settings.party,
        own,
        settings.headless,
        tuple((_pattern(_name(one), _INSTANCE), number) for one, number in phones if _name(one)),
        tuple((_pattern(_plain(one)), number) for one, number in phones),
    )


def _found(patterns: Patterns, text: str) -> str | None:
    for pattern, number in patterns:
        found = pattern.fullmatch(text)
        if found is not None:
            return number or found.groupdict().get("number")
    return None


def _plain(dialled: str) -> str:
    """Leave out the options after what a Local channel dials: `Local/341@desk/n`."""
    technology, _, rest = dialled.partition("/")
    return f"{technology}/{rest.partition('/')[0]}" if technology == "Local" else dialled


def _name(dialled: str) -> str:
    """Return the name of the channels that dialling this makes, "" where many make the same.

    `PJSIP/341@trunk` and `DAHDI/g1/341` make channels of the trunk or the group.
    """
    technology, _, rest = _plain(dialled).partition("/")
    shared = "/" in rest or (technology != "Local" and "@" in rest)
    return "" if shared else f"{technology}/{rest}"


def _pattern(text: str, end: str = "") -> re.Pattern[str]:
    """Return what matches a text, with any number in place of `{number}`."""
    pattern = re.escape(text).replace(re.escape("{number}"), _ANY, 1)
    return re.compile(pattern.replace(re.escape("{number}"), _AGAIN) + end)
