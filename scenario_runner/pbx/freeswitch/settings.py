"""What a targets file says of a FreeSWITCH, and the driver that it is for."""

# Annotations are evaluated here: the kinds in them are read where a schema or a reader is made.
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Annotated, ClassVar, Literal

from scenario_runner.durations import SECOND
from scenario_runner.language.settings import LINE, PORT, SECRET, TIME, SettingProblem
from scenario_runner.language.target import Target
from scenario_runner.pbx.drivers import Context, Driver
from scenario_runner.pbx.protocol import Connection
from scenario_runner.pbx.tracked.settings import (
    CONTEXT,
    FOR_EXTENSION,
    FOR_PARTY,
    LOT,
    PRESET,
    TrackedSettings,
)


class FreeSwitchSettings(TrackedSettings, frozen=True, kw_only=True):
    """A FreeSWITCH, spoken to over its event socket (ESL).

    `extension` and `party` are what FreeSWITCH dials to reach an extension or a person outside,
    with `{number}` in them; a target's `extensions` may name it for one extension. An empty `lot`
    stands for a fresh one in each scenario. A parked call returns by dialling its extension in
    `return_context` of the XML dialplan, or directly where that is empty; then it rings for
    `return_rings` microseconds.

    - host: Where FreeSWITCH's event socket listens; 127.0.0.1 by default.
    - port: The port of the event socket (event_socket.conf.xml); 8021 by default.
    - password: The password of the event socket; keep it out of the file: $secret.ESL_PASSWORD.
      ClueCon by default, which FreeSWITCH comes with.
    - preset: The PBX that FreeSWITCH is a part of: with 'fusionpbx' and a 'domain' the lot, its
      slots *5901-*5999 and the domain's users are known. What the target says itself counts more.
    - domain: The domain of a FusionPBX whose lot and users are meant.
    - lot: The lot to park in, if people are to dial its slots; by default each scenario
      has a fresh lot of its own.
    - slot_name: What a slot is called in the lot, with {slot} in it for its number; {slot} by
      default.
    - extension: How FreeSWITCH reaches an extension, with {number} in it: user/{number} for its own
      users; null/{number} by default, which is nobody's phone and answers at once. The
      map 'extensions' may say it for one extension: {"341": user/alice}.
    - party: How FreeSWITCH reaches the person at the other end, with {number} in it:
      sofia/gateway/carrier/{number}, loopback/{number}/public, or null/{number} (nobody's phone)
      by default.
    - return_context: Where a parked call that nobody took dials the number of its
      extension; by default the extension is dialled past the dialplan.
    - return_rings: How long a call that returns rings at its extension before it ends;
      30s by default. With 'return_context' your dialplan decides.
    - reconnect: How long a lost connection is tried anew, for a PBX that restarts; 10s by
      default.
    - calls: How 'call' steps come about: 'originate' lets FreeSWITCH dial both ends (the default),
      'wait' asks a person to dial.
    """

    about: ClassVar[str] = "FreeSWITCH's event socket"
    pbx: ClassVar[str] = "FreeSWITCH"
    example: ClassVar[str] = "null/{number}"
    presets: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "fusionpbx": {
            "lot": "park@{domain}",
            "slots": "5901-5999",
            "slot_name": "*{slot}",
            "extension": "user/{number}@{domain}",
            "return_context": "{domain}",
        }
    }

    port: Annotated[int, PORT] = 8021
    password: Annotated[str, SECRET] = "ClueCon"
    preset: Annotated[Literal["fusionpbx"] | None, PRESET(enum=["fusionpbx"])] = None
    domain: Annotated[str, LINE(noun="a domain")] = ""
    lot: Annotated[str, LOT] = ""
    slot_name: Annotated[str, LINE(noun="the name of a slot", examples=["*{slot}"])] = "{slot}"
    extension: Annotated[str, FOR_EXTENSION(examples=["user/{number}", "null/{number}"])] = (
        "null/{number}"
    )
    party: Annotated[
        str, FOR_PARTY(examples=["sofia/gateway/carrier/{number}", "loopback/{number}/public"])
    ] = "null/{number}"
    return_context: Annotated[str, CONTEXT] = ""
    return_rings: Annotated[int, TIME] = 30 * SECOND

    def problems(self, target: Target) -> Iterator[SettingProblem]:
        """Look at what becomes a part of commands, too, and at whose calls to wait for."""
        yield from super().problems(target)
        yield from self.whole_seconds(self.return_rings, "return_rings")
        yield from _one_word(self.extension, "extension")
        yield from _one_word(self.party, "party")
        yield from _one_word(self.lot, "lot")
        yield from _one_word(self.slot_name, "slot_name")
        yield from _one_word(self.domain, "domain")
        yield from self._named()
        yield from _one_word(self.return_context, "return_context")
        for number, dialled in target.extensions:
            yield from _one_word(dialled, "extensions", number)
        if self.calls == "wait" and not target.extensions:
            message = "to know whose calls to wait for, 'wait' needs 'extensions'"
            hint = "add extensions: 341-360, or what numbers they have"
            yield SettingProblem(("calls",), message, hint)

    def _named(self) -> Iterator[SettingProblem]:
        """Look at the names of the domain and of the slots."""
        if self.preset == "fusionpbx" and not self.domain:
            message = "the preset 'fusionpbx' needs the 'domain' whose calls are parked"
            yield SettingProblem(("preset",), message, "add domain: pbx.example.com")
        if self.slot_name.count("{slot}") != 1:
            message = f"'{self.slot_name}' does not say where the number of the slot stands"
            yield SettingProblem(("slot_name",), message, "write it with {slot} in it: *{slot}")


def _one_word(text: str, *path: str) -> Iterator[SettingProblem]:
    """Look at what becomes a part of FreeSWITCH's commands, where some signs separate."""
    if not text.isprintable() or set(text) & set(" ;^'\""):
        message = f"'{text}' has a sign that separates words in FreeSWITCH's commands"
        yield SettingProblem(path, message, "leave out spaces, quotes, ; and ^")


def _open(
    target: Target, settings: FreeSwitchSettings, context: Context
) -> AbstractAsyncContextManager[Connection]:
    from scenario_runner.pbx.freeswitch.connection import FreeSwitch

    return FreeSwitch(target, settings, context).opened()


DRIVER = Driver("freeswitch", FreeSwitchSettings, _open)
