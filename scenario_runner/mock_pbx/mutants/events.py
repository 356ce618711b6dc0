"""Mutants of what is reported about calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenario_runner.durations import SECOND
from scenario_runner.mock_pbx.faults import EventKind, Fault
from scenario_runner.mock_pbx.mutants.mutant import Kind, breaks, with_fault, with_profile
from scenario_runner.mock_pbx.notifications import Notifier
from scenario_runner.mock_pbx.rules import (
    EVENTS_ANSWER,
    EVENTS_DIAL_IN,
    EVENTS_DIAL_OUT,
    EVENTS_HANGUP,
)
from scenario_runner.mock_pbx.switch import Switch

if TYPE_CHECKING:
    from scenario_runner.mock_pbx.calls import Call, CallEvent, CallStatus, EventType, HangUp
    from scenario_runner.mock_pbx.notifications import Fields
    from scenario_runner.mock_pbx.rules import Rule


def _delivered_badly(rule: Rule, on: EventType, what: str) -> None:
    with_fault(
        rule,
        "lost",
        Kind.MISSING_EVENT,
        f"{what} was not reported",
        Fault(kind=EventKind.LOST, on=on),
    )
    with_fault(
        rule,
        "doubled",
        Kind.DOUBLED_EVENT,
        f"{what} was reported twice",
        Fault(kind=EventKind.DOUBLED, on=on),
    )
    with_fault(
        rule,
        "late",
        Kind.LATE_EVENT,
        f"{what} was reported 5 seconds late",
        Fault(kind=EventKind.LATE, on=on, by_us=5 * SECOND),
    )


_delivered_badly(EVENTS_DIAL_IN, "dial-in", "the ringing of an extension")
_delivered_badly(EVENTS_DIAL_OUT, "dial-out", "the dialling of an extension")
_delivered_badly(EVENTS_ANSWER, "answer", "the answer of a call")
_delivered_badly(EVENTS_HANGUP, "hangup", "the end of a call")


# events.dial-in

with_fault(
    EVENTS_DIAL_IN,
    "after-answer",
    Kind.REORDERED_EVENTS,
    "the ringing of an extension was reported after the answer",
    Fault(kind=EventKind.REORDERED, on="dial-in", by_us=60 * SECOND),
)
with_profile(
    EVENTS_DIAL_IN,
    "flow-in-capitals",
    Kind.EVENT_FIELD,
    "events wrote CallFlow in capitals",
    events_flow="upper",
)


@breaks(EVENTS_DIAL_IN, "own-number", Kind.EVENT_FIELD)
class _CallsItself(Notifier):
    """A ringing extension was told its own number for the caller's."""

    def parties(self, event: CallEvent) -> Fields:
        told = dict(super().parties(event))
        if event.type == "dial-in":
            told["CallerIDNum"] = told["CalledNumber"]
        return tuple(told.items())


# events.dial-out


@breaks(EVENTS_DIAL_OUT, "as-dial-in", Kind.EVENT_FIELD)
class _DialsIn(Switch):
    """A call that an extension dials was reported as one that comes in."""

    def emit(self, kind: EventType, call: Call, status: CallStatus) -> None:
        super().emit("dial-in" if kind == "dial-out" else kind, call, status)


# events.answer


@breaks(EVENTS_ANSWER, "milliseconds", Kind.EVENT_FIELD)
class _Milliseconds(Notifier):
    """EventTime counted milliseconds, where it counts microseconds."""

    def fields(self, event: CallEvent) -> Fields:
        told = dict(super().fields(event))
        if event.type == "answer":
            told["EventTime"] = str((self.epoch_us + event.at) // 1000)
        return tuple(told.items())


# events.hangup

with_fault(
    EVENTS_HANGUP,
    "after-next",
    Kind.REORDERED_EVENTS,
    "the end of the parker's part was reported after what came next",
    Fault(kind=EventKind.REORDERED, on="hangup", by_us=600 * SECOND),
)


@breaks(EVENTS_HANGUP, "duration", Kind.EVENT_FIELD)
class _DurationInSeconds(Notifier):
    """Duration counted seconds, where it counts microseconds."""

    def fields(self, event: CallEvent) -> Fields:
        told = dict(super().fields(event))
        if event.duration is not None:
            told["Duration"] = str(event.duration // SECOND)
        return tuple(told.items())


@breaks(EVENTS_HANGUP, "who-gave-up", Kind.EVENT_FIELD)
class _WhoGaveUp(Switch):
    """A caller who gives up and an extension that refuses were reported the wrong way round."""

    def why_over(self, call: Call, command: HangUp) -> CallStatus:
        why = super().why_over(call, command)
        swapped: dict[CallStatus, CallStatus] = {"CANCEL": "BUSY", "BUSY": "CANCEL"}
        return swapped.get(why, why)


@breaks(EVENTS_HANGUP, "other-leg", Kind.EVENT_FIELD)
class _OtherLeg(Notifier):
    """The end of a leg was reported under another SubCallID than its beginning."""

    def fields(self, event: CallEvent) -> Fields:
        told = dict(super().fields(event))
        if event.type == "hangup":
            told["SubCallID"] = told["SubCallID"].partition("-")[0] + "-" + event.call.call_id
        return tuple(told.items())
