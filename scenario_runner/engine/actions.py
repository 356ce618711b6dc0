"""One coroutine for each action that deals with the PBX, with time, or with values."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, TypeAlias, assert_never
from urllib.parse import urlencode

from scenario_runner.durations import SECOND, duration_text
from scenario_runner.engine.context import NamedCallValue, Unbound, Unresolved
from scenario_runner.engine.result import ActionResult, CheckFailed
from scenario_runner.errors import AnswerLost, suggestion
from scenario_runner.events import Failure
from scenario_runner.exchange import Headers, Request
from scenario_runner.language.actions import (
    EVENT_WINDOW,
    Answer,
    AwaitEvent,
    Bridge,
    Call,
    CallStatus,
    CallTarget,
    Check,
    ExtensionStatus,
    Hangup,
    ListCalls,
    NamedCall,
    Park,
    Set,
    Slots,
    Step,
    Wait,
)
from scenario_runner.language.expectations import CountIs
from scenario_runner.language.requests import FormBody, JsonBody, RawRequest, TextBody
from scenario_runner.language.vocabulary import CallState, EventType
from scenario_runner.matching import describe, typed
from scenario_runner.pbx.commands import (
    AnswerCall,
    AnySlot,
    AskExtension,
    AskSlot,
    BridgeCall,
    CallAddress,
    HangUp,
    ParkCall,
    PlaceCall,
    SendRequest,
    ShowCall,
    ShowCalls,
)
from scenario_runner.pbx.protocol import Done, Outcome, Refused
from scenario_runner.references import Expression, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenario_runner.engine.context import Frame, Scope
    from scenario_runner.language.actions import Step
    from scenario_runner.pbx.protocol import PbxEvent
    from scenario_runner.source import Span


async def take_at_hand(action: Wait | Set | Check, frame: Frame) -> ActionResult:
    """Take the action; raise CheckFailed where a check does not hold."""
    sent = frame.now()
    match action:
        case Wait(duration):
            microseconds = frame.scope.duration(duration)
            await asyncio.sleep(microseconds / SECOND)
            return ActionResult(
                sent=sent, at=frame.now(), summary=f"waited {duration_text(microseconds)}"
            )
        case Set(bindings):
            for binding in bindings:
                frame.scope.bind(binding.name, frame.scope.resolve(binding.value))
            summary = ", ".join(binding.name for binding in bindings)
        case Check():
            summary = _checked(action, frame)
        case _:
            assert_never(action)
    await asyncio.sleep(0)  # lets Ctrl-C in between steps that never wait
    return ActionResult(sent=sent, at=sent, summary=summary)


def _checked(check: Check, frame: Frame) -> str:
    value = frame.scope.resolve(check.that)
    matcher, span = check.matcher.matcher, check.matcher.span
    if frame.scope.matches(check.matcher, value):
        return typed(value)
    expected = describe(matcher, frame.scope.resolve)
    message = f"check: expected {expected}, got {typed(value)}"
    failure = Failure(
        key="check", message=message, expected=expected, actual=typed(value), span=span
    )
    raise CheckFailed(failure)


def build_request(action: RawRequest, scope: Scope) -> Request:
    """Return the request as it will be sent, but for the runner's own Authorization.

    A header given as null is kept with an empty value: drivers take that for "not sent".
    """
    content_type, body = _body(action, scope)
    given: Headers = tuple(
        (name, "" if value is None else as_text(value))
        for name, value in ((name, scope.resolve(value)) for name, value in action.headers)
    )
    if content_type and "content-type" not in {name.lower() for name, _ in given}:
        given = (("Content-Type", content_type), *given)
    path = as_text(scope.resolve(action.path))
    return Request(method=action.method, path=path, headers=given, body=body)


def _body(action: RawRequest, scope: Scope) -> tuple[str, bytes]:
    match action.body:
        case None:
            return "", b""
        case JsonBody(value):
            text = json.dumps(scope.resolve(value), ensure_ascii=False)
            return "application/json", text.encode()
        case TextBody(typed_text):
            return "application/json", as_text(scope.resolve(typed_text)).encode()
        case FormBody(fields):
            pairs = [(name, as_text(scope.resolve(value))) for name, value in fields]
            return "application/x-www-form-urlencoded", urlencode(pairs).encode()
        case _:
            assert_never(action.body)


def address_of(call: CallTarget, extension: Expression | None, frame: Frame) -> CallAddress:
    """Find the call's ids as they are now; `extension` stands in for the call's own."""
    if isinstance(call, NamedCall):
        value = named_call(call, frame)
        ids = frame.session.ids(value.uuid)
        if ids is None:
            raise Unresolved(f"the PBX's ids of the call '{call.name}' are not known", call.span)
        own, call_api_id = ids.extension, ids.call_api_id
    else:
        own = as_text(frame.scope.resolve(call.extension))
        call_api_id = as_text(frame.scope.resolve(call.call_api_id))
    if extension is not None:
        own = as_text(frame.scope.resolve(extension))
    return CallAddress(call_api_id=call_api_id, extension=own)


def named_call(call: NamedCall, frame: Frame) -> NamedCallValue:
    """Return what the name stands for; raise Unresolved where it is no call, or not yet."""
    try:
        value = frame.scope.find(call.name)
    except KeyError:
        message = f"there is no call '{call.name}': the step that places it did not succeed"
        raise Unbound(message, call.span) from None
    if not isinstance(value, NamedCallValue):
        raise Unresolved(f"'{call.name}' is not a call but {typed(value)}", call.span)
    return value


async def await_event(action: AwaitEvent, step: Step, frame: Frame) -> ActionResult:
    """Take the oldest matching event, or count all that come; raises CheckFailed for none."""
    begin = frame.now()
    frame.require_events()
    wanted = _EventFilter(action, step, frame)
    if any(isinstance(clause, CountIs) for clause in step.expect):
        return await _count_events(wanted, begin, frame)
    while True:
        event = frame.log.take(wanted.since.mark, wanted)
        if event is not None:
            return ActionResult(sent=begin, at=event.at, summary=_told(event, frame), event=event)
        left = wanted.until - frame.now()
        if left <= 0:
            _require_hearing(wanted, frame)
            raise CheckFailed(_no_event(wanted, step, frame))
        await frame.log.arrival(left / SECOND)


async def _count_events(wanted: _EventFilter, begin: int, frame: Frame) -> ActionResult:
    left = wanted.until - frame.now()
    if left > 0:
        await asyncio.sleep(left / SECOND)
    _require_hearing(wanted, frame)
    found = frame.log.take_all(wanted.since.mark, wanted)
    last = found[-1] if found else None
    at = last.at if last else frame.now()
    summary = f"{len(found)} such events"
    return ActionResult(sent=begin, at=at, summary=summary, event=last, count=len(found))


def _require_hearing(wanted: _EventFilter, frame: Frame) -> None:
    """Raise AnswerLost where what is waited for may have come unheard."""
    deaf = frame.log.missed(wanted.since.sent, min(wanted.until, frame.now()))
    if deaf is not None:
        raise AnswerLost(
            f"whether {wanted.text()} came is not known: the connection that brings events was "
            f"lost {deaf}",
            hint="run it again; an event that was heard all the same would have counted",
        )


def _told(event: PbxEvent, frame: Frame) -> str:
    return f"{event.type} of {frame.who(event.uuid)} at {duration_text(event.at)}"


def _no_event(wanted: _EventFilter, step: Step, frame: Frame) -> Failure:
    """Say what came in place of the event; of one that `where` left out, all fields."""
    came = frame.log.after(wanted.since.mark)
    near = [event for event in came if wanted.is_about(event)]
    actual = [f"{_told(event, frame)} ({_fields_text(event)})" for event in near[-2:]]
    actual += [_told(event, frame) for event in came if event not in near][-8:]
    label = wanted.action.since
    return Failure(
        key="event",
        message=f"no {wanted.text()} came within {duration_text(wanted.window)}"
        + (f" of '{label}'" if label else ""),
        expected=wanted.text(),
        actual=", ".join(actual) or "no event at all",
        span=next((found for event in near for found in wanted.mismatched(event)), step.span),
        hint=wanted.hint(near),
    )


def _fields_text(event: PbxEvent) -> str:
    return ", ".join(f"{name}: {value}" for name, value in event.fields) or "no fields"


class _EventFilter:
    """Tells the events that an `event` step waits for, and in which window.

    The window begins with the step named by `since`, else with the last command that was sent to
    change the call. It ends `within` after `since`, else after the step's own beginning.
    """

    def __init__(self, action: AwaitEvent, step: Step, frame: Frame) -> None:
        self.action = action
        self._frame = frame
        self._uuid = None if action.call is None else named_call(action.call, frame).uuid
        extension = action.extension
        self._extension = None if extension is None else as_text(frame.scope.resolve(extension))
        self._default = step.within is None
        self.window = frame.scope.duration(step.within or EVENT_WINDOW)
        self.since = frame.last_change(self._uuid)
        begin = frame.now()
        if action.since is not None:
            if action.since not in frame.moments:
                raise Unresolved(f"the step '{action.since}' did not run", step.span)
            self.since = frame.moments[action.since]
            begin = self.since.sent
        self.until = begin + self.window

    def __call__(self, event: PbxEvent) -> bool:
        return event.at <= self.until and self.is_about(event) and self._fields_match(event)

    def is_about(self, event: PbxEvent) -> bool:
        """Tell whether the event is of the type, the call and the extension that is meant."""
        return (
            event.type is self.action.type
            and (self._uuid is None or event.uuid == self._uuid)
            and (self._extension is None or event.extension == self._extension)
        )

    def _fields_match(self, event: PbxEvent) -> bool:
        return next(self.mismatched(event), None) is None

    def mismatched(self, event: PbxEvent) -> Iterator[Span]:
        """Yield the places of those matchers in `where` that the event does not match."""
        fields = dict(event.fields)
        for name, spanned in self.action.where:
            if name not in fields or not self._frame.scope.matches(spanned, fields[name]):
                yield spanned.span

    def text(self) -> str:
        """Say what is waited for."""
        of = f" of {self.action.call.name}" if self.action.call else ""
        at = f" at {self._extension}" if self._extension else ""
        resolve = self._frame.scope.resolve
        where = [f"{name} {describe(s.matcher, resolve)}" for name, s in self.action.where]
        return f"{self.action.type}{of}{at}" + (f" where {', '.join(where)}" if where else "")

    def hint(self, near: list[PbxEvent]) -> str | None:
        """Say what to write so that one of these events would have been the one."""
        for event in near:
            known = dict(event.fields)
            for name, _ in self.action.where:
                if name not in known:
                    return f"the event has no field '{name}'; {suggestion(name, known, 'it has')}"
            if event.at > self.until and self._fields_match(event):
                begin = self.until - self.window
                enough = -(-(event.at - begin) // SECOND) * SECOND + SECOND
                return f"one came later; write within: {duration_text(enough)}"
        if self._default and not near:
            return "an 'event' waits 30s unless its step says otherwise; write within: 4m"
        return None


Looking: TypeAlias = (
    ListCalls | CallStatus | ExtensionStatus | AwaitEvent | Wait | RawRequest | Set | Check
)
Plain: TypeAlias = Call | Answer | Park | Slots | Bridge | Hangup | Looking

_PERSON_WINDOW = 120 * SECOND
"""How long a `call` waits for somebody to dial, who has to read the instruction first."""


async def act(action: Plain, step: Step, frame: Frame) -> ActionResult:
    """Take one action and return what it saw; raises PbxError, Unresolved and CheckFailed."""
    match action:
        case Park() | Slots() | Bridge():
            return await _valet(action, step, frame)
        case Call():
            return await _call(action, step, frame)
        case Answer(call):
            return await _answer(call, step, frame)
        case Hangup():
            return await _hangup(action, step, frame)
        case _:
            return await _look(action, step, frame)


async def _look(action: Looking, step: Step, frame: Frame) -> ActionResult:
    match action:
        case ListCalls() | CallStatus() | ExtensionStatus():
            return await _calls(action, step, frame)
        case AwaitEvent():
            return await await_event(action, step, frame)
        case RawRequest():
            return await _request(action, step, frame)
        case Wait() | Set() | Check():
            return await take_at_hand(action, frame)
        case _:
            assert_never(action)


def _outcome(frame: Frame, sent: int, outcome: Outcome, summary: str) -> ActionResult:
    if isinstance(outcome, Refused):
        summary = f"refused ({outcome.reason}): {outcome.message}"
    at = outcome.raw.at or frame.now()
    return ActionResult(
        sent=sent, at=at, summary=summary, outcome=outcome, note=outcome.driver_word
    )


async def _valet(action: Park | Slots | Bridge, step: Step, frame: Frame) -> ActionResult:
    address = address_of(action.call, action.extension, frame)
    slot = None if action.slot is None else frame.scope.resolve(action.slot)
    within = frame.scope.duration(step.timeout)
    mark = None if isinstance(action, Slots) else frame.sends(action.call)
    sent = frame.now()
    match action:
        case Park():
            outcome = await frame.session.do(ParkCall(call=address, slot=slot), within)
            summary = f"parked in slot {as_text(slot)}"
        case Slots():
            outcome = await frame.session.do(AskSlot(call=address, slot=slot), within)
            summary = _slot_summary(outcome, as_text(slot), frame)
        case Bridge():
            wanted = AnySlot() if action.slot is None else slot
            outcome = await frame.session.do(BridgeCall(call=address, slot=wanted), within)
            summary = _bridge_summary(outcome, frame)
        case _:
            assert_never(action)
    if isinstance(outcome, Done) and not isinstance(action, Slots):
        _moved(action, outcome, as_text(slot), frame)
    if isinstance(action, Bridge) and mark is not None and isinstance(outcome, Done):
        frame.changed_by(mark, outcome.uuid)
    return _outcome(frame, sent, outcome, summary)


def _moved(action: Park | Bridge, done: Done, slot: str, frame: Frame) -> None:
    match action:
        case Park():
            frame.changed(action.call, CallState.PARKED, slot)
        case Bridge():
            frame.changed(action.call, CallState.BRIDGED)
            if done.uuid is not None:
                frame.changed_uuid(done.uuid, CallState.BRIDGED)


def _slot_summary(outcome: Outcome, slot: str, frame: Frame) -> str:
    match outcome:
        case Done(uuid=None):
            return f"slot {slot} is empty"
        case Done(uuid=str(uuid)):
            return f"slot {slot} holds {frame.who(uuid)}"
        case _:
            return ""


def _bridge_summary(outcome: Outcome, frame: Frame) -> str:
    match outcome:
        case Done(uuid=str(uuid), slot=slot):
            return f"joined with {frame.who(uuid)}" + (f" from slot {slot}" if slot else "")
        case _:
            return "joined"


async def _call(action: Call, step: Step, frame: Frame) -> ActionResult:
    scope = frame.scope
    extension, party = scope.resolve(action.extension), scope.resolve(action.party)
    answered = True if action.answered is None else scope.resolve(action.answered) is True
    window = scope.duration(step.within) if step.within is not None else _PERSON_WINDOW
    request = PlaceCall(
        extension=as_text(extension),
        flow=action.flow,
        party=as_text(party),
        answered=answered,
        instruction="" if step.name is None else as_text(scope.resolve(step.name)),
        window=window,
    )
    mark = frame.sends()
    outcome = await frame.session.do(request, scope.duration(step.timeout))
    if isinstance(outcome, Done) and outcome.ids is not None:
        uuid = outcome.ids.uuid
        value = NamedCallValue(name=action.as_, uuid=uuid, party=request.party, flow=action.flow)
        frame.placed(uuid, value)
        state = CallState.UP if answered else CallState.RINGING
        frame.changed_uuid(uuid, state)
        frame.changed_by(mark, uuid)
        dialled = EventType.DIAL_IN if action.flow == "in" else EventType.DIAL_OUT
        coming_up = (dialled, EventType.ANSWER) if answered else (dialled,)
        frame.log.caused(uuid, coming_up, mark, frame.now())
    arrow = "from" if action.flow == "in" else "to"
    summary = f"{action.as_}: {request.extension} {arrow} {request.party}"
    return _outcome(frame, mark.sent, outcome, summary)


async def _answer(call: CallTarget, step: Step, frame: Frame) -> ActionResult:
    address = address_of(call, None, frame)
    mark = frame.sends(call)
    outcome = await frame.session.do(AnswerCall(call=address), frame.scope.duration(step.timeout))
    if isinstance(outcome, Done) and isinstance(call, NamedCall):
        uuid = named_call(call, frame).uuid
        frame.changed(call, CallState.UP)
        frame.log.caused(uuid, (EventType.ANSWER,), mark, frame.now())
    return _outcome(frame, mark.sent, outcome, "answered")


async def _hangup(action: Hangup, step: Step, frame: Frame) -> ActionResult:
    address = address_of(action.call, None, frame)
    sent = frame.sends(action.call).sent
    within = frame.scope.duration(step.timeout)
    outcome = await frame.session.do(HangUp(call=address, by=action.by), within)
    if isinstance(outcome, Done):
        frame.changed(action.call, CallState.ENDED)
    return _outcome(frame, sent, outcome, f"hung up by the {action.by} party")


async def _calls(
    action: ListCalls | CallStatus | ExtensionStatus, step: Step, frame: Frame
) -> ActionResult:
    within = frame.scope.duration(step.timeout)
    sent = frame.now()
    match action:
        case CallStatus(call):
            outcome = await frame.session.do(ShowCall(call=address_of(call, None, frame)), within)
            state = outcome.state if isinstance(outcome, Done) else None
            return _outcome(frame, sent, outcome, f"the call is {state}")
        case ListCalls(expression):
            extension = as_text(frame.scope.resolve(expression))
            outcome = await frame.session.do(ShowCalls(extension=extension), within)
            listed = outcome.listed if isinstance(outcome, Done) else ()
            who = ", ".join(frame.who(call.uuid) for call in listed) or "none"
            return _outcome(frame, sent, outcome, f"{len(listed)} calls: {who}")
        case ExtensionStatus(expression):
            extension = as_text(frame.scope.resolve(expression))
            outcome = await frame.session.do(AskExtension(extension=extension), within)
            doing = outcome.extension_state if isinstance(outcome, Done) else None
            return _outcome(frame, sent, outcome, f"extension {extension} is {doing}")
        case _:
            assert_never(action)


async def _request(action: RawRequest, step: Step, frame: Frame) -> ActionResult:
    request = build_request(action, frame.scope)
    sent = frame.now()
    outcome = await frame.session.do(
        SendRequest(request=request), frame.scope.duration(step.timeout)
    )
    return _outcome(frame, sent, outcome, f"status {outcome.raw.status}")
