"""What a scenario runs against: the settings of a target, one frozen class for each driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from scenario_runner.durations import MINUTE, SECOND

if TYPE_CHECKING:
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.language.vocabulary import Reason
    from scenario_runner.references import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class MockClient:
    """An application that may ask the mock for tokens, beside the runner itself.

    Access `call-api` reaches calls and not subscriptions, `none` reaches nothing. Without an
    `hourly_limit` of its own it has the mock's.
    """

    id: str
    secret: str = field(repr=False)
    access: Literal["all", "call-api", "none"] = "all"
    hourly_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MockSettings:
    """The mock PBX in this process; `profile` names what it does where the vendor is silent.

    Without `clients` any credentials are good for a token.
    """

    profile: str = "vendor"
    clients: tuple[MockClient, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Headless:
    """Parties without phones that ring until told to answer, for `answered: false` and `answer`.

    `extension` and `party` are what is dialled then, with `{number}` in them; `answer` is the
    extension of their own context that answers.
    """

    extension: str
    party: str
    answer: str = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskSettings:
    """An Asterisk, spoken to over its manager interface.

    `extension` and `party` are what Asterisk dials to reach an extension or a person outside, with
    `{number}` in them; a target's `extensions` may name it for one extension. `first_space` is the
    space of the lot that is the first slot (None: they are numbered alike). `dial_context` and
    `retrieve_context` are contexts of the dialplan, see the page about Asterisk.
    """

    host: str = "127.0.0.1"
    port: int = 5038
    username: str
    password: str = field(repr=False)
    lot: str = "default"
    first_space: int | None = None
    extension: str = "PJSIP/{number}"
    party: str = "Local/{number}@outside/n"
    dial_context: str = "scenario-runner"
    retrieve_context: str = "parkedcalls"
    calls: Literal["originate", "wait"] = "originate"
    headless: Headless | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeSwitchSettings:
    """A FreeSWITCH, spoken to over its event socket.

    `extension` and `party` are what FreeSWITCH dials to reach an extension or a person outside,
    with `{number}` in them; a target's `extensions` may name it for one extension. An empty `lot`
    stands for a fresh one in each scenario. A parked call returns by dialling its extension in
    `return_context` of the XML dialplan, or directly where that is empty; then it rings for
    `return_rings` microseconds.
    """

    host: str = "127.0.0.1"
    port: int = 8021
    password: str = field(default="ClueCon", repr=False)
    lot: str = ""
    extension: str = "null/{number}"
    party: str = "null/{number}"
    return_context: str = ""
    return_rings: int = 30 * SECOND
    calls: Literal["originate", "wait"] = "originate"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSettings:
    """Where the PBX can deliver events: the address to listen at, and how the PBX reaches it.

    `port` 0 takes any free one; an empty `public_url` stands for the address itself.
    """

    host: str = "127.0.0.1"
    port: int = 0
    public_url: str = ""


AT_ONCE = 16
"""Requests on their way at once: an answer is mostly waited for, so that fewer would queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestAccess:
    """A PBX of the RingMe dialect, spoken to over HTTP.

    `url` is the host's root. `calls` says how `call` steps come about: asked of the PBX
    (callback), dialled by a person (wait), or through a mock's own `/mock/calls` (control).
    Without `events` the current calls are polled. `empty_slot_404`, `pickup` (microseconds, 0: the
    PBX's own) and `event_method` are what the vendor's pages leave open.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    api_path: str = "/api/ver1.0"
    token_path: str = "/oauth/token"
    ca_file: str = ""
    proxy: str = field(default="", repr=False)
    calls: Literal["callback", "wait", "control"] = "callback"
    events: EventSettings | None = None
    max_at_once: int = AT_ONCE
    empty_slot_404: bool = False
    pickup: int = 0
    event_method: Literal["GET", "POST"] = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedSettings:
    """The settings of a driver that another package adds: as written, references resolved."""

    options: tuple[tuple[str, Json], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """What a run may do to the target; `None` sets no bound, `max_duration` is in microseconds."""

    numbers: tuple[Matcher, ...] | None = None
    max_calls: int | None = None
    max_duration: int | None = None
    random_bridge: bool | None = None


DriverSettings: TypeAlias = (
    MockSettings | RestAccess | AddedSettings | AsteriskSettings | FreeSwitchSettings
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A PBX to run against.

    `host` is for people, `base_url` the root for requests repeated by hand; `slots` is the
    inclusive range of slot numbers, `extensions` maps the numbers to the PBX's ids, `park_timeout`
    is in microseconds. `reasons` teach what the PBX's own words mean; a `protected` target is
    used only by permission that names its host.
    """

    name: str
    driver: str
    host: str
    base_url: str
    settings: DriverSettings
    slots: tuple[int, int] = (1, 20)
    park_timeout: int = 3 * MINUTE
    extensions: tuple[tuple[str, str], ...] = ()
    reasons: tuple[tuple[Reason, Matcher], ...] = ()
    allow: Allow = field(default_factory=Allow)
    protected: bool = False
