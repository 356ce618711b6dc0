"""Durations: `250ms`, `5s`, `3m10s`, `1h`, always whole microseconds inside the runner."""

from __future__ import annotations

import re
from functools import lru_cache

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


# (?=[0-9]) refuses the empty text, and (?!s) leaves the m of 5ms alone.
_DURATION = re.compile(r"(?=[0-9])(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+(?:\.[0-9]{1,6})?)s)?"
                       r"(?:([0-9]+(?:\.[0-9]{1,3})?)ms)?")  # fmt: skip


def parse_duration(text: str) -> int | None:
    """Return the microseconds that `text` says, or None where it is no duration."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds, milliseconds = (part or "0" for part in found.groups())
    return (
        int(hours) * HOUR
        + int(minutes) * MINUTE
        + _scaled(seconds, SECOND)
        + _scaled(milliseconds, MILLISECOND)
    )


_UNITS = {"h": HOUR, "m": MINUTE, "s": SECOND, "ms": MILLISECOND}
_LOOSE = re.compile(
    r"(?<![0-9.,])(?P<number>[0-9]{1,9}(?:[.,][0-9]{1,9})?) *"
    r"(?:(?P<ms>ms|msecs?|milliseconds?)|(?P<h>h|hrs?|hours?)|(?P<m>m|mins?|minutes?)"
    r"|(?P<s>s|secs?|seconds?|))(?![a-z])[ ,]*(?:and )?"
)
_CLOCK = re.compile(r"(?:([0-9]{1,3}):)?([0-5]?[0-9]):([0-5][0-9])")


def meant_duration(text: str) -> str | None:
    """Return how a duration is written that `text` was meant to be: 1m30s for 1.5m, 3m for 3:00."""
    text = text.strip().lower()
    clock = _CLOCK.fullmatch(text)
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return duration_text(hours * HOUR + minutes * MINUTE + seconds * SECOND)
    parts = list(_LOOSE.finditer(text))
    if "".join(part[0] for part in parts) != text or not parts:
        return None
    units = [part.lastgroup or "" for part in parts]
    numbers = [part["number"].replace(",", ".") for part in parts]
    written = "".join(map("".join, zip(numbers, units, strict=True)))
    if parse_duration(written) is not None:
        return written
    pairs = zip(numbers, units, strict=True)
    return duration_text(round(sum(float(number) * _UNITS[unit] for number, unit in pairs)))


def _scaled(number: str, unit: int) -> int:
    whole, _, fraction = number.partition(".")
    digits = len(str(unit)) - 1
    return int(whole) * unit + int((fraction + "0" * digits)[:digits])


def duration_text(microseconds: int) -> str:
    """Write a duration for people, rounded to what matters: `820µs`, `12ms`, `3.2s`, `3m10s`."""
    if microseconds < 0:
        return "-" + duration_text(-microseconds)
    if microseconds == 0:
        return "0s"
    if microseconds < MILLISECOND:
        return f"{microseconds}µs"
    if microseconds < SECOND:
        return f"{_trimmed(microseconds / MILLISECOND)}ms"
    if microseconds < MINUTE:
        return f"{_trimmed(microseconds / SECOND)}s"
    minutes, rest = divmod(microseconds, MINUTE)
    hours, minutes = divmod(minutes, 60)
    text = (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "")
    return text + (f"{_trimmed(rest / SECOND)}s" if rest else "")


def exact_text(microseconds: int) -> str:
    """Write a duration as it can be typed, to the microsecond: `0s`, `0.0125s`, `180s`."""
    seconds, rest = divmod(microseconds, SECOND)
    return f"{seconds}.{rest:06}".rstrip("0").rstrip(".") + "s"


@lru_cache(maxsize=1_000)
def rounded_text(microseconds: int) -> str:
    """Write how long something took as people want it: `8 ms`, `449 ms`, `1.2 s`, `3m 10s`."""
    if 0 < microseconds < MILLISECOND:
        return "<1 ms"
    milliseconds = round(microseconds / MILLISECOND)
    if 0 < milliseconds < 1000:
        return f"{milliseconds} ms"
    tenths = round(microseconds / (SECOND // 10))
    if tenths < 600:
        return f"{tenths / 10:g} s"
    minutes, seconds = divmod(round(microseconds / SECOND), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return " ".join(f"{number}{unit}" for number, unit in parts if number)


def moment_text(at: int) -> str:
    """Write a moment on a scenario's clock as people want it; below a millisecond it is `0 s`."""
    return rounded_text(at) if at >= MILLISECOND else "0 s"


def _trimmed(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".")
