"""One client's world: the switch's state over time, subscriptions, and what is to be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from scenario_runner.mock_pbx.calls import fresh_state
from scenario_runner.mock_pbx.commands import Refusal
from scenario_runner.mock_pbx.replies import Reply, refusal_replies
from scenario_runner.mock_pbx.rules import RULES
from scenario_runner.mock_pbx.subscriptions import Subscriptions
from scenario_runner.mock_pbx.switch import advance, step

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.commands import Command, Step, SwitchAnswer
    from scenario_runner.mock_pbx.notices import Delivery
    from scenario_runner.mock_pbx.profile import Profile

A = TypeVar("A", bound="SwitchAnswer")

_FIELD_OF: Final = {rule.id: rule.id.replace(".", "_").replace("-", "_") for rule in RULES}


class World:
    """Keeps the state between commands. Times are microseconds of the mock's clock.

    `clock` never goes back: a command that comes with an earlier time happens now.
    """

    def __init__(self, profile: Profile, seed: int, epoch_us: int) -> None:
        self.profile = profile
        self.epoch_us = epoch_us
        self.clock = 0
        self.state = fresh_state(profile, seed)
        self.subscriptions = Subscriptions()
        self.outbox: list[Delivery] = []
        self.exercised: set[str] = set()
        self._refusals = refusal_replies(profile.refusals)

    def do(self, command: Command, expected: type[A]) -> A | Refusal:
        """Carry a command out at the clock's time; its answer is of the expected class."""
        answer = self._took(step(self.state, command, self.clock))
        if isinstance(answer, expected):
            return answer
        if isinstance(answer, Refusal):
            return answer
        raise TypeError(f"{command} was answered by {answer}")

    def pass_time(self, now_us: int) -> None:
        """Move the clock and fire the timers that are due."""
        if now_us > self.clock:
            self.clock = now_us
        if self.state.deadline <= self.clock:
            self._took(advance(self.state, self.clock))

    def refused(self, refusal: Refusal) -> Reply:
        """Return the reply to a command that a rule forbade."""
        return self._refusals[_FIELD_OF[refusal.rule]]

    def refuse(self, rule: str) -> Reply:
        """Refuse by a rule that is decided outside the switch."""
        self.exercised.add(rule)
        return self._refusals[_FIELD_OF[rule]]

    def complain(self, refusal: str) -> Reply:
        """Refuse by what is no rule of call parking: the name of a field of `Refusals`."""
        return self._refusals[refusal]

    def _took(self, move: Step) -> SwitchAnswer:
        self.state = move.state
        self.exercised.update(move.rules)
        if move.events:
            self.outbox += self.subscriptions.deliveries(self.profile, move.events, self.epoch_us)
        return move.answer
