"""What each driver's own settings mean: one function for each driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, cast
from urllib.parse import SplitResult, urlsplit

from scenario_runner.durations import SECOND
from scenario_runner.model.target import (
    AddedSettings,
    AsteriskSettings,
    DriverSettings,
    EventSettings,
    FreeSwitchSettings,
    Headless,
    MockSettings,
    RestAccess,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.loading.target_entries import Entry

_THIS_MACHINE = ("localhost", "::1", "in this process")


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
        max_at_once=entry.number("max_at_once", 4),
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


def is_this_machine(host: str) -> bool:
    """Tell whether a host, with or without a port, is this machine."""
    name = urlsplit(f"//{host}").hostname or host
    return name in _THIS_MACHINE or name.startswith("127.")
