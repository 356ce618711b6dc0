"""The console on screens of all widths, on a terminal, and its live line."""

from __future__ import annotations

import io
import re

import pytest
from msgspec.structs import replace

from scenario_runner.errors import Exit
from scenario_runner.events import RunFinished, Warned
from scenario_runner.printable import printable
from scenario_runner.reporters.console import Console, Detail, Plain, Progress
from scenario_runner.reporters.terminal import Terminal, how_far, waiting
from scenario_runner.reporters.text import Line, cells, folded, row, wrapped
from scenario_runner.source import Span
from tests.reporters.streams import CASES, Kept, play, stream

_NEVER_BROKEN = re.compile(r"curl|-H |--data-raw|scenario-runner run|# not ok|^  1 \||::|:\d+:\d+$")


@pytest.mark.parametrize("width", [40, 41, 57, 80, 120, 200])
@pytest.mark.parametrize("case", CASES)
def test_no_line_is_wider_than_the_screen(case: str, width: int) -> None:
    output = Kept()
    play(stream(case), Console(Plain(output, width), Detail.VERBOSE))
    for line in output.text.splitlines():
        assert cells(line) <= width or _NEVER_BROKEN.search(line), line


@pytest.mark.parametrize("case", CASES)
def test_nothing_moves_the_cursor_or_commands_a_ci_server(case: str) -> None:
    output = Kept()
    play(stream(case), Console(Plain(output), Detail.VERBOSE))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", output.text)
    assert not re.search(r"^\s*::", output.text, re.MULTILINE)


def _on_terminal(case: str, *, colours: bool) -> str:
    stream_ = io.StringIO()
    play(stream(case), Console(Terminal(stream_, colours=colours)))
    return stream_.getvalue()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.usefixtures("terminal")
def test_terminal_colours_what_plain_text_says() -> None:
    text = _on_terminal("failed", colours=True)
    assert "\x1b[31m" in text
    plain = Kept()
    play(stream("failed"), Console(Plain(plain)))
    stripped = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", text)
    for line in plain.text.splitlines():
        assert line in stripped


@pytest.mark.usefixtures("terminal")
def test_terminal_without_colours() -> None:
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", _on_terminal("failed", colours=False))


@pytest.mark.usefixtures("terminal")
def test_live_line_tells_how_far_the_run_is() -> None:
    stream_ = io.StringIO()
    terminal = Terminal(stream_)
    terminal.progress(Progress(finished=3, total=20, failures=1, doing="\x1bA customer calls"))
    terminal.close()
    assert "3 of 20 done, 1 failure" in stream_.getvalue()
    assert "\x1bA customer" not in stream_.getvalue()


@pytest.mark.parametrize(
    ("progress", "spent", "text"),
    [
        (Progress(total=20), 0.4, "0 of 20 done, 0s"),
        (Progress(finished=3, total=20, failures=2), 4.0, "3 of 20 done, 2 failures, 4s"),
        (Progress(finished=5, total=20), 30.0, "5 of 20 done, 30s, about 1m30s left"),
        (Progress(finished=20, total=20), 61.0, "20 of 20 done, 1m01s"),
        (Progress(finished=25, total=20), 61.0, "25 of 20 done, 1m01s"),
    ],
)
def test_the_time_left_is_guessed_from_what_is_done(
    progress: Progress, spent: float, text: str
) -> None:
    assert how_far(progress, spent) == text


@pytest.mark.parametrize(
    ("patience", "spent", "told"),
    [
        (180_000_000, 0.0, ["waits 3m00s at most"]),
        (180_000_000, 131.2, ["waits 49s at most"]),
        (180_000_000, 179.5, []),
        (0, 10.0, []),
    ],
)
def test_a_wait_is_counted_down(patience: int, spent: float, told: list[str]) -> None:
    assert waiting(Progress(patience=patience), spent) == told


def test_quiet_tells_failures_and_the_summary_only() -> None:
    output = Kept()
    play(stream("passed"), Console(Plain(output), Detail.QUIET))
    assert output.text.strip().startswith("✓ passed · 2 scenarios: 2 passed · target mock")


def test_no_summary_is_green_when_the_exit_code_is_not() -> None:
    *events, end = stream("passed")
    assert isinstance(end, RunFinished)
    output = Kept()
    play([*events, replace(end, exit_code=Exit.FAILED)], Console(Plain(output), Detail.QUIET))
    assert "✗ failed" in output.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\x1b[2Jb", "a\\x1b[2Jb"), ("tab\there", "tab    here"), ("ä\u202e", "ä\\u202e")],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_wide_letters_take_two_columns() -> None:
    assert cells("日本") == 4
    assert cells("e\u0301") == 1


def test_rows_and_folds_keep_every_letter() -> None:
    assert row("- ", "one two three", "5s", 18) == ["- one two       5s", "  three"]
    assert folded("abcdefghijkl", 12, "> ") == ["> abcdefghij", "> kl"]
    assert wrapped("a b", 40, "> ") == ["> a b"]


def test_plain_lines_lose_trailing_blanks() -> None:
    output = Kept()
    Plain(output).show([Line("a  "), Line("")])
    assert output.text == "a\n\n"


def test_a_note_about_no_file_has_no_place_and_is_no_warning() -> None:
    output = Kept()
    note = Warned(code="rate-limit", message="9 requests left", span=Span("", 0, 0, 0, 0))
    events = stream("passed")
    play([events[0], note, *events[1:]], Console(Plain(output)))
    assert "note (rate-limit): 9 requests left\n\n" in output.text
    assert "warning" not in output.text.partition("9 requests left")[2]
