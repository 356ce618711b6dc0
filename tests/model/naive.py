"""The search for an order in its plainest form: every order is tried, for few operations only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.mock_pbx.calls import NEVER
from scenario_runner.model.conflicts import Scope
from scenario_runner.model.history import Lost

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from scenario_runner.model.history import Operation
    from scenario_runner.model.reference import ModelState, Reference


def is_explained(
    history: Sequence[Operation], reference: Reference, loose: Collection[int] = ()
) -> bool:
    """Tell whether some order explains every answer; those in `loose` may answer anything."""
    return _Naive(history, reference, loose).explains(0, reference.begin())


class _Naive:
    def __init__(
        self, history: Sequence[Operation], reference: Reference, loose: Collection[int]
    ) -> None:
        self._history = history
        scope = Scope.of(history, reference.terms.profile)
        self._reference = reference.about(scope.placed, limit=scope.limit)
        self._lost = {i for i, one in enumerate(history) if isinstance(one.answer, Lost)}
        self._loose = set(loose)
        self._refuted: set[object] = set()
        self._end = max((one.returned_at for one in history), default=0)

    def explains(self, done: int, state: ModelState) -> bool:
        left = [i for i in range(len(self._history)) if not done >> i & 1]
        required = [i for i in left if i not in self._lost]
        if not required:
            owed = [until for untils in state.owed.values() for until in untils]
            latest = [window.latest for window in state.due.values()]
            if min(owed + latest, default=NEVER) >= self._end:
                return True
        switch = state.switch
        key = (
            done, frozenset(switch.calls.items()), frozenset(state.due.items()), state.doubt,
            frozenset(state.owed.items()),
        )  # fmt: skip
        if key in self._refuted:
            return False
        self._refuted.add(key)
        expiries = list(self._reference.expiries(state))
        horizon = min(
            [self._history[i].returned_at for i in required]
            + [expiry.window.latest for expiry in expiries],
            default=NEVER,
        )
        if any(min(until, default=NEVER) < horizon for until in state.owed.values()):
            return False
        expiries += self._reference.hangups(state)
        timely = [expiry for expiry in expiries if expiry.window.earliest <= horizon]
        if any(self.explains(done, self._reference.expire(state, one)) for one in timely):
            return True
        return any(
            self.explains(done | 1 << i, after)
            for i in left
            if self._may_be_next(i, required, horizon)
            for after in self._after(i, state)
        )

    def _may_be_next(self, i: int, required: Sequence[int], horizon: int) -> bool:
        one = self._history[i]
        before = any(j < i and self._history[j].client == one.client for j in required)
        return one.invoked_at <= horizon and not before

    def _after(self, i: int, state: ModelState) -> Sequence[ModelState]:
        one, key = self._history[i], str(i)
        if i in self._loose:
            truly = self._reference.after(state, one, key)
            return [*truly, *self._reference.loosely(state, one, key)]
        if i in self._lost:
            return list(self._reference.anything(state, one, key))
        return list(self._reference.after(state, one, key))
