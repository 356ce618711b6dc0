"""Reads an access log of event requests, as a receiver's web server writes it, as steps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from scenario_runner.language.vocabulary import EventType
from scenario_runner.recording.scenario import (
    SHORTEST_WAIT,
    Fields,
    Recorded,
    Told,
    escaped,
    finished,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


_FORM: Final = re.compile(r"[^\s\"'?]*(?:EventType|EventTime|CallID)=[^\s\"']*")
_NUMBER: Final = re.compile(r"(?:[0-9]+\*)?([0-9]+)(?:@.*)?")
_SLOT: Final = 1

Form = dict[str, str]


@dataclass(slots=True)
class _Call:
    name: str
    ringing: bool = True
    over: bool = False
    recalled: bool = False


@dataclass(slots=True)
class EventLog:
    """Takes forms of events in the order they happened; `steps` is what they are as a scenario.

    A call whose leg ends and that rings again was parked, in a slot that no event tells.
    """

    steps: list[Told] = field(default_factory=list)
    _calls: dict[str, _Call] = field(default_factory=dict)
    _ahead: list[Form] = field(default_factory=list)

    def take_all(self, forms: Iterable[Form]) -> None:
        """Read all events; they may come in any order."""
        self._ahead = sorted(forms, key=lambda form: int(form["EventTime"]))
        while self._ahead:
            self._take(self._ahead.pop(0))

    def _take(self, form: Form) -> None:
        call = self._calls.get(form["CallID"])
        kind = form["EventType"]
        if call is None:
            call = self._begin(form)
        elif kind in ("dial-in", "dial-out"):
            # The recall of a parked call: the PBX does it by itself, the scenario waits for it.
            call.ringing = call.recalled = True
            self._event(form, call)
            return
        match kind:
            case "answer":
                self._answer(form, call)
            case "hangup" if not call.over:
                self._end(form, call)

    def _begin(self, form: Form) -> _Call:
        call = _Call(f"call{len(self._calls) + 1}", ringing=form["EventType"] != "answer")
        self._calls[form["CallID"]] = call
        outgoing = form.get("CallFlow", "").lower() == "out"
        party = form.get("CalledNumber" if outgoing else "CallerIDNum", "")
        fields: Fields = (
            ("as", call.name),
            ("extension", _extension(form, outgoing=outgoing)),
            ("to" if outgoing else "from", escaped(party) or "anonymous"),
        )
        self._tell(form, "call", fields + ((("answered", False),) if call.ringing else ()))
        return call

    def _answer(self, form: Form, call: _Call) -> None:
        if call.ringing:
            self._tell(form, "answer", (("call", call.name),))
            call.ringing = False
        named: Fields = (("call", call.name),)
        up: Fields = (("state", "up"),)
        at = int(form["EventTime"])
        self.steps.append(Told(at=at, action="calls", fields=named, expect=up))

    def _end(self, form: Form, call: _Call) -> None:
        later = [other for other in self._ahead if other["CallID"] == form["CallID"]]
        if any(other["EventType"] == "dial-in" for other in later):
            self._tell(form, "park", (("call", call.name), ("slot", _SLOT)))
        elif not (call.recalled and form.get("CallStatus") == "NOANSWER"):
            # A recall that nobody answers ends by itself; everything else somebody ends.
            by_extension = form.get("CallStatus") in ("BUSY", "NOANSWER")
            by: Fields = (("by", "extension"),) if by_extension else ()
            self._tell(form, "hangup", (("call", call.name), *by))
        call.over = not later
        self._event(form, call)

    def _event(self, form: Form, call: _Call) -> None:
        self._tell(form, "event", (("type", form["EventType"]), ("call", call.name)))

    def _tell(self, form: Form, action: str, fields: Fields) -> None:
        self.steps.append(Told(at=int(form["EventTime"]), action=action, fields=fields))


@dataclass(frozen=True, slots=True)
class Unread:
    """A line of a log that is about an event and can't be read: its number, and why."""

    line: int
    reason: str


def read_log(log: str) -> tuple[list[Form], list[Unread]]:
    """Return the event forms in a log, and the lines about events that can't be read.

    A form is the query of a GET or the logged body of a POST. Blanks after its &, as the vendor's
    page prints it, and &amp; are passed over; other requests are no events.
    """
    forms: list[Form] = []
    unread: list[Unread] = []
    for number, line in _lines(log):
        found = _FORM.search(line)
        if found is None:
            continue
        form = dict(parse_qsl(found[0], keep_blank_values=True))
        reason = _fault(form)
        if reason is None:
            forms.append(form)
        else:
            unread.append(Unread(number, reason))
    return forms, unread


def _lines(log: str) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers; one that ends in the middle of a form goes on."""
    kept, first = "", 1
    for number, line in enumerate(log.splitlines(), 1):
        first = first if kept else number
        kept += line.strip() if kept else line
        if not _UNFINISHED.search(kept):
            yield first, _BLANKS.sub("&", kept)
            kept = ""
    if kept:
        yield first, _BLANKS.sub("&", kept)


_UNFINISHED: Final = re.compile(r"\w=[^\s\"'&]*&(?:amp;)?\s*$")
_BLANKS: Final = re.compile(r"&(?:amp;)?\s*(?=\w+=)")


def _fault(form: Form) -> str | None:
    """Say why a form is not an event, or None where it is one."""
    kind = form.get("EventType")
    if kind not in _KINDS:
        return (
            f"EventType {kind!r} is none of {', '.join(_KINDS)}" if kind else "it has no EventType"
        )
    if not form.get("CallID"):
        return "it has no CallID"
    time = form.get("EventTime")
    if time is None:
        return "it has no EventTime"
    return None if _TIME.fullmatch(time) else f"EventTime {time!r} is not a time in microseconds"


_KINDS: Final = tuple(kind.value for kind in EventType)
_TIME: Final = re.compile(r"[0-9]{1,18}")


def _extension(form: Form, *, outgoing: bool) -> str:
    """Return the extension's number, or what stands for it where the event has no name of it."""
    side = "Caller" if outgoing else "Called"
    names = (
        form.get(f"{side}Extension", ""),
        form.get("CallerIDNum" if outgoing else "CalledNumber", ""),
    )
    found = next((match[1] for name in names if (match := _NUMBER.fullmatch(name))), "")
    return found or form.get("SubCallID", "").partition("-")[0]


def scenario_of_log(log: str, shortest: int = SHORTEST_WAIT) -> str:
    """Return the scenario file of an access log of event requests; raises UsageError for none."""
    events = EventLog()
    forms, unread = read_log(log)
    events.take_all(forms)
    told = f"{len(forms)} events of a log."
    if any(step.action == "park" for step in events.steps):
        told += " No event tells a slot: slot 1 stands for the one that was used."
    hint = "each line must hold a request like GET /?EventType=answer&EventTime=…&CallID=…"
    if unread:
        hint = f"line {unread[0].line}: {unread[0].reason}"
    recorded = Recorded(name="Recorded from an event log", description=told, steps=events.steps)
    return finished(recorded, shortest, hint)
