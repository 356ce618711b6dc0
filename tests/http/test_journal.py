from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from scenario_runner.execution.cleanup import Undone, undo
from scenario_runner.execution.targets import left_on
from scenario_runner.language.target import Target
from scenario_runner.mock_pbx.server.app import MockOptions, mock_server
from scenario_runner.pbx.commands import PlaceCall, SendRequest
from scenario_runner.pbx.journal import Journal, JournalError, left_behind
from scenario_runner.pbx.protocol import CallIds, Connection
from scenario_runner.pbx.ringme.access import EventSettings
from tests.http.meeting import Met, context, meet, meet_mock, scenario_deed, target
from tests.http.test_against_mock import with_settings

REQUEST = PlaceCall(extension="341", flow="out", party="+78120000443")
IDS = CallIds(uuid="u", call_api_id="1-u", extension="341", extension_id="34414")
ROOT = Path(__file__).parents[2]


def test_a_journal_is_there_only_while_something_is_to_be_undone(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "staging", "pbx.example.com")
    assert files(tmp_path) == []
    journal.called(journal.calling(REQUEST), IDS)
    journal.refused(journal.calling(REQUEST))
    journal.watching("/extension/34414/event/", "http://127.0.0.1/x")
    journal.unwatched("/extension/34414/event/", "http://127.0.0.1/x")
    assert len(files(tmp_path)) == 1
    assert left_behind(tmp_path) == ()
    journal.ended("u")
    assert journal.close()
    assert files(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_journal_is_for_its_owner_only(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "staging", "pbx.example.com")
    journal.calling(REQUEST)
    assert not journal.close()
    assert [file.stat().st_mode & 0o777 for file in files(tmp_path)] == [0o600]


def test_what_is_left_is_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "staging", "pbx.example.com")
    journal.called(journal.calling(REQUEST), IDS)
    journal.calling(replace(REQUEST, party="+7999"))
    journal.watching("/extension/34414/event/", "http://127.0.0.1/x")
    assert not journal.close()
    (left,) = left_behind(tmp_path)
    assert (left.target, left.host) == ("staging", "pbx.example.com")
    assert [(call.party, call.ids) for call in left.calls] == [
        ("+78120000443", IDS),
        ("+7999", None),
    ]
    assert left.watched == (("/extension/34414/event/", "http://127.0.0.1/x"),)


def test_a_line_that_was_cut_short_spoils_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "staging", "pbx.example.com")
    journal.called(journal.calling(REQUEST), IDS)
    journal.close()
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text(encoding="utf-8") + '{"note": "en', encoding="utf-8")
    (left,) = left_behind(tmp_path)
    assert len(left.calls) == 1


RUN = '{"note": "run", "target": "staging", "host": "pbx.example.com"}\n'


@pytest.mark.parametrize(
    ("text", "damaged"),
    [
        (b"\xff\xfe\n", "line 1 is no note of a run"),
        (b"", "it does not begin with its target"),
        (b'{"note": "run"}\n', "line 1 is no note of a run"),
        (b"[" * 100_000 + b"\n", "line 1 is no note of a run"),
        (RUN.encode() + b'{"note": "called", "placing": "1", "ids": {}}\n', "line 2"),
        (RUN.encode() + b'{"note": "called", "placing": "1"}\n', "line 2"),
        (RUN.encode() + b'{"note": "calling", "placing": "1", "extension": "341"}\n', "line 2"),
        (RUN.encode() + b'{"note": "calling", "placing": "1", "party": 7}\n3\n', "line 2"),
        (RUN.encode() + b'\x00\x00\n{"note": "watching", "path": "/x", "url": "u"}\n', "line 2"),
        (RUN.encode() + b'{"note": "sung"}\n', "line 2"),
    ],
)
def test_a_damaged_journal_is_told_and_never_passed_over(
    text: bytes, damaged: str, tmp_path: Path
) -> None:
    (tmp_path / "1.jsonl").write_bytes(text)
    (left,) = left_behind(tmp_path)
    assert left.damaged.startswith(damaged)
    assert left.may_be_on("pbx.example.com")
    assert left.may_be_on("other.example.com") is not text.startswith(RUN.encode())


def test_what_a_damaged_journal_still_tells_is_known(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "staging", "pbx.example.com")
    journal.calling(replace(REQUEST, party="+7999"))
    journal.close()
    (file,) = tmp_path.iterdir()
    text = file.read_text(encoding="utf-8")
    file.write_text(text + "no json\n" + text.splitlines()[1].replace("+7999", "+7888") + "\n")
    (left,) = left_behind(tmp_path)
    assert [call.party for call in left.calls] == ["+7888"]
    assert left.damaged


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "1.jsonl")
    (tmp_path / "2.jsonl").mkdir()
    assert [left.damaged for left in left_behind(tmp_path)] == ["it is no file"] * 2


def test_a_damaged_journal_fails_the_cleanup_and_stays(tmp_path: Path) -> None:
    async def deed(url: str) -> None:
        run = RUN.replace("pbx.example.com", target(url).host)
        (tmp_path / "1.jsonl").write_text(run + "no json\n")
        (undone,) = await undo(target(url), context(Met()), tmp_path)
        assert not undone.good
        assert "can't be read whole: line 2 is no note of a run" in undone.message

    on_a_mock(deed)
    assert (tmp_path / "1.jsonl").exists()


def test_nothing_is_placed_that_can_not_be_written_down(tmp_path: Path) -> None:
    (tmp_path / ".scenario-runner").write_text("a file")
    text = """
        scenario: test
        steps:
          - call: {as: a, extension: 341, from: "+78120000443"}
          - calls: {extension: 341}
            expect: {count: 1}
        """
    met = meet_mock(scenario_deed(text), tmp_path / ".scenario-runner/journal")
    assert met.verdicts == ["errored"]
    assert "can't be written: Not a directory" in met.messages[0]
    assert not [line for line in met.sent if "/mock/calls" in line]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_what_is_hung_up_is_hung_up_although_the_disk_is_full(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "staging", "pbx.example.com")
    placing = journal.calling(REQUEST)
    (file,) = tmp_path.iterdir()
    file.unlink()
    assert journal._open is not None
    journal._open.close()
    journal._open = Path("/dev/full").open("a", encoding="utf-8")  # noqa: SIM115
    journal.called(placing, IDS)
    journal.ended(IDS.uuid)
    with pytest.raises(JournalError, match="No space left"):
        journal.calling(REQUEST)
    assert journal.close()


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def left_by_a_crash(url: str, folder: Path, known: str) -> None:
    """Place a call and a subscription, and write the journal that a killed run would leave."""
    met = Met()
    journal = Journal(folder, "staging", target(url).host)

    async def deed(connection: Connection, _: Met) -> None:
        from scenario_runner.clock import LoopClock
        from scenario_runner.exchange import Request
        from scenario_runner.pbx.protocol import Done, Plan
        from tests.http.test_polling import Heard

        clock = LoopClock(asyncio.get_running_loop())
        async with connection.session(Plan(scenario="x"), Heard(), clock) as session:
            placing = journal.calling(REQUEST)
            outcome = await session.do(REQUEST, 5_000_000)
            assert isinstance(outcome, Done)
            assert outcome.ids is not None
            if known == "ids":
                journal.called(placing, outcome.ids)
            path, hook = "/extension/34414/event/", "http://127.0.0.1:9/secret"
            journal.watching(path, hook)
            for kind in ("answer", "hangup"):
                body = {"url": hook, "method": "POST", "event_type": kind}
                request = Request(method="POST", path=path, body=json.dumps(body).encode())
                await session.do(SendRequest(request=request), 5_000_000)

    from scenario_runner.pbx.ringme.access import DRIVER

    async with DRIVER.opened(target(url), context(met)) as connection:
        await deed(connection, met)
    assert not journal.close()


def on_a_mock(deed: Callable[[str], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with mock_server(MockOptions(port=0)) as url:
            await deed(url)

    asyncio.run(asyncio.wait_for(whole(), 20))


@pytest.mark.parametrize("known", ["ids", "nothing"])
def test_cleanup_undoes_what_a_run_has_left(known: str, tmp_path: Path) -> None:
    async def deed(url: str) -> None:
        await left_by_a_crash(url, tmp_path, known)
        told = await undo(target(url), context(Met()), tmp_path)
        assert told == (
            Undone(good=True, message="the call at 341 with +78120000443 was hung up"),
            Undone(good=True, message="2 subscriptions at /extension/34414/event/ were removed"),
        )
        assert files(tmp_path) == []
        assert await undo(target(url), context(Met()), tmp_path) == ()

    on_a_mock(deed)


def test_what_is_over_already_needs_no_undoing(tmp_path: Path) -> None:
    async def deed(url: str) -> None:
        journal = Journal(tmp_path, "staging", target(url).host)
        journal.called(journal.calling(REQUEST), IDS)
        journal.close()
        (told,) = await undo(target(url), context(Met()), tmp_path)
        assert told == Undone(
            good=True, message="the call at 341 with +78120000443 was over already"
        )

    on_a_mock(deed)


def test_journals_belong_to_a_host_whatever_its_target_is_called(tmp_path: Path) -> None:
    async def deed(url: str) -> None:
        await left_by_a_crash(url, tmp_path, "ids")
        renamed = replace(target(url), name="test-pbx")
        assert left_on(replace(renamed, host="127.0.0.1:1"), tmp_path) == []
        assert [one.good for one in await undo(renamed, context(Met()), tmp_path)] == [True, True]
        assert files(tmp_path) == []

    on_a_mock(deed)


def test_the_next_run_says_that_something_is_left(tmp_path: Path) -> None:
    text = """
scenario: Next
steps:
  - call: {as: one, extension: 342, to: "+78120000443"}
  - slots: {call: one, slot: 6}
    expect: {empty: true}
"""

    async def deed(url: str) -> None:
        await left_by_a_crash(url, tmp_path, "ids")
        met = await meet(url, scenario_deed(text), tmp_path)
        assert met.verdicts == ["passed"]
        assert met.noticed("left-behind") == [
            "a run before left calls (1) and subscriptions (1) on staging"
        ]
        assert len(files(tmp_path)) == 1

    on_a_mock(deed)


KILLED = """
import asyncio, sys
from pathlib import Path
from dataclasses import replace
from tests.http.meeting import *
from tests.http.test_against_mock import with_settings
from scenario_runner.pbx.ringme.access import EventSettings

TEXT = '''
scenario: Killed
steps:
  - call: {as: one, extension: 341, to: "+78120000443"}
  - event: {type: hangup, call: one}
    within: 10m
'''

class Telling(list):
    def append(self, event):
        super().append(event)
        if type(event).__name__ == "StepStarted" and event.step == "2":
            print("up", flush=True)

async def main():
    change = with_settings(target(sys.argv[1]), events=EventSettings())
    met = Met(events=Telling())
    async with open_target(change, context(met), Path(sys.argv[2])) as connection:
        await scenario_deed(TEXT)(connection, met)

asyncio.run(main())
"""


def test_a_run_that_is_killed_can_be_undone(tmp_path: Path) -> None:
    async def deed(url: str) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", textwrap.dedent(KILLED), url, str(tmp_path),
            cwd=ROOT, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert await process.stdout.readline() == b"up\n"
        assert left_behind(tmp_path) == ()
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        told = await undo(target(url), context(Met()), tmp_path)
        assert [one.good for one in told] == [True, True]
        assert told[0].message == "the call at 341 with +78120000443 was hung up"
        assert told[1].message == "4 subscriptions at /extension/34414/event/ were removed"
        assert files(tmp_path) == []

    on_a_mock(deed)


def test_subscriptions_are_written_down_before_they_are_made(tmp_path: Path) -> None:
    text = """
scenario: Events
steps:
  - call: {as: one, extension: 341, to: "+78120000443"}
  - event: {type: hangup, call: one}
    within: 10ms
"""

    def change(one: Target) -> Target:
        return with_settings(one, events=EventSettings())

    async def deed(url: str) -> None:
        await meet(url, scenario_deed(text), tmp_path, change(target(url)))
        assert files(tmp_path) == []

    on_a_mock(deed)
