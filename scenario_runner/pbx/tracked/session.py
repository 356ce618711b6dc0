"""One scenario's dealings with a PBX that is tracked by its events.

The PBX keeps few of the rules that a scenario relies on: it takes another slot where one is full,
or joins two calls. So the driver looks first, acts, and looks at what became of the calls, one
command at a time for each slot. Where a rule is the driver's, the outcome says so.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, TypeAlias, assert_never

from msgspec.structs import replace

from scenario_runner.durations import SECOND
from scenario_runner.errors import NotPossible, TimedOut
from scenario_runner.language.vocabulary import CallState, ExtensionState, Party, Reason
from scenario_runner.pbx.commands import (
    AnswerCall,
    AnySlot,
    AskExtension,
    AskSlot,
    BridgeCall,
    FindPlaced,
    HangUp,
    ParkCall,
    PlaceCall,
    SendRequest,
    ShowCall,
    ShowCalls,
    Unsubscribe,
    require,
)
from scenario_runner.pbx.people import Appeal, is_wanted, not_placed, too_late
from scenario_runner.pbx.protocol import CallIds, Done, Holding, Leftover, Listed, PbxEvent, Refused
from scenario_runner.pbx.tracked.calls import Call
from scenario_runner.pbx.tracked.closing import Closing
from scenario_runner.pbx.tracked.dialect import NoCapacity, no_call
from scenario_runner.pbx.tracked.lookup import find_call, find_talking, slot_number
from scenario_runner.pbx.tracked.waiters import EVERY, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scenario_runner.pbx.commands import CallAddress, Command, Question
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.protocol import Outcome, PlacedCall, Plan, Traits
    from scenario_runner.pbx.tracked.client import Evidence, Stopwatch
    from scenario_runner.pbx.tracked.dialect import Dialect, Owns
    from scenario_runner.pbx.tracked.tracker import CallEvent
    from scenario_runner.pbx.tracked.wire import WireMessage
    from scenario_runner.references import Json

_Found: TypeAlias = "tuple[Call, WireMessage | None]"

CLOSING = 10 * SECOND
"""The longest that one exchange of the cleanup may take, in microseconds."""


class TrackedSession:
    """Does a scenario's commands; see `pbx.protocol.Session`.

    `by_people` says that calls are placed by people. The context's seed decides which parked call
    a bridge without a slot takes.
    """

    def __init__(
        self, dialect: Dialect, plan: Plan, context: Context, traits: Traits, *, by_people: bool
    ) -> None:
        self._dialect = dialect
        self._client = dialect.client
        self._table = dialect.calls
        self._plan = plan
        self._context = context
        self._traits = traits
        self._by_people = by_people
        self._before: frozenset[Call] = frozenset()
        self._closing = Closing(dialect, plan)
        self._left: set[str] = set()
        self._random = Random(f"{context.seed}:{plan.scenario}")

    async def begin(self) -> None:
        """Connect, and remember the calls that are none of this scenario's."""
        await self._client.connect()
        self._before = frozenset(self._table.alive())

    def heard(self, event: CallEvent) -> None:
        """Pass an event on where it is this scenario's."""
        call = event.call
        if self._closing.owns(call) or event.extension in self._plan.extensions:
            self._client.watcher.reported(
                PbxEvent(
                    type=event.type,
                    uuid=call.uuid,
                    extension=event.extension,
                    at=self._client.clock.now(),
                    fields=event.fields,
                )
            )

    def deaf(self) -> None:
        """Tell that events may be missed from now on."""
        self._client.watcher.deaf(self._client.clock.now())

    def hearing(self) -> None:
        """Tell that events are heard again."""
        self._client.watcher.hearing(self._client.clock.now())

    async def do(self, command: Command, within: int) -> Outcome:
        """Do what is asked; see `pbx.protocol.Session`."""
        require(command, self._traits)
        watch = self._client.start()
        await self._client.connect()
        match command:
            case PlaceCall():
                done = await self._place(command, watch, within)
            case AnswerCall(call=call):
                done = await self._answer(call, watch, within)
            case ParkCall(call=call, slot=slot):
                done = await self._park(call, slot, watch, within)
            case BridgeCall():
                done = await self._bridge(command, watch, within)
            case HangUp(call=call, by=by):
                done = await self._hang_up(call, by, watch, within)
            case SendRequest() | Unsubscribe():
                raise NotPossible(f"{self._dialect.pbx} is not spoken to over HTTP")
            case _:
                done = await self._ask(command, watch, within)
        return done

    async def _ask(self, question: Question, watch: Stopwatch, within: int) -> Outcome:
        match question:
            case AskSlot(call=call, slot=slot):
                return await self._ask_slot(call, slot, watch, within)
            case ShowCalls(extension=extension):
                return await self._show_calls(extension, watch, within)
            case ShowCall(call=call):
                return await self._show_call(call, watch, within)
            case AskExtension(extension=extension):
                return await self._ask_extension(extension, watch, within)
            case FindPlaced(call=placed):
                return await self._find_placed(placed, watch, within)
            case _:
                assert_never(question)

    def _refuse(self, reason: Reason, watch: Stopwatch, decided: Evidence | None = None) -> Refused:
        return self._dialect.refusals.refuse(reason, self._client.raw(watch, decided))

    async def _place(self, request: PlaceCall, watch: Stopwatch, within: int) -> Outcome:
        if self._by_people:
            call, seen = await self._placed_by_people(request)
        else:
            try:
                call, seen = await self._dialect.place(request, self._owned(request), within)
            except NoCapacity as error:
                return self._no_capacity(error, watch)
        raw = self._client.raw(watch, seen)
        return Done(raw=raw, ids=_ids(call), state=call.reported_state)

    def _no_capacity(self, error: NoCapacity, watch: Stopwatch) -> Refused:
        raw = self._client.raw(watch)
        return Refused(raw=raw, reason=Reason.NO_CAPACITY, message=error.message)

    def _owned(self, request: PlaceCall) -> Owns:
        """Return what takes a call as the scenario's own, and notes its channels first."""

        def own(call: Call, *more: str) -> None:
            channels = tuple(uid for uid in (*call.legs, call.coming, *more) if uid)
            self._context.journal.chosen(request.placing, channels)
            self._closing.own(call, *more)

        return own

    async def _placed_by_people(self, request: PlaceCall) -> tuple[Call, Evidence | None]:
        appeal = Appeal(self._context.announce, request)

        def came(event: WireMessage | None) -> _Found | None:
            wanted = (call for call in self._candidates(request) if self._is_there(call, request))
            return next(((call, event) for call in wanted), None)

        with self._dialect.hub.waiters.of((EVERY,), came) as coming:
            found = came(None)
            if found is None:
                appeal.begin()
                found = await self._before_the_time_is_up(coming, request, appeal)
                appeal.end(found[0].party)
        call, event = found
        call.owned = True
        self._closing.own(call)
        return call, event

    async def _before_the_time_is_up(
        self, coming: asyncio.Future[_Found], request: PlaceCall, appeal: Appeal
    ) -> _Found:
        countdown = asyncio.create_task(self._count_down(request.window, appeal))
        try:
            await asyncio.wait((coming, countdown), return_when=asyncio.FIRST_COMPLETED)
        finally:
            countdown.cancel()
            await asyncio.wait((countdown,))
        if coming.done():
            return coming.result()
        countdown.result()
        rang = next(self._candidates(request), None) is not None
        raise TimedOut(not_placed(self._traits.name, request, too_late(request, rang=rang)))

    async def _count_down(self, window: int, appeal: Appeal) -> None:
        until = self._client.clock.now() + window
        while (left := until - self._client.clock.now()) > 0:
            appeal.left(left)
            await self._context.sleep(appeal.until_next(left) / SECOND)

    def _candidates(self, request: PlaceCall) -> Iterator[Call]:
        """Give the calls that may be the one, however far they have come."""
        for call in self._table.alive():
            strange = not call.owned and call not in self._before
            at_it = call.flow == request.flow and call.extension == request.extension
            if strange and at_it and is_wanted(request, call.party):
                yield call

    def _is_there(self, call: Call, request: PlaceCall) -> bool:
        if not request.answered:
            return call.state is CallState.RINGING
        return call.state is CallState.UP and self._table.talking(call)

    async def _answer(self, address: CallAddress, watch: Stopwatch, within: int) -> Outcome:
        call = find_call(self._table, address)
        if isinstance(call, Reason):
            return self._refuse(call, watch)
        if call.state is not CallState.RINGING:
            message = "the call does not ring"
            return Refused(raw=self._client.raw(watch), reason=Reason.OTHER, message=message)

        def talking(event: WireMessage) -> WireMessage | None:
            cause = self._dialect.hangup_cause(event)
            if cause is not None:
                raise no_call(f"the extension {call.extension}", cause)
            up = call.state is CallState.UP and self._table.talking(call)
            return event if up else None

        with self._dialect.hub.waiters.of(call.legs, talking) as up:
            await self._dialect.answer(call, within)
            seen = await outcome(up, within, "the call was not answered")
        return Done(raw=self._client.raw(watch, seen), state=CallState.UP)

    async def _park(
        self, address: CallAddress, slot: Json, watch: Stopwatch, within: int
    ) -> Outcome:
        call = find_talking(self._table, address)
        number = slot_number(slot, self._dialect.slots)
        if isinstance(call, Reason):
            return self._refuse(call, watch)
        if isinstance(number, Reason):
            return self._refuse(number, watch)
        async with self._dialect.slot_lock(number):
            occupant = await self._dialect.occupant(number, within)
            if occupant is not None:
                return self._refuse(Reason.SLOT_FULL, watch, occupant.message)
            if not self._table.take_over_remote(call):
                raise NotPossible("the call has no remote party any more that could be parked")
            return await self._dialect.park(call, number, watch, within)

    async def _ask_slot(
        self, address: CallAddress, slot: Json, watch: Stopwatch, within: int
    ) -> Outcome:
        call = find_call(self._table, address)
        number = slot_number(slot, self._dialect.slots)
        if isinstance(call, Reason):
            return self._refuse(call, watch)
        if isinstance(number, Reason):
            return self._refuse(number, watch)
        occupant = await self._dialect.occupant(number, within)
        raw = self._client.raw(watch, None if occupant is None else occupant.message)
        if occupant is None:
            return Done(raw=raw, slot=str(number), driver_word=self._strays())
        return Done(raw=raw, slot=str(number), uuid=self._table.name_of(occupant.uid))

    def _strays(self) -> str:
        """Say where the scenario's calls are that are parked in other lots, "" where none is."""
        places = [
            f"the call at {call.extension} is parked in slot {call.place[1]} of another lot, "
            f"'{call.place[0]}'"
            for call in self._closing.calls
            if call.place is not None and call.place[0] != self._dialect.lot
        ]
        return "; ".join(places)

    async def _bridge(self, command: BridgeCall, watch: Stopwatch, within: int) -> Outcome:
        call = find_talking(self._table, command.call)
        if isinstance(call, Reason):
            return self._refuse(call, watch)
        if isinstance(command.slot, AnySlot):
            return await self._bridge_any(call, watch, within)
        number = slot_number(command.slot, self._dialect.slots)
        if isinstance(number, Reason):
            reason = Reason.SLOT_EMPTY if number is Reason.SLOT_REQUIRED else number
            return self._refuse(reason, watch)
        return await self._bridge_slot(call, number, watch, within)

    async def _bridge_any(self, call: Call, watch: Stopwatch, within: int) -> Outcome:
        """Choose among the parked calls; where the chosen one is gone by then, choose again."""
        while True:
            found = await self._dialect.occupants(within)
            taken = sorted(one.number for one in found if one.number is not None)
            if not taken:
                return self._refuse(Reason.NOTHING_PARKED, watch)
            done = await self._bridge_slot(call, self._random.choice(taken), watch, within)
            if isinstance(done, Done):
                chosen = f"which one, by the seed: {self._dialect.pbx} takes none at random"
                words = [chosen, done.driver_word] if done.driver_word else [chosen]
                return replace(done, driver_word="; ".join(words))
            if done.reason is not Reason.SLOT_EMPTY or call.retrieving or not call.alive:
                return done

    async def _bridge_slot(
        self, call: Call, number: int, watch: Stopwatch, within: int
    ) -> Done | Refused:
        async with self._dialect.slot_lock(number):
            occupant = await self._dialect.occupant(number, within)
            if occupant is None:
                refused = self._refuse(Reason.SLOT_EMPTY, watch)
                strays = self._strays()
                words = f"{refused.driver_word}; {strays}" if strays else refused.driver_word
                return replace(refused, driver_word=words)
            if not call.desk:
                message = "the extension's phone has left this call: there is nothing to join with"
                raw = self._client.raw(watch)
                return Refused(raw=raw, reason=Reason.NO_SUCH_CALL, message=message)
            self._table.let_partner_go(call)
            call.retrieving = True
            return await self._dialect.retrieve(call, occupant, watch, within)

    async def _hang_up(
        self, address: CallAddress, by: Party, watch: Stopwatch, within: int
    ) -> Outcome:
        uid = address.call_api_id
        if uid in self._left:
            call = Call(uuid=uid, extension=address.extension, flow="in", party="", remote=uid)
            return await self._end(call, uid, watch, within)
        found = find_call(self._table, address)
        if isinstance(found, Reason):
            return self._refuse(found, watch)
        return await self._end(found, _channel_of(found, by), watch, within)

    async def _end(self, call: Call, uid: str, watch: Stopwatch, within: int) -> Outcome:
        with self._dialect.hub.waiters.of(call.conversation, self._dialect.is_over(call)) as ended:
            answer = await self._dialect.hang_up(uid, within)
            if answer.refused:
                raw = self._client.raw(watch, answer)
                return Refused(raw=raw, reason=Reason.NO_SUCH_CALL, message=answer.words)
            seen = await outcome(ended, within, "the call did not end")
        word = f"{self._dialect.pbx} ended the channel in the party's stead: nobody hung a phone up"
        return Done(raw=self._client.raw(watch, seen), state=CallState.ENDED, driver_word=word)

    async def _show_calls(self, extension: str, watch: Stopwatch, within: int) -> Done:
        """List the calls known from events whose channels the PBX still has."""
        legs = [_leg_of(call) for call in self._table.alive() if call.extension == extension]
        there, seen = await self._dialect.existing([uid for uid in legs if uid], within)
        listed = tuple(
            _listed(call)
            for call in self._table.alive()
            if call.extension == extension and _leg_of(call) in there
        )
        raw = self._client.raw(watch, seen)
        return Done(raw=raw, listed=listed, driver_word=self._dialect.remembered)

    async def _ask_extension(self, extension: str, watch: Stopwatch, within: int) -> Done:
        """Tell it by the calls known from events whose desks the PBX still has."""
        at_desk = [
            call
            for call in self._table.alive()
            if call.extension == extension and call.desk and not call.parked
        ]
        there, seen = await self._dialect.existing([call.desk for call in at_desk], within)
        calls = [call for call in at_desk if call.desk in there]
        return Done(
            raw=self._client.raw(watch, seen),
            extension_state=extension_state(calls),
            driver_word="told by the calls that the runner has followed since it connected",
        )

    async def _find_placed(self, placed: PlacedCall, watch: Stopwatch, within: int) -> Outcome:
        """Look which channels are there of a call that a run before has placed.

        They are hung up one by one: who is joined with them by now may be a stranger.
        """
        known = () if placed.ids is None else (placed.ids.uuid,)
        left = await self._dialect.left_of(frozenset((*placed.channels, *known)), within)
        self._left.update(left)
        listed = (Listed(uuid=uid, extension=placed.extension, state=CallState.UP) for uid in left)
        return Done(raw=self._client.raw(watch), listed=tuple(listed))

    async def _show_call(self, address: CallAddress, watch: Stopwatch, within: int) -> Outcome:
        """The PBX tells whether the call is there, its events what it does."""
        call = self._table.find(address.call_api_id)
        if call is None or (call.alive and call.extension != address.extension):
            return self._refuse(Reason.NO_SUCH_CALL, watch)
        leg = _leg_of(call) if call.alive else ""
        there, seen = await self._dialect.exists(leg, within) if leg else (False, None)
        return Done(
            raw=self._client.raw(watch, seen),
            state=call.reported_state if there else CallState.ENDED,
            ids=_ids(call),
            driver_word=self._dialect.remembered,
        )

    def ids(self, uuid: str) -> CallIds | None:
        """Return the ids of a call as last known."""
        call = self._table.find(uuid)
        return None if call is None else _ids(call)

    async def close(self) -> tuple[Leftover, ...]:
        """Hang up what was placed and look for residue."""
        return await self._closing.close(CLOSING)

    async def holding(self) -> Holding:
        """Look at the lot and at the calls that are known."""
        found = await self._dialect.occupants(CLOSING)
        return Holding(
            slots=tuple((one.slot, self._table.name_of(one.uid)) for one in found),
            calls=tuple(_listed(call) for call in self._table.alive()),
        )


def _leg_of(call: Call) -> str:
    """Return the channel that shows whether the call is there."""
    return call.remote or call.desk


def _channel_of(call: Call, by: Party) -> str:
    """Return whose channel it is; a parked call has only one, joined calls share two."""
    if by is Party.EXTENSION and call.desk:
        return call.desk
    if call.remote or call.partner is None:
        return call.remote or call.desk
    return call.partner.remote or call.desk


def extension_state(calls: Sequence[Call]) -> ExtensionState:
    """Return what calls at an extension's phone make of it."""
    if not calls:
        return ExtensionState.FREE
    rings = all(call.state is CallState.RINGING and call.flow == "in" for call in calls)
    return ExtensionState.RINGING if rings else ExtensionState.BUSY


def _listed(call: Call) -> Listed:
    return Listed(
        uuid=call.uuid, extension=call.extension, state=call.reported_state, party=call.party
    )


def _ids(call: Call) -> CallIds:
    return CallIds(
        uuid=call.uuid, call_api_id=call.uuid, extension=call.extension, call_id=call.uuid
    )
