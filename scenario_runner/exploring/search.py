"""Looks for a sequence of commands that is answered wrongly, and makes it smaller."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from scenario_runner.exploring.plans import BridgeAny, ListAt, OnCall, OnSlot, Place, Race, Wait
from scenario_runner.language.actions import Bridge, Park, Slots

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    from scenario_runner.exploring.plans import AboutCall, Move, Plan

_CALLS = st.integers(0, 4)
_SLOTS = st.sampled_from((0,) * 8 + (1,) * 4 + tuple(range(2, 9)))
_SELDOM = st.sampled_from((False,) * 9 + (True,))
_PLACES = st.builds(
    Place,
    st.integers(0, 2),
    st.sampled_from(("in", "out")),
    st.sampled_from((True,) * 4 + (False,)),
)

_WITNESS, _PARKING = Place(2, "in", answered=True), Place(0, "in", answered=True)
_TAKING = Place(1, "out", answered=True)
_BEGINNINGS: tuple[Plan, ...] = (
    (_WITNESS,),
    (_WITNESS, _PARKING, OnSlot("park", 1, 0)),
    (_WITNESS, _PARKING, OnSlot("park", 1, 0), _TAKING),
    (_WITNESS, _PARKING, OnSlot("park", 1, 0), _TAKING, OnSlot("bridge", 2, 0)),
    (_WITNESS, _PARKING, _PARKING, OnSlot("park", 1, 0), OnSlot("park", 2, 1), _TAKING),
    (_WITNESS, _PARKING, OnSlot("park", 1, 2), _TAKING),
)
"""Where a lot can be when it becomes interesting."""

_LOOKS: Plan = (
    *(OnCall("show", call) for call in range(4)),
    *(OnSlot("slots", 0, slot) for slot in range(3)),
    *(ListAt(at) for at in range(3)),
)
"""What is looked at in the end: calls, slots and lists show what went wrong before."""


def _about_calls() -> SearchStrategy[AboutCall]:
    verbs = st.sampled_from((Park.word, Park.word, Bridge.word, Slots.word))
    on_slot = st.builds(OnSlot, verbs, _CALLS, _SLOTS, _SELDOM)
    on_call = st.builds(
        OnCall, st.sampled_from(("show", "answer", "hangup", "hangup-extension")), _CALLS
    )
    return st.one_of(on_slot, on_slot, on_slot, on_call, on_call, st.builds(BridgeAny, _CALLS))


def plans(steps: int) -> SearchStrategy[Plan]:
    """Return sequences of at most so many random moves, between a beginning and a look."""
    about = _about_calls()
    wait = st.builds(Wait, st.integers(0, 4))
    often: tuple[SearchStrategy[Move], ...] = (_PLACES, _PLACES, _PLACES, wait, wait) + (about,) * 8
    move = st.one_of(*often, st.builds(Race, about, about))
    random = st.integers(1, steps).flatmap(lambda n: st.lists(move, min_size=n, max_size=n))
    beginning = st.sampled_from(_BEGINNINGS)
    return st.tuples(beginning, random).map(lambda parts: (*parts[0], *parts[1], *_LOOKS))


class _TimeOver(BaseException):
    """There is no time to try more."""


class Search:
    """Finds plans that `is_wrong`, as small as it can while there is time.

    `in_time` is asked before each plan is tried; `tried` counts those that were.
    """

    def __init__(self, is_wrong: Callable[[Plan], bool], in_time: Callable[[bool], bool]) -> None:
        self._is_wrong = is_wrong
        self._in_time = in_time
        self._seen: dict[Plan, bool] = {}
        self._smallest: Plan | None = None

    @property
    def tried(self) -> int:
        """How many plans were tried."""
        return len(self._seen)

    def run(self, steps: int, examples: int, seed: int) -> Plan | None:
        """Return a wrong plan of at most so many moves, of so many examples; None: there is none.

        The same seed tries the same plans.
        """
        options = settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        # That it found nothing is no error, and what it found was kept when the time was over.
        with suppress(HypothesisException, _TimeOver):
            find(plans(steps), self._fits, settings=options, random=Random(seed))
            if self._smallest is not None:
                self._shorten(self._smallest)
        return self._smallest

    def _fits(self, plan: Plan) -> bool:
        if plan not in self._seen:
            if not self._in_time(self._smallest is not None):
                raise _TimeOver
            self._seen[plan] = self._is_wrong(plan)
            if self._seen[plan] and _is_smaller(plan, self._smallest):
                self._smallest = plan
        return self._seen[plan]

    def _shorten(self, plan: Plan) -> None:
        """Leave out what is not needed, one move after the other, from the last on."""
        for at in reversed(range(len(plan))):
            fewer = plan[:at] + plan[at + 1 :]
            if fewer and self._fits(fewer):
                plan = fewer


def _is_smaller(plan: Plan, other: Plan | None) -> bool:
    # Of the same length, the one that was found later is the simpler one.
    return other is None or len(plan) <= len(other)
