"""Targets files: found beside the scenarios or above, read, and one target made of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn, cast
from urllib.parse import SplitResult, urlsplit

from scenario_runner.durations import MINUTE, SECOND, parse_duration
from scenario_runner.errors import InvalidFiles, TargetError, did_you_mean
from scenario_runner.http.hosts import is_this_machine
from scenario_runner.language.target import (
    AT_ONCE,
    AddedSettings,
    Allow,
    AsteriskSettings,
    DriverSettings,
    EventSettings,
    FreeSwitchSettings,
    Headless,
    MockSettings,
    RestAccess,
    Target,
)
from scenario_runner.language.vocabulary import Reason
from scenario_runner.loading.files import read_text
from scenario_runner.loading.names import Names
from scenario_runner.loading.nodes import (
    Leaf,
    Listing,
    Mapping,
    Problems,
    Unreadable,
    as_map,
    items,
    text_of,
)
from scenario_runner.loading.reader import Reading, duration_hint, expression, matcher
from scenario_runner.loading.schema_errors import check_with_file
from scenario_runner.loading.yaml import parse
from scenario_runner.masking import SHORTEST
from scenario_runner.references import Json, Reference, as_text, references, resolve
from scenario_runner.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Mapping as Map

    from scenario_runner.language.matchers import Matcher
    from scenario_runner.loading.nodes import Node
    from scenario_runner.masking import Mask


MOST_EXTENSIONS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A target as written, references resolved; `folder` is where its file stands."""

    name: str
    root: Mapping
    reading: Reading
    folder: Path

    def inside(self, key: str) -> Entry:
        """Return the map under a key, empty where there is none."""
        node = self.root.fields.get(key)
        root = node if isinstance(node, Mapping) else Mapping(self.root.span, flow=False)
        return Entry(name=self.name, root=root, reading=self.reading, folder=self.folder)

    def has(self, key: str) -> bool:
        """Tell whether the key is there."""
        return key in self.root.fields

    def span(self, key: str) -> Span:
        """Return where the value of a key stands."""
        node = self.root.fields.get(key)
        return self.root.span if node is None else node.span

    def text(self, key: str, default: str = "") -> str:
        """Return a value's text as typed."""
        return text_of(self.root.fields[key]) if self.has(key) else default

    def number(self, key: str, default: int) -> int:
        """Return a whole number, which the schema has made sure of."""
        node = self.root.fields.get(key)
        return node.value if isinstance(node, Leaf) and isinstance(node.value, int) else default

    def truth(self, key: str) -> bool | None:
        """Return true, false, or None where nothing is said."""
        node = self.root.fields.get(key)
        return node.value is True if isinstance(node, Leaf) else None

    def duration(self, key: str, default: int) -> int:
        """Return a duration in microseconds; what is none is reported."""
        if not self.has(key):
            return default
        text = self.text(key)
        found = parse_duration(text)
        if found is None:
            self.wrong(key, f"'{text}' is no duration", duration_hint(text), code="bad-duration")
        elif found < SECOND:
            self.wrong(key, f"{text} is too short", "write 1s or more", code="out-of-range")
        return found or default

    def wrong(self, key: str, message: str, hint: str, *, code: str = "wrong-value") -> None:
        """Report what is wrong with the value of a key."""
        self.reading.problem(code, message, self.span(key), hint)

    def slots(self) -> tuple[int, int]:
        """Return the inclusive range of slots: `20` means 1 to 20."""
        text = self.text("slots", "20")
        first, dash, last = text.partition("-")
        if not dash:
            first, last = "1", text
        pair = _range(first, last)
        if pair is None:
            self.wrong("slots", f"'{text}' is no range of slots", "write 20, or 5-15")
            return 1, 20
        return pair

    def park_timeout(self) -> int:
        """Return how long a call stays parked."""
        return self.duration("park_timeout", 3 * MINUTE)

    def extensions(self) -> tuple[tuple[str, str], ...]:
        """Return the numbers of the extensions with the PBX's ids, empty where none is told."""
        match self.root.fields.get("extensions"):
            case None:
                return ()
            case Mapping() as node:
                return tuple((key, text_of(value)) for key, value in node.fields.items())
            case Listing() as node:
                return tuple((text_of(item), "") for item in node.items)
            case node:
                return self._extension_range(text_of(node))

    def _extension_range(self, text: str) -> tuple[tuple[str, str], ...]:
        first, dash, last = text.partition("-")
        pair = _range(first, last if dash else first)
        if pair is None or pair[1] - pair[0] >= MOST_EXTENSIONS:
            self.wrong(
                "extensions", f"'{text}' is no range of extensions",
                "write 341-360, [341, 342], or a map of numbers to ids",
            )  # fmt: skip
            return ()
        return tuple((str(number), "") for number in range(pair[0], pair[1] + 1))

    def reasons(self) -> tuple[tuple[Reason, Matcher], ...]:
        """Return what the PBX's words mean."""
        taught = self.inside("reasons").root
        return tuple(
            (Reason(word), matcher(node, self.reading)) for word, node in taught.fields.items()
        )

    def allow(self) -> Allow:
        """Return what a run may do."""
        inner = self.inside("allow")
        numbers = inner.root.fields.get("numbers")
        most = inner.number("max_calls", 0)
        longest = inner.duration("max_duration", 0)
        return Allow(
            numbers=None if numbers is None else _numbers(numbers, self.reading),
            max_calls=most or None,
            max_duration=longest or None,
            random_bridge=inner.truth("random_bridge"),
        )


def _numbers(node: Node, reading: Reading) -> tuple[Matcher, ...]:
    return tuple(matcher(item, reading) for item in items(node))


def _range(first: str, last: str) -> tuple[int, int] | None:
    if not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in (first, last)):
        return None
    low, high = int(first), int(last)
    return (low, high) if 1 <= low <= high else None


class Located(NamedTuple):
    """A driver's settings, the host for people, and the root for requests repeated by hand."""

    settings: DriverSettings
    host: str
    base_url: str = ""


def _mock(entry: Entry) -> Located:
    if entry.has("extensions") and any(tag for _, tag in entry.extensions()):
        entry.wrong("extensions", "the mock gives its extensions ids of its own", "write 341-360")
    settings = MockSettings(profile=entry.text("profile", "vendor"))
    return Located(settings, "in this process", "http://127.0.0.1:8080")


def _ringme(entry: Entry) -> Located:
    parts = _url(entry, "url", path=False)
    profile, calls = entry.inside("profile"), entry.text("calls", "callback")
    method = profile.text("event_method", "POST")
    proxy = entry.text("proxy")
    if proxy:
        _url(entry, "proxy")
    settings = RestAccess(
        url=entry.text("url").rstrip("/"),
        client_id=entry.text("client_id"),
        client_secret=entry.text("client_secret"),
        username=entry.text("username"),
        password=entry.text("password"),
        api_path=entry.text("api_path", "/api/ver1.0").rstrip("/"),
        token_path=entry.text("token_path", "/oauth/token"),
        ca_file=_file(entry, "ca_file"),
        proxy=proxy,
        calls=cast("Literal['callback', 'wait', 'control']", calls),
        events=_events(entry.inside("events")) if entry.has("events") else None,
        max_at_once=entry.number("max_at_once", AT_ONCE),
        empty_slot_404=profile.text("empty_slot") == "not-found",
        pickup=profile.duration("pickup", 0),
        event_method=cast("Literal['GET', 'POST']", method),
    )
    if bool(settings.username) != bool(settings.password):
        given, lacking = ("username", "password")[:: 1 if settings.username else -1]
        entry.wrong(given, f"'{given}' needs '{lacking}' beside it", f"add {lacking}")
    return Located(settings, parts.netloc, settings.url)


def _events(entry: Entry) -> EventSettings:
    listen = entry.text("listen")
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and int(port) < 65536):
        entry.wrong("listen", f"'{listen}' is no address and port", "write 127.0.0.1:8090")
        return EventSettings()
    public = entry.text("public_url").rstrip("/")
    if public:
        _url(entry, "public_url")
    return EventSettings(host=host.strip("[]"), port=int(port), public_url=public)


def _url(entry: Entry, key: str, *, path: bool = True) -> SplitResult:
    """Check a URL; without `path` it must be a host's root."""
    text = entry.text(key)
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        bare = text.rpartition("://")[2] or "pbx.example.com"
        entry.wrong(key, f"'{key}' is no URL of a host", f"write https://{bare}")
        return urlsplit("http://localhost")
    if not path and ("@" in parts.netloc or parts.query or parts.fragment):
        entry.wrong(key, f"'{key}' is more than a host's root", "write https://HOST and no more")
    elif not path and parts.path.strip("/"):
        hint = "write https://HOST; where the API begins is said by 'api_path'"
        entry.wrong(key, f"'{key}' is the host's root, without a path", hint)
    return parts


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return None if any(letter.isspace() for letter in text) else parts


def _file(entry: Entry, key: str) -> str:
    text = entry.text(key)
    if not text:
        return ""
    file = entry.folder / text
    if not file.is_file():
        entry.wrong(key, f"there is no file '{text}'", f"it is looked for in {entry.folder}",
                    code="no-such-file")  # fmt: skip
    return str(file)


def _added(entry: Entry) -> Located:
    options = {key: value for key, value in entry.root.data.items() if key not in _COMMON}
    host = entry.text("host") or urlsplit(entry.text("url")).netloc
    return Located(AddedSettings(options=tuple(options.items())), host or "unknown host")


_COMMON = (
    "driver", "description", "slots", "park_timeout", "extensions", "reasons", "allow", "protected",
)  # fmt: skip


def _asterisk(entry: Entry) -> Located:
    for key in ("extension", "party"):
        _dialled(entry, key)
    calls = cast("Literal['originate', 'wait']", entry.text("calls", "originate"))
    settings = AsteriskSettings(
        host=entry.text("host", "127.0.0.1"),
        port=entry.number("port", 5038),
        username=entry.text("username"),
        password=entry.text("password"),
        lot=entry.text("lot", "default"),
        first_space=entry.number("first_space", 0) or None,
        extension=entry.text("extension", "PJSIP/{number}"),
        party=entry.text("party", "Local/{number}@outside/n"),
        dial_context=entry.text("dial_context", "scenario-runner"),
        retrieve_context=entry.text("retrieve_context", "parkedcalls"),
        calls=calls,
        headless=_headless(entry.inside("headless")) if entry.has("headless") else None,
    )
    if entry.duration("park_timeout", SECOND) % SECOND:
        message = "Asterisk counts whole seconds"
        entry.wrong("park_timeout", message, "write whole seconds, such as 4s")
    return Located(settings, f"{settings.host}:{settings.port}")


def _headless(entry: Entry) -> Headless:
    for key in ("extension", "party"):
        _dialled(entry, key)
    return Headless(
        extension=entry.text("extension"),
        party=entry.text("party"),
        answer=entry.text("answer", "answer"),
    )


def _freeswitch(entry: Entry) -> Located:
    for key in ("extension", "party"):
        _dialled(entry, key, "null/{number}")
    for key in ("extension", "party", "lot", "return_context"):
        _one_word(entry, key)
    own = entry.inside("extensions")
    for number in own.root.fields:
        _one_word(own, number)
    calls = cast("Literal['originate', 'wait']", entry.text("calls", "originate"))
    if calls == "wait" and not entry.has("extensions"):
        hint = "add extensions: 341-360, or what numbers they have"
        entry.wrong("calls", "to know whose calls to wait for, 'wait' needs 'extensions'", hint)
    settings = FreeSwitchSettings(
        host=entry.text("host", "127.0.0.1"),
        port=entry.number("port", 8021),
        password=entry.text("password", "ClueCon"),
        lot=entry.text("lot"),
        extension=entry.text("extension", "null/{number}"),
        party=entry.text("party", "null/{number}"),
        return_context=entry.text("return_context"),
        return_rings=entry.duration("return_rings", 30 * SECOND),
        calls=calls,
    )
    for key in ("park_timeout", "return_rings"):
        if entry.duration(key, SECOND) % SECOND:
            message = "FreeSWITCH counts whole seconds"
            entry.wrong(key, message, "write whole seconds, such as 4s")
    return Located(settings, f"{settings.host}:{settings.port}")


def _one_word(entry: Entry, key: str) -> None:
    """Check what becomes a part of FreeSWITCH's commands, where some signs separate."""
    text = entry.text(key)
    if not text.isprintable() or set(text) & set(" ;^'\""):
        message = f"'{text}' has a sign that separates words in FreeSWITCH's commands"
        entry.wrong(key, message, "leave out spaces, quotes, ; and ^")


def _dialled(entry: Entry, key: str, example: str = "PJSIP/{number}") -> None:
    """Check what a PBX is to dial: a technology, a slash, and the number somewhere."""
    text = entry.text(key)
    if text and not (text.partition("/")[1] and "{number}" in text):
        message = f"'{text}' is nothing to dial for a number"
        entry.wrong(key, message, f"write it with {{number}} in it: {example}")


SETTINGS: dict[str, Callable[[Entry], Located]] = {
    "asterisk": _asterisk,
    "freeswitch": _freeswitch,
    "mock": _mock,
    "ringme": _ringme,
}


def settings_of(entry: Entry, driver: str) -> Located:
    """Return the settings of a target; what is wrong with them is reported."""
    return SETTINGS.get(driver, _added)(entry)


_CREDENTIALS = ("client_secret", "password")
_BEGIN = "write 'targets:', below it the name of a target, and below that 'driver:'"
FILE_NAMES = ("scenario-targets.yaml", "scenario-targets.yml")


def find_targets(paths: Sequence[str]) -> str | None:
    """Return the targets file beside the scenarios or in a folder above, or None.

    Folders are looked at up to the root of the repository (or of the disk). Raises TargetError
    where the paths lead to different files.
    """
    found = list(dict.fromkeys(file for path in paths for file in _above(Path(path))))
    if len(found) > 1:
        raise TargetError(
            f"the scenarios stand below different targets files: {' and '.join(found[:2])}",
            hint="name the one that is meant with --targets",
        )
    return found[0] if found else None


def _above(path: Path) -> Iterator[str]:
    """Yield the nearest targets file, as it is shown to people."""
    start = path.absolute()
    here = Path.cwd()
    for folder in (start, *start.parents):
        for name in FILE_NAMES:
            file = folder / name
            if file.is_file():
                yield str(file.relative_to(here)) if file.is_relative_to(here) else str(file)
                return
        if (folder / ".git").exists():
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsFile:
    """A targets file whose schema is fulfilled; a target is made only when it is asked for."""

    file: str
    default: str
    entries: dict[str, Mapping]

    def target(self, name: str, environment: Map[str, str], mask: Mask) -> Target:
        """Make the target of this name.

        `$env.NAME` and `$secret.NAME` are read from `environment`, and the values of the latter
        hidden by `mask`. Raises TargetError for a name or a variable that is missing, and
        InvalidFiles for values that make no sense.
        """
        root = self.entries.get(name)
        if root is None:
            known = ", ".join(self.entries)
            hint = did_you_mean(name, self.entries) or f"{self.file} has: {known}"
            raise TargetError(f"there is no target '{name}' in {self.file}", hint=hint)
        variables = _Variables(name, environment, mask)
        problems = Problems()
        entry = Entry(
            name=name,
            root=as_map(_resolved(root, variables.find)),
            reading=_reading(self.file, problems),
            folder=Path(self.file).absolute().parent,
        )
        for key in _CREDENTIALS:
            _hide(entry.text(key), mask)
        target = _target(entry)
        if problems.errors:
            raise InvalidFiles(problems.in_order())
        return target

    def description(self, name: str) -> str:
        """Return what the file says about a target in words."""
        return text_of(self.entries[name].fields.get("description"))


def read_targets(path: str, added: Callable[[], Sequence[str]] = tuple) -> TargetsFile:
    """Read a targets file; `added` tells which drivers are known besides the runner's own.

    Raises TargetError where there is no such file, InvalidFiles for what is wrong in it.
    """
    if not Path(path).is_file():
        names = [entry.name for entry in Path(path).parent.glob("*.y*ml")]
        hint = did_you_mean(Path(path).name, names) or "--targets wants the name of a YAML file"
        raise TargetError(f"there is no targets file '{path}'", hint=hint)
    problems = Problems()
    try:
        root = _root(path, problems)
    except Unreadable as error:
        raise InvalidFiles((error.problem,)) from None
    entries = {name: as_map(node) for name, node in as_map(root.fields["targets"]).fields.items()}
    for entry in entries.values():
        if text_of(entry.fields["driver"]) not in SETTINGS:
            _check_driver(entry.fields["driver"], (*SETTINGS, *added()), problems)
    _check_references(root, _reading(path, problems))
    default = root.fields.get("default")
    if default is not None and text_of(default) not in entries and text_of(default) != "mock":
        hint = did_you_mean(text_of(default), entries) or f"known are: {', '.join(entries)}"
        problems.add("unknown-word", f"there is no target '{text_of(default)}'", default.span, hint)
    _raise(problems)
    return TargetsFile(file=path, default=text_of(default) or "mock", entries=entries)


def _root(path: str, problems: Problems) -> Mapping:
    documents = parse(read_text(Path(path), path), path, problems)
    if not documents:
        start = Span(path, 1, 1, 1, 1)
        problems.add("empty-file", "there is nothing in this file", start, _BEGIN)
    _raise(problems)
    if len(documents) != 1:
        raise TargetError(f"{path} must be one YAML document", hint="write 'targets:' once")
    check_with_file("targets", documents[0], problems)
    _raise(problems)
    return as_map(documents[0].root)


def _raise(problems: Problems) -> None:
    if problems.errors:
        raise InvalidFiles(problems.in_order())


def _check_driver(node: Node, known: tuple[str, ...], problems: Problems) -> None:
    if text_of(node) not in known:
        hint = did_you_mean(text_of(node), known) or f"known are: {', '.join(known)}"
        problems.add("unknown-word", f"'{text_of(node)}' is no driver", node.span, hint)


def _reading(file: str, problems: Problems) -> Reading:
    return Reading(file, problems, Names(problems))


def _check_references(root: Node, reading: Reading) -> None:
    """Report references to anything but the environment."""
    for leaf in _leaves(root):
        if "$" not in leaf.text or not isinstance(leaf.value, str):
            continue
        before = reading.problems.errors
        for reference in references(expression(leaf, reading)):
            if reference.name not in ("env", "secret") and reading.problems.errors == before:
                reading.problem(
                    "undefined-name", f"{reference} means nothing in a targets file",
                    reference.span, "write $env.NAME or $secret.NAME; a plain dollar is $$",
                )  # fmt: skip


def _leaves(node: Node) -> Iterator[Leaf]:
    match node:
        case Leaf():
            yield node
        case Mapping():
            for value in node.fields.values():
                yield from _leaves(value)
        case Listing():
            for item in node.items:
                yield from _leaves(item)


class _Variables:
    """Looks environment variables up for one target."""

    def __init__(self, target: str, environment: Map[str, str], mask: Mask) -> None:
        self._target = target
        self._environment = environment
        self._mask = mask

    def find(self, reference: Reference) -> str:
        """Return the value of a variable; raise TargetError where it is missing or empty."""
        name = str(reference.path[0])
        value = self._environment.get(name)
        if not value:
            self._missing(name, reference, "is not set" if value is None else "is empty")
        if reference.name == "secret":
            self._mask.add(value, name=f"$secret.{name}")
        return value

    def _missing(self, name: str, reference: Reference, what: str) -> NoReturn:
        raise TargetError(
            f"the target '{self._target}' needs the environment variable {name}, which {what}",
            hint=f"set it for this command: {name}=… scenario-runner …; {reference.span} names it",
        )


def _resolved(node: Node, find: Callable[[Reference], str]) -> Node:
    """Return the tree with the values of references in place of them."""
    match node:
        case Mapping():
            fields = {key: _resolved(value, find) for key, value in node.fields.items()}
            data: dict[str, Json] = {key: value.data for key, value in fields.items()}
            return Mapping(node.span, flow=node.flow, keys=node.keys, fields=fields, data=data)
        case Listing():
            items = [_resolved(item, find) for item in node.items]
            return Listing(node.span, node.flow, items, [item.data for item in items])
        case Leaf(value=str() as text) if "$" in text:
            made = expression(node, _reading(node.span.file, Problems()))
            value = as_text(resolve(made, find))
            return Leaf(text=value, value=value, plain=False, span=node.span)
        case Leaf():
            return node


def _hide(secret: str, mask: Mask) -> None:
    """Hide a credential that is written out in the file, unless it is too short to be hidden."""
    if len(secret) >= SHORTEST:
        mask.add(secret, name="a credential")


def _elsewhere(located: Located) -> bool:
    in_this_process = isinstance(located.settings, MockSettings)
    return not (in_this_process or is_this_machine(located.host))


def _target(entry: Entry) -> Target:
    driver = entry.text("driver")
    located = settings_of(entry, driver)
    protected = entry.truth("protected")
    return Target(
        name=entry.name,
        driver=driver,
        host=located.host,
        base_url=located.base_url,
        settings=located.settings,
        slots=entry.slots(),
        park_timeout=entry.park_timeout(),
        extensions=entry.extensions(),
        reasons=entry.reasons(),
        allow=entry.allow(),
        protected=_elsewhere(located) if protected is None else protected,
    )
