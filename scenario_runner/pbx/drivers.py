"""What a driver is: its settings, what opens its targets, what it is given for that.

The runner's own drivers and those that packages add by entry points are found by the same door.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from scenario_runner.errors import TargetError, did_you_mean
from scenario_runner.language.settings import Settings
from scenario_runner.masking import Mask
from scenario_runner.pbx.journal import NoJournal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from importlib.metadata import EntryPoints

    from scenario_runner.language.target import Target
    from scenario_runner.pbx.journal import Journaling
    from scenario_runner.pbx.protocol import Connection


class Notice(NamedTuple):
    """Something that deserves a look and is no error of a step; `code` is short and stable."""

    code: str
    message: str
    hint: str | None = None


def _silent(_: object) -> None:
    return None


def _microseconds_since_1970() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """How a target is to be opened.

    `announce` shows a person a line (who has to dial now); `warn` takes notices for the report;
    `journal` is told what is placed before it is. `insecure` does not verify the PBX's
    certificate. `preview` is shown each request, with its credentials masked, before it is sent.
    `wall` is the date in microseconds since 1970, `sleep` takes seconds.
    """

    mask: Mask = field(default_factory=Mask)
    seed: int = 0
    insecure: bool = False
    announce: Callable[[str], None] = _silent
    warn: Callable[[Notice], None] = _silent
    preview: Callable[[str], None] | None = None
    journal: Journaling = field(default_factory=NoJournal)
    wall: Callable[[], int] = _microseconds_since_1970
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def notice(self, code: str, message: str, hint: str | None = None) -> None:
        """Pass a notice on, with every secret in it hidden."""
        masked = None if hint is None else self.mask.text(hint)
        self.warn(Notice(code, self.mask.text(message), masked))


_S = TypeVar("_S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Driver(Generic[_S]):
    """Speaks to one kind of PBX.

    `settings` declares what a targets file says to it; `open` opens such a target for as long as
    the block lasts.
    """

    name: str
    settings: type[_S]
    open: Callable[[Target, _S, Context], AbstractAsyncContextManager[Connection]]

    def opened(self, target: Target, context: Context) -> AbstractAsyncContextManager[Connection]:
        """Open a target; raises TargetError where it can't be one of this driver's."""
        settings = target.settings
        if not isinstance(settings, self.settings):
            raise TargetError(f"the target {target.name} has no settings of the driver {self.name}")
        for problem in settings.problems(target):
            where = ".".join(problem.path)
            text = f"the target {target.name}, {where}: {problem.message}"
            raise TargetError(text, hint=problem.hint)
        return self.open(target, settings, context)


AnyDriver: TypeAlias = Driver[Any]

GROUP = "scenario_runner.pbx"
"""The group of entry points under which packages add drivers."""

_OWN = {
    "mock": "scenario_runner.pbx.mock:DRIVER",
    "ringme": "scenario_runner.pbx.ringme.access:DRIVER",
    "asterisk": "scenario_runner.pbx.asterisk.settings:DRIVER",
    "freeswitch": "scenario_runner.pbx.freeswitch.settings:DRIVER",
}


def driver_names() -> tuple[str, ...]:
    """Return the names of all drivers, sorted: the runner's own, and those that packages add."""
    return tuple(sorted({*_OWN, *(entry.name for entry in _added())}))


def find_driver(name: str) -> AnyDriver:
    """Return the driver of this name; raises TargetError where there is none that can be used."""
    if name in _OWN:
        return _own(name)
    for entry in _added().select(name=name):
        try:
            added = entry.load()
        except (ImportError, AttributeError) as error:
            raise TargetError(f"the driver '{name}' can't be loaded: {error}") from error
        if not isinstance(added, Driver):
            text = f"the driver '{name}' can't be used: {entry.value} is not a Driver"
            raise TargetError(text, hint="see docs/how-to/python.md for what a package adds")
        return added
    hint = did_you_mean(name, driver_names()) or f"there are: {', '.join(driver_names())}"
    raise TargetError(f"there is no driver '{name}'", hint=hint)


def own_settings() -> dict[str, type[Settings]]:
    """Return by what the settings of the runner's own drivers are declared."""
    return {name: _own(name).settings for name in _OWN}


def added_settings(name: str) -> type[Settings] | None:
    """Return by what an added driver's settings are declared; None where there is no such driver.

    Raises TargetError where it can't be used.
    """
    return find_driver(name).settings if _added().select(name=name) else None


def _own(name: str) -> AnyDriver:
    module, _, attribute = _OWN[name].partition(":")
    own: AnyDriver = getattr(import_module(module), attribute)
    return own


def _added() -> EntryPoints:
    # Imported here: reading what is installed takes 13 modules of `email`, for nothing on the mock.
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


def targets_schema() -> str:
    """Return the JSON Schema of targets files, for editors: it knows the runner's own drivers."""
    from scenario_runner.language.schema import written
    from scenario_runner.language.target import targets_kind

    return written("targets", targets_kind(own_settings()))


if __name__ == "__main__":
    from scenario_runner.language.schema import FOLDERS

    (FOLDERS[1] / "targets.schema.json").write_text(targets_schema(), encoding="utf-8")
