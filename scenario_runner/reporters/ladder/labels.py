"""Short labels for arrows: what was sent and answered, in as few letters as still say it."""

from __future__ import annotations

import re

from scenario_runner.durations import duration_text

_LONG_ID = re.compile(r"[0-9A-Za-z-]{17,}")
_BODY = 44
_PATH_PARTS = 2
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def one_line(text: str) -> str:
    """Return text of any origin as one printable line."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return _UNPRINTABLE.sub(_printable, " ".join(text.split()))


def _printable(found: re.Match[str]) -> str:
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in found[0]
    )


def shortened(text: str, room: int) -> str:
    """Cut text to `room` letters, with an ellipsis where something is missing."""
    if len(text) <= room:
        return text
    return text[: max(0, room - 1)].rstrip() + "…"


def clock_text(at: int) -> str:
    """Write a moment: `0s`, `820ms`, `3m10.2s`; below a millisecond nothing is told."""
    return duration_text(at - at % 1000) if at >= 1000 else "0s"


def request_label(sent: str) -> str:
    """Return `PUT valet_park/… {slot: 6}` for a request as text."""
    head, _, body = sent.partition("\n\n")
    first = head.partition("\n")[0]
    words = first.split(" ", 1)
    if len(words) == 2 and words[1].startswith("/"):
        first = f"{words[0]} {_path(words[1])}"
    return _with_body(first, body)


def answer_label(received: str) -> str:
    """Return `200 {slot: 6}` for an answer as text."""
    head, _, body = received.partition("\n\n")
    return _with_body(head.partition("\n")[0], body)


def _path(path: str) -> str:
    """Keep the end of a path, without the ids: those are told beside the diagram."""
    parts = path.partition("?")[0].strip("/").split("/")
    return "/" * (len(parts) <= _PATH_PARTS) + _LONG_ID.sub("…", "/".join(parts[-_PATH_PARTS:]))


def _with_body(first: str, body: str) -> str:
    said = body[: 4 * _BODY].replace('"', "")
    text = f"{first} {said}" if body else first
    text = _LONG_ID.sub(lambda found: found[0][:8] + "…", one_line(text))
    return shortened(text, len(first) + 1 + _BODY)
