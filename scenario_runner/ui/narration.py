"""Says what happened: a sentence for people, and the events that a run would tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scenario_runner.events import (
    CallChanged,
    Exchange,
    PbxReported,
    StepFinished,
    StepStarted,
    Verdict,
)
from scenario_runner.source import Span
from scenario_runner.ui.answers import CANT
from scenario_runner.ui.gestures import (
    LookAtCall,
    LookAtExtension,
    LookIntoSlot,
    TakeFromSlot,
    capital,
    desk_of,
    who,
)
from scenario_runner.ui.picture import Picture
from scenario_runner.ui.requests import received_text, sent_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.events import Event
    from scenario_runner.ui.answers import Answer
    from scenario_runner.ui.gestures import Gesture
    from scenario_runner.ui.world import Deed, Exchanged, Report

SESSION = "session"
"""What stands in the events of a session for the id of a scenario."""

NOWHERE = Span("", 0, 0, 0, 0)
_IS = {"ringing": "rings", "up": "is connected", "ended": "is gone"}
VERDICTS = {"ok": Verdict.PASSED, "refused": Verdict.FAILED, "lost": Verdict.ERRORED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrator:
    """Tells of one gesture, the `number`th; `before` is what the PBX held before it."""

    number: int = 0
    before: Picture = field(default_factory=Picture)

    @property
    def _step(self) -> str:
        return str(self.number) if self.number else ""

    def told(self, gesture: Gesture, deed: Deed) -> tuple[str, tuple[Event, ...]]:
        """Return the sentence and the events of a gesture."""
        assert deed.answer is not None
        title = self.title(gesture, deed.answer)
        events: tuple[Event, ...] = (
            StepStarted(
                scenario=SESSION,
                step=str(self.number),
                title=title,
                action=gesture.action,
                span=NOWHERE,
                at=deed.at,
            ),
            *(_reported(report) for report in deed.reports),
            *(self._exchange(one) for one in deed.exchanges),
            *self._changes(gesture, deed),
            StepFinished(
                scenario=SESSION,
                step=str(self.number),
                verdict=VERDICTS[deed.answer.outcome],
                at=deed.at + deed.answer.took,
                took=deed.answer.took,
                summary=deed.answer.saw,
            ),
        )
        return title, events

    def observed(self, deed: Deed) -> tuple[Event, ...]:
        """Return the events of what somebody else did."""
        return (
            *(_reported(report) for report in deed.reports),
            *(self._exchange(one) for one in deed.exchanges),
            *self._changes(None, deed),
        )

    def noticed(self, deed: Deed) -> str:
        """Say what became of the calls by what somebody else did; empty where nothing did."""
        after = deed.world.picture
        for call in after.calls:
            before = self.before.call(call.name)
            if before is None:
                return capital(f"{who(call.name)} comes in at {call.extension}")
            if before.doing != call.doing:
                slot = f" in slot {call.slot}" if call.slot else ""
                return capital(f"{who(call.name)} {_IS.get(call.doing, f'is {call.doing}')}{slot}")
        gone = [call.name for call in self.before.calls if after.call(call.name) is None]
        return capital(f"{who(gone[0])} is gone") if gone else ""

    def by_itself(self, deed: Deed) -> tuple[str, tuple[Event, ...]]:
        """Return the sentence and the events of what the PBX did by itself."""
        told = [self._report_title(report) for report in deed.reports]
        return (told[0] if told else "Time passes"), tuple(_reported(one) for one in deed.reports)

    def title(self, gesture: Gesture, answer: Answer) -> str:
        """Say in a sentence what a gesture did, or why it could not."""
        if answer.outcome == "ok":
            return self._done(gesture, answer)
        intent = gesture.sentence(self.before)
        if answer.outcome == "lost":
            return f"{intent}: no answer"
        reason = CANT.get(answer.reason) if answer.reason is not None else None
        return f"{intent}, but {reason}" if reason else f"{intent}, but is refused"

    def _done(self, gesture: Gesture, answer: Answer) -> str:
        match gesture:
            case LookIntoSlot():
                held = next((pin.value for pin in answer.pins if pin.key == "holds"), None)
                return "The slot is empty" if held is None else f"The slot holds {who(str(held))}"
            case TakeFromSlot(call=call):
                taken = next((pin.value for pin in answer.pins if pin.key == "with"), "a call")
                return f"{desk_of(call, self.before)} takes {who(str(taken))}"
            case LookAtExtension(extension=extension):
                return f"{extension} has {_count(answer)}"
            case LookAtCall(call=call):
                state = next((pin.value for pin in answer.pins if pin.key == "state"), "there")
                return capital(f"{who(call)} {_IS.get(str(state), f'is {state}')}")
            case _:
                return gesture.sentence(self.before)

    def _report_title(self, report: Report) -> str:
        before = self.before.call(report.call)
        match report.type:
            case "dial-in" if before is not None and before.doing == "parked":
                return capital(f"{who(report.call)} returns to {report.extension}")
            case "hangup":
                return capital(f"{who(report.call)} gives up")
            case kind:
                return f"{kind}: {who(report.call)}"

    def _exchange(self, one: Exchanged) -> Exchange:
        return Exchange(
            scenario=SESSION,
            step=self._step,
            protocol="http",
            sent=sent_text(one.request),
            received=received_text(one.response),
            outcome=one.outcome,
            at=one.at,
            took=one.took,
        )

    def _changes(self, gesture: Gesture | None, deed: Deed) -> Iterator[CallChanged]:
        """Tell what became of the calls that a gesture is about."""
        after = deed.world.picture
        names = {call.name for call in after.calls} | {call.name for call in self.before.calls}
        reported = {report.call for report in deed.reports if report.type == "hangup"}
        for name in sorted(names, key=lambda one: _rank(one, gesture)):
            before, now = self.before.call(name), after.call(name)
            if now == before or (now is None and name in reported and not _about(gesture, name)):
                continue
            shown = now if now is not None else before
            assert shown is not None
            # A bridge leaves both calls with one person; each keeps its own lifeline.
            party = shown.party if before is None else before.party
            yield CallChanged(
                scenario=SESSION,
                step=self._step,
                call=name,
                state=now.doing if now is not None else "ended",
                extension=shown.extension,
                party=party,
                flow=shown.flow,
                slot=now.slot or None if now is not None else None,
                at=deed.at,
            )


def _rank(name: str, gesture: Gesture | None) -> tuple[bool, str]:
    return (not _about(gesture, name), name)


def _about(gesture: Gesture | None, name: str) -> bool:
    return name in (getattr(gesture, "call", None), getattr(gesture, "name", None))


def _reported(report: Report) -> PbxReported:
    return PbxReported(
        scenario=SESSION,
        type=report.type,
        call=report.call,
        extension=report.extension,
        details=report.details,
        at=report.at,
    )


def _count(answer: Answer) -> str:
    count = next((pin.value for pin in answer.pins if pin.key == "count"), 0)
    return {0: "no call", 1: "one call", 2: "two calls"}.get(
        count if isinstance(count, int) else 0, f"{count} calls"
    )
