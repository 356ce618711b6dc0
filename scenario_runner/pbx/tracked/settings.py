"""What a targets file says of a PBX that is tracked by its events, whichever it is."""

# Annotations are evaluated here: the kinds in them are read where a schema or a reader is made.
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from scenario_runner.durations import SECOND
from scenario_runner.language.settings import HOST, LINE, TIME, SettingProblem, Settings, choice
from scenario_runner.language.target import Target

FOR_EXTENSION = LINE(noun="what is dialled for an extension")
FOR_PARTY = LINE(noun="what is dialled for a person outside")
CONTEXT = LINE(noun="a context of the dialplan")
LOT = LINE(noun="the name of a parking lot")
PRESET = LINE(noun="the name of a preset")


class TrackedSettings(Settings, frozen=True, kw_only=True):
    """Where the PBX is, what it dials, and how calls come about.

    `pbx` is its name, `example` what it could dial for a number.
    """

    leaves_out: ClassVar[frozenset[str]] = frozenset({"reasons"})
    pbx: ClassVar[str]
    example: ClassVar[str]

    host: Annotated[str, HOST] = "127.0.0.1"
    port: int
    reconnect: Annotated[int, TIME] = 10 * SECOND
    extension: str
    party: str
    calls: Annotated[Literal["originate", "wait"], choice("originate", "wait")] = "originate"

    @property
    def place(self) -> str:
        """The host and the port."""
        return f"{self.host}:{self.port}"

    def problems(self, target: Target) -> Iterator[SettingProblem]:
        """Look at what is dialled, and at the time-out of parking."""
        yield from self.dialled(self.extension, "extension")
        yield from self.dialled(self.party, "party")
        yield from self.whole_seconds(target.park_timeout, "park_timeout")

    def dialled(self, text: str, *path: str) -> Iterator[SettingProblem]:
        """Look at what is to be dialled: a technology, a slash, and the number somewhere."""
        if not (text.partition("/")[1] and "{number}" in text):
            hint = f"write it with {{number}} in it: {self.example}"
            yield SettingProblem(path, f"'{text}' is nothing to dial for a number", hint)

    def whole_seconds(self, duration: int, key: str) -> Iterator[SettingProblem]:
        """Look at a duration that the PBX counts in whole seconds."""
        if duration < SECOND or duration % SECOND:
            message = f"{self.pbx} counts whole seconds"
            yield SettingProblem((key,), message, "write whole seconds, such as 4s")
