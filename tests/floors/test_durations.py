from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.durations import duration_text, exact_text, meant_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("250ms", 250_000),
        ("5s", 5_000_000),
        ("1.5s", 1_500_000),
        ("3m", 180_000_000),
        ("3m10s", 190_000_000),
        ("1h", 3_600_000_000),
        ("1h2m3s4ms", 3_723_004_000),
        ("0s", 0),
        ("0.5ms", 500),
    ],
)
def test_a_duration_is_read(text: str, microseconds: int) -> None:
    assert parse_duration(text) == microseconds


@pytest.mark.parametrize(
    "text", ["", "5", "s", "5 s", "-5s", "5x", "3s2m", "1e3s", "5s5s", "٥s", "1.s", "ms"]
)
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1.5m", "1m30s"),
        ("2m 59s", "2m59s"),
        ("3:00", "3m"),
        ("0:30", "30s"),
        ("5", "5s"),
        ("3 min", "3m"),
        ("250 msec", "250ms"),
        ("two minutes", None),
        ("5x", None),
        ("٥s", None),
        ("", None),
        ("12345678901", None),
        ("9" * 400 + "h", None),
    ],
)
def test_what_was_meant_to_be_a_duration(text: str, meant: str | None) -> None:
    assert meant_duration(text) == meant
    assert meant is None or parse_duration(meant)


@given(st.text(alphabet="0123456789.,: hmsx-", max_size=12))
def test_what_was_meant_can_be_read(text: str) -> None:
    meant = meant_duration(text)
    assert meant is None or parse_duration(meant) is not None


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "0s"),
        (820, "820µs"),
        (12_000, "12ms"),
        (3_200_000, "3.2s"),
        (180_000_000, "3m"),
        (190_000_000, "3m10s"),
        (3_600_000_000, "1h"),
        (-5_000_000, "-5s"),
    ],
)
def test_a_duration_is_written_for_people(microseconds: int, text: str) -> None:
    assert duration_text(microseconds) == text


@given(st.integers(1, 10**7))
def test_whole_milliseconds_survive_writing_and_reading(milliseconds: int) -> None:
    microseconds = milliseconds * 1000
    assert parse_duration(duration_text(microseconds)) == microseconds


@given(st.integers(min_value=0, max_value=10**13))
def test_an_exact_duration_reads_as_itself(microseconds: int) -> None:
    assert parse_duration(exact_text(microseconds)) == microseconds
