"""Whatever is done to the switch, in any order and at any time, some things stay true."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scenario_runner.mock_pbx.calls import (
    AnswerCall,
    AskSlot,
    Bridge,
    Command,
    HangUp,
    InSlot,
    ListCalls,
    Park,
    PlaceCall,
    Refusal,
    ShowCall,
    Step,
    Transfer,
    fresh_state,
)
from scenario_runner.mock_pbx.profile import SECOND, Profile
from scenario_runner.mock_pbx.switch import advance, step
from tests.mock_pbx.switching import NOBODY, check_invariants

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import State

PROFILES = st.builds(
    Profile,
    slots=st.integers(1, 5),
    park_again=st.sampled_from(["refuse", "move"]),
    return_busy=st.sampled_from(["rings", "ends"]),
    return_unanswered=st.sampled_from(["ends", "rings-on"]),
    bridged_hangup=st.sampled_from(["ends-both", "ends-one"]),
    slots_of=st.sampled_from(["client", "extension"]),
    foreign_call=st.sampled_from(["refuse", "allow"]),
)
EXTENSIONS = st.sampled_from([341, 342, 343, 999])
SLOTS = st.one_of(st.integers(0, 6), st.sampled_from(["1", "2", "x", None, 1.5, True]))
PICKS = st.integers(0, 5)


class Switchboard(RuleBasedStateMachine):
    """Issues commands and lets time pass; remembers the events of each leg."""

    state: State
    now = 0

    @initialize(profile=PROFILES, seed=st.integers(0, 3))
    def begin(self, profile: Profile, seed: int) -> None:
        self.state = fresh_state(profile, seed)
        self.told: Counter[tuple[str, str]] = Counter()

    def _call(self, pick: int) -> tuple[str, int]:
        """Return a call that is alive and where it is, or one that never was."""
        calls = list(self.state.calls.values())
        return (calls[pick].uuid, calls[pick].extension) if pick < len(calls) else (NOBODY, 341)

    def _do(self, command: Command) -> Step:
        before = self.state
        untouched = (dict(before.calls), dict(before.slots))
        made = step(before, command, self.now)
        assert (before.calls, before.slots) == untouched, "a state is never changed"
        assert step(before, command, self.now) == made, "the same again is the same"
        if isinstance(made.answer, Refusal):
            assert made.state is before
            assert made.rules[-1] == made.answer.rule
        self._take(made)
        return made

    def _take(self, made: Step) -> None:
        self.state = made.state
        for event in made.events:
            assert event.at <= self.now
            self.told[event.call.leg, event.type] += 1
            assert self.told[event.call.leg, event.type] == 1, "a leg begins and ends once"
            assert not self.told[event.call.leg, "hangup"] or event.type == "hangup"

    @rule(
        flow=st.sampled_from(["in", "out"]), extension=EXTENSIONS, answered=st.booleans()
    )  # fmt: skip
    def place(self, flow: str, extension: int, answered: bool) -> None:
        self._do(PlaceCall("in" if flow == "in" else "out", extension, "+7", answered))

    @rule(pick=PICKS)
    def answer(self, pick: int) -> None:
        self._do(AnswerCall(self._call(pick)[0]))

    @rule(pick=PICKS, slot=SLOTS)
    def park(self, pick: int, slot: object) -> None:
        made = self._do(Park(*self._call(pick), slot))
        if isinstance(made.answer, InSlot):
            assert made.answer.uuid in self.state.slots.values()

    @rule(pick=PICKS, slot=SLOTS)
    def ask(self, pick: int, slot: object) -> None:
        before = self.state
        assert self._do(AskSlot(*self._call(pick), slot)).state is before

    @rule(pick=PICKS, slot=SLOTS)
    def bridge(self, pick: int, slot: object) -> None:
        made = self._do(Bridge(*self._call(pick), slot))
        if isinstance(made.answer, InSlot):
            assert made.answer.uuid not in self.state.slots.values()

    @rule(pick=PICKS, extension=EXTENSIONS, to=EXTENSIONS)
    def meddle(self, pick: int, extension: int, to: int) -> None:
        """Ask in the name of an extension that may not be the call's."""
        call, _ = self._call(pick)
        self._do(Transfer(call, extension, to))
        self._do(ShowCall(call, extension))
        self._do(ListCalls(extension))

    @rule(pick=PICKS)
    def remote_hangs_up(self, pick: int) -> None:
        self._do(HangUp(self._call(pick)[0], None, "remote"))

    @rule(pick=PICKS)
    def extension_hangs_up(self, pick: int) -> None:
        self._do(HangUp(*self._call(pick), "extension"))

    @rule(seconds=st.sampled_from([1, 29, 30, 31, 90, 179, 180, 181, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self._take(advance(self.state, self.now))

    @rule()
    def the_next_timer_comes(self) -> None:
        if self.state.deadline < 1 << 62:
            self.now = self.state.deadline
            self._take(advance(self.state, self.now))

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "state"):
            check_invariants(self.state, self.now)


TestSwitchboard = Switchboard.TestCase
TestSwitchboard.settings = settings(
    max_examples=120, stateful_step_count=40, deadline=None, database=None, derandomize=True
)
