"""Runs scenarios one after the other on the mock in this process, each in its own virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, assert_never

from msgspec import structs

from scenario_runner.clock import LoopClock, Turns, VirtualLoop
from scenario_runner.durations import SECOND
from scenario_runner.engine.run import RunContext, execute
from scenario_runner.errors import AnswerLost, BadAnswer, TimedOut
from scenario_runner.events import Verdict, Warned
from scenario_runner.execution.interleavings import (
    given,
    in_turn,
    next_order,
    scenario_seed,
    seeded,
)
from scenario_runner.execution.leases import Pool
from scenario_runner.execution.results import Results, as_attempt, masked, timed
from scenario_runner.execution.selection import skip, why_not
from scenario_runner.language.matchers import Equals
from scenario_runner.language.vocabulary import Capability, Reason
from scenario_runner.mock_pbx import PROFILES, Client, Loss, MockPbx, Profile
from scenario_runner.pbx.mock import MockSettings
from scenario_runner.pbx.ringme.access import RestAccess
from scenario_runner.pbx.ringme.connection import Carrier, RingMe
from scenario_runner.pbx.ringme.dialers import ControlCallers
from scenario_runner.pbx.ringme.events import SubscribedFeed
from scenario_runner.pbx.ringme.rest import previewed
from scenario_runner.pbx.ringme.settings import Credentials, RingMeSettings
from scenario_runner.references import Literal
from scenario_runner.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scenario_runner.clock import Clock
    from scenario_runner.events import Event
    from scenario_runner.exchange import Request, Response
    from scenario_runner.execution.options import RunOptions
    from scenario_runner.language.matchers import Matcher
    from scenario_runner.language.scenario import Scenario
    from scenario_runner.language.target import Target
    from scenario_runner.masking import Mask
    from scenario_runner.mock_pbx import Fault
    from scenario_runner.mock_pbx.mutants import Mutant
    from scenario_runner.pbx.protocol import Connection


_BODY_LIMIT = 1024 * 1024  # as over a network, so that a scenario agrees on both
_CLIENT_ID, _CLIENT_SECRET = "scenario-runner", "mock"


class Cause(Enum):
    """Why the mock did something."""

    REQUEST = auto()
    TIMER = auto()


class InProcess:
    """Carries requests to a mock in this process and its event deliveries back.

    What a timer of the mock raised, whoever sends next is told: an event loop would only log it.
    """

    url = "http://in-process.invalid/events"

    def __init__(
        self, mock: MockPbx, clock: Clock, turns: Turns, answered: Callable[[MockPbx, Cause], None]
    ) -> None:
        self._mock = mock
        self._clock = clock
        self._turns = turns
        self._answered = answered
        self._fault: Exception | None = None
        self._listeners: list[Callable[[str], None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: int | None = None

    async def send(self, request: Request, within: float) -> Response:
        """Hand the request to the mock when it is its turn; see `exchange.Transport`."""
        await self._turns.take()
        if self._fault is not None:
            raise self._fault
        answer = self._mock.handle(request, self._clock.now())
        self._answered(self._mock, Cause.REQUEST)
        self._after()
        delay = (answer.delay_us + answer.body_us) / SECOND
        if delay > within:
            await asyncio.sleep(within)
            raise TimedOut(f"no answer within {within:g}s")
        if delay:
            await asyncio.sleep(delay)
        match answer.loss:
            case Loss.NO:
                return _within_limit(answer.response)
            case Loss.BEFORE | Loss.AFTER:
                raise AnswerLost("the connection was lost before the answer came")
            case _:
                assert_never(answer.loss)

    @property
    def mock(self) -> MockPbx:
        """The mock that answers."""
        return self._mock

    def listen(self, heard: Callable[[str], None]) -> Callable[[], None]:
        """Call `heard` with each event delivery; see `pbx.ringme.events.Receiver`."""
        self._listeners.append(heard)
        return lambda: self._listeners.remove(heard)

    def close(self) -> None:
        """Stop the mock's timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _after(self) -> None:
        """Pass on what the mock reports, and wake it when its next timer is due."""
        for delivery in self._mock.take_deliveries():
            for heard in list(self._listeners):  # one may leave while it is called
                heard(delivery.form_body.decode())
        deadline = self._mock.next_deadline()
        if deadline == self._deadline:
            return
        self.close()
        self._deadline = deadline
        if deadline is not None:
            wait = (deadline - self._clock.now()) / SECOND
            self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    def _tick(self) -> None:
        self._deadline = None
        try:
            self._mock.tick(self._clock.now())
        except Exception as fault:  # noqa: BLE001 -- see `send`
            self._fault = fault
            return
        self._answered(self._mock, Cause.TIMER)
        self._after()


def _within_limit(response: Response) -> Response:
    """Return the answer; raise BadAnswer where it is longer than any PBX's answer is."""
    if len(response.body) > _BODY_LIMIT:
        raise BadAnswer("the answer is larger than 1 MiB")
    return response


_WORDS = {
    "park_slot_required": Reason.SLOT_REQUIRED,
    "slots_slot_required": Reason.SLOT_REQUIRED,
    "park_range": Reason.SLOT_UNKNOWN,
    "park_not_ringing": Reason.CALL_NOT_ANSWERED,
    "bridge_not_ringing": Reason.CALL_NOT_ANSWERED,
    "park_not_twice": Reason.CALL_ALREADY_PARKED,
    "bridge_not_parked": Reason.CALL_ALREADY_PARKED,
    "slots_empty": Reason.SLOT_EMPTY,
    "bridge_empty": Reason.SLOT_EMPTY,
    "bridge_nothing": Reason.NOTHING_PARKED,
    "action_unknown": Reason.ACTION_UNKNOWN,
    "slot_type": Reason.SLOT_INVALID,
    "capacity": Reason.NO_CAPACITY,
    "malformed": Reason.MALFORMED,
}
"""The reasons behind the mock's own words, which the vendor does not document."""


MOCK_CAN = frozenset(Capability) - {Capability.SETTABLE_TIMEOUT, Capability.INTERNAL_CALLS}


class MockTarget:
    """A target whose every scenario has a mock PBX of its own, with these faults.

    `preview` is shown each request before it is sent; a `mutant` stands in for the mock; `answered`
    is given the mock after each request and each timer.
    """

    def __init__(
        self,
        target: Target,
        faults: tuple[Fault, ...] = (),
        preview: Callable[[str], None] | None = None,
        mutant: Mutant | None = None,
        answered: Callable[[MockPbx, Cause], None] = lambda _, __: None,
    ) -> None:
        self._faults = faults
        self._answered = answered
        self._mutant = mutant
        self._preview = preview
        self._profile = profile_of(target)
        self._settings = settings_of(target, self._profile)
        first, last = self._profile.extensions
        numbers = tuple((str(number), "") for number in range(first, last + 1))
        self.pool = Pool.of(structs.replace(target, extensions=numbers))

    @property
    def profile(self) -> Profile:
        """What the mock is like, whatever mutant stands in for it."""
        return self._profile

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the mock can do."""
        return MOCK_CAN

    def open(self, clock: Clock, turns: Turns, seed: int) -> tuple[RingMe, InProcess]:
        """Return a connection to a fresh mock; close the second when the scenario is over."""
        mock = MockPbx(self._profile, seed=seed, faults=self._faults, mutant=self._mutant)
        wire = InProcess(mock, clock, turns, self._answered)
        connection = RingMe(
            self._settings,
            Carrier(transport=previewed(wire, self._preview)),
            ControlCallers(),
            lambda heard: SubscribedFeed(wire, heard),
        )
        return connection, wire


def profile_of(target: Target) -> Profile:
    """Return the mock's profile with the target's own numbers in it."""
    first, last = target.slots
    assert isinstance(target.settings, MockSettings)
    profile = PROFILES[target.settings.profile]
    numbers = [int(number) for number, _ in target.extensions]
    if numbers:
        profile = replace(profile, extensions=(min(numbers), max(numbers)))
    return replace(
        profile,
        slots=last - first + 1,
        first_slot=first,
        park_timeout=target.park_timeout,
        clients=clients_of(target.settings),
    )


def clients_of(settings: MockSettings) -> tuple[Client, ...]:
    """Return the applications that the mock knows: the runner, and those of the settings."""
    if not settings.clients:
        return ()
    others = (
        Client(
            client_id=client.id,
            client_secret=client.secret,
            access=client.access,
            hourly_limit=client.hourly_limit,
        )
        for client in settings.clients
    )
    return (Client(client_id=_CLIENT_ID, client_secret=_CLIENT_SECRET), *others)


def settings_of(target: Target, profile: Profile) -> RingMeSettings:
    """Return the driver's settings for a mock of this profile."""
    first, last = profile.extensions
    return RingMeSettings(
        name=target.name,
        credentials=Credentials(client_id=_CLIENT_ID, client_secret=_CLIENT_SECRET),
        extension_ids={str(n): str(profile.extension_id(n)) for n in range(first, last + 1)},
        reasons=taught_words(profile),
        slots=target.slots,
        park_timeout=target.park_timeout,
        shared=False,
        virtual_time=True,
    )


def taught(target: Target) -> Target:
    """Teach a target the mock's words where it is a mock that is served, by its calls."""
    settings = target.settings
    if not isinstance(settings, RestAccess) or settings.calls != "control":
        return target
    return structs.replace(target, reasons=(*target.reasons, *taught_words(PROFILES["vendor"])))


def taught_words(profile: Profile) -> tuple[tuple[Reason, Matcher], ...]:
    """Return what the profile's refusals mean, as a targets file would teach it."""
    nowhere = Span("", 0, 0, 0, 0)
    words = {getattr(profile.refusals, name).message: reason for name, reason in _WORDS.items()}
    return tuple((reason, Equals(Literal(text, nowhere))) for text, reason in words.items())


def _bounded(scenario: Scenario, limit: int) -> Warned:
    return Warned(
        code="orders-bounded",
        message=f"more than {limit} orders are possible; only the first {limit} were run",
        span=scenario.span,
        hint="raise the bound: --all-orders --max-orders N",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualRun:
    """A run on the mock in this process, or on a mutant of it.

    `opened` is given the mock of each scenario before its first step, `answered` after each request
    and each timer.
    """

    target: Target
    options: RunOptions
    mask: Mask
    emit: Callable[[Event], None]
    preview: Callable[[str], None] | None = None
    mutant: Mutant | None = None
    opened: Callable[[MockPbx], None] = lambda _: None
    answered: Callable[[MockPbx, Cause], None] = lambda _, __: None

    def run(self, scenarios: Iterable[Scenario], results: Results) -> None:
        """Run the scenarios; Ctrl-C ends the run after the cleanup of the one that is running."""
        turns = Turns(seeded(0))  # until the first scenario brings its own
        try:
            with asyncio.Runner(loop_factory=lambda: VirtualLoop(turns)) as runner:
                runner.run(self._all(scenarios, results))
        except (KeyboardInterrupt, asyncio.CancelledError):
            results.interrupted = True

    async def _all(self, scenarios: Iterable[Scenario], results: Results) -> None:
        with self.options.stop.heeded():
            await self._in_turn(scenarios, results)

    async def _in_turn(self, scenarios: Iterable[Scenario], results: Results) -> None:
        target = MockTarget(
            self.target, preview=self.preview, mutant=self.mutant, answered=self.answered
        )
        for scenario in scenarios:
            for verdict in await self._orders(scenario, target):
                results.add(verdict)
                if self.options.fail_fast and not verdict.green:
                    return
            await asyncio.sleep(0)  # lets Ctrl-C in between scenarios that never wait

    async def _orders(self, scenario: Scenario, target: MockTarget) -> list[Verdict]:
        """Run the scenario in every order that is wanted, mostly one."""
        reason = why_not(scenario, target.pool, target.capabilities)
        if reason is not None:
            return [skip(scenario, reason, masked(self.emit, self.mask))]
        limit = self.options.all_orders
        if not limit:
            return [(await self._retried(scenario, target))[1]]
        verdicts: list[Verdict] = []
        choices: tuple[int, ...] | None = ()
        while choices is not None and len(verdicts) < limit:
            named = scenario.renamed(in_turn(scenario.name, "order", len(verdicts) + 1))
            turns, verdict = await self._once(named, target, choices, 1)
            verdicts.append(verdict)
            choices = next_order(tuple(turns.order))
        if choices is not None:
            self.emit(_bounded(scenario, limit))
        return verdicts

    async def _retried(self, scenario: Scenario, target: MockTarget) -> tuple[Turns, Verdict]:
        """Run the scenario, again where it fails and retries are allowed; then it is flaky."""
        order = self.options.order
        if order is None:
            order = self.options.replay(scenario.id).choices
        turns, verdict = await self._once(scenario, target, order, 1)
        for attempt in range(2, 2 + self.options.retry_failed):
            if verdict.green:
                break
            turns, verdict = await self._once(scenario, target, order, attempt)
            if verdict is Verdict.PASSED:
                return turns, Verdict.FLAKY
        return turns, verdict

    async def _once(
        self,
        scenario: Scenario,
        target: MockTarget,
        order: tuple[int, ...] | None,
        attempt: int,
    ) -> tuple[Turns, Verdict]:
        replay = self.options.replay(scenario.id)
        run_seed = replay.seed + attempt - 1
        seed = scenario_seed(run_seed, replay.scenario or scenario.id)
        turns = Turns(seeded(seed) if order is None else given(order))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.begin(turns)
        clock = LoopClock(loop)
        lease = target.pool.lease(scenario.needs)
        connection, wire = target.open(clock, turns, seed)
        self.opened(wire.mock)
        conditions = RunContext(
            environment=self.options.environment,
            mask=self.mask,
            seed=run_seed,
            attempt=attempt,
            stopping=self.options.stop.wished,
            leased=lease.bound if lease is not None else (),
            order=lambda: tuple(turns.order),
        )
        try:
            emit = as_attempt(self.emit, attempt, self.options.retry_failed)
            emit = timed(emit, self.options.stopwatch)
            judged = self._judged(connection, target, scenario)
            verdict = await execute(scenario, judged, clock, emit, conditions)
        finally:
            wire.close()
        return turns, verdict

    def _judged(self, connection: RingMe, target: MockTarget, scenario: Scenario) -> Connection:
        """Return the connection, with a model beside it where one is wanted."""
        if not self.options.model:
            return connection
        # Imported here, since a run without a model starts faster without it.
        from scenario_runner.execution.modelled import ModelledConnection

        def gave_up(why: str) -> None:
            self.emit(Warned(code="model-gave-up", message=why, span=scenario.span))

        return ModelledConnection(connection, target.profile, gave_up)
