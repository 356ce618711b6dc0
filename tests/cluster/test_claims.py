"""Who may dial: the newest execution of a scenario, and only while no earlier one has."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("distributed", reason="NOT CHECKED ON A CLUSTER: distributed is not installed")

from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.execution.cluster import Claims
from scenario_runner.pbx.journal import Journal, left_behind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IDS = {"uuid": "u1", "call_api_id": "1-u1", "extension": "341"}
_NUMBERS = count(1)
AGAIN: list[int] = []


@contextmanager
def claims(folder: Path) -> Iterator[Claims]:
    made = Claims(lambda: Journal(folder, "served", "127.0.0.1"), lambda: AGAIN.append(1))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Claims]:
    with claims(tmp_path) as made:
        yield made


def claim(known: Claims, worker: str, key: str = "k") -> int:
    return known.take({"note": "claim", "worker": worker, "key": key})


def calling(known: Claims, worker: str, token: int, **more: Any) -> int:
    call = {"placing": "1", "extension": "341", "flow": "in", "party": "+7", **more}
    return known.take({"note": "calling", "worker": worker, "token": token, **call})


def test_who_claims_may_dial(known: Claims) -> None:
    assert calling(known, "a", claim(known, "a")) == 1


def test_what_has_placed_nothing_runs_again_and_the_first_may_dial_no_more(
    known: Claims,
) -> None:
    AGAIN.clear()
    first, second = claim(known, "a"), claim(known, "b")
    assert 0 < first < second
    assert calling(known, "a", first) == 0
    assert calling(known, "b", second) == 1
    assert AGAIN == [1]


def test_what_has_placed_something_never_runs_again(known: Claims) -> None:
    assert calling(known, "a", claim(known, "a")) == 1
    assert claim(known, "b") == 0
    assert claim(known, "a") == 0


def test_a_worker_that_is_lost_may_do_nothing_more(known: Claims) -> None:
    other = claim(known, "a", "other")
    claim(known, "a")
    claim(known, "b")
    assert calling(known, "a", other) == 0
    assert claim(known, "a", "third") == 0


def test_an_unknown_token_is_no_leave(known: Claims) -> None:
    assert calling(known, "a", 7) == 0


def test_the_journal_has_it_before_the_answer_and_forgets_what_is_over(
    known: Claims, tmp_path: Path
) -> None:
    calling(known, "a", claim(known, "a"))
    (file,) = tmp_path.iterdir()
    assert '"calling"' in file.read_text()
    known.take({"note": "chosen", "worker": "a", "call": "1", "channels": ["x"]})
    assert '"channels": ["x"]' in file.read_text()
    known.take({"note": "called", "worker": "a", "placing": "1", "ids": _ids()})
    known.take({"note": "ended", "worker": "a", "uuid": "u1"})
    assert known.close() == []
    assert list(tmp_path.iterdir()) == []


def _ids() -> dict[str, Any]:
    from msgspec import structs

    from scenario_runner.pbx.protocol import CallIds

    names = CallIds.__struct_fields__
    return structs.asdict(CallIds(**{name: IDS.get(name, "x") for name in names}))


def test_what_a_lost_worker_placed_is_left_to_be_undone(known: Claims, tmp_path: Path) -> None:
    calling(known, "a", claim(known, "a"))
    assert known.left_by_lost() == []
    known.lose_whoever_has("k")
    (file,) = known.left_by_lost()
    assert known.left_by_lost() == []
    (one,) = left_behind(tmp_path)
    assert one.file == file
    assert [call.extension for call in one.calls] == ["341"]


_STEPS = st.tuples(st.sampled_from(["claim", "call"]), st.sampled_from("abc"))


@given(st.lists(_STEPS, max_size=20))
def test_only_one_execution_ever_dials(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    tokens: dict[str, int] = {}
    dialled: set[tuple[str, int]] = set()
    with claims(tmp_path_factory.getbasetemp() / f"claims-{next(_NUMBERS)}") as known:
        for what, worker in steps:
            if what == "claim":
                tokens[worker] = claim(known, worker) or tokens.get(worker, 0)
            elif calling(known, worker, tokens.get(worker, 0), placing=str(next(_NUMBERS))):
                dialled.add((worker, tokens[worker]))
    assert len(dialled) <= 1
