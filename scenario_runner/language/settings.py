"""What a driver's settings are declared with: their base, and the kinds of their values.

A driver declares a subclass of `Settings`; each field that stands in a targets file carries a kind:

    class ShelfSettings(Settings, frozen=True, kw_only=True):
        host: Annotated[str, HOST] = "127.0.0.1"
        password: Annotated[str, SECRET]

What each key means is said by a list in the docstring: `- host: Where the shelf is.`

From that come the JSON Schema of such targets, the reading of them with places and messages, and
what is masked. A module that declares settings does not put off the evaluation of annotations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct
from msgspec.structs import force_setattr

from scenario_runner.language.kinds import DURATION, TEXT, Kind, keys_of, many

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scenario_runner.language.target import Target


class Secret(str):
    """A text that stands in no repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Address(NamedTuple):
    """A host and a port to listen at; port 0 takes any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address | None:
        """Read `host:port`, the host of IPv6 in brackets; None for anything else."""
        host, _, port = text.rpartition(":")
        if not host or not (port.isascii() and port.isdigit() and int(port) < 65536):
            return None
        return cls(host.strip("[]"), int(port))


class SettingProblem(NamedTuple):
    """What is wrong with a setting: the keys that lead to it, what, and how to put it right."""

    path: tuple[str, ...]
    message: str
    hint: str


class Section(Struct, frozen=True, kw_only=True):
    """A map of settings; its secrets stand in no repr."""

    def __post_init__(self) -> None:
        for key in keys_of(type(self)):
            if key.kind.name == "secret":
                force_setattr(self, key.field, Secret(getattr(self, key.field)))


class Settings(Section, frozen=True, kw_only=True):
    """What a targets file says to one driver, beside what it says of every target.

    `leaves_out` are keys of every target that mean nothing to this driver; `in_this_process` says
    that there is no host that could be a wrong one. `about` says in a few
    words what the driver speaks to. A driver with `presets` declares a key `preset`, too.
    """

    about: ClassVar[str] = ""
    leaves_out: ClassVar[frozenset[str]] = frozenset()
    in_this_process: ClassVar[bool] = False
    most_at_once: ClassVar[int] = 64
    """How many scenarios run at once over a network where nobody chose a number."""
    presets: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """What each preset writes for keys that the file leaves out; `{KEY}` is what it says there."""

    @property
    def place(self) -> str:
        """Where the PBX is, for people: a host, perhaps with its port."""
        return "unknown host"

    @property
    def base_url(self) -> str:
        """The root for requests that are repeated by hand; "" where there is no HTTP."""
        return ""

    def problems(self, target: Target) -> Iterable[SettingProblem]:
        """Say what does not fit together: of these settings, and of the target they belong to."""
        del target
        return ()


SECRET = Kind(name="secret", noun="text", schema={"type": ["string", "integer"], "minLength": 1})
LINE = TEXT(minLength=1)
WORD = TEXT(type=["string", "integer"], minLength=1)
HOST = LINE(noun="a host name or address")
NUMBER = Kind(name="number", noun="a number", schema={"type": "integer"})
PORT = NUMBER(noun="a port", minimum=1, maximum=65535)
FLAG = Kind(name="flag", noun="true or false", schema={"type": "boolean"})
TIME = DURATION(name="time")
URL = Kind(name="url", noun="a URL", schema={"type": "string", "minLength": 1})
ADDRESS = Kind(name="address", noun="an address", schema={"type": "string", "minLength": 1})
FILE = Kind(name="file", noun="a file name", schema={"type": "string", "minLength": 1})
PATH = TEXT(noun="a path", pattern="^/")
ROOT_PATH = PATH(name="url")


def choice(*words: str) -> Kind:
    """Return the kind of a value that is one of these words."""
    noun = f"{', '.join(words[:-1])} or {words[-1]}"
    return TEXT(noun=noun, enum=list(words))


def section(declaration: type[Section], **schema: Any) -> Kind:  # noqa: ANN401 -- JSON
    """Return the kind of a map with the keys of a declaration."""
    return Kind(
        name="section", noun="a map", schema={"type": "object", **schema}, of=lambda: (declaration,)
    )


def sections(declaration: type[Section], noun: str) -> Kind:
    """Return the kind of a list of maps with the keys of a declaration."""
    needed = [key.word for key in keys_of(declaration) if key.required]
    item = section(declaration, required=needed)
    return many(item, noun=noun)(name="sections")


def url_problems(text: str, *path: str) -> Iterator[SettingProblem]:
    """Look whether the value that the keys lead to is the URL of a host."""
    if _parts(text) is None:
        bare = text.rpartition("://")[2] or "pbx.example.com"
        message = f"'{path[-1]}' is not the URL of a host"
        yield SettingProblem(path, message, f"write https://{bare}")


def root_problems(url: str, key: str, path_hint: str) -> Iterator[SettingProblem]:
    """Look whether a URL is no more than the root of a host."""
    parts = _parts(url)
    if parts is None:
        return
    if "@" in parts.netloc or parts.query or parts.fragment:
        message = f"'{key}' is more than a host's root"
        yield SettingProblem((key,), message, "write https://HOST and no more")
    elif parts.path.strip("/"):
        message = f"'{key}' is the host's root, without a path"
        yield SettingProblem((key,), message, f"write https://HOST; {path_hint}")


def host_of(url: str) -> str:
    """Return the host of a URL, with its port where one is said."""
    parts = _parts(url)
    return "localhost" if parts is None else parts.netloc


def _parts(url: str) -> SplitResult | None:
    """Split the URL of a host; None for anything else."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return None if any(letter.isspace() for letter in url) else parts
