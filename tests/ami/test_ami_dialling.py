"""Which extension a channel belongs to, by its name or by what was dialled for it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from scenario_runner.pbx.asterisk.dialling import AsteriskDialling, dialling_of
from scenario_runner.pbx.asterisk.settings import AsteriskSettings

from .talking import target


def dialling(extension: str, own: str = "") -> AsteriskDialling:
    """Return what is dialled for extensions, for 341 perhaps something of its own."""
    of = replace(target(0), extensions=(("341", own),) if own else ())
    assert isinstance(of.settings, AsteriskSettings)
    settings = replace(of.settings, extension=extension, headless=None)
    return dialling_of(of, settings)


@pytest.mark.parametrize(
    ("extension", "channel"),
    [
        ("PJSIP/{number}", "PJSIP/341-0000000a"),
        ("SIP/{number}", "SIP/341-0000000a"),
        ("Local/{number}@desk/n", "Local/341@desk-0000000a;1"),
        ("IAX2/{number}", "IAX2/341-4711"),
        ("DAHDI/{number}", "DAHDI/341-1"),
        ("PJSIP/{number}-{number}", "PJSIP/341-341-0000000a"),
        ("PJSIP/mobile-{number}&PJSIP/{number}", "PJSIP/mobile-341-0000000a"),
    ],
)
def test_a_channel_has_its_extension_in_its_name(extension: str, channel: str) -> None:
    assert dialling(extension).number_of(channel) == "341"


@pytest.mark.parametrize(
    "channel", ["PJSIP/trunk-0000000a", "PJSIP/341", "PJSIP/341-342-0000000a", "Local/341@x-00;1"]
)
def test_other_channels_have_none(channel: str) -> None:
    assert dialling("PJSIP/{number}-{number}").number_of(channel) is None
    assert dialling("PJSIP/{number}@trunk").number_of(channel) is None


@pytest.mark.parametrize(
    ("extension", "own", "dialled"),
    [
        ("PJSIP/{number}@trunk", "", "PJSIP/341@trunk"),
        ("DAHDI/g1/{number}", "", "DAHDI/g1/341"),
        ("IAX2/office/{number}", "", "IAX2/office/341"),
        ("Local/{number}@desk/n", "", "Local/341@desk/n"),
        ("Local/{number}@desk/n", "", "Local/341@desk"),
        ("PJSIP/{number}", "PJSIP/alice&PJSIP/bob@trunk", "PJSIP/alice"),
        ("PJSIP/{number}", "PJSIP/alice&PJSIP/bob@trunk", "PJSIP/bob@trunk"),
    ],
)
def test_what_is_dialled_tells_the_extension(extension: str, own: str, dialled: str) -> None:
    assert dialling(extension, own).number_dialled(dialled) == "341"


def test_phones_of_one_extension_are_known_by_their_names() -> None:
    assert dialling("PJSIP/{number}", "PJSIP/alice&IAX2/bob").number_of("IAX2/bob-17") == "341"
