"""Whatever is done by hand: the recording is a valid file that passes, and moments never change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from scenario_runner.durations import SECOND
from scenario_runner.ui.gestures import (
    ExtensionDials,
    LookAtCall,
    LookAtExtension,
    LookIntoSlot,
    ParkCall,
    PickUp,
    PutDown,
    SomebodyCalls,
    TakeFromSlot,
    suggested_name,
)
from scenario_runner.ui.recording import recorded
from scenario_runner.ui.timeline import Branches, timeline_of
from scenario_runner.ui.world import new_world
from tests.ui.replaying import assert_passes

if TYPE_CHECKING:
    from scenario_runner.references import Json
    from scenario_runner.ui.gestures import Gesture
    from scenario_runner.ui.timeline import Timeline

EXTENSIONS = st.sampled_from(["341", "342", "343", "999"])
SLOTS = st.sampled_from([1, 2, 3, "2", 0, 99, "six", None])
PICKS = st.integers(0, 6)


class Lot(RuleBasedStateMachine):
    """Does things by hand, pins what can be pinned, undoes, branches, and records it all."""

    @initialize()
    def begin(self) -> None:
        self.branches = Branches(timeline_of(new_world()))

    @property
    def line(self) -> Timeline:
        return self.branches.line

    def _do(self, gesture: Gesture) -> None:
        self.branches.become(self.line.do(gesture))

    def _call(self, pick: int) -> str:
        """Return the name of a call that is or was there; without any, one comes in first."""
        world = self.line.now.world
        assert world is not None
        names = list(world.names.values())
        if not names:
            self.calls("341", answered=True)
            assert self.line.now.world is not None
            names = list(self.line.now.world.names.values())
        return names[pick % len(names)]

    def _name(self, kind: type[SomebodyCalls | ExtensionDials]) -> str:
        return suggested_name(kind, self.line.taken)

    @rule(extension=EXTENSIONS, answered=st.booleans())
    def calls(self, extension: str, answered: bool) -> None:
        name = self._name(SomebodyCalls)
        self._do(SomebodyCalls(name=name, extension=extension, number="+7", answered=answered))

    @rule(extension=EXTENSIONS, answered=st.booleans())
    def dials(self, extension: str, answered: bool) -> None:
        name = self._name(ExtensionDials)
        self._do(ExtensionDials(name=name, extension=extension, number="+8", answered=answered))

    @rule(pick=PICKS)
    def picks_up(self, pick: int) -> None:
        self._do(PickUp(call=self._call(pick)))

    @rule(pick=PICKS, slot=SLOTS)
    def parks(self, pick: int, slot: Json) -> None:
        self._do(ParkCall(call=self._call(pick), slot=slot))

    @rule(pick=PICKS, slot=SLOTS)
    def looks_into_slot(self, pick: int, slot: Json) -> None:
        self._do(LookIntoSlot(call=self._call(pick), slot=slot))

    @rule(pick=PICKS, slot=SLOTS)
    def takes(self, pick: int, slot: Json) -> None:
        self._do(TakeFromSlot(call=self._call(pick), slot=slot))

    @rule(pick=PICKS, by_remote=st.booleans())
    def hangs_up(self, pick: int, by_remote: bool) -> None:
        self._do(PutDown(call=self._call(pick), by="remote" if by_remote else "extension"))

    @rule(pick=PICKS, extension=EXTENSIONS)
    def looks(self, pick: int, extension: str) -> None:
        self._do(LookAtCall(call=self._call(pick)))
        self._do(LookAtExtension(extension=extension))

    @rule(seconds=st.sampled_from([1, 2, 29, 30, 90, 179, 180, 181]))
    def time_passes(self, seconds: int) -> None:
        self.branches.become(self.line.wait(seconds * SECOND))

    @rule()
    def the_next_timer_comes(self) -> None:
        self.branches.become(self.line.wait_for_timer())

    @rule(pick=st.integers(0, 50), which=PICKS)
    def pins(self, pick: int, which: int) -> None:
        """Expect something of an answer; what is needed to pass stays expected."""
        index = pick % len(self.line.moments)
        answer = self.line.moments[index].answer
        pins = [] if answer is None else [p for p in answer.pins if p not in answer.needed]
        if pins:
            self.branches.become(self.line.pin(index, pins[which % len(pins)]))

    @rule(pick=st.integers(0, 50), which=PICKS)
    def pins_what_was_reported(self, pick: int, which: int) -> None:
        """Expect that a call returned."""
        index = pick % len(self.line.moments)
        returns = self.line.moments[index].returns
        if returns:
            report = returns[which % len(returns)]
            self.branches.become(self.line.pin_report(index, report))

    @rule(pick=st.integers(0, 50))
    def undoes(self, pick: int) -> None:
        before = self.line
        if self.branches.undo() and pick % 2:
            assert self.branches.redo()
            assert self.line is before

    @rule(pick=st.integers(0, 50))
    def branches_off(self, pick: int) -> None:
        """Go on from an earlier moment; what was left is still as it was."""
        index = pick % len(self.line.moments)
        left = self.line
        self.branches.go_on_from(index)
        assert self.line.moments == left.moments[: index + 1]

    @rule(pick=st.integers(0, 50))
    def a_moment_does_not_change(self, pick: int) -> None:
        """What is done from an earlier moment touches neither it nor what came after."""
        moment = self.line.moments[pick % len(self.line.moments)]
        world = moment.world
        assert world is not None
        before = (world.pbx.state, world.pbx.clock_us, world.picture, world.faults)
        world.do(SomebodyCalls(name="stranger", extension="344", number="+9"), moment.at)
        world.pass_time(moment.at + 600 * SECOND)
        assert (world.pbx.state, world.pbx.clock_us, world.picture, world.faults) == before
        assert moment.picture == before[2]

    @invariant()
    def what_is_seen_is_what_is_there(self) -> None:
        if hasattr(self, "branches"):
            times = [moment.at for moment in self.line.moments]
            assert times == sorted(times)
            assert len({call.name for call in self.line.now.picture.calls}) == len(
                self.line.now.picture.calls
            )

    def teardown(self) -> None:
        if hasattr(self, "branches"):
            for line in (self.line, *self.branches.others):
                file = recorded(line, "Recorded by hand")
                if file.checks and not subscribes_to_nobody(line):
                    assert_passes(file.text)


def subscribes_to_nobody(line: Timeline) -> bool:
    """Tell whether a run would await events and call an extension that does not exist.

    It subscribes to the events of every extension that it calls, which this one can't have.
    """
    calls = any(getattr(moment.cause, "extension", "") == "999" for moment in line.moments)
    return calls and any(moment.pinned_reports for moment in line.moments)


TestLot = Lot.TestCase
TestLot.settings = settings(
    max_examples=120, stateful_step_count=30, deadline=None, database=None, derandomize=True
)
