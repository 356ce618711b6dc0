"""What a targets file says of a PBX of the RingMe dialect, and the driver that it is for."""

# Annotations are evaluated here: the kinds in them are read where a schema or a reader is made.
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Annotated, ClassVar, Literal

from scenario_runner.http.hosts import is_this_machine
from scenario_runner.language.kinds import TEXT
from scenario_runner.language.settings import (
    ADDRESS,
    FILE,
    LINE,
    NUMBER,
    PATH,
    ROOT_PATH,
    SECRET,
    TIME,
    URL,
    WORD,
    Address,
    Section,
    SettingProblem,
    Settings,
    choice,
    host_of,
    root_problems,
    section,
    url_problems,
)
from scenario_runner.language.target import Target
from scenario_runner.pbx.drivers import Context, Driver
from scenario_runner.pbx.protocol import Connection

AT_ONCE = 16
"""Requests on their way at once: an answer is mostly waited for, so that fewer would queue."""


class EventSettings(Section, frozen=True, kw_only=True):
    """Where the PBX can deliver events: the address to listen at, and how the PBX reaches it.

    An empty `public_url` stands for the address itself.

    - listen: The address and port to listen at: 127.0.0.1:8090. Port 0 takes any free one.
    - public_url: How the PBX reaches that address: https://ci.example.com/hook. By default
      the address itself.
    """

    listen: Annotated[Address, ADDRESS] = Address("127.0.0.1", 0)
    public_url: Annotated[str, URL] = ""


class RestProfile(Section, frozen=True, kw_only=True):
    """What the vendor's pages leave open; a `pickup` of 0 microseconds is the PBX's own choice.

    - empty_slot: How an empty slot is told: by no UUID (null, the default), or by status 404
      (not-found).
    - pickup: How long a callback lets the first party ring; the PBX's own choice by default.
    - event_method: How events are to be delivered; POST by default.
    """

    empty_slot: Annotated[
        Literal["null", "not-found"],
        TEXT(noun="null or not-found", type=["string", "null"], enum=["null", "not-found", None]),
    ] = "null"
    pickup: Annotated[int, TIME] = 0
    event_method: Annotated[Literal["GET", "POST"], choice("GET", "POST")] = "POST"


class RestAccess(Settings, frozen=True, kw_only=True):
    """A PBX with the REST API of RingMe, Telphin and their kin, over HTTP.

    `url` is the host's root. `calls` says how `call` steps come about: asked of the PBX
    (callback), dialled by a person (wait), or through a mock's own `/mock/calls` (control).
    Without `events` the current calls are polled.

    - url: The host's root: https://pbx.example.com
    - client_id: The application's id: $env.PBX_CLIENT_ID
    - client_secret: The application's secret; keep it out of the file: $secret.PBX_CLIENT_SECRET
    - username: The user of an application of type password_credentials; with it a token is asked
      for by password.
    - password: That user's password; keep it out of the file: $secret.PBX_PASSWORD
    - api_path: Where the API begins below the host's root; /api/ver1.0 by default.
    - token_path: Where tokens are given; /oauth/token by default.
    - ca_file: A file of certificates (PEM) to trust in place of the usual ones, relative to this
      file.
    - proxy: The proxy to go through: http://proxy.example.com:3128. The environment's proxies are
      not used; $env.HTTPS_PROXY names one.
    - max_at_once: How many requests may be on their way at once; 16 by default.
    - calls: How 'call' steps come about: 'callback' asks the PBX to call (the default), 'wait' asks
      a person to dial, 'control' uses a served mock's own /mock/calls.
    - events: Where the PBX can deliver its events. Without it the current calls are asked for again
      and again, which serves as well.
    - profile: What this PBX does where the vendor's documentation is silent.
    """

    about: ClassVar[str] = "the REST dialect of RingMe, Telphin and their kin"

    url: Annotated[str, URL(examples=["https://pbx.example.com"])]
    client_id: Annotated[str, WORD]
    client_secret: Annotated[str, SECRET]
    username: Annotated[str, LINE] = ""
    password: Annotated[str, SECRET(type="string")] = ""
    api_path: Annotated[str, ROOT_PATH] = "/api/ver1.0"
    token_path: Annotated[str, PATH] = "/oauth/token"
    ca_file: Annotated[str, FILE] = ""
    proxy: Annotated[str, SECRET(noun="a URL", type="string")] = ""
    max_at_once: Annotated[int, NUMBER(minimum=1, maximum=100)] = AT_ONCE
    calls: Annotated[
        Literal["callback", "wait", "control"], choice("callback", "wait", "control")
    ] = "callback"
    events: Annotated[EventSettings | None, section(EventSettings, required=["listen"])] = None
    profile: Annotated[RestProfile, section(RestProfile)] = RestProfile()

    @property
    def place(self) -> str:
        """The host, with its port where one is said."""
        return host_of(self.url)

    @property
    def base_url(self) -> str:
        """The host's root."""
        return self.url

    @property
    def is_overheard(self) -> bool:
        """Whether the credentials would go to another machine unencrypted."""
        return self.url.startswith("http://") and not is_this_machine(self.place)

    def problems(self, target: Target) -> Iterator[SettingProblem]:
        """Look at the URLs, and whether a user has a password, and a password a user."""
        del target
        yield from url_problems(self.url, "url")
        yield from root_problems(self.url, "url", "where the API begins is said by 'api_path'")
        if self.proxy:
            yield from url_problems(self.proxy, "proxy")
        if self.events is not None and self.events.public_url:
            yield from url_problems(self.events.public_url, "events", "public_url")
        if bool(self.username) != bool(self.password):
            given, lacking = ("username", "password")[:: 1 if self.username else -1]
            message = f"'{given}' needs '{lacking}' beside it"
            yield SettingProblem((given,), message, f"add {lacking}")


def _open(
    target: Target, settings: RestAccess, context: Context
) -> AbstractAsyncContextManager[Connection]:
    from scenario_runner.pbx.ringme.opening import open_ringme

    return open_ringme(target, settings, context)


DRIVER = Driver("ringme", RestAccess, _open)
