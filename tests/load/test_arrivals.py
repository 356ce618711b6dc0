"""Rates, ramps, and the moments of arrivals; mixes by weight."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from statistics import mean, pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenario_runner.durations import SECOND
from scenario_runner.errors import UsageError
from scenario_runner.loadtest.arrivals import Mix, Process, Rate, Schedule, parse_weight
from tests.load.virtual import suite_of

ASK = "scenario: {0}\nsteps:\n  - request: {{get: /{0}}}\n    expect: {{status: 200}}\n"


def moments(rate: str, duration: float, **more: object) -> list[int]:
    whole = Schedule(rate=Rate.parse(rate), duration=int(duration * SECOND), **more)  # type: ignore[arg-type]
    return [moment for _, moment in whole.arrivals()]


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("5/s", 5, 5),
        ("300/m", 5, 5),
        ("1800/h", 0.5, 0.5),
        ("1/s..20/s", 1, 20),
        ("0.5/s", 0.5, 0.5),
    ],
)
def test_rates(text: str, begin: float, end: float) -> None:
    assert Rate.parse(text) == Rate(begin, end)


@pytest.mark.parametrize(
    "text",
    ["0/s", "0.0/m", "1/s..0/s", "-1/s", "5", "5/d", "/s", "1/s..", "..5/s", "1/s..2/s..3/s",
     "1e3/s", "100001/s", "nan/s", "", "5 /s"],
)  # fmt: skip
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(UsageError):
        Rate.parse(text)


def test_a_constant_process_is_even() -> None:
    assert moments("4/s", 1, process=Process.CONSTANT) == [0, 250_000, 500_000, 750_000]


def test_a_ramp_grows_evenly() -> None:
    found = moments("1/s..9/s", 10, process=Process.CONSTANT)
    assert len(found) == 50
    by_second = Counter(moment // SECOND for moment in found)
    assert by_second[0] <= 2
    assert by_second[9] >= 8


def test_a_ramp_may_fall() -> None:
    by_second = Counter(m // SECOND for m in moments("9/s..1/s", 10, process=Process.CONSTANT))
    assert by_second[0] >= 8
    assert by_second[9] <= 2


def test_the_warm_up_comes_first_and_at_the_first_rate() -> None:
    found = moments("2/s..10/s", 10, warm_up=5 * SECOND, process=Process.CONSTANT)
    assert sum(moment < 5 * SECOND for moment in found) == 10
    assert len(found) == 10 + 60


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_poisson_arrivals_come_at_the_rate_and_at_random(seed: int) -> None:
    found = moments("50/s", 40, seed=seed)
    assert abs(len(found) - 2000) < 6 * 2000**0.5
    gaps = [after - before for before, after in pairwise(found)]
    spread = pstdev(gaps)
    assert 0.8 < spread / mean(gaps) < 1.2  # of an exponential distribution it is 1


def test_the_seed_decides() -> None:
    assert moments("5/s", 10, seed=1) == moments("5/s", 10, seed=1)
    assert moments("5/s", 10, seed=1) != moments("5/s", 10, seed=2)


@given(st.integers(1, 5), st.sampled_from(list(Process)))
def test_generators_share_the_arrivals_without_loss(parts: int, process: Process) -> None:
    whole = Schedule(rate=Rate(3, 30), duration=5 * SECOND, process=process)
    shared = [pair for part in range(parts) for pair in whole.arrivals(part, parts)]
    assert sorted(shared) == list(whole.arrivals())


@given(st.floats(0.1, 50), st.floats(0.1, 50), st.sampled_from(list(Process)))
def test_arrivals_are_in_order_and_within_their_time(
    begin: float, end: float, process: Process
) -> None:
    whole = Schedule(rate=Rate(begin, end), duration=7 * SECOND, warm_up=SECOND, process=process)
    found = [moment for _, moment in whole.arrivals()]
    assert found == sorted(found)
    assert all(0 <= moment < whole.end for moment in found)
    if process is Process.CONSTANT:
        assert abs(len(found) - whole.expected) <= 1


def test_files_come_by_their_weights_and_scenarios_of_a_file_in_turn() -> None:
    suite = suite_of(ASK.format("a"), ASK.format("b") + "---\n" + ASK.format("c"))
    mix = Mix(suite, {"0.scenario.yaml": 3.0}, seed=1)
    names = [mix.next()[1].name for _ in range(4000)]
    counts = Counter(names)
    assert 2800 < counts["a"] < 3200
    assert abs(counts["b"] - counts["c"]) <= 1
    rest = [name for name in names if name != "a"]
    assert rest[:4] == ["b", "c", "b", "c"]


def test_rows_of_a_matrix_have_one_name_among_the_figures() -> None:
    text = ASK.format("a") + "matrix: {x: [1, 2]}\n"
    mix = Mix(suite_of(text), {})
    pairs = [mix.next() for _ in range(3)]
    assert {name for name, _ in pairs} == {"0.scenario.yaml::a"}
    assert [one.name for _, one in pairs] == ["a [x=1]", "a [x=2]", "a [x=1]"]


def test_a_weight_of_nothing_chosen() -> None:
    with pytest.raises(UsageError, match="no scenario is chosen of the file 'b'"):
        Mix(suite_of(ASK.format("a")), {"b": 1.0})
    with pytest.raises(UsageError, match="nothing would arrive"):
        Mix(suite_of(ASK.format("a")), {"0.scenario.yaml": 0.0})


@pytest.mark.parametrize("text", ["a", "a=", "=1", "a=-1", "a=x", "a=inf", "a=nan"])
def test_what_is_no_weight(text: str) -> None:
    with pytest.raises(UsageError):
        parse_weight(text)


def test_a_weight() -> None:
    assert parse_weight("a=b.yaml=2.5") == ("a=b.yaml", 2.5)


def test_generators_together_run_what_one_would() -> None:
    suite = suite_of(ASK.format("a"), ASK.format("b"))
    weights = {"0.scenario.yaml": 3.0}
    whole = Mix(suite, weights, 1)
    parts = [Mix(suite, weights, 1, (part, 3)) for part in range(3)]
    expected = [whole.next() for _ in range(30)]
    assert [parts[number % 3].next() for number in range(30)] == expected
