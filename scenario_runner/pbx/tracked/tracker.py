"""Follows a PBX's events: keeps the call table up to date and reports the four events of a call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from scenario_runner.language.vocabulary import CallState, EventType

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.pbx.tracked.calls import Call, CallTable
    from scenario_runner.pbx.tracked.wire import WireMessage


class CallEvent(NamedTuple):
    """One of the four events, at the extension it is about, with the PBX's own fields."""

    type: EventType
    call: Call
    extension: str
    fields: tuple[tuple[str, str], ...]


class CallTracker(ABC):
    """Reads events into a call table; `report` is given what they mean for calls.

    What is the same for every PBX is here; the tracker of a PBX says in `readers` which of its
    events mean what.
    """

    def __init__(self, calls: CallTable, report: Callable[[CallEvent], None]) -> None:
        self.calls = calls
        self._report = report
        self._readers = self.readers()

    @abstractmethod
    def readers(self) -> dict[str, Callable[[WireMessage], None]]:
        """Return what reads each event, by its name."""

    def read(self, event: WireMessage) -> None:
        """Take one event in; those that say nothing about calls are passed over."""
        reader = self._readers.get(event.event)
        if reader is not None:
            reader(event)

    def report(self, kind: EventType, call: Call, event: WireMessage) -> None:
        """Report an event of a call."""
        self._report(CallEvent(kind, call, call.extension, tuple(event.fields.items())))

    def rings_desk(self, call: Call, uid: str, event: WireMessage) -> None:
        """The extension's phone rings."""
        self.calls.set_desk(call, uid)
        call.state = CallState.RINGING
        self.report(EventType.DIAL_IN, call, event)

    def rings_remote(self, call: Call, uid: str, event: WireMessage) -> None:
        """The person outside is dialled."""
        self.calls.set_remote(call, uid)
        self.calls.name(call, call.uuid or uid)
        call.state = CallState.RINGING
        self.report(EventType.DIAL_OUT, call, event)

    def answered(self, call: Call, event: WireMessage) -> None:
        """Whoever was called answers."""
        call.state = CallState.UP
        self.report(EventType.ANSWER, call, event)

    def channel_gone(self, uid: str, event: WireMessage) -> None:
        """A channel was hung up: the extension's leg ends with it, or the whole call."""
        self.calls.drop(uid)
        for call in self.calls.of(uid):
            if uid == call.desk:
                self.calls.set_desk(call, "")
                self.report(EventType.HANGUP, call, event)
            else:
                self.calls.set_remote(call, "")
                self._remote_gone(call, event)
            if not call.legs:
                self.calls.end(call)
                if not call.owned:
                    self.calls.forget(call)

    def _remote_gone(self, call: Call, event: WireMessage) -> None:
        if call.retrieving:
            return
        if call.state is CallState.PARKED:
            self.report(EventType.HANGUP, call, event)
        self.calls.end(call)
