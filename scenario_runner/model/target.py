"""What a scenario runs against: the settings of a target, one frozen class for each driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from scenario_runner.durations import MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class MockSettings:
    """The mock PBX in this process; `profile` names what it does where the vendor is silent."""

    profile: str = "vendor"


DriverSettings: TypeAlias = MockSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A PBX to run against.

    `host` is for people, `base_url` the root for requests repeated by hand; `slots` is the inclusive range of slot numbers, `extensions` maps the
    numbers to the PBX's ids, `park_timeout` is in microseconds.
    """

    name: str
    driver: str
    host: str
    base_url: str
    settings: DriverSettings
    slots: tuple[int, int] = (1, 20)
    park_timeout: int = 3 * MINUTE
    extensions: tuple[tuple[str, str], ...] = ()
