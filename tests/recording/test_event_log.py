"""An access log of event requests becomes a scenario that passes."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from scenario_runner.errors import UsageError
from scenario_runner.recording.event_log import Unread, read_log, scenario_of_log
from tests.running import run_text

START = 1_591_266_790_576_760
IN = {"CallFlow": "in", "CallerIDNum": "+78120000443", "CalledNumber": "022*341",
      "CalledExtension": "022*341@pbx.example"}  # fmt: skip
OUT = {"CallFlow": "out", "CalledNumber": "+74950000200", "CallerIDNum": "022*342",
       "CallerExtension": "022*342@pbx.example"}  # fmt: skip


def line(kind: str, after: float, call: dict[str, str], **more: str) -> str:
    name = "ab" if call is IN else "cd"
    form = {"EventType": kind, "EventTime": str(START + int(after * 1_000_000)),
            "CallID": name * 16, "SubCallID": f"34414-{name * 16}"} | call | more  # fmt: skip
    return (
        f'192.0.2.7 - - [04/Jun/2020:13:33:10 +0300] "GET /?{urlencode(form)} HTTP/1.0" 200 2 "-"'
    )


def steps_of(*lines: str) -> list[str]:
    text = scenario_of_log("\n".join(lines))
    assert run_text(text).verdicts == ["passed"], text
    return [found.strip() for found in text.splitlines()[3:]]


def test_one_answer_is_a_call_that_was_answered() -> None:
    assert steps_of(line("answer", 0, IN)) == [
        '- call: {as: call1, extension: 341, from: "+78120000443"}',
        "- calls: {call: call1}",
        "expect: {state: up}",
    ]


def test_a_call_from_ringing_to_its_end() -> None:
    assert steps_of(
        line("dial-out", 0, OUT),
        line("answer", 3, OUT),
        line("hangup", 9.5, OUT, CallStatus="ANSWER"),
    ) == [
        '- call: {as: call1, extension: 342, to: "+74950000200", answered: false}',
        "- wait: 3s",
        "- answer: {call: call1}",
        "- calls: {call: call1}",
        "expect: {state: up}",
        "- wait: 6.5s",
        "- hangup: {call: call1}",
        "- event: {type: hangup, call: call1}",
    ]


def test_a_call_that_rings_again_was_parked() -> None:
    recall = {"SubCallID": "34414-" + "ef" * 16}
    assert steps_of(
        line("dial-in", 0, IN),
        line("answer", 2, IN),
        line("hangup", 5, IN, CallStatus="ANSWER"),
        line("dial-in", 185, IN, **recall),
        line("hangup", 215, IN, CallStatus="NOANSWER", **recall),
    )[5:] == [
        "- wait: 3s",
        "- park: {call: call1, slot: 1}",
        "- event: {type: hangup, call: call1}",
        "- wait: 180s",
        "- event: {type: dial-in, call: call1}",
        "- wait: 30s",
        "- event: {type: hangup, call: call1}",
    ]


def test_the_order_of_the_log_does_not_matter() -> None:
    lines = [line("dial-in", 0, IN), line("dial-out", 1, OUT), line("answer", 2, IN),
             line("hangup", 4, OUT, CallStatus="BUSY"),
             line("hangup", 5, IN, CallStatus="ANSWER")]  # fmt: skip
    assert steps_of(*lines) == steps_of(*reversed(lines))


@pytest.mark.parametrize(
    "log",
    ["", "nothing", "GET /?EventType=answer HTTP/1.0", "/?EventType=answer&CallID=a&EventTime=x"],
)
def test_a_log_without_events_is_refused(log: str) -> None:
    with pytest.raises(UsageError) as refused:
        scenario_of_log(log)
    assert "0 events" in refused.value.message
    about_an_event = "EventType" in log
    assert ("line 1: " if about_an_event else "EventType=answer") in str(refused.value.hint)


@pytest.mark.parametrize("between", ["& ", "&  \t", "&amp;", "&\n  ", "&amp;\n", "& \r\n"])
def test_a_line_as_the_vendors_page_prints_it_is_read(between: str) -> None:
    printed = line("answer", 0, IN).replace("&", between)
    assert steps_of(printed) == steps_of(line("answer", 0, IN))


def test_lines_that_can_not_be_read_are_said_with_the_reason() -> None:
    forms, unread = read_log(
        "\n".join(
            (
                "GET /favicon.ico HTTP/1.1",
                "GET /?EventType=answer&EventTime=12&CallID=a HTTP/1.0",
                "GET /?EventType=ansver&EventTime=12&CallID=a HTTP/1.0",
                "GET /?EventType=answer&CallID=a HTTP/1.0",
                "GET /?EventType=answer&EventTime=yesterday&CallID=a HTTP/1.0",
                "GET /?EventTime=12&CallID=a HTTP/1.0",
                "GET /?EventType=answer&EventTime=12 HTTP/1.0",
                "GET /?EventType=answer&EventTime=12&",
            )
        )
    )
    assert len(forms) == 1
    assert unread == [
        Unread(3, "EventType 'ansver' is none of dial-in, dial-out, answer, hangup"),
        Unread(4, "it has no EventTime"),
        Unread(5, "EventTime 'yesterday' is not a time in microseconds"),
        Unread(6, "it has no EventType"),
        Unread(7, "it has no CallID"),
        Unread(8, "it has no CallID"),
    ]


def test_a_posted_form_in_a_log_is_found() -> None:
    (form,), _ = read_log('{"body": "EventType=answer&EventTime=12&CallID=a%2B1", "status": 200}')
    assert form == {"EventType": "answer", "EventTime": "12", "CallID": "a+1"}
