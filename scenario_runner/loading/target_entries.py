"""One target of a targets file: its values, read with their places, and what all drivers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenario_runner.durations import MINUTE, SECOND, parse_duration
from scenario_runner.loading.expressions import duration_hint
from scenario_runner.loading.matchers import items, matcher
from scenario_runner.loading.nodes import Leaf, Listing, Mapping
from scenario_runner.loading.reading import text_of
from scenario_runner.model.target import Allow
from scenario_runner.model.vocabulary import Reason

if TYPE_CHECKING:
    from pathlib import Path

    from scenario_runner.loading.nodes import Node
    from scenario_runner.loading.reading import Reading
    from scenario_runner.model.matchers import Matcher
    from scenario_runner.source import Span

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
