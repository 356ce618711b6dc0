"""Reads a fault from the words of a command line, and from JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scenario_runner.durations import SECOND, parse_duration
from scenario_runner.errors import did_you_mean
from scenario_runner.mock_pbx.faults import ACTIONS, BY, EVENTS, AnyKind, EventKind, Fault, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenario_runner.mock_pbx.faults import Striking

KINDS: Final[dict[str, AnyKind]] = {kind.value: kind for kind in (*Kind, *EventKind)}
_KEYS: Final = ("fault", "on", "by", "probability", "times", "after")


def fault_from_text(text: str) -> Fault:
    """Read `KIND` or `KIND,on=park,times=1,…`; raises ValueError with a message for people."""
    kind, *options = (word.strip() for word in text.split(","))
    said: dict[str, object] = {"fault": kind}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals:
            raise ValueError(f"'{option}' says nothing: options look like on=park")
        if key in said:
            raise ValueError(f"{key} is said twice")
        said[key] = value
    return fault_from(said)


def fault_from(said: Mapping[str, object]) -> Fault:
    """Read a fault from names and values; raises ValueError with a message for people."""
    for key in said:
        if key not in _KEYS:
            raise ValueError(_unknown("option", key, _KEYS))
    name = str(said.get("fault", ""))
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(_unknown("fault", name, KINDS))
    return Fault(
        kind=kind,
        on=_on(kind, str(said.get("on", ""))),
        by_us=_by(kind, said.get("by")),
        probability=_probability(said.get("probability", 1)),
        times=_count("times", said.get("times", 0)),
        after=_count("after", said.get("after", 0)),
    )


def fault_view(one: Striking) -> dict[str, object]:
    """Show a fault as it can be asked for, with how often it met its action and struck."""
    fault = one.fault
    shown: dict[str, object] = {"fault": fault.kind.value}
    if fault.on:
        shown["on"] = fault.on
    if fault.by_us:
        shown["by"] = f"{fault.by_us / SECOND:.6f}".rstrip("0").rstrip(".") + "s"
    if fault.probability < 1:
        shown["probability"] = fault.probability
    counts = {"times": fault.times, "after": fault.after}
    shown |= {name: count for name, count in counts.items() if count}
    return shown | {"met": one.met, "struck": one.struck}


def _on(kind: AnyKind, on: str) -> str:
    known = EVENTS if isinstance(kind, EventKind) else ACTIONS
    if on and on not in known:
        what = "event" if isinstance(kind, EventKind) else "action"
        raise ValueError(_unknown(what, on, known))
    return on


def _by(kind: AnyKind, by: object) -> int:
    if by is None:
        return BY.get(kind, 0)
    if kind not in BY:
        raise ValueError(f"{kind.value} takes no time, so it has no 'by'")
    duration = parse_duration(by) if isinstance(by, str) else None
    if not duration:
        raise ValueError(f"by is a duration such as 5s, not {by}")
    return duration


def _probability(said: object) -> float:
    try:
        number = float(said) if isinstance(said, (str, int, float)) else 0.0
    except ValueError:
        number = 0.0
    if not 0 < number <= 1 or isinstance(said, bool):
        raise ValueError(f"probability is a number above 0 and up to 1, not {said}")
    return number


def _count(name: str, said: object) -> int:
    word = str(said)
    if isinstance(said, bool) or not (word.isascii() and word.isdigit()) or len(word) > 9:
        raise ValueError(f"{name} is a whole number, not {said}")
    return int(word)


def _unknown(what: str, word: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    near = did_you_mean(word, known)
    hint = near or f"there are: {', '.join(known)}"
    return f"unknown {what} '{word}': {hint}" if word else f"no {what} is named; {hint}"
