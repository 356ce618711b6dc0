"""A built-in mock driven by hand: one gesture or one stretch of time after the other.

A `World` is a value: nothing is ever done to its PBX, only to copies. So every moment of a session
keeps its own, and going on from an earlier one costs one copy (tokens, subscriptions, the hour's
requests and faults are in it).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from scenario_runner.execution.targets import MOCK
from scenario_runner.execution.virtual import profile_of, settings_of
from scenario_runner.language.vocabulary import CallState
from scenario_runner.mock_pbx import EPOCH_US, Loss, MockPbx
from scenario_runner.mock_pbx.faults import fault_view
from scenario_runner.mock_pbx.notifications import Notifier
from scenario_runner.pbx.protocol import Raw
from scenario_runner.pbx.ringme.answers import refused
from scenario_runner.ui.answers import Answer, Pin
from scenario_runner.ui.gestures import (
    ExtensionDials,
    Gesture,
    LookAtCall,
    LookAtExtension,
    LookIntoSlot,
    ParkCall,
    PickUp,
    PutDown,
    SendRequest,
    SomebodyCalls,
    TakeFromSlot,
    call_of,
)
from scenario_runner.ui.picture import Picture, picture_of
from scenario_runner.ui.requests import (
    Address,
    Dialect,
    request_of,
    token_request,
    wants_token,
    with_token,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenario_runner.exchange import Request, Response
    from scenario_runner.language.target import Target
    from scenario_runner.mock_pbx import Answer as Answered
    from scenario_runner.mock_pbx import Fault
    from scenario_runner.mock_pbx.calls import CallEvent
    from scenario_runner.mock_pbx.rules import Rule
    from scenario_runner.pbx.ringme.settings import RingMeSettings
    from scenario_runner.references import Json

_LONGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A request that was sent at `at`, what came back, and how long that took (microseconds)."""

    request: Request
    response: Response
    outcome: str
    at: int
    took: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the PBX reports about a call, as an event to subscribe to would tell it."""

    type: str
    call: str
    extension: str
    at: int
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What a gesture or a stretch of time did to a world."""

    world: World
    at: int
    exchanges: tuple[Exchanged, ...] = ()
    reports: tuple[Report, ...] = ()
    rules: tuple[Rule, ...] = ()
    answer: Answer | None = None
    effective: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A mock PBX, the token to act on it with, and the names of its calls by their uuid.

    `known` is where calls that are over were last.
    """

    pbx: MockPbx
    settings: RingMeSettings
    token: str = field(default="", repr=False)
    names: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)

    @property
    def picture(self) -> Picture:
        """What the PBX holds."""
        return picture_of(self.pbx.state, self.names)

    @property
    def dialect(self) -> Dialect:
        """How the PBX is spoken to."""
        return Dialect(extension_ids=self.settings.extension_ids)

    @property
    def faults(self) -> tuple[dict[str, object], ...]:
        """The faults at work, as the mock's own resource shows them."""
        return tuple(fault_view(one) for one in self.pbx.faults)

    @property
    def next_timer(self) -> int | None:
        """When the next timer fires (microseconds), if one is set."""
        return self.pbx.next_deadline()

    def find(self, name: str) -> Address:
        """Return where a call is; raises KeyError for one that never was."""
        uuid = next((one for one, called in self.names.items() if called == name), None)
        if uuid is None:
            raise KeyError(name)
        call = self.pbx.state.calls.get(uuid)
        extension = self.known.get(uuid, "") if call is None else str(call.extension)
        return Address(uuid, f"{self.pbx.profile.media_server}-{uuid}", extension)

    def request(self, gesture: Gesture) -> Request:
        """Return the request that a gesture would send."""
        return request_of(gesture, self.find, self.dialect)

    def do(self, gesture: Gesture, now: int) -> Deed:
        """Carry out a gesture at the time `now`; raises KeyError for a call that never was."""
        pbx = self.pbx.copy()
        return self.do_on(pbx, lambda request, at: _acted(pbx, request, at), gesture, now)

    def do_on(self, pbx: MockPbx, act: Act, gesture: Gesture, now: int) -> Deed:
        """Carry out a gesture on a PBX that is as this world tells; `act` sends one request."""
        hand = _Hand(self, act, now)
        last = hand.send(self.request(gesture))
        placed = gesture.name if isinstance(gesture, SomebodyCalls | ExtensionDials) else ""
        world = replace(self.become(pbx.copy(), placed), token=hand.token)
        answer = _Reading(before=self, after=world, gesture=gesture, rules=hand.rules).answer(last)
        struck = bool(self.pbx.faults) and last.outcome != "ok" and not hand.rules
        return Deed(
            world=world,
            at=now,
            exchanges=tuple(hand.exchanges),
            reports=tuple(_report(event, world) for event in hand.happened),
            rules=tuple(hand.rules),
            answer=replace(answer, took=sum(one.took for one in hand.exchanges)),
            effective=not struck or world.pbx.state is not self.pbx.state,
        )

    def become(self, pbx: MockPbx, placed: str = "") -> World:
        """Return the world with another PBX; `placed` is the name of the first new call."""
        return _with_names(_with_known(self, pbx), placed)

    def seen(self, pbx: MockPbx, at: int, exchanges: tuple[Exchanged, ...] = ()) -> Deed:
        """Return what somebody else, or time, has just done to a PBX that was this world's."""
        world = self.become(pbx.copy())
        return Deed(
            world=world,
            at=at,
            exchanges=exchanges,
            reports=tuple(_report(event, world) for event in pbx.happened),
            rules=pbx.decided,
        )

    def pass_time(self, until: int) -> Deed:
        """Let time pass up to the next timer, or up to `until` where none fires before."""
        timer = self.next_timer
        now = until if timer is None else min(timer, until)
        pbx = self.pbx.copy()
        pbx.tick(now)
        pbx.take_deliveries()
        return self.seen(pbx, now)


def new_world(target: Target = MOCK, seed: int = 0, faults: tuple[Fault, ...] = ()) -> World:
    """Return a mock that nobody has called yet."""
    profile = profile_of(target)
    return World(
        pbx=MockPbx(profile, seed=seed, faults=faults), settings=settings_of(target, profile)
    )


@dataclass(frozen=True, slots=True)
class Acted:
    """What one request did: the answer, what happened to calls, the rules that decided."""

    answer: Answered
    happened: tuple[CallEvent, ...]
    decided: tuple[Rule, ...]


Act: TypeAlias = "Callable[[Request, int], Acted]"
"""Sends a request to a PBX at a time of its clock."""


def _acted(pbx: MockPbx, request: Request, now: int) -> Acted:
    answer = pbx.handle(request, now)
    pbx.take_deliveries()
    return Acted(answer, pbx.happened, pbx.decided)


def exchanged(request: Request, answer: Answered, at: int) -> Exchanged:
    """Return a request and its answer as an exchange."""
    outcome = "ok" if answer.response.status < 400 else "refused"
    if answer.loss is not Loss.NO or not _readable(answer.response):
        outcome = "lost"
    return Exchanged(request, answer.response, outcome, at, answer.delay_us + answer.body_us)


class _Hand:
    """Sends the requests of one gesture."""

    def __init__(self, world: World, act: Act, now: int) -> None:
        self._world = world
        self._act = act
        self._now = now
        self.token = world.token
        self.exchanges: list[Exchanged] = []
        self.happened: list[CallEvent] = []
        self.rules: list[Rule] = []

    def send(self, request: Request) -> Exchanged:
        """Send a request, with the token where one is wanted; once more if it has expired."""
        if not wants_token(request):
            return self._exchange(request)
        if not self.token:
            self._ask_for_token()
        last = self._exchange(with_token(request, self.token))
        if last.response.status == 401 and last.outcome == "refused":
            self._ask_for_token()
            last = self._exchange(with_token(request, self.token))
        return last

    def _ask_for_token(self) -> None:
        asking = token_request(self._world.dialect, self._world.settings.credentials)
        answer = _object(self._exchange(asking).response)
        token = answer.get("access_token")
        self.token = token if isinstance(token, str) else ""

    def _exchange(self, request: Request) -> Exchanged:
        acted = self._act(request, self._now)
        self.happened += acted.happened
        self.rules += acted.decided
        made = exchanged(request, acted.answer, self._now)
        self._now += made.took
        self.exchanges.append(made)
        return made


def _readable(response: Response) -> bool:
    """Tell whether an answer can be understood: whole, JSON, and of bearable length."""
    if not response.body:
        return True
    if len(response.body) > _LONGEST:
        return False
    try:
        json.loads(response.body)
    except (ValueError, RecursionError):
        return False
    return True


def _lost(response: Response) -> str:
    if _readable(response):
        return "the connection was lost before the answer came"
    return f"the answer can't be read: {response.body[:80].decode('utf-8', 'replace').strip()}"


def _object(response: Response) -> dict[str, Json]:
    if not response.body or not _readable(response):
        return {}
    body = json.loads(response.body)
    return body if isinstance(body, dict) else {}


def _with_known(world: World, pbx: MockPbx) -> World:
    """Return the world with another PBX; where its ended calls were last is remembered."""
    before, after = world.pbx.state.calls, pbx.state.calls
    ended = {uuid: str(call.extension) for uuid, call in before.items() if uuid not in after}
    known = {**world.known, **ended} if ended else world.known
    return replace(world, pbx=pbx, known=known)


def _with_names(world: World, wanted: str) -> World:
    """Name the calls that are new: `wanted` for the first, others by their number."""
    names = dict(world.names)
    for uuid in world.pbx.state.calls:
        if uuid not in names:
            names[uuid] = wanted or f"call_{len(names) + 1}"
            wanted = ""
    return replace(world, names=names) if len(names) > len(world.names) else world


def _report(event: CallEvent, world: World) -> Report:
    call = event.call
    return Report(
        type=event.type,
        call=world.names.get(call.uuid, call.uuid),
        extension=str(call.extension),
        at=event.at,
        details=Notifier(world.pbx.profile, EPOCH_US).fields(event),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """Understands what came back for a gesture."""

    before: World
    after: World
    gesture: Gesture
    rules: list[Rule]

    def answer(self, last: Exchanged) -> Answer:
        """Return what came of the gesture."""
        if last.outcome == "lost":
            return Answer(outcome="lost", saw="no answer", words=_lost(last.response))
        if last.outcome == "refused":
            return self._refused(last)
        saw, pins = self._saw(last)
        return Answer(outcome="ok", saw=saw, pins=pins)

    def _refused(self, last: Exchanged) -> Answer:
        gone = isinstance(self.gesture, LookAtCall) and last.response.status == 404
        if gone:  # the PBX forgets calls that are over: no refusal for whoever placed it
            pins = (Pin(key="state", value=CallState.ENDED.value),)
            return Answer(outcome="ok", saw="the call is ended", pins=pins)
        response = last.response
        raw = Raw(status=response.status, headers=response.headers, body=_body(response))
        told = refused(raw, self.before.settings, about_call=call_of(self.gesture) is not None)
        status = Pin(key="status", value=response.status)
        reason = Pin(key="refused", value=told.reason.value)
        raw_request = isinstance(self.gesture, SendRequest)
        return Answer(
            outcome="refused",
            saw=f"refused: {told.message}",
            words=told.message,
            reason=told.reason,
            rule=self.rules[-1] if self.rules else None,
            pins=(reason, Pin(key="message", value=told.message), status),
            needed=(status,) if raw_request else (reason,),
        )

    def _saw(self, last: Exchanged) -> tuple[str, tuple[Pin, ...]]:
        body = _object(last.response)
        match self.gesture:
            case LookIntoSlot(slot=slot):
                return self._in_slot(str(slot), body)
            case TakeFromSlot():
                return self._joined(body)
            case LookAtExtension():
                return self._listed(body)
            case LookAtCall(call=name):
                return self._state(name)
            case SendRequest():
                status = last.response.status
                return f"status {status}", (Pin(key="status", value=status),)
            case SomebodyCalls(name=call) | ExtensionDials(name=call):
                return self._state(call)[0], ()
            case PickUp(call=call) | ParkCall(call=call) | PutDown(call=call):
                return self._state(call)[0], ()

    def _in_slot(self, slot: str, body: dict[str, Json]) -> tuple[str, tuple[Pin, ...]]:
        uuid = body.get("UUID")
        if not uuid:
            return f"slot {slot} is empty", (Pin(key="empty", value=True),)
        name = self.after.names.get(str(uuid), str(uuid))
        pins = (Pin(key="holds", value=name), Pin(key="empty", value=False))
        return f"slot {slot} holds {name}", pins

    def _joined(self, body: dict[str, Json]) -> tuple[str, tuple[Pin, ...]]:
        taken = self._taken()
        slot = str(body.get("slot", ""))
        pins = (Pin(key="with", value=taken),) if taken else ()
        return f"joined with {taken or 'somebody'} from slot {slot}", pins

    def _taken(self) -> str:
        """Return the name of the parked call that was taken."""
        after = self.after.picture
        for call in self.before.picture.parked():
            now = after.call(call.name)
            if now is not None and now.doing == "bridged":
                return call.name
        return ""

    def _listed(self, body: dict[str, Json]) -> tuple[str, tuple[Pin, ...]]:
        listed = body.get("call_list")
        entries = (
            [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        )
        uuids = [str(one.get("call_api_id")).partition("-")[2] for one in entries]
        names: list[Json] = [self.after.names.get(uuid, uuid) for uuid in uuids]
        count = Pin(key="count", value=len(names))
        pins = (count, Pin(key="includes", value=names)) if names else (count,)
        return f"{len(names)} calls: {', '.join(map(str, names)) or 'none'}", pins

    def _state(self, name: str) -> tuple[str, tuple[Pin, ...]]:
        call = self.after.picture.call(name)
        state = CallState.ENDED.value if call is None else call.doing
        return f"the call is {state}", (Pin(key="state", value=state),)


def _body(response: Response) -> Json:
    if not response.body:
        return None
    body: Json = json.loads(response.body)
    return body
