"""Targets for the Asterisk of the tests, as a targets file would say them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .instance import SECRET, USER

if TYPE_CHECKING:
    from .instance import Instance

_HEADLESS = """\
    extension: Local/{number}@desk/n
    headless: {extension: "Local/{number}@desk-rings/n", party: "Local/{number}@outside-rings/n"}
    extensions: 341-360
"""
_PHONES = """\
    extensions: {"2001": PJSIP/agent, "2002": PJSIP/agent2, "2003": PJSIP/silent}
"""


def entry(
    instance: Instance, name: str = "asterisk", *, park_timeout: str = "4s", more: str = _HEADLESS
) -> str:
    """Return an entry of a targets file: extensions without phones where nothing else is said."""
    return f"""\
  {name}:
    driver: asterisk
    host: 127.0.0.1
    port: {instance.ports.ami}
    username: {USER}
    password: {SECRET}
    slots: 1-20
    park_timeout: {park_timeout}
{more}"""


def file_text(instance: Instance) -> str:
    """Return a targets file with all targets of this Asterisk."""
    return "default: asterisk\ntargets:\n" + "".join(
        [
            entry(instance),
            entry(instance, "patient", park_timeout="3m"),
            entry(instance, "phones", more=_PHONES),
            entry(instance, "people", more=_PHONES + "    calls: wait\n"),
            entry(instance, "small", more=_HEADLESS + _SMALL).replace("slots: 1-20", "slots: 1-3"),
            entry(instance, "elsewhere", park_timeout="1s", more=_HEADLESS + _ELSEWHERE).replace(
                "slots: 1-20", "slots: 1-3"
            ),
        ]
    )


_ELSEWHERE = "    lot: dialplan\n    first_space: 711\n    retrieve_context: parkedcalls-dialplan\n"
_SMALL = "    lot: small\n    first_space: 701\n    retrieve_context: parkedcalls-small\n"
