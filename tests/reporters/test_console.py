"""The console on screens of all widths, on a terminal, and its live line."""

from __future__ import annotations

import io
import re

import pytest
from msgspec.structs import replace

from scenario_runner.events import (
    Event,
    Exchange,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
    StepStarted,
    Verdict,
    Warned,
)
from scenario_runner.exit_code import Exit
from scenario_runner.printable import printable
from scenario_runner.reporters.console import Console, Plain
from scenario_runner.reporters.console_sections import Detail
from scenario_runner.reporters.progress import Progress
from scenario_runner.reporters.terminal import Terminal
from scenario_runner.reporters.text import Line, cells, quoted, row, wrapped
from scenario_runner.source import Span
from tests.reporters.streams import CASES, Kept, play, stream

_NEVER_BROKEN = re.compile(
    r"^ +[<>] |curl|-H |--data-raw|scenario-runner run|# not ok|^  1 \||::|:\d+:\d+$"
)


@pytest.mark.parametrize("width", [40, 41, 57, 80, 120, 200])
@pytest.mark.parametrize("case", CASES)
def test_no_line_is_wider_than_the_screen(case: str, width: int) -> None:
    output = Kept()
    play(stream(case), Console(Plain(output, width), Detail.EXCHANGES))
    for line in output.text.splitlines():
        long_word = max(map(cells, line.split()), default=0) > width // 2
        assert cells(line) <= width or long_word or _NEVER_BROKEN.search(line), line


def test_a_word_that_is_copied_stays_whole() -> None:
    call = "(e05dc1e3-884a-4d66-a07a-d4243e895926)"
    assert wrapped(f"customer {call} at 341", 20, "actual: ") == [
        "actual: customer",
        f"        {call}",
        "        at 341",
    ]


@pytest.mark.parametrize("case", CASES)
def test_nothing_moves_the_cursor_or_commands_a_ci_server(case: str) -> None:
    output = Kept()
    play(stream(case), Console(Plain(output), Detail.EXCHANGES))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", output.text)
    assert not re.search(r"^\s*(::|##)", output.text, re.MULTILINE)


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
def test_live_line_shows_how_far_the_run_is() -> None:
    stream_ = io.StringIO()
    terminal = Terminal(stream_)
    for event in stream("passed")[:4]:
        terminal.hear(event)
    terminal.close()
    assert "0 of 2 done" in stream_.getvalue()
    terminal.hear(stream("passed")[4])
    assert stream_.getvalue().count("done") == 1


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_written_stands_above_a_live_line_of_that_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream_ = Tty()
    terminal = Terminal(stream_)
    for event in (stream("passed")[0], _started("a"), _started("b")):
        terminal.hear(event)
    terminal._live.refresh()  # its clock does so eight times a second
    for event in (_ended("a"), _started("c")):
        terminal.hear(event)
    terminal.show([Line("passed a")])
    terminal.close()
    _, _, below = stream_.getvalue().partition("passed a")
    assert "1 of 2 done" in below
    assert "0 of 2 done" not in below


def _started(name: str) -> Event:
    (started,) = (e for e in stream("passed")[:3] if isinstance(e, ScenarioStarted))
    return replace(started, scenario=name, name=name)


def _step(name: str, patience: int = 0) -> Event:
    steps = [event for event in stream("passed") if isinstance(event, StepStarted)]
    path = ("5", "agent_b", "1")
    return replace(steps[0], scenario=name, title="wait", patience=patience, path=path)


def _ended(name: str, verdict: Verdict = Verdict.PASSED, *, final: bool = True) -> Event:
    ends = [event for event in stream("passed") if isinstance(event, ScenarioFinished)]
    return replace(ends[0], scenario=name, verdict=verdict, final=final)


def _heard(total: int, *events: tuple[float, Event]) -> Progress:
    progress = Progress()
    run = stream("passed")[0]
    assert isinstance(run, RunStarted)
    progress.hear(replace(run, total=total), 0.0)
    for now, event in events:
        progress.hear(event, now)
    return progress


def test_progress_counts_what_is_done_side_by_side() -> None:
    begun = [(0.0, _started(f"s{n}")) for n in range(7)]
    ended = [(3.0, _ended(f"s{n}")) for n in range(1, 7)]
    waits = (1.0, _step("s0", patience=180_000_000))
    progress = _heard(7, *begun, waits, *ended)
    assert progress.line(31.0) == (
        "6 of 7 done, 31 s, about 5 s left · s0 · step 5 › agent_b › 1, wait · waits 2m 30s at most"
    )


def test_progress_shows_the_longest_wait_and_how_many_others_run() -> None:
    progress = _heard(
        3,
        (0.0, _started("a")),
        (0.0, _started("b")),
        (0.0, _step("a", patience=5_000_000)),
        (0.0, _step("b", patience=60_000_000)),
        (0.0, _started("c")),
    )
    line = "b · step 5 › agent_b › 1, wait · waits 1m at most · 2 more running"
    assert progress.line(0.0) == f"0 of 3 done, 0 s · {line}"
    assert "waits" not in progress.line(61.0)


def test_progress_shows_the_status_of_a_cluster_also_while_nothing_runs_here() -> None:
    progress = _heard(2)
    progress.status = "cluster: 2 workers, 1 worker lost"
    assert progress.line(3.0) == "0 of 2 done, 3 s · cluster: 2 workers, 1 worker lost"
    progress.hear(_started("a"), 3.0)
    assert progress.line(3.0) == "0 of 2 done, 3 s · cluster: 2 workers, 1 worker lost · a"


def test_progress_counts_a_retried_scenario_once() -> None:
    failed = _ended("a", Verdict.FAILED, final=False)
    progress = _heard(2, (0.0, _started("a")), (1.0, failed), (1.0, _started("a")))
    assert progress.line(2.0) == "0 of 2 done, 2 s · a"
    progress.hear(_ended("a", Verdict.FAILED), 3.0)
    assert progress.line(4.0) == ""
    progress.hear(_started("b"), 4.0)
    assert progress.line(4.0) == "1 of 2 done, 1 failure, 4 s · b"


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


def _alike(count: int) -> list[Event]:
    """Return a run in which one scenario fails again and again, each time with other ids."""
    events = stream("failed")
    first = next(e.scenario for e in events if isinstance(e, ScenarioStarted))
    mine = [e for e in events if getattr(e, "scenario", None) == first]
    copies: list[Event] = []
    for number in range(count):
        for event in mine:
            changes = {"scenario": f"{first} {number}"}
            changes |= {"name": f"number {number}"} if isinstance(event, ScenarioStarted) else {}
            copies.append(replace(event, **changes))
    return [events[0], *copies, events[-1]]


def test_failures_of_one_cause_are_folded() -> None:
    output = Kept()
    play(_alike(25), Console(Plain(output), Detail.QUIET))
    once = Kept()
    play(_alike(1), Console(Plain(once), Detail.QUIET))
    assert output.text.count("expected:") == once.text.count("expected:") > 0
    assert "24 more scenarios failed in the same way:" in output.text
    assert "number 20 (examples/01_park.scenario.yaml:1)" in output.text
    assert "number 21" not in output.text
    assert "… and 4 more" in output.text
    assert "25 scenarios: 25 failed" in output.text


def test_steps_are_shown_of_what_failed_and_exchanges_are_not() -> None:
    output = Kept()
    play(stream("failed"), Console(Plain(output)))
    listed = output.text.partition("\n1) ")[0]
    assert "  ✓ passed  1 A customer reaches extension 341" in listed
    assert "exchange" not in listed
    output = Kept()
    play(stream("passed"), Console(Plain(output)))
    assert output.text.count("✓ passed") == 3


def test_what_one_copies_is_not_wrapped() -> None:
    output = Kept()
    play(stream("failed"), Console(Plain(output, 40), Detail.EXCHANGES))
    sent = [e.received.split("\n\n")[1] for e in stream("failed") if isinstance(e, Exchange)]
    for body in sent:
        assert body in output.text


def test_wide_letters_take_two_columns() -> None:
    assert cells("日本") == 4
    assert cells("e\u0301") == 1


def test_rows_and_folds_keep_every_letter() -> None:
    assert row("- ", "one two three", "5s", 18) == ["- one two       5s", "  three"]
    assert quoted("abc\n\x1b[2J", "> ") == ["> abc", "> \\x1b[2J"]
    assert wrapped("a b", 40, "> ") == ["> a b"]


def test_plain_lines_lose_trailing_blanks() -> None:
    output = Kept()
    Plain(output).show([Line("a  "), Line("")])
    assert output.text == "a\n\n"


def test_what_was_left_behind_is_shown_with_q_too() -> None:
    output = Kept()
    console = Console(Plain(output), Detail.QUIET)
    for code in ("left-behind", "rate-limit"):
        console.handle(Warned(code=code, message=f"about {code}", span=Span("", 0, 0, 0, 0)))
    assert "about left-behind" in output.text
    assert "about rate-limit" not in output.text


def test_a_note_about_no_file_has_no_place_and_is_no_warning() -> None:
    output = Kept()
    note = Warned(code="rate-limit", message="9 requests left", span=Span("", 0, 0, 0, 0))
    events = stream("passed")
    play([events[0], note, *events[1:]], Console(Plain(output)))
    assert "note (rate-limit): 9 requests left\n\n" in output.text
    assert "warning" not in output.text.partition("9 requests left")[2]
