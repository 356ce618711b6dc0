"""Scenarios side by side over a network: they overlap in time, and never on one resource."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest
from msgspec import structs

from scenario_runner.clock import Clock
from scenario_runner.events import ScenarioFinished, Verdict
from scenario_runner.execution.network import NetworkRun
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.results import Results
from scenario_runner.execution.targets import open_target
from scenario_runner.language.settings import Settings
from scenario_runner.language.target import Target
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.masking import Mask
from scenario_runner.pbx.asterisk.settings import AsteriskSettings
from scenario_runner.pbx.commands import Command
from scenario_runner.pbx.freeswitch.settings import FreeSwitchSettings
from scenario_runner.pbx.protocol import (
    CallIds,
    Connection,
    Holding,
    Leftover,
    Outcome,
    Plan,
    Session,
    Traits,
    Watcher,
)
from tests.http.meeting import Met, context, target
from tests.http.serving import served_mock

LEASED = """
scenario: leased {number}
needs: {{slots: [slot], extensions: [desk]}}
steps:
  - call: {{as: customer, extension: $desk, from: "+7812{number}"}}
  - park: {{call: customer, slot: $slot}}
  - wait: 100ms
  - slots: {{call: customer, slot: $slot}}
    expect: {{holds: customer}}
"""

LITERAL = """
scenario: literal {number}
steps:
  - call: {{as: customer, extension: 341, from: "+7812{number}"}}
  - park: {{call: customer, slot: 6}}
  - wait: 50ms
  - slots: {{call: customer, slot: 6}}
    expect: {{holds: customer}}
"""

ALONE = """
scenario: alone
needs: {alone: true}
steps:
  - call: {as: customer, extension: 350, from: "+7813"}
  - wait: 100ms
  - calls: {call: customer}
    expect: {state: up}
"""

IDLE = """
scenario: idle {number}
steps:
  - wait: 20ms
  - check: {{that: $target.name, equals: idle}}
"""

RED = """
scenario: red
steps:
  - call: {as: customer, extension: 360, from: "+7814"}
  - slots: {call: customer, slot: 20}
    expect: {empty: false}
"""


@dataclass(frozen=True, slots=True)
class Stay:
    """How long a scenario was on the PBX, and the numbers that it held; seconds."""

    held: frozenset[str]
    begin: float
    end: float

    def meets(self, other: Stay) -> bool:
        return self.begin < other.end and other.begin < self.end


@dataclass
class Watched:
    """A connection that notes who was on the PBX when."""

    inner: Connection
    stays: dict[str, Stay]

    @property
    def traits(self) -> Traits:
        return self.inner.traits

    @asynccontextmanager
    async def session(self, plan: Plan, watcher: Watcher, clock: Clock) -> AsyncIterator[Session]:
        now = asyncio.get_running_loop().time
        begin = now()
        async with self.inner.session(plan, watcher, clock) as session:
            yield session
        numbers = {*plan.extensions, *(f"slot {slot}" for slot in plan.slots)}
        self.stays[plan.scenario.partition("::")[2]] = Stay(frozenset(numbers), begin, now())


@dataclass
class Side:
    """What a run side by side brought."""

    met: Met
    results: Results
    stays: dict[str, Stay]

    def meetings(self) -> list[tuple[str, str]]:
        """Which scenarios held the same number at the same time."""
        return [
            (one, other)
            for one, other in combinations(self.stays, 2)
            if self.stays[one].held & self.stays[other].held
            and self.stays[one].meets(self.stays[other])
        ]

    def most_at_once(self) -> int:
        stays = self.stays.values()
        return max(sum(other.begin <= one.begin < other.end for other in stays) for one in stays)


def run_side_by_side(texts: list[str], folder: Path, **options: object) -> Side:
    loaded = load_text("---".join(texts), "test.scenario.yaml", LoadOptions())
    assert not [problem for problem in loaded.problems if not problem.warning]
    side = Side(Met(), Results(), {})
    with served_mock() as url:
        goal = structs.replace(target(url), slots=(1, 20))

        @asynccontextmanager
        async def connect() -> AsyncIterator[Connection]:
            async with open_target(goal, context(side.met), folder) as connection:
                yield Watched(connection, side.stays)

        run = NetworkRun(
            target=goal,
            options=RunOptions(**options),  # type: ignore[arg-type]
            mask=Mask(),
            emit=side.met.events.append,
            connect=connect,
        )
        run.run(loaded.scenarios, side.results)
    return side


def test_thirty_scenarios_with_needs_never_meet(tmp_path: Path) -> None:
    side = run_side_by_side([LEASED.format(number=number) for number in range(30)], tmp_path)
    assert side.met.messages == []
    assert dict(side.results.counts) == {"passed": 30}
    assert {len(stay.held) for stay in side.stays.values()} == {2}
    assert side.meetings() == []
    assert 5 < side.most_at_once() <= 20


def test_scenarios_with_literal_numbers_take_turns(tmp_path: Path) -> None:
    texts = [LITERAL.format(number=number) for number in range(4)]
    side = run_side_by_side([*texts, LEASED.format(number=9)], tmp_path)
    assert side.met.messages == []
    assert dict(side.results.counts) == {"passed": 5}
    assert side.stays["literal 0"].held == {"341", "slot 6"}
    assert side.meetings() == []
    leased = side.stays.pop("leased 9")
    assert any(leased.meets(literal) for literal in side.stays.values())


def test_who_wants_to_be_alone_is(tmp_path: Path) -> None:
    texts = [LEASED.format(number=number) for number in range(4)]
    side = run_side_by_side([*texts[:2], ALONE, *texts[2:]], tmp_path)
    assert side.met.verdicts == ["passed"] * 5
    alone = side.stays.pop("alone")
    assert not any(alone.meets(other) for other in side.stays.values())


class Idle:
    """A PBX where nothing happens; counts its sessions."""

    traits = Traits(name="idle", slots=20, park_timeout=0)

    def __init__(self) -> None:
        self.now = self.most = 0

    @asynccontextmanager
    async def session(self, plan: Plan, watcher: Watcher, clock: Clock) -> AsyncIterator[Session]:
        del plan, watcher, clock
        self.now += 1
        self.most = max(self.most, self.now)
        yield IdleSession()
        self.now -= 1


class IdleSession:
    async def do(self, command: Command, within: int) -> Outcome:
        raise AssertionError((command, within))

    def ids(self, uuid: str) -> CallIds | None:
        del uuid
        return None

    async def close(self) -> tuple[Leftover, ...]:
        return ()

    async def holding(self) -> Holding:
        return Holding()


@pytest.mark.parametrize(
    ("settings", "jobs", "expected"),
    [
        (AsteriskSettings(username="qa", password="word-of-honour"), 0, 32),
        (AsteriskSettings(username="qa", password="word-of-honour"), 70, 70),
        (FreeSwitchSettings(), 0, 64),
    ],
)
def test_an_asterisk_gets_fewer_scenarios_at_once(
    settings: Settings, jobs: int, expected: int
) -> None:
    text = "---".join(IDLE.format(number=number) for number in range(80))
    idle, results = Idle(), Results()

    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        yield idle

    run = NetworkRun(
        target=Target(name="idle", driver="", host="", base_url="", settings=settings),
        options=RunOptions(jobs=jobs),
        mask=Mask(),
        emit=lambda _: None,
        connect=connect,
    )
    run.run(load_text(text, "test.scenario.yaml", LoadOptions()).scenarios, results)
    assert dict(results.counts) == {"passed": 80}
    assert idle.most == expected


def test_jobs_bound_how_many_run_at_once(tmp_path: Path) -> None:
    side = run_side_by_side([LEASED.format(number=n) for n in range(6)], tmp_path, jobs=2)
    assert side.met.verdicts == ["passed"] * 6
    assert side.most_at_once() == 2


def test_who_waits_for_a_number_takes_no_place(tmp_path: Path) -> None:
    texts = [LITERAL.format(number=number) for number in range(4)]
    side = run_side_by_side([*texts, LEASED.format(number=9)], tmp_path, jobs=2)
    assert side.met.verdicts == ["passed"] * 5
    assert side.stays["leased 9"].meets(side.stays["literal 0"])


def test_events_come_in_the_order_of_the_scenarios(tmp_path: Path) -> None:
    side = run_side_by_side([LEASED.format(number=number) for number in range(8)], tmp_path)
    told = [str(getattr(event, "scenario", "")) for event in side.met.events]
    names = [name.partition("::")[2] for name in told if name]
    assert names == sorted(names)
    assert set(names) == {f"leased {number}" for number in range(8)}


def test_fail_fast_stops_the_others_after_their_cleanup(tmp_path: Path) -> None:
    slow = [LEASED.format(number=number).replace("100ms", "60s") for number in range(3)]
    side = run_side_by_side([*slow, RED], tmp_path, fail_fast=True)
    ends = {e.scenario.partition("::")[2]: e for e in side.met.of(ScenarioFinished)}
    assert ends.pop("red").verdict == "failed"
    assert {e.verdict for e in ends.values()} == {"skipped"}
    assert {e.reason for e in ends.values()} == {"stopped, since another scenario did not pass"}
    assert side.results.counts == {Verdict.FAILED: 1, Verdict.SKIPPED: 3}
    gone = [line for line in side.met.sent if line.startswith("DELETE ")]
    assert len(gone) == 4
    assert [file for file in tmp_path.iterdir() if file.stat().st_size] == []
    assert side.results.exit_code() == 1
