"""The drivers that speak to a PBX over a network: our own, and those that packages add."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.errors import TargetError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from scenario_runner.model.target import Target
    from scenario_runner.pbx.context import Context
    from scenario_runner.pbx.protocol import Connection

    Opener: TypeAlias = Callable[[Target, Context], AbstractAsyncContextManager[Connection]]

GROUP = "scenario_runner.pbx"

_OWN = {
    "asterisk": "scenario_runner.pbx.asterisk.opening:open_asterisk",
    "freeswitch": "scenario_runner.pbx.freeswitch.opening:open_freeswitch",
    "ringme": "scenario_runner.pbx.ringme.opening:open_ringme",
}


def added_drivers() -> tuple[str, ...]:
    """Return the names of the drivers that installed packages add."""
    return tuple(sorted(entry.name for entry in entry_points(group=GROUP)))


def driver_names() -> tuple[str, ...]:
    """Return the names of all drivers that open a connection, sorted."""
    return tuple(sorted({*_OWN, *added_drivers()}))


def find_driver(name: str) -> Opener:
    """Return what opens a target of this driver; raise TargetError for a name that is none."""
    if name in _OWN:
        module, _, attribute = _OWN[name].partition(":")
        own: Opener = getattr(import_module(module), attribute)
        return own
    for entry in entry_points(group=GROUP, name=name):
        try:
            added: Opener = entry.load()
        except (ImportError, AttributeError) as error:
            raise TargetError(f"the driver '{name}' can't be loaded: {error}") from error
        return added
    hint = did_you_mean(name, driver_names()) or f"there are: {', '.join(driver_names())}"
    raise TargetError(f"there is no driver '{name}' that opens a connection", hint=hint)
