"""Wires the target `mock`: the RingMe driver over a mock PBX in this process, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scenario_runner.execution.in_process import InProcess
from scenario_runner.execution.leases import Pool
from scenario_runner.mock_pbx import PROFILES, MockPbx, Profile
from scenario_runner.model.matchers import Equals
from scenario_runner.model.target import MockSettings, RestAccess
from scenario_runner.model.vocabulary import Capability, Reason
from scenario_runner.pbx.ringme.callers import ControlCallers
from scenario_runner.pbx.ringme.connection import Carrier, RingMe
from scenario_runner.pbx.ringme.events import SubscribedFeed
from scenario_runner.pbx.ringme.rest import previewed
from scenario_runner.pbx.ringme.settings import Credentials, RingMeSettings
from scenario_runner.references import Literal
from scenario_runner.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.clock import Clock, Turns
    from scenario_runner.mock_pbx import Fault
    from scenario_runner.model.matchers import Matcher
    from scenario_runner.model.target import Target

_WORDS = {
    "park_slot_required": Reason.SLOT_REQUIRED,
    "slots_slot_required": Reason.SLOT_REQUIRED,
    "park_range": Reason.SLOT_UNKNOWN,
    "park_not_ringing": Reason.CALL_NOT_ANSWERED,
    "bridge_not_ringing": Reason.CALL_NOT_ANSWERED,
    "park_not_twice": Reason.CALL_ALREADY_PARKED,
    "bridge_not_parked": Reason.CALL_ALREADY_PARKED,
    "slots_empty": Reason.SLOT_EMPTY,
    "bridge_empty": Reason.SLOT_EMPTY,
    "bridge_nothing": Reason.NOTHING_PARKED,
    "action_unknown": Reason.ACTION_UNKNOWN,
    "slot_type": Reason.SLOT_INVALID,
    "capacity": Reason.NO_CAPACITY,
    "malformed": Reason.MALFORMED,
}
"""The reasons behind the mock's own words, which the vendor does not document."""


MOCK_CAN = frozenset(Capability) - {Capability.SETTABLE_TIMEOUT}


class MockTarget:
    """A target whose every scenario has a mock PBX of its own, with these faults.

    `preview` is shown each request before it is sent.
    """

    def __init__(
        self,
        target: Target,
        faults: tuple[Fault, ...] = (),
        preview: Callable[[str], None] | None = None,
    ) -> None:
        self._faults = faults
        self._preview = preview
        self._profile = profile_of(target)
        self._settings = settings_of(target, self._profile)
        first, last = self._profile.extensions
        numbers = tuple((str(number), "") for number in range(first, last + 1))
        self.pool = Pool.of(replace(target, extensions=numbers))

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the mock can do."""
        return MOCK_CAN

    def open(self, clock: Clock, turns: Turns, seed: int) -> tuple[RingMe, InProcess]:
        """Return a connection to a fresh mock; close the second when the scenario is over."""
        mock = MockPbx(self._profile, seed=seed, faults=self._faults)
        wire = InProcess(mock, clock, turns)
        connection = RingMe(
            self._settings,
            Carrier(transport=previewed(wire, self._preview)),
            ControlCallers(),
            lambda heard: SubscribedFeed(wire, heard),
        )
        return connection, wire


def profile_of(target: Target) -> Profile:
    """Return the mock's profile with the target's own numbers in it."""
    first, last = target.slots
    assert isinstance(target.settings, MockSettings)
    profile = PROFILES[target.settings.profile]
    numbers = [int(number) for number, _ in target.extensions]
    if numbers:
        profile = replace(profile, extensions=(min(numbers), max(numbers)))
    return replace(
        profile, slots=last - first + 1, first_slot=first, park_timeout=target.park_timeout
    )


def settings_of(target: Target, profile: Profile) -> RingMeSettings:
    """Return the driver's settings for a mock of this profile."""
    first, last = profile.extensions
    return RingMeSettings(
        name=target.name,
        credentials=Credentials(client_id="scenario-runner", client_secret="mock"),
        extension_ids={str(n): str(profile.extension_id(n)) for n in range(first, last + 1)},
        reasons=taught_words(profile),
        slots=target.slots,
        park_timeout=target.park_timeout,
        shared=False,
        virtual_time=True,
    )


def taught(target: Target) -> Target:
    """Teach a target the mock's words where it is a mock that is served, by its calls."""
    settings = target.settings
    if not isinstance(settings, RestAccess) or settings.calls != "control":
        return target
    return replace(target, reasons=(*target.reasons, *taught_words(PROFILES["vendor"])))


def taught_words(profile: Profile) -> tuple[tuple[Reason, Matcher], ...]:
    """Return what the profile's refusals mean, as a targets file would teach it."""
    nowhere = Span("", 0, 0, 0, 0)
    words = {getattr(profile.refusals, name).message: reason for name, reason in _WORDS.items()}
    return tuple((reason, Equals(Literal(text, nowhere))) for text, reason in words.items())
