"""What a scenario placed is ended where the PBX lists it, whatever a single answer says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from scenario_runner.events import ScenarioFinished
from scenario_runner.execution.cleanup import Undone, undo
from scenario_runner.mock_pbx import fault_from_text
from scenario_runner.mock_pbx.server.app import MockOptions, mock_server
from scenario_runner.pbx.commands import PlaceCall
from scenario_runner.pbx.journal import Journal, left_behind
from scenario_runner.pbx.protocol import CallIds
from tests.http.meeting import EXTENSIONS, Met, context, meet, scenario_deed, target
from tests.http.test_against_mock import with_settings
from tests.http.vendor_pbx import VendorPbx
from tests.serving.served import Client

IDS = dict(EXTENSIONS)
JOINED = """
scenario: Joined
steps:
  - call: {as: customer, extension: 341, to: "+78120000443"}
  - call: {as: colleague, extension: 342, to: "+74950000200"}
  - park: {call: customer, slot: 6}
  - bridge: {call: colleague, slot: 6}
"""


def vendor(**more: object) -> VendorPbx:
    return VendorPbx(tuple(IDS.values()), **more)  # type: ignore[arg-type]


def on(pbx: VendorPbx, deed: Callable[[str], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with pbx.served() as url:
            await deed(url)

    asyncio.run(asyncio.wait_for(whole(), 20))


def left_call(
    pbx: VendorPbx, host: str, folder: Path, *, known: bool = True, id_: str = IDS["341"]
) -> None:
    """Let a call be up that a run which was killed has written down."""
    pbx._called(IDS["341"], {"src_num": ["341"], "dst_num": "+78120000443"})
    (call_api_id,) = pbx.calls
    journal = Journal(folder, "staging", host)
    placing = journal.calling(PlaceCall(extension="341", flow="out", party="+78120000443"))
    if known:
        uuid = call_api_id.partition("-")[2]
        journal.called(
            placing,
            CallIds(uuid=uuid, call_api_id=call_api_id, extension="341", extension_id=id_),
        )
    assert not journal.close()


@pytest.mark.parametrize("fall_together", [True, False])
def test_joined_calls_are_ended_where_each_is_listed(fall_together: bool, tmp_path: Path) -> None:
    pbx = vendor(fall_together=fall_together)

    async def deed(url: str) -> None:
        calling = with_settings(target(url), calls="callback")
        met = await meet(url, scenario_deed(JOINED), tmp_path, calling)
        assert (met.verdicts, met.messages) == (["passed"], [])

    on(pbx, deed)
    assert pbx.calls == {}
    assert list(tmp_path.iterdir()) == []


def test_a_joined_call_that_is_at_its_own_extension_has_not_ended(tmp_path: Path) -> None:
    pbx = vendor()
    text = JOINED + "  - calls: {call: customer}\n    expect: {state: bridged}\n"
    text += "  - hangup: {call: customer, by: extension}\n"

    async def deed(url: str) -> None:
        calling = with_settings(target(url), calls="callback")
        met = await meet(url, scenario_deed(text), tmp_path, calling)
        assert (met.verdicts, met.messages) == (["passed"], [])

    on(pbx, deed)


@pytest.mark.parametrize("known", [True, False])
def test_cleanup_looks_where_the_pbx_lists_the_call(known: bool, tmp_path: Path) -> None:
    pbx = vendor()

    async def deed(url: str) -> None:
        left_call(pbx, target(url).host, tmp_path, known=known, id_="99999")
        told = await undo(target(url), context(Met()), tmp_path)
        assert told == (Undone(good=True, message="the call at 341 with +78120000443 was hung up"),)

    on(pbx, deed)
    assert pbx.calls == {}
    assert list(tmp_path.iterdir()) == []


def test_a_404_about_the_extension_says_nothing_of_the_call(tmp_path: Path) -> None:
    """The client's own list is refused, and the extension's id is wrong: nothing is known."""
    pbx = vendor(refuses=[("GET", "/client/")])

    async def deed(url: str) -> None:
        left_call(pbx, target(url).host, tmp_path, id_="99999")
        changed = replace(target(url), extensions=(("341", "99999"),))
        (told,) = await undo(changed, context(Met()), tmp_path)
        assert not told.good
        assert told.message == (
            "the call at 341 with +78120000443 could not be asked about: "
            "the calls of extension 99999 are not listed (status 404): Not found"
        )

    on(pbx, deed)
    assert len(pbx.calls) == 1
    assert len(left_behind(tmp_path)) == 1


def test_a_hang_up_that_is_refused_is_told_and_stays_written_down(tmp_path: Path) -> None:
    pbx = vendor(refuses=[("DELETE", "/current_calls/")])

    async def deed(url: str) -> None:
        left_call(pbx, target(url).host, tmp_path)
        (told,) = await undo(target(url), context(Met()), tmp_path)
        assert told == Undone(
            good=False,
            message="the call at 341 with +78120000443 can't be hung up: no right to the resource",
        )

    on(pbx, deed)
    assert len(left_behind(tmp_path)) == 1


def test_a_list_that_is_refused_is_no_empty_list(tmp_path: Path) -> None:
    pbx = vendor(refuses=[("GET", "/client/"), ("GET", "/current_calls")])

    async def deed(url: str) -> None:
        left_call(pbx, target(url).host, tmp_path)
        (told,) = await undo(target(url), context(Met()), tmp_path)
        assert not told.good
        assert "could not be asked about" in told.message

    on(pbx, deed)
    assert len(left_behind(tmp_path)) == 1


def calls_of(url: str) -> list[object]:
    client = Client(url)
    with closing(client.connection):
        calls: list[object] = client.ask("GET", "/mock/state").json["calls"]
        return calls


THREE = """
scenario: Three
steps:
  - call: {as: one, extension: 341, to: "+78120000443"}
  - call: {as: two, extension: 342, to: "+78120000444"}
  - call: {as: three, extension: 343, to: "+78120000445"}
  - park: {call: one, slot: 6}
"""


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("502,on=slots", "slot 6 could not be asked about"),
        ("not-json,on=slots", "slot 6 could not be asked about"),
        ("truncated,on=slots", "slot 6 could not be asked about"),
        ("not-json,on=hangup,times=2", ""),
        ("502,on=hangup,times=2", ""),
        ("drop-before,on=hangup,times=4", ""),
    ],
)
def test_one_failed_question_ends_no_cleanup(fault: str, told: str, tmp_path: Path) -> None:
    async def deed() -> None:
        async with mock_server(MockOptions(port=0, faults=(fault_from_text(fault),))) as url:
            met = await meet(url, scenario_deed(THREE), tmp_path)
            assert await asyncio.to_thread(calls_of, url) == []
            assert len(met.messages) == (1 if told else 0), met.messages
            assert all(told in message for message in met.messages)

    asyncio.run(asyncio.wait_for(deed(), 20))


def test_the_state_shows_own_calls_and_counts_others(tmp_path: Path) -> None:
    text = """
scenario: Fails
steps:
  - call: {as: one, extension: 341, to: "+78120000443"}
  - slots: {call: one, slot: 6}
    expect: {holds: one}
"""

    def placed_by_somebody(url: str) -> None:
        client = Client(url)
        with closing(client.connection):
            client.call(341)

    async def deed() -> None:
        async with mock_server(MockOptions(port=0)) as url:
            await asyncio.to_thread(placed_by_somebody, url)
            met = await meet(url, scenario_deed(text), tmp_path)
            (finished,) = met.of(ScenarioFinished)
            assert finished.snapshot is not None
            ((call, _),) = finished.snapshot.calls
            assert call.startswith("one (")
            assert finished.snapshot.others == 1

    asyncio.run(asyncio.wait_for(deed(), 20))
