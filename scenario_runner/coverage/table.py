"""What scenarios met, and where: rules, reasons of refusals, states of calls, types of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from scenario_runner.mock_pbx import RULES, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Seen(Struct, frozen=True, kw_only=True):
    """Where something was met: the scenario, its step as people see it, and the step's place."""

    scenario: str
    step: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}, step {self.step}"


class Coverage(Struct, frozen=True, kw_only=True):
    """What was met by which steps; the words are the keys, and what was never met has no steps.

    `not_green` counts the scenarios that did not pass, and were not known to fail either.
    """

    targets: tuple[str, ...]
    scenarios: int
    not_green: int
    rules: dict[str, tuple[Seen, ...]]
    reasons: dict[str, tuple[Seen, ...]]
    states: dict[str, tuple[Seen, ...]]
    events: dict[str, tuple[Seen, ...]]

    @property
    def met(self) -> int:
        """How many rules were met."""
        return sum(1 for seen in self.rules.values() if seen)

    @property
    def percent(self) -> int:
        """How many of a hundred rules were met, rounded down."""
        return 100 * self.met // len(self.rules)

    def scenarios_that_met(self, rule: str) -> frozenset[str]:
        """Return the ids of the scenarios that met a rule."""
        return frozenset(seen.scenario for seen in self.rules[rule])


def added_up(parts: Iterable[Coverage]) -> Coverage:
    """Return what was met in any of several runs, shards or targets; there is at least one."""
    whole, *others = parts
    for other in others:
        whole = Coverage(
            targets=tuple(dict.fromkeys(whole.targets + other.targets)),
            scenarios=whole.scenarios + other.scenarios,
            not_green=whole.not_green + other.not_green,
            rules=_joined(whole.rules, other.rules),
            reasons=_joined(whole.reasons, other.reasons),
            states=_joined(whole.states, other.states),
            events=_joined(whole.events, other.events),
        )
    return whole


def _joined(
    one: dict[str, tuple[Seen, ...]], other: dict[str, tuple[Seen, ...]]
) -> dict[str, tuple[Seen, ...]]:
    return {word: tuple(dict.fromkeys(one[word] + other[word])) for word in one}


class Killed(Struct, frozen=True):
    """How many of the mutants of one rule were killed, of how many that were tried."""

    killed: int = 0
    tried: int = 0

    def and_one(self, killed: bool) -> Killed:
        """Return the count with one more mutant, killed or not."""
        return Killed(self.killed + killed, self.tried + 1)


class RuleRow(NamedTuple):
    """One rule, where it was met, and how many of its mutants were killed (None: not known)."""

    rule: Rule
    seen: tuple[Seen, ...]
    killed: int | None
    tried: int

    @property
    def status(self) -> str:
        """`checked` where a mutant was killed, `met`, or `never`."""
        if not self.seen:
            return "never"
        return "checked" if self.killed else "met"

    @property
    def mark(self) -> str:
        """The status as one letter: met only is no success where it is known what was checked."""
        if self.status == "met" and self.killed is None:
            return "✓"
        return {"checked": "✓", "met": "~", "never": "✗"}[self.status]


def rule_rows(coverage: Coverage, killed: Mapping[str, Killed] | None) -> list[RuleRow]:
    """Return the rows of the table, by source: documented, partly assumed, assumed."""
    order = ("documented", "partly assumed", "assumed")
    rules = sorted(RULES, key=lambda rule: order.index(rule.source))
    return [_row(rule, coverage, killed) for rule in rules]


def _row(rule: Rule, coverage: Coverage, killed: Mapping[str, Killed] | None) -> RuleRow:
    seen = coverage.rules[rule.id]
    if killed is None:
        return RuleRow(rule, seen, None, 0)
    one = killed.get(rule.id)
    return RuleRow(rule, seen, one.killed if one else 0, one.tried if one else 0)
