"""Ladders of hand-made streams: what they consist of, and each of the three renderings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from scenario_runner.durations import SECOND
from scenario_runner.events import (
    CallChanged,
    Event,
    Exchange,
    Failure,
    PbxReported,
    StepStarted,
    Verdict,
)
from scenario_runner.reporters.ladder import (
    Arrow,
    ArrowKind,
    Bar,
    Heading,
    Ladder,
    Pause,
    Remark,
    build_ladder,
    to_mermaid,
    to_svg,
    to_text,
)
from tests.ladder.telling import UUID, Telling, at_line, failed, get, ok, put, walk_through
from tests.reporters.streams import CASES, stream

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"
STREAMS = {"walk-through": walk_through, "failed": failed}
RENDERINGS: dict[str, Callable[[Ladder], str]] = {
    "svg": to_svg,
    "mmd": to_mermaid,
    "txt": to_text,
    "narrow.txt": lambda ladder: to_text(ladder, width=40),
}
HOSTILE = "</text></svg><script>alert(1)</script>\x1b[31m\u202e;#%%{init}%%\n& \"'"


@pytest.mark.parametrize("ending", RENDERINGS)
@pytest.mark.parametrize("name", STREAMS)
def test_golden(name: str, ending: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{name}.{ending}", RENDERINGS[ending](build_ladder(STREAMS[name]())))


def arrows(ladder: Ladder) -> list[Arrow]:
    return [row for row in ladder.rows if isinstance(row, Arrow)]


def test_lifelines_are_named_and_stand_in_order() -> None:
    names = [line.name for line in build_ladder(walk_through()).lifelines]
    assert names == [
        "runner",
        "PBX",
        "ext 341",
        "ext 342",
        "+78120000443 (customer)",
        "+74950000200 (colleague)",
        "slot 6",
    ]


def test_nobody_took_part() -> None:
    ladder = build_ladder([])
    assert [line.name for line in ladder.lifelines] == ["runner", "PBX"]
    assert ladder.rows == ()
    assert ladder.bars == ()
    assert to_text(ladder).splitlines()[0].split() == ["runner", "PBX"]
    assert ET.fromstring(to_svg(ladder)).tag.endswith("svg")


def test_a_bar_lasts_from_parking_until_the_call_changes() -> None:
    ladder = build_ladder(walk_through())
    (bar,) = ladder.bars
    assert (bar.slot, bar.call) == ("slot 6", "customer")
    first, last = ladder.rows[bar.first], ladder.rows[bar.last or 0]
    assert isinstance(first, Arrow)
    assert isinstance(last, Arrow)
    assert (first.label, last.label) == ("customer parked", "customer bridged")


def test_a_bar_ends_with_the_recall() -> None:
    ladder = build_ladder(failed())
    (bar,) = ladder.bars
    last = ladder.rows[bar.last or 0]
    assert isinstance(last, Arrow)
    assert last.label == "dial-in customer: recall"
    assert (last.source, last.target) == ("slot 6", "extension 341")


def test_a_call_that_stays_parked_has_a_bar_to_the_end() -> None:
    told = Telling()
    told.call("customer", "parked", "341", slot="6")
    assert build_ladder(told.events).bars == (
        Bar(slot="slot 6", call="customer", first=0, last=None),
    )


def test_a_second_call_in_a_slot_has_a_bar_of_its_own() -> None:
    told = Telling()
    for call in ("customer", "colleague"):
        told.call(call, "parked", "341", slot="6")
        told.call(call, "ended", "341")
    bars = build_ladder(told.events).bars
    assert [(bar.call, bar.first, bar.last) for bar in bars] == [
        ("customer", 0, 1),
        ("colleague", 2, 3),
    ]


@pytest.mark.parametrize(
    ("call", "state", "ends"),
    [
        ("customer", "ringing", ("party customer +78120000443", "extension 341")),
        ("customer", "up", ("extension 341", "party customer +78120000443")),
        ("customer", "ended", ("party customer +78120000443", "extension 341")),
        ("colleague", "ringing", ("extension 341", "party colleague +74950000200")),
        ("colleague", "up", ("party colleague +74950000200", "extension 341")),
        ("colleague", "bridged", ("party colleague +74950000200", "extension 341")),
    ],
)
def test_arrows_of_calls_go_the_way_of_the_call(
    call: str, state: str, ends: tuple[str, str]
) -> None:
    told = Telling()
    told.call(call, state, "341")
    (arrow,) = arrows(build_ladder(told.events))
    assert (arrow.source, arrow.target) == ends


def test_a_call_without_a_known_extension_is_at_the_pbx() -> None:
    told = Telling()
    told.call("customer", "parked", "")
    (arrow,) = arrows(build_ladder(told.events))
    assert arrow.target == "pbx"


def test_an_event_stands_below_the_request_that_caused_it() -> None:
    told = Telling()
    told.report("hangup", "customer", "341")
    told.exchange(put("hangup/1"), ok("{}"))
    kinds = [arrow.kind for arrow in arrows(build_ladder(told.events))]
    assert kinds == [ArrowKind.REQUEST, ArrowKind.EVENT, ArrowKind.ANSWER]


def test_requests_side_by_side_stand_in_the_order_of_time() -> None:
    told = Telling()
    told.exchange(get("slow"), ok("slow"), took=5_000)
    told.at = 1_000
    told.exchange(get("fast"), ok("fast"), took=1_000)
    labels = [arrow.label.split("/")[-1] for arrow in arrows(build_ladder(told.events))]
    assert labels == ["slow", "fast", "200 fast", "200 slow"]


def test_equal_questions_with_equal_answers_are_folded() -> None:
    told = Telling()
    for answer in ("{}", "{}", "{}", '{"slot": 6}'):
        told.exchange(get("valet_park/6"), ok(answer))
        told.at += SECOND
    found = arrows(build_ladder(told.events))
    assert [arrow.text() for arrow in found] == [
        "GET valet_park/6 ×3 to 2 s",
        "200 {} ×3 to 2 s",
        "GET valet_park/6",
        "200 {slot: 6}",
    ]


def test_the_failed_arrow_is_marked_and_explained() -> None:
    ladder = build_ladder(failed())
    marked = [arrow for arrow in arrows(ladder) if arrow.failed]
    assert [arrow.step for arrow in marked] == ["3", "cleanup.1"]
    remarks = [row.text for row in ladder.rows if isinstance(row, Remark)]
    assert remarks == [f"slot 6 holds nobody, expected customer ({UUID})"]
    verdicts = [row.verdict for row in ladder.rows if isinstance(row, Heading)]
    assert verdicts == ["passed", "passed", "failed", "skipped", "errored"]


def _race() -> list[Event]:
    """Two agents ask at once, and the answer to the second request comes first."""
    told = Telling()
    told.start("5", "Both at once", "together", 6)
    for number, agent in enumerate(("agent_a", "agent_b"), 1):
        told.start(f"5.b{number}.1", "bridge", "bridge", 8, path=("5", agent, "1"))
    for number, (at, took) in enumerate(((0, 9_000), (1_000, 2_000)), 1):
        told.step, told.at = f"5.b{number}.1", at
        told.exchange(put("valet_bridge/6"), ok('{"slot": "6"}'), took=took)
    told.at = 9_000
    told.step = "5.b1.1"
    told.call("agent_a", "bridged", "342")
    told.finish()
    told.step = "5.b2.1"
    told.finish(Verdict.FAILED, failures=(Failure(key="k", message="late", span=at_line(8)),))
    told.step = "5"
    told.finish(Verdict.FAILED)
    return told.events


def test_each_request_of_a_race_stands_under_its_own_heading() -> None:
    rows = build_ladder(_race()).rows
    shown = [
        row.label if isinstance(row, (Heading, Arrow)) else row.text
        for row in rows
        if isinstance(row, (Heading, Arrow, Remark))
    ]
    assert shown == [
        "5",
        "5 › agent_a › 1",
        "agent_a: PUT valet_bridge/6",
        "5 › agent_b › 1",
        "agent_b: PUT valet_bridge/6",
        "agent_b: 200 {slot: 6}",
        "agent_a: 200 {slot: 6}",
        "agent_a bridged",
        "agent_b: late",
    ]


@pytest.mark.parametrize(
    ("step", "path", "who"),
    [
        ("5.b2.1", ("5", "agent_b", "1"), "agent_b: "),
        ("cleanup.5.b2.1", ("cleanup", "5", "agent_b", "1"), "agent_b: "),
        ("1.use.2.b1.3", ("1", "Parked", "2", "branch 1", "3"), "branch 1: "),
        ("5.b2.1[3].2", ("5", "agent_b", "1", "slot 3", "2"), "agent_b: "),
        ("5.b2.1", (), "b2: "),
        ("5[2].1", ("5", "slot 3", "1"), ""),
        ("5", (), ""),
    ],
)
def test_a_message_names_the_branch_that_it_is_of(
    step: str, path: tuple[str, ...], who: str
) -> None:
    told = Telling()
    told.start(step, "title", "slots", 1, path=path)
    told.exchange("GET /a\n\n", ok(""))
    assert arrows(build_ladder(told.events))[0].label == f"{who}GET /a"


def test_what_passed_against_expectation_is_explained() -> None:
    told = Telling()
    told.start("1", "title", "slots", 1)
    told.exchange("GET /a\n\n", ok(""))
    failure = Failure(key="xfail", message="passed, though it is known to fail", span=at_line(1))
    told.finish(Verdict.XPASSED, failures=(failure,))
    remarks = [row for row in build_ladder(told.events).rows if isinstance(row, Remark)]
    assert [row.text for row in remarks] == ["passed, though it is known to fail"]


def test_a_pause_is_shown_from_a_second_on() -> None:
    told = Telling()
    told.call("customer", "up", "341")
    told.at += SECOND - 1
    told.call("customer", "up", "341")
    told.at += SECOND
    told.call("customer", "up", "341")
    kinds = [type(row) for row in build_ladder(told.events).rows]
    assert kinds == [Arrow, Arrow, Pause, Arrow]


def test_a_very_long_ladder_is_cut_but_keeps_the_slots_right() -> None:
    told = Telling()
    for number in range(200):
        told.exchange(get(f"calls/{number}"), ok(str(number)))
        if number == 75:
            told.call("customer", "parked", "341", slot="6")
    ladder = build_ladder(told.events)
    assert len(ladder.rows) == 302
    left_out = [row.text for row in ladder.rows if isinstance(row, Remark)]
    assert left_out == ["… 100 rows are left out …"]
    assert ladder.bars == (Bar(slot="slot 6", call="customer", first=101, last=None),)


@pytest.mark.parametrize("width", [80, 60, 40, 20])
@pytest.mark.parametrize("case", CASES)
def test_text_fits_the_terminal_and_cannot_move_its_cursor(case: str, width: int) -> None:
    text = to_text(build_ladder(stream(case)), width=width)
    assert all(len(line) <= width for line in text.splitlines())
    assert all(line.isprintable() for line in text.split("\n"))


def hostile() -> list[Event]:
    events: list[Event] = []
    for event in failed():
        match event:
            case StepStarted():
                events.append(replace(event, title=HOSTILE))
            case Exchange():
                events.append(replace(event, sent=f"GET {HOSTILE}", received=HOSTILE))
            case CallChanged():
                slot = event.slot and HOSTILE
                hostile = replace(event, extension=HOSTILE, party=HOSTILE, slot=slot)
                events.append(replace(hostile, call=HOSTILE))
            case PbxReported():
                events.append(replace(event, extension=HOSTILE, call=HOSTILE))
            case _:
                events.append(event)
    return events


def test_markup_stays_text_in_svg() -> None:
    root = ET.fromstring(to_svg(build_ladder(hostile())))
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags == {"svg", "style", "rect", "line", "polygon", "text", "title"}
    assert any("</text>" in (element.text or "") for element in root.iter())


def test_markup_stays_text_in_mermaid() -> None:
    for line in to_mermaid(build_ladder(hostile())).splitlines()[1:]:
        said = re.sub(r"#[0-9]+;", "", line.replace("-->>", "").replace("->>", ""))
        assert not set(said) & set("<>;#%{}&\x1b\u202e"), line


@pytest.mark.parametrize(
    ("sent", "label"),
    [
        ("GET /a\n\n", "GET /a"),
        ("GET /a/b?c=d\n\n", "GET /a/b"),
        ("GET /\n\n", "GET /"),
        (f"PUT /api/v/extension/34/park/34-{UUID}\n\n", "PUT park/…"),
        (f"GET /34-{UUID}\n\n", "GET /…"),
        ("Action: Park\r\nChannel: PJSIP/341\r\n\r\n", "Action: Park"),
        ("", ""),
        ("GET /a\nX: y\n\n{\n  1\n}", "GET /a { 1 }"),
    ],
)
def test_requests_are_named_in_short(sent: str, label: str) -> None:
    told = Telling()
    told.exchange(sent, ok(""))
    assert arrows(build_ladder(told.events))[0].label == label


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_bad_verdict_has_its_remark_and_is_drawn_red(verdict: Verdict) -> None:
    told = Telling()
    told.start("1", "The slot is empty", "slots", 4)
    told.exchange(get("valet_park/6"), ok('{"slot": null}'))
    failure = Failure(key="x", message="what is wrong", span=at_line(4, 5))
    told.finish(verdict, failures=(failure,) if verdict.bad else ())
    ladder = build_ladder(told.events)
    assert ("what is wrong" in to_text(ladder)) is verdict.bad
    assert any(arrow.failed for arrow in arrows(ladder)) is verdict.bad
