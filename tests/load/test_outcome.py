"""What is made of figures: objectives, the knee, verdict and exit code, documents."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenario_runner.durations import MILLISECOND, SECOND
from scenario_runner.errors import UsageError
from scenario_runner.exit_code import Exit
from scenario_runner.loadtest.compare import compare
from scenario_runner.loadtest.figures import (
    LONGEST,
    MOST_SUBJECTS,
    Figures,
    Interval,
    Latencies,
    Subject,
    Tally,
    bucket,
    bucket_percentile,
    merged,
    short,
)
from scenario_runner.loadtest.html import to_html
from scenario_runner.loadtest.objectives import judge, knee
from scenario_runner.loadtest.outcome import Checks
from scenario_runner.loadtest.prometheus import to_prometheus
from scenario_runner.loadtest.report import encode_report, read_report
from scenario_runner.loadtest.text import change_lines, load_lines, verdict_lines
from tests.load.made import NAME, figures, objectives, report

GOLDEN = Path(__file__).parent / "golden"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 2 * LONGEST), min_size=1, max_size=300))
def test_percentiles_are_true_to_a_thousandth(values: list[int]) -> None:
    latencies = Latencies()
    for value in values:
        latencies.record(value)
    known = sorted(min(max(value, 1), LONGEST) for value in values)
    for percent in (50, 90, 99, 100):
        rank = max(0, int(len(known) * percent / 100 + 0.5) - 1)
        assert latencies.percentile(percent) == pytest.approx(known[rank], rel=0.002, abs=1)
    assert latencies.percentiles([50, 99]) == [latencies.percentile(50), latencies.percentile(99)]
    assert latencies.count == len(values)


def test_histograms_of_several_generators_are_one() -> None:
    both, first, second = Latencies(), Latencies(), Latencies()
    for number in range(1000):
        both.record(number * 100)
        (first if number % 3 else second).record(number * 100)
    first.add(Latencies.decode(*second.encode()))
    assert (first.count, first.mean, first.highest) == (both.count, both.mean, both.highest)
    assert first.percentiles([50, 99, 99.9]) == both.percentiles([50, 99, 99.9])


@given(st.lists(st.lists(st.integers(0, LONGEST), max_size=50), min_size=1, max_size=4))
def test_histograms_that_travel_are_merged_as_if_measured_in_one_place(
    parts: list[list[int]],
) -> None:
    whole, together = Latencies(), Latencies()
    for part in parts:
        one = Latencies()
        for value in part:
            one.record(value)
            whole.record(value)
        together.add(pickle.loads(pickle.dumps(one)))
    assert (together.count, together.mean) == (whole.count, whole.mean)
    assert together.percentiles([50, 99]) == whole.percentiles([50, 99])


def test_what_is_no_histogram() -> None:
    with pytest.raises(ValueError, match="not a histogram"):
        Latencies.decode("nonsense", 0)


@given(st.lists(st.integers(0, LONGEST), min_size=1, max_size=100), st.floats(1, 100))
def test_buckets_are_true_to_about_a_percent(values: list[int], percent: float) -> None:
    interval = Interval(at=0, rate=1)
    for value in values:
        interval.record("park", value)
        assert value * 0.98 <= bucket(value) <= value
    known = sorted(values)
    exact = known[max(0, -(-len(known) * percent // 100).__int__() - 1)]
    assert bucket_percentile(interval.latencies["park"], percent) >= exact * 0.98 - 1


def test_figures_of_generators_are_added() -> None:
    one, two = figures(), figures(40 * MILLISECOND, seconds=25)
    whole = merged([figures(), two])
    assert whole.tally.arrived == one.tally.arrived + two.tally.arrived
    assert whole.of(Subject(action="park")).count == 450
    assert len(whole.intervals) == 25
    assert whole.intervals[3].rate == one.intervals[3].rate
    assert whole.blocked == {"slots": 45}


def test_steps_beyond_the_bound_count_with_their_actions() -> None:
    made = Figures(SECOND)
    for number in range(MOST_SUBJECTS + 50):
        made.record(Subject(NAME, "park", str(number), "park"), 1)
        made.record(Subject(NAME, "park"), 1)
    assert len(made.latencies) <= MOST_SUBJECTS + 1
    assert made.of(Subject(action="park")).count == MOST_SUBJECTS + 50


@pytest.mark.parametrize(
    ("text", "held", "value"),
    [
        ("park p99 < 50ms", True, "39.7ms"),
        ("park p99 < 30ms", False, "39.7ms"),
        ("park max < 1s", True, "39.9ms"),
        ("park mean < 1s", True, "30ms"),
        ("scenario p50 < 1s", True, "299ms"),
        ('step "341 parks" p50 < 1s', True, "29.9ms"),
        ("step 341 unparks p50 < 1s", False, "never measured"),
        ("bridge p99 < 1s", False, "never measured"),
        ("errors < 1%", True, "0% (0 of 200)"),
        ("blocked < 5%", False, "9.1% (20 of 220)"),
        ("blocked <= 20", True, "20"),
        ("refused < 10%", True, "5% (20 of 400)"),
        ("refused slot-full < 10", False, "20"),
        ("refused slot-empty < 1%", True, "0% (0 of 400)"),
    ],
)
def test_objectives(text: str, held: bool, value: str) -> None:
    (objective,) = objectives(text)
    judged = judge(objective, figures())
    assert (judged.held, judged.value) == (held, value)


def test_of_nothing_no_objective_holds() -> None:
    for text in ("park p99 < 1h", "errors < 100%", "errors < 5"):
        assert not judge(objectives(text)[0], Figures(SECOND)).held


def test_the_knee_is_the_last_rate_that_held() -> None:
    found = knee(objectives("park p99 < 30ms"), figures().intervals)
    assert str(found) == "held up to 10/s; at 11/s park p99 < 30ms did not"
    found = knee(objectives("park p99 < 1s"), figures().intervals)
    assert str(found) == "held up to 20/s, the end of the ramp"
    found = knee(objectives("park p99 < 1ms"), figures().intervals)
    assert str(found) == "park p99 < 1ms did not hold at any rate"
    assert knee((), figures().intervals) is None


def test_one_bad_moment_is_no_knee() -> None:
    made = figures()
    made.intervals[3].record("park", 10 * SECOND)
    found = knee(objectives("park p99 < 30ms"), made.intervals)
    assert found is not None
    assert found.held == 10


def test_a_knee_by_what_is_counted() -> None:
    made = figures()
    for interval in made.intervals[12:]:
        interval.tally.errored = 3
    found = knee(objectives("errors < 5%"), made.intervals)
    assert found is not None
    assert (found.held, found.broke) == (12, 13)


def errored(made: Figures) -> None:
    made.tally.errored += 1
    made.tally_of(NAME).errored += 1


def failed(made: Figures) -> None:
    made.tally.failed += 1
    made.tally_of(NAME).failed += 1


def stopped(made: Figures) -> None:
    made.tally.stopped += 1
    made.tally_of(NAME).stopped += 1


def late(made: Figures) -> None:
    for _ in range(5):
        made.late.record(SECOND)


def stalled(made: Figures) -> None:
    for _ in range(5):
        made.stalls.record(SECOND)


def nothing(made: Figures) -> None:
    made.tally = Tally()


@pytest.mark.parametrize(
    ("change", "slos", "code", "said"),
    [
        (lambda _: None, [], Exit.PASSED, "✓ passed"),
        (lambda _: None, ["park p99 < 1ms"], Exit.FAILED, "objective not met: park p99 < 1ms"),
        (failed, [], Exit.FAILED, "1 of 200 failed"),
        (failed, ["failures < 5%"], Exit.PASSED, "✓ passed"),
        (errored, [], Exit.ERRORED, "1 of 200 errored"),
        (errored, ["errors < 5%"], Exit.PASSED, "✓ passed"),
        (stopped, [], Exit.ERRORED, "1 of 200 did not come to their end"),
        (
            late,
            [],
            Exit.ERRORED,
            "invalid: the generator was late (arrivals: p99 1s, allowed 50ms)",
        ),
        (stalled, ["park p99 < 1ms"], Exit.ERRORED, "invalid: the generator was late (its event"),
        (nothing, [], Exit.ERRORED, "no scenario ran"),
    ],
)
def test_the_exit_code(
    change: Callable[[Figures], None], slos: list[str], code: Exit, said: str
) -> None:
    made = figures()
    change(made)
    found = report(made, *slos)
    assert found.exit_code == code
    assert said in "\n".join(line.text for line in verdict_lines(found))


@pytest.mark.parametrize(
    ("checks", "code", "said"),
    [
        (Checks(leaks=["a call"]), Exit.FAILED, "1 left behind: a call"),
        (
            Checks(violated=3, violations=["u1 is in two slots: 6 and 7"]),
            Exit.FAILED,
            "3 contradictions to what was done: u1 is in two slots: 6 and 7",
        ),
        (Checks(unknown=["timed out"]), Exit.ERRORED, "could not be asked: timed out"),
    ],
)
def test_what_was_found_besides(checks: Checks, code: Exit, said: str) -> None:
    found = report(checks=checks)
    assert found.exit_code == code
    assert said in found.findings[0].message


def test_interrupted_and_broken_off() -> None:
    assert report(interrupted=True).exit_code == Exit.INTERRUPTED
    found = report(aborted="20 of the last 20 scenarios errored")
    assert found.exit_code == Exit.ERRORED
    assert found.findings[0].message == "broken off: 20 of the last 20 scenarios errored"


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = report(figures(), "park p99 < 30ms", "errors < 1%")
    file = tmp_path / "load.json"
    file.write_bytes(encode_report(made))
    assert read_report(str(file)) == made


@pytest.mark.parametrize("text", ["", "{}", '{"report": "load"}', "[1]", "\xff"])
def test_what_is_no_report(tmp_path: Path, text: str) -> None:
    file = tmp_path / "load.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match="is not the report of a load run"):
        read_report(str(file))
    with pytest.raises(UsageError, match="can't be read"):
        read_report(str(tmp_path / "nowhere"))


SLOS = ("park p99 < 30ms", "errors < 1%")


def test_the_report_as_text(golden: Callable[[Path, str], None]) -> None:
    made = report(figures(), *SLOS)
    slower = report(figures(10 * MILLISECOND), rate="5/s")
    lines = [
        *load_lines(made, steps=True),
        *change_lines(compare(slower, made), "earlier.json"),
        *verdict_lines(made),
    ]
    golden(GOLDEN / "report.txt", "".join(f"{line.text}\n" for line in lines))


def test_the_report_for_prometheus(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "report.prom", to_prometheus(report(figures(), *SLOS)))


def test_the_page_is_whole_and_escapes_what_it_shows() -> None:
    made = figures()
    made.errors["<script>alert(1)</script>"] = 1
    page = to_html(report(made, *SLOS))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<svg") == 7
    assert 'class="limit"' in page
    assert page.endswith("</html>\n")


def test_changes_tell_slower_from_faster_and_unlike_runs_apart() -> None:
    fast, slow = report(figures(10 * MILLISECOND)), report(figures(40 * MILLISECOND))
    found = {one.figure: one for one in compare(fast, slow).figures}
    assert found["park p50"].worse
    assert not found["park p50"].better
    assert {one.figure: one for one in compare(slow, fast).figures}["park p50"].better
    assert compare(fast, slow).unlike == ()
    assert compare(fast, report(rate="5/s")).unlike == ("rate: 1/s..20/s then, 5/s now",)
    assert all(not one.worse and not one.better for one in compare(fast, fast).figures)


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(0, "0s"), (7, "7µs"), (1234, "1.23ms"), (45678, "45.7ms"), (999_999, "1s"),
     (12_345_678, "12.3s"), (192_345_678, "3m12s")],
)  # fmt: skip
def test_times_have_three_digits(microseconds: int, text: str) -> None:
    assert short(microseconds) == text
