"""Looks for an order of overlapping operations that explains every answer.

The method is Wing and Gong's search (1993) with the memory of Lowe (2017) for what was refuted
before, over histories as Herlihy and Wing define them (1990). At each point some operations may
come next: those that were sent before the first of the others was over. The one that is over first
is taken where its answer fits. Only where it does not, or leads nowhere, those are tried that touch
the same calls and slots, directly or through others: all the rest commutes with it. For the same
reason what can't be explained is not tried again behind another order of operations that touch
nothing of it.

A time-out of the PBX is nobody's operation and may come in its window. A lost command has no end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from msgspec import Struct

from scenario_runner.mock_pbx.calls import NEVER
from scenario_runner.model.conflicts import UNNAMED, Footprint, Footprints, Need, Scope
from scenario_runner.model.history import Lost, Operation
from scenario_runner.model.reference import Expiry, ModelState, is_unnamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scenario_runner.model.reference import Reference

Item: TypeAlias = int | Expiry
"""What may come next: an operation, by its index, or a time-out."""


class Explained(Struct, frozen=True):
    """An order that explains every answer, with the time-outs of the PBX where they came.

    `denied` are the numbers of the loose operations that were answered otherwise in it.
    """

    order: tuple[Operation | Expiry, ...]
    denied: frozenset[int]
    work: int


class Refuted(Struct, frozen=True):
    """No order explains every answer.

    `at` is the number of the operation that fits nowhere where the search came furthest, `state`
    what the PBX is like there. The `involved` operations were looked at on the way; what was sent
    after `horizon` has nothing to do with it.
    """

    at: int
    state: ModelState
    involved: frozenset[int]
    horizon: int
    work: int


class GaveUp(Struct, frozen=True):
    """The search was too much work; whether there is such an order is not known.

    `at` is the number of the operation that fitted nowhere where the search came furthest.
    """

    at: int
    work: int


Found: TypeAlias = Explained | Refuted | GaveUp


class Problem:
    """Operations that are judged together; those in `loose` may have answered anything.

    A lost command may come or not, and at any time from when it was sent.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        reference: Reference,
        scope: Scope,
        loose: frozenset[int] = frozenset(),
    ) -> None:
        self.operations = operations
        self.reference = reference
        self.scope = scope
        self.loose = loose
        indices = range(len(operations))
        self.lost = frozenset(i for i in indices if isinstance(operations[i].answer, Lost))
        self.by_begin = sorted(indices, key=lambda i: operations[i].invoked_at)
        required = (i for i in indices if i not in self.lost)
        self.by_end = sorted(required, key=lambda i: operations[i].returned_at)
        self.footprints = Footprints(operations, scope, self.lost | loose, reference)
        self.before = self._program_order()

    def with_loose(self, loose: frozenset[int]) -> Problem:
        """Return the same problem where other operations may have answered anything."""
        return Problem(self.operations, self.reference, self.scope, loose)

    def after(self, item: Item, state: ModelState) -> Iterator[tuple[ModelState, bool]]:
        """Give what the PBX may be like after an item, and whether its answer is explained so."""
        reference = self.reference
        if isinstance(item, Expiry):
            after = reference.expire(state, item)
            if after != state:
                yield after, True
            return
        operation, key = self.operations[item], str(item)
        if item in self.lost:
            yield from ((after, True) for after in reference.anything(state, operation, key))
            return
        yield from ((after, True) for after in reference.after(state, operation, key))
        if item in self.loose:
            yield from ((after, False) for after in reference.loosely(state, operation, key))

    def over(self, item: Item) -> int:
        """Return when an item must have come."""
        if isinstance(item, Expiry):
            return item.window.latest
        return self.operations[item].returned_at

    def is_next(self, item: Item, done: int) -> bool:
        """Tell whether what the same client did before has come."""
        before = -1 if isinstance(item, Expiry) else self.before[item]
        return before < 0 or bool(done >> before & 1)

    def _program_order(self) -> list[int]:
        """Return for each operation the one of the same client that must come first, or -1."""
        last: dict[str, int] = {}
        before = []
        for i, one in enumerate(self.operations):
            before.append(last.get(one.client, -1))
            if i not in self.lost:
                last[one.client] = i
        return before


class _Choice(NamedTuple):
    """Something that can come next, and what the PBX is like then."""

    item: Item
    after: ModelState
    touches: int
    explained: bool


class _Frame:
    """One point of the search: what has come so far, and what else can be tried here.

    `ended` and `begun` are where to look on in the operations by end and by beginning; `conflict`
    is what a failure from here on is about, as `Footprint.meets`, and `culprit` what fitted nowhere
    further on: the best to be tried here in place of what was chosen.
    """

    __slots__ = (
        "begun", "choices", "chosen", "conflict", "culprit", "done", "ended", "key", "state",
    )  # fmt: skip

    def __init__(self, state: ModelState, done: int, ended: int, begun: int) -> None:
        self.state = state
        self.done = done
        self.ended = ended
        self.begun = begun
        self.conflict = 0
        self.chosen: _Choice | None = None
        self.culprit: Item | None = None
        self.key: object = None
        self.choices: Iterator[_Choice] = iter(())


class Search:
    """One search for an order; `budget` bounds the work, counted in answers that were looked at."""

    def __init__(self, problem: Problem, budget: int) -> None:
        self._problem = problem
        self._budget = budget
        self._refuted: dict[object, int] = {}
        self._furthest = 0
        self._involved: set[int] = set()
        self._horizon = 0
        self._at: tuple[int, ModelState] = (0, problem.reference.begin())
        self.work = 0

    def run(self) -> Found:
        """Search; the same problem is always the same work."""
        stack = [self._frame(self._problem.reference.begin(), 0, 0, 0)]
        while stack:
            frame = stack[-1]
            if self._is_explained(frame):
                return self._explained([one.chosen for one in stack[:-1] if one.chosen is not None])
            frame.chosen = next(frame.choices, None)
            if self.work > self._budget:
                return GaveUp(self._at[0], self.work)
            if frame.chosen is not None:
                stack.append(self._next(frame, frame.chosen))
            else:
                self._go_back(stack)
        at, state = self._at
        return Refuted(at, state, frozenset(self._involved), self._horizon, self.work)

    def _go_back(self, stack: list[_Frame]) -> None:
        """Take back what was chosen, to the last choice that the contradiction depends on."""
        failed = stack.pop()
        if failed.key is not None:
            self._refuted[failed.key] = failed.conflict
        while stack:
            chosen = stack[-1].chosen
            assert chosen is not None
            if failed.conflict & chosen.touches:
                stack[-1].conflict |= failed.conflict
                stack[-1].culprit = failed.culprit
                if not isinstance(chosen.item, Expiry):
                    self._involved.add(chosen.item)
                break
            stack.pop()

    def _frame(self, state: ModelState, done: int, ended: int, begun: int) -> _Frame:
        problem = self._problem
        while ended < len(problem.by_end) and done >> problem.by_end[ended] & 1:
            ended += 1
        while begun < len(problem.by_begin) and done >> problem.by_begin[begun] & 1:
            begun += 1
        frame = _Frame(state, done, ended, begun)
        frame.choices = self._choices(frame)
        return frame

    def _next(self, frame: _Frame, chosen: _Choice) -> _Frame:
        came = 0 if isinstance(chosen.item, Expiry) else 1 << chosen.item
        return self._frame(chosen.after, frame.done | came, frame.ended, frame.begun)

    def _is_explained(self, frame: _Frame) -> bool:
        if frame.ended < len(self._problem.by_end):
            return False
        end, state = self._problem.scope.end, frame.state
        ahead = all(window.latest >= end for window in state.due.values())
        return ahead and self._unreported(state, end) is None

    def _explained(self, choices: Sequence[_Choice]) -> Explained:
        operations = self._problem.operations
        order = tuple(
            one.item if isinstance(one.item, Expiry) else operations[one.item] for one in choices
        )
        denied = (one.item for one in choices if not one.explained)
        return Explained(order, frozenset(i for i in denied if isinstance(i, int)), self.work)

    def _choices(self, frame: _Frame) -> Iterator[_Choice]:
        """Give what can come next, best first; leave in the frame what a failure here is about."""
        problem, state = self._problem, frame.state
        forced, horizon = self._forced(frame)
        self._horizon = max(self._horizon, horizon)
        unreported = self._unreported(state, horizon)
        if unreported is not None:
            thing = UNNAMED if is_unnamed(unreported) else unreported
            frame.conflict |= problem.footprints.changes(thing).meets
            return
        its = problem.footprints.of(forced, state)
        fits = False
        for choice in self._after(forced, state, its):
            fits = True
            yield choice
        if frame.culprit is None:
            frame.culprit = forced
        frame.key = (
            frame.done, frozenset(state.switch.calls.items()), frozenset(state.due.items()),
            frozenset(state.owed.items()), state.doubt,
        )  # fmt: skip
        known = self._refuted.get(frame.key)
        if known is not None:
            frame.conflict |= known
            return
        depth = frame.done.bit_count()
        if depth >= self._furthest and not isinstance(forced, Expiry):
            self._furthest, self._at = depth, (forced, state)
        choices = self._others(frame, horizon, forced, fits=fits)
        while choices:
            item = frame.culprit if frame.culprit in choices else next(iter(choices))
            yield from choices.pop(item)

    def _others(
        self, frame: _Frame, horizon: int, forced: Item, *, fits: bool
    ) -> dict[Item, list[_Choice]]:
        """Return what can come next in place of what has to, the nearest to it first.

        That is what it conflicts with or, where its answer does not fit, what may change that; and
        so on for each of these in turn. All else can as well come later.
        """
        footprints, state = self._problem.footprints, frame.state
        left = {item: footprints.of(item, state) for item in self._next_items(frame, horizon)}
        self.work += len(left) // 4
        its = left.pop(forced, None) or footprints.of(forced, state)
        queue, found = [(forced, its, fits)], dict[Item, list[_Choice]]()
        while queue:
            item, its, fits = queue.pop(0)
            need = Need(its.meets, its.meets) if fits else footprints.needs(item, state)
            frame.conflict |= need.about
            near = [other for other, theirs in left.items() if theirs.touches & need.from_any]
            if not isinstance(item, Expiry):
                self._involved.add(item)
                if self._problem.before[item] in left:
                    near.append(self._problem.before[item])
            for other in sorted(near, key=self._problem.over):
                theirs = left.pop(other)
                is_next = self._problem.is_next(other, frame.done)
                found[other] = list(self._after(other, state, theirs)) if is_next else []
                queue.append((other, theirs, bool(found[other])))
        return found

    def _forced(self, frame: _Frame) -> tuple[Item, int]:
        """Return what has to be over first, and when."""
        problem = self._problem
        forced: Item = -1
        horizon = NEVER
        if frame.ended < len(problem.by_end):
            forced = problem.by_end[frame.ended]
            horizon = problem.operations[forced].returned_at
        for expiry in problem.reference.expiries(frame.state):
            if expiry.window.latest < horizon:
                forced, horizon = expiry, expiry.window.latest
        return forced, horizon

    def _after(self, item: Item, state: ModelState, its: Footprint) -> Iterator[_Choice]:
        self.work += 1
        for after, explained in self._problem.after(item, state):
            self.work += 1
            yield _Choice(item, after, its.touches, explained)

    def _next_items(self, frame: _Frame, horizon: int) -> Iterator[Item]:
        problem = self._problem
        for at in range(frame.begun, len(problem.by_begin)):
            index = problem.by_begin[at]
            if problem.operations[index].invoked_at > horizon:
                break
            if not frame.done >> index & 1:
                yield index
        reference, state = problem.reference, frame.state
        for expiry in (*reference.expiries(state), *reference.hangups(state)):
            if expiry.window.earliest <= horizon:
                yield expiry

    def _unreported(self, state: ModelState, at: int) -> str | None:
        """Return the call of an event that should have been reported before, if there is one."""
        for (_, call), until in state.owed.items():
            if until and min(until) < at:
                return call
        return None
