"""A person's first hour with the live page, in a real browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from scenario_runner.ui.studio import Studio
    from tests.ui.browser import Tab

pytestmark = pytest.mark.browser


def run_file(file: Path) -> subprocess.CompletedProcess[str]:
    """Run a saved file on the command line."""
    command = [sys.executable, "-m", "scenario_runner", "run", "--no-cache", file.name]
    return subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False)


def test_a_first_hour(tab: Tab, studio: Studio, tmp_path: Path) -> None:
    a_call_comes_in_and_is_parked(tab)
    somebody_looks_and_is_refused(tab)
    the_call_returns_and_is_taken(tab)
    file = the_recording_is_saved(tab, tmp_path)
    a_broken_expectation_is_marked(tab, file)
    assert studio.results


def a_call_comes_in_and_is_parked(tab: Tab) -> None:
    page = tab.page
    # A call comes in: what will be sent is shown before it is.
    page.click("text=Somebody calls")
    page.wait_for_selector(".dialog pre >> text=as: customer")
    assert "curl -X POST" in page.locator(".dialog").inner_text()
    page.click(".dialog button[type=submit]")
    page.wait_for_selector(".lamp.ringing[data-extension='341']")
    tab.act("customer", "Answer")
    page.wait_for_selector(".lamp.talking[data-extension='341']")

    # Parked by dragging.
    tab.card("customer").drag_to(tab.slot(6))
    page.wait_for_selector(".slot.taken[data-slot='6']")
    assert "3m left" in (tab.slot(6).get_attribute("aria-label") or "")

    # A colleague calls; a second call is parked by keyboard alone.
    tab.dial_out()
    tab.card("colleague").wait_for()
    page.keyboard.press("p")
    page.wait_for_selector(".dialog >> text=Park colleague")
    tab.press_enter()
    page.wait_for_selector(".slot.taken[data-slot='1']")
    page.keyboard.press("Control+z")
    page.wait_for_selector(".slot.free[data-slot='1']")


def somebody_looks_and_is_refused(tab: Tab) -> None:
    page = tab.page
    # Who is there? The answer is expected from now on.
    tab.act("colleague", "Look into a slot…")
    page.wait_for_selector(".dialog pre >> text=slots: {call: colleague, slot: 6}")
    tab.press_enter()
    tab.wait_for_step("slot 6 holds customer")
    page.click(".pin >> text=holds: customer")
    page.wait_for_selector(".pin[aria-pressed=true] >> text=holds: customer")

    # A refusal says the vendor's words, the rule, and whose word it is.
    tab.slot(6).focus()
    tab.act("colleague", "Park…")
    page.get_by_label("Slot", exact=True).fill("6")
    tab.press_enter()
    tab.wait_for_step("but the slot is full")
    assert "slot already have parked member" in tab.step()
    assert "An occupied slot refuses another call and nothing changes." in tab.step()
    assert "documented" in tab.step()


def the_call_returns_and_is_taken(tab: Tab) -> None:
    page = tab.page
    # Three minutes pass and the call returns.
    page.click("text=Next timer")
    tab.wait_for_step("The customer returns to 341")
    page.wait_for_selector(".lamp.ringing[data-extension='341']")
    page.click(".pin >> text=customer returns to 341")
    page.wait_for_selector(".pin[aria-pressed=true]")

    # Back in time, and forth again.
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".slot.taken[data-slot='6']")
    page.keyboard.press("End")
    page.wait_for_selector(".slot.free[data-slot='6']")

    # It is parked again and taken by the colleague, by dragging the slot onto the call.
    tab.act("customer", "Answer")
    page.wait_for_selector(".card.up[data-call='customer']")
    tab.card("customer").drag_to(tab.slot(7))
    page.wait_for_selector(".slot.taken[data-slot='7']")
    tab.slot(7).drag_to(tab.card("colleague"))
    tab.wait_for_step("342 takes the customer")
    page.click(".pin >> text=with: customer")
    page.wait_for_selector(".pin[aria-pressed=true]")


def the_recording_is_saved(tab: Tab, tmp_path: Path) -> Path:
    page = tab.page
    # The recording passes, reads well, and is saved.
    tab.tab("Recording")
    page.get_by_label("Name of the scenario").fill("A parked call comes back")
    page.wait_for_selector(".badge.good >> text=This file passes")
    page.get_by_label("Save as").fill("first-hour")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("text=Saved as")
    file = tmp_path / "first-hour.scenario.yaml"
    text = file.read_text()
    assert text.startswith("scenario: A parked call comes back\n")
    assert "expect: {holds: customer}" in text
    assert "after: {parked: {between: [179s, 181s]}}" in text
    done = run_file(file)
    assert done.returncode == 0, done.stdout + done.stderr
    return file


def a_broken_expectation_is_marked(tab: Tab, file: Path) -> None:
    page = tab.page
    text = file.read_text()
    # One expectation is broken: the mark is on the right line, arrow and slot.
    tab.tab("Scenario")
    page.wait_for_selector(".cm-content >> text=holds: customer")
    file.write_text(text.replace("{holds: customer}", "{holds: colleague}"))
    page.wait_for_selector(".cm-content >> text=holds: colleague")
    page.click("text=Run this")
    page.wait_for_selector(".line-failed")
    assert "holds: colleague" in page.locator(".line-failed").inner_text()
    assert page.locator(".mark-failed").inner_text() == "colleague"
    assert "expected: colleague" in tab.step()
    page.wait_for_selector(".slot.broken.taken[data-slot='6']")
    assert page.locator(".slot.broken").count() == 1
    tab.tab("Ladder")
    page.wait_for_selector("line.arrow.failed", state="attached")
    assert run_file(file).returncode == 1


def test_chromium_is_there_where_it_must_be() -> None:
    """A test that is skipped everywhere proves nothing: say aloud where there is no browser."""
    if shutil.which("chromium") is None:
        pytest.skip("NOT CHECKED IN A BROWSER: chromium is not installed")
