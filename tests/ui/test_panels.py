"""What the page's parts do in a real browser: time, runs, requests by hand, faults, rules."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from scenario_runner.durations import MINUTE, SECOND
from scenario_runner.ui.studio import Studio
from scenario_runner.ui.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ui.browser import Served, Tab

pytestmark = pytest.mark.browser

ROWS = """\
scenario: A call is parked

matrix:
  slot: [6, 21]

steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: $slot}
    expect: {refused: slot-unknown}
"""
RACE = """\
scenario: Two agents grab one call

steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - call: {as: first, extension: 342, from: "+74950000200"}
  - call: {as: second, extension: 343, from: "+74950000201"}
  - park: {call: customer, slot: 6}
  - together:
      - bridge: {call: first, slot: 6}
        expect: {with: customer}
      - bridge: {call: second, slot: 6}
        expect: {refused: slot-empty}
"""


@pytest.fixture
def files(served: Served, new_tab: Callable[..., Tab], tmp_path: Path) -> Tab:
    (tmp_path / "rows.scenario.yaml").write_text(ROWS)
    (tmp_path / "race.scenario.yaml").write_text(RACE)
    served.show(Studio(workspace=Workspace(str(tmp_path))))
    return new_tab()


def parked(tab: Tab) -> None:
    """Let a customer call and park the call in slot 6."""
    tab.call_in()
    tab.card("customer").wait_for()
    tab.slot(6).click()
    tab.page.wait_for_selector(".slot.taken[data-slot='6']")


def test_time_is_moved_to_and_fro_and_branched(tab: Tab) -> None:
    page = tab.page
    parked(tab)
    page.click("text='+10 s'")
    page.wait_for_selector(".slot.taken >> text=2m50s")
    slider = page.locator(".time-slider .q-slider__track-container")
    slider.focus()
    page.keyboard.press("ArrowLeft")  # by a quarter: the time between two moments is seen, too
    page.wait_for_selector("output >> text=/^7.5s · moment 3 of 4/")
    page.wait_for_selector(".slot.taken >> text=2m53s")
    page.get_by_label("Earlier").click()
    page.wait_for_selector("output >> text='0s · moment 3 of 4'")
    assert page.get_by_role("button", name="Somebody calls").is_disabled()
    page.click("h1")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("output >> text='0s · moment 2 of 4'")
    page.wait_for_selector(".slot.taken", state="detached")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("output >> text='0s · moment 1 of 4'")
    page.wait_for_selector(".card", state="detached")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("output >> text='0s · moment 2 of 4'")
    page.click("text=Go on from here")
    page.wait_for_selector("output >> text='0s · moment 2 of 2'")
    tab.slot(9).click()
    page.wait_for_selector(".slot.taken[data-slot='9']")
    assert tab.slot(6).get_attribute("class").count("free") == 1

    # What was left is still there to be looked at.
    page.get_by_label("Look at").click()
    page.click(".q-item >> nth=1")
    page.wait_for_selector(".slot.taken[data-slot='6']")
    page.wait_for_selector("output >> text=/moment 4 of 4/")


async def never_again(seconds: float) -> None:
    """Sleep for ever: what is waited for happens when the test says so."""
    del seconds
    await asyncio.Event().wait()


def test_time_runs_by_itself_and_stops(
    served: Served, new_tab: Callable[..., Tab], tmp_path: Path
) -> None:
    studio = served.show(Studio(workspace=Workspace(str(tmp_path)), sleep=never_again))
    tab = new_tab()
    page = tab.page
    parked(tab)
    page.get_by_label("Speed").click()
    page.click(".q-item >> text='60×'")
    page.get_by_label("Let time run").click()
    page.get_by_label("Pause").wait_for()
    for _ in range(3 * MINUTE // (15 * SECOND)):  # a quarter of a second, sixty times as fast
        served.do(studio.tick)
    page.wait_for_selector(".lamp.ringing[data-extension='341']")
    page.get_by_label("Pause").click()
    page.get_by_label("Let time run").wait_for()
    served.do(studio.tick)
    page.wait_for_selector("output >> text=/^3m ·/")
    tab.act("customer", "Answer")
    page.wait_for_selector(".card.up[data-call='customer']")
    tab.tab("Recording")
    text = page.locator(".recording").inner_text()
    assert text.count("wait:") == 1, "one wait, and not one for each tick"


def test_all_can_be_done_by_keys(tab: Tab) -> None:
    page = tab.page
    page.keyboard.press("c")
    page.wait_for_selector(".dialog pre >> text=as: customer")
    page.get_by_label("Number").focus()
    tab.press_enter()
    page.wait_for_selector(".lamp.ringing[data-extension='341']")
    card = tab.card("customer")
    card.get_by_role("button", name="Answer").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".lamp.talking[data-extension='341']")
    page.keyboard.press("d")
    page.wait_for_selector(".dialog")
    tab.press_enter()
    tab.card("colleague").wait_for()
    card.locator(".card-head").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".card.chosen[data-call='customer']")
    page.keyboard.press("p")
    page.wait_for_selector(".dialog >> text=Park customer")
    tab.press_enter()
    page.wait_for_selector(".slot.taken[data-slot='1']")
    tab.card("colleague").locator(".card-head").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".card.chosen[data-call='colleague']")
    page.keyboard.press("b")
    page.wait_for_selector(".dialog >> text=colleague")
    tab.press_enter()
    tab.wait_for_step("342 takes")
    page.keyboard.press("?")
    page.wait_for_selector(".dialog >> text=undo, redo")


def test_tags_leave_a_scenario_s_name_its_room(
    served: Served, new_tab: Callable[..., Tab], tmp_path: Path
) -> None:
    tagged = RACE.replace("\nsteps", "tags: [parking, timeout, events]\nsteps", 1)
    (tmp_path / "tagged.scenario.yaml").write_text(tagged)
    served.show(Studio(workspace=Workspace(str(tmp_path))))
    name = new_tab().page.locator(".node.scenario .node-name").first
    box = name.bounding_box()
    assert box is not None
    assert box["width"] > 100


def test_any_parked_call_is_taken_and_either_party_hangs_up_by_keys(tab: Tab) -> None:
    page = tab.page
    parked(tab)
    tab.dial_out()
    page.wait_for_selector(".card.chosen[data-call='colleague']")  # the newest one
    for name in ("customer", "colleague"):
        tab.card(name).locator(".card-head").focus()
        page.keyboard.press("Enter")
        page.wait_for_selector(f".card.chosen[data-call='{name}']")
    page.keyboard.press("b")
    page.get_by_label("Slot (empty: any parked call)").fill("")
    page.wait_for_selector(".dialog pre >> text='- bridge: {call: colleague}'")
    tab.press_enter()
    tab.wait_for_step("joined with customer from slot 6")
    page.wait_for_selector(".slot.free[data-slot='6']")
    press_by_key(tab, "342 hangs up")
    tab.wait_for_step("hangup: {call: customer, by: extension}")
    page.wait_for_selector(".card", state="detached")

    tab.call_in()
    tab.card("customer_2").wait_for()
    press_by_key(tab, "customer_2 hangs up")
    page.wait_for_selector(".card", state="detached")
    assert "hangup: {call: customer_2}" in tab.step()


def press_by_key(tab: Tab, words: str) -> None:
    """Press a button of a call's card with the keyboard."""
    tab.page.locator(".card .actions").get_by_role("button", name=words).focus()
    tab.page.keyboard.press("Enter")


def test_requests_are_filled_in_sent_and_recorded(tab: Tab) -> None:
    page = tab.page
    tab.call_in()
    tab.card("customer").wait_for()
    tab.tab("Try it")
    page.get_by_label("Operation").click()
    count = page.locator(".q-item").count()
    page.keyboard.press("Escape")
    assert count >= 8
    assert "curl -X PUT" in page.locator(".q-tab-panel pre.curl").inner_text()
    page.get_by_label("Body, as it is sent").fill('{"action": "park", "slot": 6}')
    page.get_by_role("button", name="Send").click()
    page.wait_for_selector(".slot.taken[data-slot='6']")
    page.wait_for_selector(".q-tab-panel pre >> text=/^200/")
    tab.tab("Recording")
    text = page.locator(".recording").inner_text()
    assert 'json: {"action": "park", "slot": 6}' in text
    assert "$customer.call_api_id" in text


def test_faults_strike_and_are_switched_off(tab: Tab) -> None:
    page = tab.page
    tab.call_in()
    tab.card("customer").wait_for()
    tab.tab("Faults")
    page.get_by_role("switch", name="500").click()
    page.wait_for_selector(".fault .badge >> text='met 0, struck 0'")
    page.get_by_role("switch", name="latency").click()
    page.wait_for_selector(".fault .badge >> nth=1")
    page.get_by_role("switch", name="latency").click()
    page.wait_for_selector(".fault .badge >> nth=1", state="detached")
    tab.slot(6).click()
    tab.wait_for_step("500")
    assert page.locator(".slot.taken").count() == 0
    tab.slot(6).click()
    page.wait_for_selector(".slot.taken[data-slot='6']")


def test_rules_are_counted_here_and_in_the_scenarios(files: Tab) -> None:
    page = files.page
    parked(files)
    page.click("text=Run all")
    page.wait_for_selector(".files [role=status][data-runs='1']")
    page.get_by_label("Look at").click()
    page.click(".q-item >> nth=0")
    files.tab("Rules")
    head = page.locator(".q-tab-panel p.muted").first.inner_text()
    here, _, total, runs = map(int, re.findall(r"\d+", f"{head} ".replace("of", "0 ", 1)))
    assert 0 < here < runs < total
    row = page.locator("tr", has_text="An occupied slot refuses another call")
    assert "documented" in row.inner_text()


def test_rows_have_verdicts_and_orders_are_played(files: Tab) -> None:
    page = files.page
    page.click("text=Run all")
    page.wait_for_selector(".files [role=status][data-runs='1']")
    page.locator(".q-tree__node-header", has=page.locator(".matrix")).locator(
        ".q-tree__arrow"
    ).click()
    page.wait_for_selector(".node.scenario.failed >> text=slot=6")
    page.wait_for_selector(".node.scenario.passed >> text=slot=21")

    page.click(".node.file >> text=race")
    page.wait_for_selector(".cm-content >> text=Two agents")
    page.click("text=All orders")
    page.wait_for_selector(".runs .run >> nth=1")
    page.wait_for_selector(".runs .run.passed >> text=/order/")
    broken = page.locator(".runs .run.failed")
    broken.first.click()
    page.wait_for_selector(".line-failed >> text=with: customer")


def test_a_run_is_taken_step_by_step_and_up_to_the_cursor(files: Tab) -> None:
    page = files.page
    page.click(".node.file >> text=race")
    page.wait_for_selector(".cm-content >> text=Two agents")
    page.get_by_role("button", name="Step", exact=True).click()
    page.wait_for_selector("text=Before step 1")
    page.get_by_role("button", name="Step", exact=True).click()
    page.wait_for_selector("text=Before step 2")
    page.wait_for_selector(".line-here")
    files.card("customer").wait_for()
    page.get_by_role("button", name="Go on", exact=True).click()
    page.wait_for_selector(".files [role=status][data-runs='1']")

    page.locator(".cm-line", has_text="park:").click()
    page.get_by_role("button", name="To the cursor").click()
    page.wait_for_selector("text=Before step 4")
    page.wait_for_selector(".card >> nth=2")
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector(".files [role=status][data-runs='2']")


def test_a_run_goes_on_by_hand_from_where_one_looks(files: Tab) -> None:
    page = files.page
    page.click(".node.file >> text=race")
    page.wait_for_selector(".cm-content >> text=Two agents")
    page.click("text=Run this")
    page.wait_for_selector(".files [role=status][data-runs='1']")
    page.click("h1")
    begin = int(page.locator("output").inner_text().split("moment ")[1].split()[0])
    for number in range(begin - 1, 4, -1):
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector(f"output >> text=/moment {number} of/")
    page.wait_for_selector(".slot.taken[data-slot='6']")
    page.click("text=Go on from here")
    page.wait_for_selector("text=This is a lot of your own from here on")
    files.slot(6).drag_to(files.card("second"))
    files.wait_for_step("343 takes the customer")


def test_two_browsers_see_one_lot_each_with_its_own_slider(new_tab: Callable[..., Tab]) -> None:
    one, other = new_tab(), new_tab(390)
    parked(one)
    other.page.wait_for_selector(".slot.taken[data-slot='6']")
    other.page.get_by_label("Earlier").click()
    other.page.wait_for_selector(".slot.free[data-slot='6']")
    assert one.slot(6).get_attribute("class").count("taken") == 1
    one.page.keyboard.press("+")
    one.page.wait_for_selector("output >> text=/^1s/")
    other.page.wait_for_selector(".slot.free[data-slot='6']")


def test_an_arrow_shows_its_exchange_and_http_is_folded_away(tab: Tab) -> None:
    page = tab.page
    parked(tab)
    tab.tab("Ladder")
    page.locator(".ladder .target").last.click()
    tab.wait_for_step("Repeat it")
    arrows = page.locator("line.arrow").count()
    page.get_by_role("button", name="HTTP").click()
    page.wait_for_function(f"document.querySelectorAll('line.arrow').length < {arrows}")
