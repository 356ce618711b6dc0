"""The page as a command starts it: addresses, what is refused, finished runs, served mocks."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.ui.browser import Tab

FAILS = """\
scenario: The wrong call is expected
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 6}
  - slots: {call: customer, slot: 6}
    expect: {empty: true}
"""
TARGETS = """\
targets:
  served:
    driver: ringme
    url: URL
    client_id: crm
    client_secret: any-secret
    extensions: {"341": 34414, "342": 34415}
    slots: 1-20
    park_timeout: 3m
    allow: {numbers: [{starts_with: "+78120000"}, {starts_with: "+7495"}]}
"""


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "scenario_runner", *words]


def refused(folder: Path, *words: str) -> str:
    """Run a command that can't be done, and return what it says."""
    done = subprocess.run(
        command(*words), cwd=folder, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    return done.stderr


@contextmanager
def started(folder: Path, *words: str) -> Iterator[str]:
    """Run a command that serves something, and give its address; it ends quietly by SIGTERM."""
    with subprocess.Popen(
        command(*words), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            line = process.stdout.readline().strip()
            assert line.startswith("http://"), line or process.stderr.read()
            yield line
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        assert process.returncode == 0
        assert "Traceback" not in process.stderr.read()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("nicegui", reason="NOT CHECKED: install the extra ui")
    (tmp_path / "a.scenario.yaml").write_text(FAILS)
    return tmp_path


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[[str], Tab]]:
    from tests.ui.browser import SIZES, Tab

    contexts = []

    def go(url: str) -> Tab:
        context = browser.new_context(viewport=SIZES[1280], reduced_motion="reduce")
        context.set_default_timeout(15_000)
        contexts.append(context)
        return Tab(context.new_page(), url).open()

    yield go
    for context in contexts:
        context.close()


def test_a_path_that_is_not_there_is_refused(folder: Path) -> None:
    said = refused(folder, "ui", "--no-open", "nowhere")
    assert "there is no file or directory 'nowhere'" in said


def test_without_the_extra_the_line_to_install_it_is_said(folder: Path) -> None:
    code = (
        "import sys, importlib.util as u; find = u.find_spec; "
        "u.find_spec = lambda name, *more: None if name == 'nicegui' else find(name, *more); "
        "from scenario_runner.cli import main; sys.argv = ['scenario-runner', 'ui']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert 'pip install ".[ui]"' in done.stderr


def test_a_port_that_is_taken_is_refused_and_only_this_machine_is_served(folder: Path) -> None:
    with started(folder, "ui", "--no-open", "--port", "0") as url:
        port = url.rstrip("/").rpartition(":")[2]
        assert f"something else listens at 127.0.0.1:{port}" in refused(
            folder, "ui", "--no-open", "--port", port
        )
        assert httpx.get(url).status_code == 200
        for path in ("", "_nicegui/auto/static/x.js", "_nicegui_ws/socket.io/?EIO=4"):
            foreign = httpx.get(url + path, headers={"Host": f"evil.example:{port}"})
            assert foreign.status_code == 403, path
            foreign = httpx.get(url + path, headers={"Origin": "http://evil.example"})
            assert foreign.status_code == 403, path


def test_off_this_machine_a_token_is_asked_for(folder: Path) -> None:
    with started(folder, "ui", "--no-open", "--port", "0", "--host", "0.0.0.0") as url:
        port = re.findall(r":(\d+)/", url)[0]
        here = f"http://127.0.0.1:{port}/"
        assert httpx.get(here).status_code == 403
        token = url.partition("?")[2]
        first = httpx.get(f"{here}?{token}")
        assert first.status_code in (302, 303, 307)
        cookie = first.headers["set-cookie"]
        assert "SameSite=Strict" in cookie
        assert "HttpOnly" in cookie
        kept = cookie.partition(";")[0]
        assert httpx.get(here, headers={"Cookie": kept}).status_code == 200


def test_events_that_are_not_there_or_hold_no_run_are_refused(folder: Path) -> None:
    (folder / "empty.jsonl").write_text("")
    refused(folder, "ui", "--no-open", "--events", "nowhere.jsonl")
    refused(folder, "ui", "--no-open", "--events", "empty.jsonl")


@pytest.mark.browser
def test_a_finished_run_is_looked_at(folder: Path, visit: Callable[[str], Tab]) -> None:
    run = command("run", "--no-cache", "--events", "run.jsonl", "a.scenario.yaml")
    subprocess.run(run, cwd=folder, capture_output=True, check=False)
    (folder / "a.scenario.yaml").unlink()
    words = ("ui", "--no-open", "--port", "0", "--events", "run.jsonl")
    with started(folder, *words) as url:
        tab = visit(url)
        page = tab.page
        page.wait_for_selector(".slot.broken.taken[data-slot='6']")
        assert "expected: " in tab.step()
        assert "3m left" in (tab.slot(6).get_attribute("aria-label") or "")
        assert page.get_by_role("button", name="Somebody calls").is_disabled()
        page.get_by_label("Earlier").click()
        page.get_by_label("Earlier").click()
        page.wait_for_selector(".slot.free[data-slot='6']")
        page.click(".node.scenario")
        page.wait_for_selector(".cm-content >> text=The wrong call is expected")
        page.wait_for_selector(".line-failed >> text=empty: true")
        assert tab.complaints == []
        assert tab.left_the_machine == []


@pytest.mark.browser
def test_a_served_mock_shows_the_lot_of_each_client(
    folder: Path, visit: Callable[[str], Tab]
) -> None:
    with started(folder, "mock", "--port", "0") as root:
        for client in ("crm", "shop"):
            form = {"grant_type": "client_credentials", "client_id": client, "client_secret": "any"}
            token = httpx.post(f"{root}/oauth/token", data=form).json()["access_token"]
        call = {"from": "+78120000443", "extension": 341, "answered": True}
        made = httpx.post(
            f"{root}/mock/calls", json=call, headers={"Authorization": f"Bearer {token}"}
        )
        assert made.status_code < 300, made.text
        url = httpx.get(f"{root}/ui").headers["location"]
        tab = visit(url)
        page = tab.page
        page.get_by_label("Look at").click()
        assert page.locator(".q-item").all_inner_texts() == ["Client crm", "Client shop"]
        page.click(".q-item >> text=shop")
        page.wait_for_selector(".card")
        assert tab.left_the_machine == []


@pytest.mark.browser
def test_a_target_over_http_is_driven_as_far_as_it_allows(
    folder: Path, visit: Callable[[str], Tab]
) -> None:
    with started(folder, "mock", "--port", "0") as root:
        (folder / "scenario-runner.yaml").write_text(TARGETS.replace("URL", root))
        words = ("ui", "--no-open", "--port", "0", "--targets", "scenario-runner.yaml")
        with started(folder, *words, "--target", "served") as url:
            tab = visit(url)
            page = tab.page
            tab.call_in()
            tab.card("customer").wait_for()
            tab.slot(6).click()
            page.wait_for_selector(".slot.taken[data-slot='6']")
            assert page.get_by_role("button", name="Next timer").count() == 0
            page.get_by_label("Earlier").click()
            page.wait_for_selector(".slot.free[data-slot='6']")
            page.get_by_label("Now").click()
            tab.call_in(name="stranger", number="+15550000000")
            tab.wait_for_step("is not allowed")
            assert tab.left_the_machine == []


@pytest.mark.browser
def test_a_protected_target_is_shown_where_it_is_permitted_and_no_call_of_others_is_taken(
    folder: Path, visit: Callable[[str], Tab]
) -> None:
    with started(folder, "mock", "--port", "0") as root:
        targets = TARGETS.replace("URL", root) + "    protected: true\n"
        (folder / "scenario-targets.yaml").write_text(targets)
        words = ("ui", "--no-open", "--port", "0", "--target", "served")
        said = refused(folder, *words)
        assert "is protected" in said
        assert "--allow-protected 127.0.0.1" in said
        with started(folder, *words, "--allow-protected", "127.0.0.1") as url:
            tab = visit(url)
            page = tab.page
            tab.call_in()
            tab.card("customer").wait_for()
            tab.slot(6).click()
            page.wait_for_selector(".slot.taken[data-slot='6']")
            tab.dial_out()
            tab.act("colleague", "Take…")
            page.get_by_label("Slot (empty: any parked call)").fill("")
            tab.press_enter()
            tab.wait_for_step("may take anybody")
            page.wait_for_selector(".slot.taken[data-slot='6']")
            tab.act("colleague", "Take…")
            page.wait_for_selector(".dialog pre >> text=bridge: {call: colleague, slot: 6}")
            page.mouse.move(0, 0)  # off the buttons: what one of them would do hides the answer
            tab.press_enter()
            tab.wait_for_step("joined with customer")


@pytest.mark.browser
def test_that_a_target_is_unreachable_is_said(folder: Path, visit: Callable[[str], Tab]) -> None:
    (folder / "t.yaml").write_text(TARGETS.replace("URL", "http://127.0.0.1:9"))
    words = ("ui", "--no-open", "--port", "0", "--targets", "t.yaml", "--target", "served")
    with started(folder, *words) as url:
        tab = visit(url)
        tab.page.wait_for_selector(".failure >> text=refused")
        tab.page.get_by_role("button", name="Connect").wait_for()


@pytest.mark.browser
def test_a_server_that_is_gone_is_said_and_found_again(
    folder: Path, visit: Callable[[str], Tab]
) -> None:
    with started(folder, "ui", "--no-open", "--port", "0") as url:
        tab = visit(url)
        tab.call_in()
        tab.card("customer").wait_for()
        port = url.rstrip("/").rpartition(":")[2]
    tab.page.wait_for_selector("text=Connection lost")
    with started(folder, "ui", "--no-open", "--port", port):
        tab.page.wait_for_selector(".card", state="detached")
        tab.page.wait_for_selector("text=Connection lost", state="hidden")
        tab.call_in(name="again")
        tab.card("again").wait_for()
