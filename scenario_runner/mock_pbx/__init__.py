"""A PBX to test against: a pure switch, the vendor's REST API over it, event notifications."""

from scenario_runner.exchange import Answer, Loss
from scenario_runner.mock_pbx.faults import Fault, fault_from_text
from scenario_runner.mock_pbx.notifications import Delivery
from scenario_runner.mock_pbx.profile import PROFILES, Access, Client, Profile, Refusals, Said
from scenario_runner.mock_pbx.rest import EPOCH_US, MockPbx
from scenario_runner.mock_pbx.rules import RULES, Rule

__all__ = [
    "EPOCH_US",
    "PROFILES",
    "RULES",
    "Access",
    "Answer",
    "Client",
    "Delivery",
    "Fault",
    "Loss",
    "MockPbx",
    "Profile",
    "Refusals",
    "Rule",
    "Said",
    "fault_from_text",
]
