"""Leases: nobody disturbs another, who only reads shares, everybody's turn comes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenario_runner.clock import Turns, VirtualLoop
from scenario_runner.execution.leases import Holdings, Lease, LeaseManager, Pool
from scenario_runner.language.scenario import Needs
from scenario_runner.loading.documents import LoadOptions, load, load_text

POOL = Pool(slots=("1", "2", "3"), extensions=("341", "342"))


def holding(*leases: Lease | None) -> Holdings:
    held = Holdings()
    for lease in leases:
        assert lease is not None
        held.take(lease)
    return held


def reading(*slots: str) -> Needs:
    return Needs(literal_slots=slots, read_slots=slots)


@pytest.mark.parametrize(
    ("needs", "bound"),
    [
        (Needs(slots=("a", "b")), (("a", "1"), ("b", "2"))),
        (Needs(slots=("a",), literal_slots=("1",)), (("a", "2"),)),
        (Needs(slots=("a",), literal_slots=("1",), read_slots=("1",)), (("a", "2"),)),
        (Needs(slots=("s",), extensions=("desk",)), (("s", "1"), ("desk", "341"))),
    ],
)
def test_a_lease_binds_free_numbers(needs: Needs, bound: tuple[tuple[str, str], ...]) -> None:
    lease = POOL.lease(needs)
    assert lease is not None
    assert lease.bound == bound


def test_leases_never_meet() -> None:
    first = POOL.lease(Needs(literal_slots=("1",)))
    assert POOL.lease(Needs(literal_slots=("1",)), holding(first)) is None
    assert POOL.lease(reading("1"), holding(first)) is None
    assert POOL.lease(Needs(alone=True), holding(first)) is None
    assert POOL.lease(Needs(), holding(Lease(alone=True))) is None
    second = POOL.lease(Needs(slots=("a",)), holding(first))
    assert second is not None
    assert second.written == {("slot", "2")}


def test_who_only_reads_shares() -> None:
    one, other = POOL.lease(reading("1", "2")), POOL.lease(reading("2", "3"))
    held = holding(one, other)
    assert POOL.lease(reading("1", "2", "3"), held) is not None
    assert POOL.lease(Needs(literal_slots=("2",)), held) is None
    assert POOL.lease(Needs(slots=("a",)), held) is None
    assert POOL.lease(Needs(alone=True), held) is None
    assert one is not None
    held.give_back(one)
    free = POOL.lease(Needs(slots=("a",)), held)
    assert free is not None
    assert free.bound == (("a", "1"),)
    assert POOL.lease(Needs(literal_slots=("2",)), held) is None


def test_what_can_never_be_met_is_said() -> None:
    assert POOL.lacks(Needs(slots=("a", "b"), literal_slots=("1",))) is None
    assert POOL.lacks(Needs(slots=tuple("abcd"))) == (
        "it needs 4 slots to choose from and the target has 3"
    )
    assert "extensions" in (POOL.lacks(Needs(extensions=("a", "b", "c"))) or "")


@st.composite
def any_needs(draw: st.DrawFn) -> Needs:
    slots = tuple(draw(st.sets(st.sampled_from(POOL.slots), max_size=3)))
    extensions = tuple(draw(st.sets(st.sampled_from(POOL.extensions), max_size=2)))
    return Needs(
        slots=draw(st.sampled_from([(), (), ("a",)])) if len(slots) < 3 else (),
        literal_slots=slots,
        literal_extensions=extensions,
        read_slots=tuple(one for one in slots if draw(st.booleans())),
        read_extensions=tuple(one for one in extensions if draw(st.booleans())),
        alone=draw(st.sampled_from([False, False, False, True])),
    )


class Room:
    """Who is inside at a moment, and in which order they came and went in."""

    def __init__(self, places: int) -> None:
        self.desk = LeaseManager(POOL, places=places)
        self.inside: list[Lease] = []
        self.entered: list[int] = []

    async def visit(self, index: int, needs: Needs, stay: float) -> None:
        async with self.desk.leased(needs) as lease:
            for other in self.inside:
                assert not lease.written & (other.written | other.read)
                assert not other.written & lease.read
                assert not lease.alone
                assert not other.alone
            self.inside.append(lease)
            self.entered.append(index)
            assert len(self.inside) <= self.desk.places
            try:
                await asyncio.sleep(stay)
            finally:
                self.inside.remove(lease)


def in_virtual_time(room: Room, visits: list[tuple[Needs, float, float, float | None]]) -> None:
    """Let each come, stay, and perhaps give up waiting or staying after so many seconds."""

    async def one(index: int, needs: Needs, come: float, stay: float, leave: float | None) -> None:
        await asyncio.sleep(come)
        with suppress(TimeoutError):
            async with asyncio.timeout(leave):
                await room.visit(index, needs, stay)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for index, visit in enumerate(visits):
                group.create_task(one(index, *visit))

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(Turns(lambda _: 0))) as runner:
        runner.run(main())


VISITS = st.lists(
    st.tuples(any_needs(), st.integers(0, 9), st.integers(1, 9), st.none()), max_size=9
)


@given(VISITS, st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_everybody_is_served_and_nobody_disturbs_another(
    visits: list[tuple[Needs, float, float, float | None]], places: int
) -> None:
    room = Room(places)
    in_virtual_time(room, visits)
    assert sorted(room.entered) == list(range(len(visits)))
    assert not room.inside


@given(
    st.lists(
        st.tuples(
            any_needs(),
            st.integers(0, 9),
            st.integers(1, 9),
            st.one_of(st.none(), st.integers(0, 9)),
        ),
        max_size=9,
    )
)
@settings(max_examples=100, deadline=None)
def test_who_gives_up_holds_nothing(
    visits: list[tuple[Needs, float, float, float | None]],
) -> None:
    room = Room(places=2)
    in_virtual_time(room, [*visits, (Needs(alone=True), 200, 1, None)])
    assert room.entered[-1] == len(visits)
    staying = {index for index, (*_, leave) in enumerate(visits) if leave is None}
    assert staying <= set(room.entered)


@given(VISITS)
@settings(max_examples=150, deadline=None)
def test_no_reader_passes_who_waits_to_change_the_number(
    visits: list[tuple[Needs, float, float, float | None]],
) -> None:
    room = Room(places=99)
    in_virtual_time(room, visits)
    came = {index: (come, index) for index, (_, come, _, _) in enumerate(visits)}
    for reader in room.entered:
        for writer in room.entered[room.entered.index(reader) + 1 :]:
            earlier = came[writer] < came[reader]
            written = set(visits[writer][0].literal_slots) - set(visits[writer][0].read_slots)
            assert not (earlier and written & set(visits[reader][0].read_slots))


def test_a_writer_comes_in_between_readers_that_never_cease() -> None:
    room = Room(places=99)
    readers = [(reading("1"), float(n), 5.0, None) for n in range(20)]
    in_virtual_time(room, [*readers, (Needs(literal_slots=("1",)), 3.5, 1.0, None)])
    assert room.entered.index(20) == 4


def test_others_pass_who_waits() -> None:
    room = Room(places=99)
    in_virtual_time(
        room,
        [
            (Needs(literal_slots=("1",)), 0, 9, None),
            (Needs(literal_slots=("1", "2")), 1, 1, None),
            (Needs(literal_slots=("2",)), 2, 1, None),
            (reading("3"), 2, 1, None),
        ],
    )
    assert room.entered == [0, 2, 3, 1]


def test_many_who_wait_for_the_same_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    tries, lease = [], Pool.lease

    def counted(pool: Pool, needs: Needs, held: Holdings | None = None) -> Lease | None:
        tries.append(needs)
        return lease(pool, needs, held)

    monkeypatch.setattr(Pool, "lease", counted)

    async def one(desk: LeaseManager) -> None:
        async with desk.leased(Needs(literal_slots=("1",))):
            await asyncio.sleep(0)

    async def main() -> None:
        desk = LeaseManager(POOL, places=64)
        async with asyncio.TaskGroup() as group:
            for _ in range(500):
                group.create_task(one(desk))

    asyncio.run(main())
    assert len(tries) <= 3 * 500


CALL = '  - call: {as: c, extension: 342, from: "+7"}\n'
BY_ID = "call_api_id: 1-a, extension: 341"


def needs_of(steps: str, more: str = "") -> Needs:
    (loaded,) = load_text(f"scenario: s\n{more}steps:\n{steps}", "s.yaml", LoadOptions()).scenarios
    return loaded.needs


@pytest.mark.parametrize(
    ("step", "slots", "extensions"),
    [
        (f"slots: {{{BY_ID}, slot: 6}}\n    expect: {{empty: true}}", ("6",), ("341",)),
        ("calls: {extension: 341}\n    expect: {count: 0}", (), ("341",)),
        (f"calls: {{{BY_ID}}}\n    expect: {{state: ended}}", (), ("341",)),
        (f"park: {{{BY_ID}, slot: 6}}", (), ()),
        (f"bridge: {{{BY_ID}, slot: 6}}", (), ()),
        (f"hangup: {{{BY_ID}}}", (), ()),
        ("event: {type: dial-in, extension: 341}", (), ()),
        (f"slots: {{{BY_ID}, slot: 6}}\n  - park: {{{BY_ID}, slot: 7}}", ("6",), ()),
        (f"slots: {{{BY_ID}, slot: 6}}\n  - park: {{{BY_ID}, slot: 6}}", (), ()),
        (f"together:\n      - [slots: {{{BY_ID}, slot: 6}}]\n      - [calls: {{extension: 341}}]",
         ("6",), ("341",)),
        (f"repeat:\n      times: 2\n      steps:\n        - park: {{{BY_ID}, slot: 6}}", (), ()),
        (f"slots: {{{BY_ID}, slot: $s}}", ("8",), ("341",)),
    ],
)  # fmt: skip
def test_what_is_only_read_is_known_before_the_run(
    step: str, slots: tuple[str, ...], extensions: tuple[str, ...]
) -> None:
    needs = needs_of(f"  - {step}\n  - check: {{that: $s, equals: 8}}\n", "vars: {s: 8}\n")
    assert (needs.read_slots, needs.read_extensions) == (slots, extensions)
    assert set(needs.read_slots) <= set(needs.literal_slots)


def test_the_extension_of_a_call_is_written() -> None:
    needs = needs_of(CALL + "  - slots: {call: c, slot: 6}\n    expect: {empty: true}\n")
    assert (needs.read_slots, needs.read_extensions) == (("6",), ())
    assert needs.literal_extensions == ("342",)


def test_a_row_decides_what_is_read_and_what_is_written() -> None:
    text = (
        "scenario: rows\nmatrix:\n  - {seen: 1, used: 2}\n  - {seen: 3, used: 3}\nsteps:\n"
        f"{CALL}  - slots: {{call: c, slot: $seen}}\n    expect: {{empty: true}}\n"
        "  - park: {call: c, slot: $used}\n"
    )
    first, second = load_text(text, "s.yaml", LoadOptions()).scenarios
    assert (first.needs.literal_slots, first.needs.read_slots) == (("1", "2"), ("1",))
    assert (second.needs.literal_slots, second.needs.read_slots) == (("3",), ())


@pytest.mark.parametrize(("action", "read"), [("slots", ("6",)), ("park", ())])
def test_fragments_are_looked_into(
    action: str, read: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f.fragment.yaml").write_text(
        "fragment: f\nparams: {slot: {type: integer}}\nsteps:\n"
        f"  - {action}: {{{BY_ID}, slot: $slot}}\n"
    )
    file = tmp_path / "s.scenario.yaml"
    file.write_text(
        "scenario: s\nsteps:\n  - use: {file: f.fragment.yaml, with: {slot: 6}}\n"
        "  - calls: {extension: 341}\n    expect: {count: 0}\n"
    )
    monkeypatch.chdir(tmp_path)
    (loaded,) = load(["s.scenario.yaml"], LoadOptions())
    assert loaded.problems == ()
    needs = loaded.scenarios[0].needs
    assert (needs.literal_slots, needs.read_slots) == (("6",), read)
