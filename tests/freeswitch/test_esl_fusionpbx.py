"""The preset `fusionpbx`: the lot and the slots that FusionPBX's own dialplan parks in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.loading.targets import read_targets
from scenario_runner.masking import Mask
from scenario_runner.pbx import drivers
from scenario_runner.pbx.freeswitch.lot import SlotNames
from scenario_runner.pbx.freeswitch.settings import FreeSwitchSettings
from tests.asterisk.running_there import finished, run_text, told

from .conftest import served
from .playing import PASSWORD, Player

if TYPE_CHECKING:
    from pathlib import Path

    from scenario_runner.language.target import Target

PARKED = """
scenario: a call is parked in the slot that phones dial, and picked up
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 5901}
  - slots: {call: customer, slot: 5901}
    expect: {holds: customer}
  - call: {as: agent, extension: 342, to: "+78120000555"}
  - bridge: {call: agent, slot: 5901}
---
scenario: there are 99 slots
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 6000}
    expect: {refused: slot-unknown}
"""
RETURNS = """
scenario: a call that nobody takes comes back
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 5902}
  - event: {type: dial-in, extension: 341}
    within: 10s
"""
DOMAIN = "office.example.com"


def target(place: str, folder: Path, more: str = "") -> Target:
    file = folder / "scenario-targets.yaml"
    file.write_text(
        f"targets:\n  office:\n    driver: freeswitch\n    preset: fusionpbx\n    {place}\n"
        f"    domain: {DOMAIN}\n    extensions: 341-360\n    park_timeout: 1s\n{more}"
    )
    return read_targets(str(file), drivers).target("office", {}, Mask())


def test_the_preset_says_what_the_target_leaves_out(tmp_path: Path) -> None:
    target_ = target("host: 127.0.0.1", tmp_path)
    settings = target_.settings
    assert isinstance(settings, FreeSwitchSettings)
    assert (settings.lot, settings.slot_name) == (f"park@{DOMAIN}", "*{slot}")
    assert (settings.extension, settings.return_context) == (f"user/{{number}}@{DOMAIN}", DOMAIN)
    assert target_.slots == (5901, 5999)


def test_what_the_target_says_counts_more(tmp_path: Path) -> None:
    own = target("host: 127.0.0.1", tmp_path, "    slots: 10-99\n    lot: other@{domain}\n")
    assert isinstance(own.settings, FreeSwitchSettings)
    assert own.slots == (10, 99)
    assert own.settings.lot == "other@{domain}"  # only presets fill names in


def test_calls_are_parked_where_phones_look_for_them(freeswitch: str, tmp_path: Path) -> None:
    nobody = "    extension: null/{number}\n"
    events = run_text(target(freeswitch, tmp_path, nobody), tmp_path, PARKED)
    assert [end.verdict for end in finished(events)] == ["passed"] * 2, told(events)


def test_a_call_returns_by_the_dialplan_of_the_domain(tmp_path: Path) -> None:
    nobody = "    extension: null/{number}\n"
    with served(Player(keeps_time=True)) as player:
        place = f"port: {player.port}\n    password: {PASSWORD}"
        events = run_text(target(place, tmp_path, nobody), tmp_path, RETURNS)
        assert [end.verdict for end in finished(events)] == ["passed"], told(events)
        (parked,) = player.commands("api uuid_transfer")
        assert parked.endswith(f"'valet_park:park@{DOMAIN} *5902' inline")
        (wishes,) = player.commands("api uuid_setvar_multi")
        assert wishes.endswith(
            "valet_parking_orbit_exten=341;valet_parking_orbit_dialplan=XML;"
            f"valet_parking_orbit_context={DOMAIN}"
        )


def test_a_name_of_a_slot_leads_to_its_number_and_back() -> None:
    names = SlotNames("*{slot}")
    assert names.name_of(5901) == "*5901"
    assert names.number_of("*5901") == 5901
    assert [names.number_of(name) for name in ("5901", "*05901", "*", "*59x")] == [None] * 4
