"""The rows of a matrix are made when asked for, and are what they always were."""

from __future__ import annotations

import pickle
import random
import tracemalloc
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.execution.selection import Selection, select
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.loading.scenarios import Rows
from scenario_runner.loading.suite import Suite

if TYPE_CHECKING:
    from scenario_runner.language.scenario import Scenario

STEPS = """
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - slots: {call: customer, slot: $a}
    expect: {empty: true}
"""


def suite(matrix: str, steps: str = STEPS) -> Suite:
    loaded = load_text(f"scenario: Ask\nmatrix:\n{matrix}{steps}", "a.scenario.yaml", LoadOptions())
    assert [problem.code for problem in loaded.problems if not problem.warning] == []
    return loaded.scenarios


def columns(values: dict[str, list[str]]) -> str:
    return "".join(f"  {name}: [{', '.join(cells)}]\n" for name, cells in values.items())


CELLS = st.lists(st.sampled_from(["1", "2", "2", "x", "'2'"]), min_size=1, max_size=4)


@given(st.fixed_dictionaries({"a": CELLS, "b": CELLS, "c": CELLS}))
def test_titles_count_what_looks_alike_in_the_order_of_the_rows(
    values: dict[str, list[str]],
) -> None:
    seen: Counter[str] = Counter()
    expected = []
    for cells in product(*values.values()):
        shown = (f"{name}={cell.strip(chr(39))}" for name, cell in zip(values, cells, strict=True))
        title = ", ".join(shown)
        seen[title] += 1
        expected.append(f"Ask [{title}]" if seen[title] == 1 else f"Ask [{title} #{seen[title]}]")
    assert [one.name for one in suite(columns(values))] == expected


ROWS = """\
  - {a: 1}
  - {a: 2, name: the second, tags: [slow, smoke]}
  - {a: 3, name: the second, xfail: an issue}
"""


def test_a_row_says_things_about_itself() -> None:
    plain, second, third = suite(ROWS, "tags: [smoke]\nxfail: all\n" + STEPS)
    assert [plain.name, second.name, third.name] == [
        "Ask [a=1]", "Ask [the second]", "Ask [the second #2]",
    ]  # fmt: skip
    assert [plain.tags, second.tags, third.tags] == [("smoke",), ("smoke", "slow"), ("smoke",)]
    assert [plain.xfail, second.xfail, third.xfail] == ["all", "all", "an issue"]
    assert [row.row for row in (plain, second, third)] == [(("a", str(n)),) for n in (1, 2, 3)]


def test_what_a_row_says_about_itself_is_no_variable() -> None:
    steps = STEPS + "  - check: {that: $name, not: x}\n"
    loaded = load_text(f"scenario: Ask\nmatrix:\n{ROWS}{steps}", "a.scenario.yaml", LoadOptions())
    (problem,) = loaded.problems
    assert problem.code == "undefined-name"
    assert problem.hint is not None
    assert "'name' of a row is about the row itself" in problem.hint


def test_rows_are_selected_by_their_own_tags_and_names() -> None:
    rows = suite(ROWS)
    slow = select(rows, Selection(tags=("slow",)))
    assert [one.name for one in slow] == ["Ask [the second]"]
    for name, count in (("Ask", 3), ("Ask [a=1]", 1), ("Ask [the second]", 1)):
        ids = {"a.scenario.yaml": frozenset({name})}
        assert len(select(rows, Selection(ids=ids))) == count
    (part,) = rows.parts
    assert isinstance(part, Rows)
    assert [one.name for one in part.subset([1])] == ["Ask [the second]"]
    assert part.tags() == {"slow", "smoke"}


def test_a_column_of_a_map_of_lists_may_be_called_name() -> None:
    steps = STEPS + "  - check: {that: $name, not: x}\n"
    assert [one.name for one in suite("  a: [1]\n  name: [b]\n", steps)] == ["Ask [a=1, name=b]"]


def test_titles_are_unique_where_a_value_looks_like_the_next_column() -> None:
    names = [one.name for one in suite('  a: ["1, b=2", 1]\n  b: ["3", "2, b=3"]\n')]
    assert len(set(names)) == 4


def test_rows_can_be_asked_for_in_any_order() -> None:
    rows = suite(columns({"a": ["1", "2", "3"], "b": ["x", "y"]}))
    assert [one.row for one in rows] == [rows[index].row for index in range(6)]
    assert rows[-1].name == "Ask [a=3, b=y]"
    assert [one.name for one in rows[4:]] == ["Ask [a=3, b=x]", "Ask [a=3, b=y]"]
    with pytest.raises(IndexError):
        rows[6]


def test_a_row_reserves_the_slot_that_it_names() -> None:
    rows = suite(columns({"a": ["5", "7"]}))
    assert [one.needs.literal_slots for one in rows] == [("5",), ("7",)]


def test_the_rest_of_a_matrix_stays_at_home() -> None:
    rows = suite(columns({"a": [str(n) for n in range(1000)], "b": ["x", "y"]}))
    parcel = pickle.loads(pickle.dumps(rows.parcel([3, 1998])))
    assert [one.name for one in parcel] == ["Ask [a=1, b=y]", "Ask [a=999, b=x]"]
    assert [one.needs.literal_slots for one in parcel] == [("1",), ("999",)]
    assert all(one.sources == () for one in parcel)
    assert len(pickle.dumps(rows.parcel([3]))) < 4096


def test_shuffled_as_a_list_would_be() -> None:
    rows = suite(columns({"a": ["1", "2", "3"], "b": ["x", "y", "z"]}))
    names = [one.name for one in rows]
    random.Random(7).shuffle(names)
    assert [one.name for one in rows.shuffled(7)] == names


def test_chosen_by_name() -> None:
    rows = suite(columns({"a": ["1", "2", "3"], "b": ["x", "y"]}))
    chosen = select(rows, Selection(words=("b=y",)))
    assert [one.name for one in chosen] == [f"Ask [a={n}, b=y]" for n in (1, 2, 3)]
    assert select(rows, Selection()) is rows


def test_a_plain_scenario_may_not_be_called_like_a_row() -> None:
    def codes(name: str) -> list[str]:
        plain = STEPS.replace("$a", "6")
        text = f"scenario: A\nmatrix: {{a: [1, 2]}}{STEPS}---\nscenario: {name}{plain}"
        loaded = load_text(text, "a", LoadOptions())
        return [problem.code for problem in loaded.problems]

    assert "duplicate-scenario" in codes("A [a=2]")
    assert "duplicate-scenario" not in codes("A [a=3]")


def test_a_million_rows_take_no_room() -> None:
    thousand = [str(n) for n in range(1000)]
    tracemalloc.start()
    try:
        rows = suite(columns({"a": thousand, "b": thousand}))
        before = tracemalloc.get_traced_memory()[0]
        assert len(rows) == 1_000_000
        last: Scenario = rows[999_999]
        assert last.name == "Ask [a=999, b=999]"
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()
