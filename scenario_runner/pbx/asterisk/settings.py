"""What a targets file says of an Asterisk, and the driver that it is for."""

# Annotations are evaluated here: the kinds in them are read where a schema or a reader is made.
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Annotated, ClassVar, Literal

from scenario_runner.language.settings import (
    FILE,
    FLAG,
    LINE,
    NUMBER,
    PORT,
    SECRET,
    WORD,
    Section,
    SettingProblem,
    section,
)
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


class Headless(Section, frozen=True, kw_only=True):
    """Parties without phones that ring until told to answer, for `answered: false` and `answer`.

    `extension` and `party` are what is dialled then, with `{number}` in them; `answer` is the
    extension of their own context that answers.

    - extension: How Asterisk reaches an extension that rings: Local/{number}@desk-rings/n
    - party: How Asterisk reaches a person outside that rings: Local/{number}@outside-rings/n
    - answer: Where in its own context such a party is sent to answer; 'answer' by default.
    """

    extension: Annotated[str, FOR_EXTENSION]
    party: Annotated[str, FOR_PARTY]
    answer: Annotated[str, LINE(noun="an extension of the dialplan")] = "answer"


class AsteriskSettings(TrackedSettings, frozen=True, kw_only=True):
    """An Asterisk, spoken to over its manager interface (AMI).

    `extension` and `party` are what Asterisk dials to reach an extension or a person outside, with
    `{number}` in them; a target's `extensions` may name it for one extension. `first_space` is the
    space of the lot that is the first slot (None: they are numbered alike). `dial_context` and
    `retrieve_context` are contexts of the dialplan, see the page about Asterisk.

    - host: Where Asterisk's manager interface listens; 127.0.0.1 by default.
    - port: The port of the manager interface (manager.conf); 5038 by default.
    - username: The name of a user in manager.conf: the word in brackets above its settings.
    - password: That user's secret; keep it out of the file: $secret.AMI_PASSWORD
    - preset: The PBX that Asterisk is a part of: with 'freepbx' the lot, its slots 71-78 and the
      context of its phones are known. What the target says itself counts more.
    - tls: true where that port speaks TLS (tlsbindaddr in manager.conf); usually it is 5039 then.
    - ca_file: A file of certificates (PEM) to trust in place of the usual ones, relative to this
      file.
    - lot: The lot of res_parking.conf to park in; 'default' by default.
    - lot_dynamic: true where Asterisk makes the lot when a call is first parked in it
      (parkeddynamic); then it is not looked for before.
    - first_space: The lot's space that is the first slot: with slots 1-20 and first_space 701, slot
      6 is space 706. By default slots and spaces have the same numbers.
    - extension: How Asterisk reaches an extension, with {number} in it: PJSIP/{number} by
      default. The map 'extensions' may say it for one extension: {"341": PJSIP/alice}.
    - party: How Asterisk reaches the person at the other end, with {number} in it:
      Local/{number}@outside/n by default, a context of your dialplan.
    - dial_context: Where the extension 'dial' stands that connects a call's two ends;
      'scenario-runner' by default.
    - dial_extension: That extension's name; 'dial' by default.
    - retrieve_context: The parking lot's own context, in which its spaces can be dialled;
      'parkedcalls' by default.
    - reconnect: How long a lost connection is tried anew, for a PBX that restarts; 10s by
      default.
    - calls: How 'call' steps come about: 'originate' lets Asterisk dial both ends (the default),
      'wait' asks a person to dial.
    - headless: Parties without phones that ring until they are told to answer; with them 'answered:
      false' and 'answer' work.
    """

    about: ClassVar[str] = "Asterisk's manager interface"
    pbx: ClassVar[str] = "Asterisk"
    example: ClassVar[str] = "PJSIP/{number}"
    # A burst of 64 calls ended the process of Asterisk 22 twice, 32 never (measured).
    most_at_once: ClassVar[int] = 32
    presets: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "freepbx": {
            "lot": "default",
            "slots": "71-78",
            "park_timeout": "45s",
            "retrieve_context": "from-internal",
        }
    }

    port: Annotated[int, PORT] = 5038
    username: Annotated[str, WORD]
    password: Annotated[str, SECRET]
    preset: Annotated[Literal["freepbx"] | None, PRESET(enum=["freepbx"])] = None
    tls: Annotated[bool, FLAG] = False
    ca_file: Annotated[str, FILE] = ""
    lot: Annotated[str, LOT] = "default"
    lot_dynamic: Annotated[bool, FLAG] = False
    first_space: Annotated[int | None, NUMBER(minimum=1)] = None
    extension: Annotated[str, FOR_EXTENSION(examples=["PJSIP/{number}"])] = "PJSIP/{number}"
    party: Annotated[str, FOR_PARTY(examples=["Local/{number}@outside/n"])] = (
        "Local/{number}@outside/n"
    )
    dial_context: Annotated[str, CONTEXT] = "scenario-runner"
    dial_extension: Annotated[str, LINE(noun="an extension of the dialplan")] = "dial"
    retrieve_context: Annotated[str, CONTEXT] = "parkedcalls"
    headless: Annotated[Headless | None, section(Headless)] = None

    def problems(self, target: Target) -> Iterator[SettingProblem]:
        """Look at what is dialled for parties without phones, too, and at TLS."""
        yield from super().problems(target)
        if self.ca_file and not self.tls:
            message = "certificates are for TLS, and this port is spoken to without it"
            yield SettingProblem(("ca_file",), message, "add `tls: true`, or leave out ca_file")
        if self.headless is not None:
            yield from self.dialled(self.headless.extension, "headless", "extension")
            yield from self.dialled(self.headless.party, "headless", "party")


def _open(
    target: Target, settings: AsteriskSettings, context: Context
) -> AbstractAsyncContextManager[Connection]:
    from scenario_runner.pbx.asterisk.connection import Asterisk

    return Asterisk(target, settings, context).opened()


DRIVER = Driver("asterisk", AsteriskSettings, _open)
