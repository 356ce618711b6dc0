"""The mock PBX as its users meet it: requests in, answers out, notifications, timers."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from scenario_runner.exchange import Answer, Response, header
from scenario_runner.mock_pbx import control
from scenario_runner.mock_pbx.access import HourlyLimit, Tokens
from scenario_runner.mock_pbx.api import Api, asked_from
from scenario_runner.mock_pbx.calls import next_deadline
from scenario_runner.mock_pbx.faults import (
    FaultPlan,
    action_of,
    fault_resource,
    is_in_api,
    played,
)
from scenario_runner.mock_pbx.invariants import check
from scenario_runner.mock_pbx.notifications import Notifier
from scenario_runner.mock_pbx.profile import PROFILES, Profile
from scenario_runner.mock_pbx.rules import AUTH_REQUIRED, RATE_LIMIT
from scenario_runner.mock_pbx.switch import Switch
from scenario_runner.mock_pbx.world import NO_ROUTE, Reply, World, not_allowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenario_runner.exchange import Headers, Request
    from scenario_runner.mock_pbx.access import Grant
    from scenario_runner.mock_pbx.calls import CallEvent, State
    from scenario_runner.mock_pbx.faults import Fault, Striking
    from scenario_runner.mock_pbx.mutants import Mutant
    from scenario_runner.mock_pbx.notifications import Delivery
    from scenario_runner.mock_pbx.rules import Rule


class Parts(Struct, frozen=True):
    """The classes that a mock is made of; a mutant puts another one in the place of one."""

    switch: type[Switch] = Switch
    notifier: type[Notifier] = Notifier
    api: type[Api] = Api
    tokens: type[Tokens] = Tokens
    limit: type[HourlyLimit] = HourlyLimit


EPOCH_US: Final = 1_767_225_600_000_000
"""What the mock's clock calls zero, unless told otherwise: 2026-01-01 00:00:00 UTC."""

_API: Final = "/api/ver1.0/"
_JSON: Final = (("Content-Type", "application/json"),)
_ORIGINAL: Final = Parts()


class MockPbx:
    """A PBX to test against: one client's extensions, calls and slots.

    The same seed and the same requests at the same times give the same answers to the byte.
    Times are microseconds of a clock that starts at 0; `epoch_us` is that zero in microseconds
    since 1970. The clock never goes back: what comes with an earlier time happens now.
    A `mutant` breaks one rule; it raises `invariants.Inconsistent` where it breaks the books, too.
    """

    def __init__(
        self,
        profile: Profile = PROFILES["vendor"],
        *,
        seed: int = 0,
        epoch_us: int = EPOCH_US,
        faults: tuple[Fault, ...] = (),
        mutant: Mutant | None = None,
    ) -> None:
        self._seed = seed
        self._first_faults = faults
        self._parts = _ORIGINAL
        self._check: Callable[[State], None] | None = None
        if mutant is not None:
            profile = mutant.profile(profile)
            self._first_faults += mutant.faults
            self._parts = mutant.parts(_ORIGINAL)
            self._check = check
        self._tokens = self._parts.tokens(profile, seed)
        self._begin(profile, epoch_us)

    def _begin(self, profile: Profile, epoch_us: int) -> None:
        notifier = self._parts.notifier(profile, epoch_us)
        self._world = World(profile, self._seed, notifier, self._parts.switch)
        self._world.check = self._check
        self._met: set[Rule] = set()
        self._served = self._parts.api(self._world)
        self._limit = self._parts.limit()
        self._faults = FaultPlan(self._seed, self._first_faults)

    def copy(self) -> MockPbx:
        """Return the same PBX, to live on apart from this one.

        Calls and slots, tokens, subscriptions, the hour's requests, faults and what they hold back.
        """
        other: MockPbx = copy(self)
        other._tokens = self._tokens.copy()
        other._world = self._world.copy()
        other._served = self._parts.api(other._world)
        other._met = set(self._met)
        other._limit = copy(self._limit)
        other._faults = self._faults.copy()
        return other

    @property
    def profile(self) -> Profile:
        """What this PBX is like."""
        return self._world.profile

    @property
    def state(self) -> State:
        """What the switch holds now."""
        return self._world.state

    @property
    def clock_us(self) -> int:
        """The latest time this PBX was told."""
        return self._world.clock

    @property
    def exercised(self) -> frozenset[str]:
        """The ids of the rules that have decided something so far."""
        return frozenset(rule.id for rule in self._met | self._world.met)

    def take_met(self) -> tuple[Rule, ...]:
        """Return the rules that have decided something since they were last taken."""
        taken = tuple(self._world.met)
        self._met.update(taken)
        self._world.met.clear()
        return taken

    @property
    def decided(self) -> tuple[Rule, ...]:
        """The rules that decided something in the last `handle` or `tick`, in order."""
        return tuple(self._world.decided)

    @property
    def happened(self) -> tuple[CallEvent, ...]:
        """What happened to calls in the last `handle` or `tick`, subscribed to or not."""
        return tuple(self._world.happened)

    @property
    def faults(self) -> tuple[Striking, ...]:
        """The faults at work, with how often they struck."""
        return tuple(self._faults.all)

    def handle(self, request: Request, now_us: int) -> Answer:
        """Answer one request at the time `now_us`; timers that are due by then fire first."""
        self._world.begin()
        self._world.pass_time(now_us)
        if self._faults.exchange:
            fault = self._faults.strike(action_of(request), in_api=is_in_api(request))
            if fault is not None:
                return played(fault, lambda: self._serve(request), lambda: self._expire(request))
        return self._serve(request)

    def reset(self) -> None:
        """Return to how it was made, with the faults it was made with; tokens stay good."""
        self._begin(self._world.profile, self._world.epoch_us)

    def _expire(self, request: Request) -> None:
        self._tokens.revoke(header(request.headers, "authorization"))

    def _serve(self, request: Request) -> Answer:
        path, _, query = request.path.partition("?")
        if path.startswith(_API):
            return self._api(request, path[len(_API) :])
        if path == "/oauth/token":
            return _answer(self._oauth(request, query), _JSON)
        if path == "/mock/faults":
            reply = fault_resource(self._faults, request.method, request.body)
            return _answer(reply, _JSON)
        if path == "/mock/reset":
            return _answer(self._reset(request.method), _JSON)
        if path.startswith("/mock/"):
            reply = control.dispatch(self._world, request.method, path[6:], request.body)
            return _answer(reply, _JSON)
        return _answer(NO_ROUTE, _JSON)

    def tick(self, now_us: int) -> None:
        """Let time pass without a request."""
        self._world.begin()
        self._world.pass_time(now_us)

    def next_deadline(self) -> int | None:
        """Return the time of the earliest timer, or None while nothing waits."""
        timers = (next_deadline(self._world.state), self._faults.next_release)
        return min((timer for timer in timers if timer is not None), default=None)

    def take_deliveries(self) -> tuple[Delivery, ...]:
        """Return the notifications not taken yet, in the order of what they tell."""
        taken = tuple(self._world.outbox)
        self._world.outbox.clear()
        return self._faults.delivered(taken, self._world.clock)

    def _reset(self, method: str) -> Reply:
        if method != "POST":
            return not_allowed("POST")
        self.reset()
        return Reply(204)

    def _api(self, request: Request, path: str) -> Answer:
        world = self._world
        grant = self._tokens.grant(header(request.headers, "authorization"), world.clock)
        if grant is None:
            limit, reply = world.profile.hourly_limit, world.refuse(AUTH_REQUIRED)
        else:
            limit, reply = grant.hourly_limit, self._granted(request, path, grant)
        return _answer(reply, _JSON + self._limit.headers(world.clock, limit))

    def _granted(self, request: Request, path: str, grant: Grant) -> Reply:
        if not self._limit.take(self._world.clock, grant.hourly_limit):
            return self._world.refuse(RATE_LIMIT)
        asked = asked_from(path, request.body)
        if asked is None:
            return NO_ROUTE
        return self._served.dispatch(grant.access, request.method, asked)

    def _oauth(self, request: Request, query: str) -> Reply:
        if request.method != "POST":
            return not_allowed("POST")
        form = request.body.decode("utf-8", "replace") or query
        return self._tokens.issue(form, self._world.clock)


def _answer(reply: Reply, headers: Headers) -> Answer:
    allow = (("Allow", reply.allow),) if reply.allow else ()
    headers = allow + (headers if reply.body else headers[1:])
    return Answer(response=Response(status=reply.status, headers=headers, body=reply.body))
