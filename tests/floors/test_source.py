from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from scenario_runner.source import Source, Span, read_source

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "scenario: x\nsteps:\n  - prak: {call: a, slot: 6}\n    expect: 1\n"


def test_an_excerpt_marks_the_line_and_the_place() -> None:
    shown = Source("f", TEXT).excerpt(Span("f", 3, 5, 3, 9), before=1, after=1)
    assert shown == (
        "  2 | steps:\n> 3 |   - prak: {call: a, slot: 6}\n    |     ^^^^\n  4 |     expect: 1"
    )


def test_a_span_is_written_as_a_place() -> None:
    assert str(Span("a.yaml", 3, 5, 3, 9)) == "a.yaml:3:5"


def test_a_place_outside_the_text_has_no_excerpt() -> None:
    assert Source("f", "").excerpt(Span("f", 3, 5, 3, 9)) == ""


def test_a_long_line_is_cut_around_the_place() -> None:
    shown = Source("f", "x" * 500 + "HERE" + "y" * 500).excerpt(Span("f", 1, 501, 1, 505))
    line, caret = shown.splitlines()
    assert len(line) < 120
    assert line[caret.index("^") : caret.index("^") + 4] == "HERE"


@given(
    st.text(max_size=300),
    st.tuples(st.integers(1, 5), st.integers(1, 300), st.integers(1, 5), st.integers(1, 300)),
)
def test_no_text_and_no_place_breaks_an_excerpt(
    text: str, place: tuple[int, int, int, int]
) -> None:
    shown = Source("f", text).excerpt(Span("f", *place))
    assert all(letter.isprintable() or letter == "\n" for letter in shown)


def test_a_file_that_is_only_shown_may_be_out_of_reach(tmp_path: Path) -> None:
    (tmp_path / "here.yaml").write_bytes(b"\xef\xbb\xbfscenario: \xff")
    found = read_source(str(tmp_path / "here.yaml"))
    assert found is not None
    assert found.text == "scenario: \N{REPLACEMENT CHARACTER}"
    assert read_source(str(tmp_path / "gone.yaml")) is None
