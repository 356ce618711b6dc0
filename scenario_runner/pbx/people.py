"""Calls that people place: whom to ask for what, for how long, and which call is the one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND, duration_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.commands import PlaceCall

ANYBODY = "any"
"""The party of a call that may come from, or go to, any telephone."""

_TOLD_AT = tuple(seconds * SECOND for seconds in (600, 300, 120, 60, 30, 10, 5))


def same_number(one: str, other: str) -> bool:
    """Tell whether two telephone numbers dial the same: spaces, brackets and a plus don't count."""
    return one == other or (_digits(one) == _digits(other) != "")


def _digits(number: str) -> str:
    return "".join(letter for letter in number if letter.isdigit() or letter in "*#")


def is_wanted(call: PlaceCall, party: str) -> bool:
    """Tell whether a call with this party may be the one that was asked for."""
    return call.party == ANYBODY or same_number(party, call.party)


def instruction(call: PlaceCall) -> str:
    """Say in words what a person has to do; the step's name comes first, if it has one."""
    party = "any telephone" if call.party == ANYBODY else call.party
    what = (
        f"call extension {call.extension} from {party}"
        if call.flow == "in"
        else f"call {party} from extension {call.extension}"
    )
    end = " and answer it" if call.answered else ""
    return f"{call.instruction}: {what}{end}" if call.instruction else f"Please {what}{end}"


def not_placed(target: str, call: PlaceCall, why: str) -> str:
    """Say that the call did not come about, and why."""
    arrow = "from" if call.flow == "in" else "to"
    return f"target {target}, call at {call.extension} {arrow} {call.party}: {why}"


def too_late(call: PlaceCall, *, rang: bool) -> str:
    """Say what was lacking when the time was up."""
    limit = duration_text(call.window)
    return f"it rang, and nobody answered in {limit}" if rang else f"no call within {limit}"


class Appeal:
    """Asks a person to place a call, by `announce`, and says how much time is left.

    That is told seldom at first and often in the end.
    """

    def __init__(self, announce: Callable[[str], None], call: PlaceCall) -> None:
        self._announce = announce
        self._call = call
        self._marks = [mark for mark in _TOLD_AT if mark < call.window]

    def begin(self) -> None:
        """Say what to do, and in what time."""
        window = duration_text(self._call.window)
        self._announce(f"{instruction(self._call)} (within {window})")

    def left(self, microseconds: int) -> None:
        """Take in how much time is left."""
        due = [mark for mark in self._marks if mark >= microseconds]
        if due:
            self._marks = self._marks[len(due) :]
            self._announce(f"still waiting: {duration_text(due[-1])} left")

    def until_next(self, microseconds: int) -> int:
        """Return how long there is nothing more to say when so much time is left."""
        return microseconds - max((mark for mark in self._marks if mark < microseconds), default=0)

    def end(self, party: str) -> None:
        """Say that the call is there."""
        self._announce(f"The call is there: {party or 'somebody'} at {self._call.extension}")
