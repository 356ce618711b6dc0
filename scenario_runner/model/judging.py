"""Judges a history: an order that explains it, the smallest contradiction in it, or neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from scenario_runner.mock_pbx.calls import (
    Refusal,
    SwitchAnswer,
)
from scenario_runner.mock_pbx.rules import Rule
from scenario_runner.model.conflicts import Scope, Thing
from scenario_runner.model.history import Operation, Report
from scenario_runner.model.linearizability import (
    Explained,
    Found,
    GaveUp,
    Problem,
    Refuted,
    Search,
)
from scenario_runner.model.reference import Expiry, Reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

BUDGET: Final = 20_000
"""How much work a history is worth, in answers looked at: a second of an ordinary machine."""


class Consistent(Struct, frozen=True, kw_only=True):
    """There is an order of all operations that explains every answer.

    `unjudged` are the operations left out, since they touch what others use, too.
    """

    order: tuple[Operation | Expiry, ...]
    unjudged: tuple[Operation, ...] = ()
    work: int = 0


class Contradicted(Struct, frozen=True, kw_only=True):
    """No order of these operations explains their answers, whatever the others answered.

    Without `smallest` fewer of them may contradict each other, too: finding out was too much work.
    `at` is the one among them that fits nowhere; `would` is what the reference answers in its
    place, after what explains the others, and `rules` are what it decides by.
    """

    operations: tuple[Operation, ...]
    at: Operation
    would: SwitchAnswer | None
    rules: tuple[Rule, ...]
    smallest: bool
    work: int = 0


class Undecided(Struct, frozen=True, kw_only=True):
    """Finding an order, or that there is none, was too much work."""

    work: int


Judgement: TypeAlias = Consistent | Contradicted | Undecided


def judge(history: Sequence[Operation], reference: Reference, budget: int = BUDGET) -> Judgement:
    """Judge a history; the operations of each client come in the order they were sent.

    `budget` bounds the work, so that an answer comes soon; the same history is always the same
    work.
    """
    scope = Scope.of(history, reference.terms.profile)
    reference = reference.about(scope.placed, limit=scope.limit)
    parts, unjudged = _parts(history, reference, scope)
    explained: list[Explained] = []
    undecided, work = False, 0
    for part in parts:
        problem = Problem(part, reference, scope)
        found = Search(problem, (budget - work) // 2).run()
        work += found.work
        if isinstance(found, Explained):
            explained.append(found)
            continue
        core = _Core(problem, found, budget - work)
        proved = core.prove()
        work += core.work
        match proved:
            case Refuted():
                return core.contradiction(proved, work)
            case Explained():
                explained.append(proved)
            case GaveUp():
                undecided = True
    if undecided:
        return Undecided(work=work)
    order = _one_order([one.order for one in explained])
    return Consistent(order=order, unjudged=tuple(unjudged), work=work)


def _parts(
    history: Sequence[Operation], reference: Reference, scope: Scope
) -> tuple[list[list[Operation]], list[Operation]]:
    """Split a history into parts that touch nothing in common; return what is not judged, too.

    A split by slots alone would be wrong: one call parked in two slots fits into each of them.
    """
    things = [_things(one, scope) for one in history]
    roots = _joined(things)
    ours = reference.terms.ours
    shared = (
        set()
        if ours is None
        else {roots[one] for one in roots if isinstance(one, int) and one not in ours}
    )
    parts: dict[object, list[Operation]] = {}
    unjudged = []
    for number, (operation, its) in enumerate(zip(history, things, strict=True)):
        root = roots[next(iter(its))] if its else number
        if root in shared:
            unjudged.append(operation)
        else:
            parts.setdefault(root, []).append(operation)
    return list(parts.values()), unjudged


def _things(operation: Operation, scope: Scope) -> set[Thing]:
    """Return all that an operation has to do with."""
    counted = (*scope.counted(operation), *scope.whole(operation))
    return {*scope.named(operation), *counted}


def _joined(groups: Iterable[AbstractSet[Thing]]) -> dict[Thing, Thing]:
    """Return for each thing one that stands for all that it is connected with."""
    parents: dict[Thing, Thing] = {}

    def root(one: Thing) -> Thing:
        parents.setdefault(one, one)
        while parents[one] != one:
            parents[one] = parents[parents[one]]
            one = parents[one]
        return one

    for group in groups:
        first = next(iter(group), None)
        for one in group:
            assert first is not None
            parents[root(one)] = root(first)
    return {one: root(one) for one in list(parents)}


def _one_order(orders: list[tuple[Operation | Expiry, ...]]) -> tuple[Operation | Expiry, ...]:
    """Merge orders of parts that touch nothing in common into one that respects time.

    Each item is put at the earliest moment that it can have had behind those before it.
    """
    placed: list[tuple[int, int, int, Operation | Expiry]] = []
    for part, order in enumerate(orders):
        moment = 0
        for number, item in enumerate(order):
            begin = item.window.earliest if isinstance(item, Expiry) else item.invoked_at
            moment = max(moment, begin)
            placed.append((moment, part, number, item))
    return tuple(item for *_, item in sorted(placed, key=lambda one: one[:3]))


class _Core:
    """Finds few operations that contradict each other, whatever the others answered.

    The others are loose: each may have answered anything. It begins with the one that fitted
    nowhere. Where the rest explains it by having answered otherwise, those that did so are taken
    in, until nothing explains it, or everything was answered as it was said; where it can't be
    found out, those that came next to it. Leaving operations out would make contradictions of its
    own: a call that nobody placed.
    """

    def __init__(self, problem: Problem, found: Refuted | GaveUp, budget: int) -> None:
        self._problem = problem
        self._found = found
        self._budget = budget
        self._numbers = frozenset(range(len(problem.operations))) - problem.lost
        self._core = frozenset({found.at})
        self._smallest = False
        self.work = 0

    def prove(self) -> Found:
        """Take in operations until they are refuted; what was refuted before stays so."""
        grow = 1
        while True:
            found = self._search(self._core, self._budget // 8)
            if isinstance(found, Refuted):
                return self._shrunk(found)
            if isinstance(found, Explained) and not found.denied:
                return found
            if isinstance(found, Explained):
                self._core |= found.denied
                continue
            near = self._nearest(grow)
            if not near or self.work >= self._budget:
                break
            self._core |= near
            grow *= 2
        if isinstance(self._found, Refuted):
            begun = self._problem.operations
            self._core = frozenset(
                i for i in self._numbers if begun[i].invoked_at <= self._found.horizon
            )
            return self._found
        return found

    def _nearest(self, count: int) -> frozenset[int]:
        """Return operations outside of the core: those involved first, the nearest in time."""
        operations, first = self._problem.operations, self._found.at
        involved = self._found.involved if isinstance(self._found, Refuted) else frozenset[int]()
        apart = sorted(
            self._numbers - self._core,
            key=lambda i: (
                i not in involved,
                abs(operations[i].returned_at - operations[first].returned_at),
            ),
        )
        return frozenset(apart[:count])

    def contradiction(self, found: Refuted, work: int) -> Contradicted:
        """Say what contradicts what, and what the reference would have answered."""
        operations, reference = self._problem.operations, self._problem.reference
        at = operations[found.at if found.at in self._core else max(self._core)]
        would: SwitchAnswer | None = None
        rules: tuple[Rule, ...] = ()
        if not isinstance(at.command, Report):
            would, noted = reference.would(found.state, at)
            rules = (would.rule,) if isinstance(would, Refusal) else tuple(noted)
        return Contradicted(
            operations=tuple(operations[i] for i in sorted(self._core)),
            at=at, would=would, rules=rules, smallest=self._smallest, work=work,
        )  # fmt: skip

    def _shrunk(self, found: Refuted) -> Refuted:
        """Leave out of the core what is not needed for the contradiction."""
        self._smallest = True
        for number in sorted(self._core, reverse=True):
            if len(self._core) == 1:
                break
            fewer = self._search(self._core - {number}, self._budget // 8)
            if isinstance(fewer, Refuted):
                self._core -= {number}
                found = fewer
            elif isinstance(fewer, GaveUp):
                self._smallest = False
        return found

    def _search(self, core: frozenset[int], share: int) -> Found:
        loose = self._problem.with_loose(self._numbers - core)
        found = Search(loose, min(share, self._budget - self.work)).run()
        self.work += found.work
        return found
