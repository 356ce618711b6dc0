"""What an objective says, and what is wrong with one that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.language.slo import (
    MEASURED,
    Count,
    CountSlo,
    InvalidSlo,
    LatencySlo,
    Statistic,
    parse_slo,
)


@pytest.mark.parametrize(
    ("text", "slo"),
    [
        (
            "park p99 < 300ms",
            LatencySlo(action="park", statistic=Statistic.P99, bound=300_000, inclusive=False),
        ),
        (
            "scenario p99.9 <= 2s",
            LatencySlo(statistic=Statistic.P99_9, bound=2_000_000, inclusive=True),
        ),
        (
            'step "The slot holds" max<1m',
            LatencySlo(
                step="The slot holds", statistic=Statistic.MAX, bound=60_000_000, inclusive=False
            ),
        ),
        (
            "step Ask again mean < 1s",
            LatencySlo(
                step="Ask again", statistic=Statistic.MEAN, bound=1_000_000, inclusive=False
            ),
        ),
        ("errors < 1%", CountSlo(count=Count.ERRORS, bound=0.01, share=True, inclusive=False)),
        ("blocked <= 5", CountSlo(count=Count.BLOCKED, bound=5, share=False, inclusive=True)),
        (
            "refused slot-full < 0.5%",
            CountSlo(
                count=Count.REFUSED, reason="slot-full", bound=0.005, share=True, inclusive=False
            ),
        ),
    ],
)
def test_objectives(text: str, slo: object) -> None:
    assert parse_slo(text) == slo


@given(
    st.sampled_from(MEASURED),
    st.sampled_from(list(Statistic)),
    st.integers(1, 100_000),
    st.sampled_from(["<", "<="]),
)
def test_what_is_written_can_be_read(action: str, statistic: str, bound: int, sign: str) -> None:
    slo = parse_slo(f"{action} {statistic} {sign} {bound}ms")
    assert parse_slo(str(slo)) == slo


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("park", "'park' is not an objective", "park p99 < 300ms"),
        ("prak p99 < 300ms", "'prak' is not an action", "did you mean 'park'?"),
        ("wait p99 < 1s", "'wait' takes no time of the PBX's", "measured are"),
        ("park p98 < 1s", "'p98' is not measured", "p99"),
        ("park p99 > 1s", "'>' sets none", "< or <="),
        ("park p99 = 1s", "'=' sets none", "< or <="),
        ("park p99 < 300", "'300' is not a duration", "300ms"),
        ("park < 300ms", "of park which latency?", "park p99 < 300ms"),
        ("erors < 1%", "'erors' is not counted", "did you mean 'errors'?"),
        ("errors < many", "'many' is neither a share nor a number", "1%"),
        ("errors < 101%", "'101%' is neither", "1%"),
        ("errors slot-full < 1%", "errors have no reasons", "errors < 1%"),
        ("refused slot-ful < 1%", "'slot-ful' is not a reason", "slot-full"),
        ("", "'' is not an objective", "park p99"),
    ],
)
def test_what_is_no_objective(text: str, said: str, hint: str) -> None:
    with pytest.raises(InvalidSlo) as error:
        parse_slo(text)
    assert said in str(error.value)
    assert hint in error.value.hint
