"""The editor: problems as one types, completion, saving, and files that others change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenario_runner.ui.studio import Studio
from scenario_runner.ui.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.ui.browser import Served, Tab

pytestmark = pytest.mark.browser

FILE = "a.scenario.yaml"
TEXT = """\
scenario: A call is parked

steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 6}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / FILE
    file.write_text(TEXT)
    return file


@pytest.fixture
def editor(served: Served, new_tab: Callable[..., Tab], file: Path) -> Tab:
    """A tab in which the file is open."""
    served.show(Studio(workspace=Workspace(str(file.parent))))
    tab = new_tab()
    tab.page.click(".node.file")
    tab.page.wait_for_selector(".cm-content >> text=customer")
    return tab


def typed(tab: Tab, text: str, *, line: int = 5) -> None:
    """Type at the end of a line of the editor; new lines begin as they are given."""
    keyboard = tab.page.keyboard
    tab.page.locator(".cm-line").nth(line - 1).click()
    keyboard.press("End")
    first, *others = text.split("\n")
    keyboard.type(first)
    for other in others:
        keyboard.press("Enter")
        keyboard.press("Shift+Home")  # what the editor has indented by itself
        keyboard.type(other)


def content(tab: Tab) -> str:
    lines = tab.page.locator(".cm-line").all_inner_texts()
    return "\n".join("" if line == "\n" else line for line in lines)


def test_problems_are_told_as_one_types(editor: Tab) -> None:
    page = editor.page
    typed(editor, "\n  - prak: {call: customer, slot: 6}")
    problem = page.locator(".problem-item.error:only-child", has_text="unknown-key")
    problem.wait_for()
    assert problem.locator(".number").inner_text() == "6:5"
    said = problem.locator("summary").inner_text()
    assert "'prak'" in said
    assert "unknown-key" in said
    assert page.locator(".mark-error").inner_text() == "prak"

    problem.locator("summary").click()
    more = problem.inner_text()
    assert "did you mean 'park'?" in more
    assert "park: {call: customer, slot: 6}" in more  # the right example of `explain`
    assert page.get_by_role("button", name="Run this").is_disabled()

    page.locator(".cm-line").nth(5).click()
    page.keyboard.press("End")
    for _ in range(len("rak: {call: customer, slot: 6}")):
        page.keyboard.press("Backspace")
    page.keyboard.type("ark: {call: customer, slot: 7}")
    page.wait_for_selector(".problem-item.error", state="detached")
    page.wait_for_selector(".mark-error", state="detached")


def a_minute_later(page: Page) -> None:
    """Move the browser's clock on: CodeMirror takes no choice within the first 75 ms."""
    page.clock.set_fixed_time(page.evaluate("Date.now()") / 1000 + 60)


def test_what_can_be_written_is_offered(editor: Tab) -> None:
    page = editor.page
    typed(editor, "\n  - br")
    option = page.locator(".cm-tooltip-autocomplete li", has_text="bridge")
    option.first.wait_for()
    a_minute_later(page)
    page.keyboard.press("Enter")
    page.keyboard.type("{ca")
    page.locator(".cm-tooltip-autocomplete li", has_text="call").first.wait_for()
    a_minute_later(page)
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Space")
    page.locator(".cm-tooltip-autocomplete li", has_text="customer").first.wait_for()
    assert content(editor).splitlines()[5].startswith("  - bridge: {call: ")


def test_keys_save_and_run(editor: Tab, file: Path) -> None:
    page = editor.page
    typed(editor, "\n  - slots: {call: customer, slot: 6}\n    expect: {holds: customer}")
    page.wait_for_selector(f"h2 >> text={FILE} •")
    assert file.read_text() == TEXT
    page.keyboard.press("Control+s")
    page.wait_for_selector("text=Saved")
    assert file.read_text() == content(editor)
    assert file.read_text().endswith("    expect: {holds: customer}\n")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".node.scenario.passed")
    page.wait_for_selector(".stages >> text=passed")


def test_another_file_is_not_opened_over_what_is_not_saved(editor: Tab, file: Path) -> None:
    page = editor.page
    (file.parent / "b.scenario.yaml").write_text(TEXT.replace("is parked", "waits"))
    page.wait_for_selector(".q-tree .node.file >> nth=1")
    typed(editor, "  # mine")
    page.locator(".node.file").nth(1).click()
    page.wait_for_selector(".dialog >> text=is not saved")
    page.click(".dialog >> text=Cancel")
    assert "# mine" in content(editor)
    page.locator(".node.file").nth(0).click()
    page.locator(".node.file").nth(1).click()
    page.click(".dialog >> text='Do not save'")
    page.wait_for_selector(".cm-content >> text=A call waits")
    assert file.read_text() == TEXT


def test_a_file_that_others_change_is_taken_over(editor: Tab, file: Path) -> None:
    file.write_text(TEXT.replace("slot: 6", "slot: 9"))
    editor.page.wait_for_selector(".cm-content >> text=slot: 9")


def test_nothing_is_overwritten_unasked(editor: Tab, file: Path) -> None:
    page = editor.page
    typed(editor, "  # mine")
    page.wait_for_selector(f"h2 >> text={FILE} •")
    theirs = TEXT.replace("slot: 6", "slot: 9")
    file.write_text(theirs)
    page.wait_for_selector(".dialog >> text=was changed by another program")
    assert "# mine" in content(editor)
    page.click(".dialog >> text='Take theirs'")
    page.wait_for_selector(".cm-content >> text=slot: 9")
    assert file.read_text() == theirs

    typed(editor, "  # mine")
    page.wait_for_selector(f"h2 >> text={FILE} •")
    file.write_text(TEXT)
    page.click(".dialog >> text='Keep mine'")
    page.wait_for_selector("text=Saved")
    assert file.read_text() == theirs.rstrip() + "  # mine\n"


def test_a_change_is_asked_about_once_and_so_is_the_next(
    served: Served, editor: Tab, file: Path
) -> None:
    page = editor.page
    typed(editor, "  # mine")
    page.wait_for_selector(f"h2 >> text={FILE} •")
    file.write_text(TEXT.replace("slot: 6", "slot: 9"))
    page.click(".dialog >> text=Cancel")
    file.write_text(TEXT.replace("slot: 6", "slot: 8"))
    served.do(served.studio.look_at_files)  # seen while the first question still fades away
    page.click(".dialog >> text='Take theirs'")
    page.wait_for_selector(".cm-content >> text=slot: 8")

    typed(editor, "  # mine")
    page.wait_for_selector(f"h2 >> text={FILE} •")
    file.write_text(TEXT)
    page.click(".dialog >> text=Cancel")
    page.wait_for_selector(".dialog", state="detached")
    served.do(served.studio.changed)
    editor.tab("Ladder")
    editor.tab("Scenario")  # drawn anew after that change
    page.wait_for_selector(".cm-content >> text=# mine")
    assert page.locator(".dialog").count() == 0
    assert "# mine" in content(editor)


def test_a_question_that_follows_from_an_answer_stays(editor: Tab, file: Path) -> None:
    page = editor.page
    (file.parent / "b.scenario.yaml").write_text(TEXT.replace("is parked", "waits"))
    page.wait_for_selector(".q-tree .node.file >> nth=1")
    typed(editor, "  # mine")
    page.wait_for_selector(f"h2 >> text={FILE} •")
    file.write_text(TEXT.replace("slot: 6", "slot: 9"))
    page.click(".dialog >> text=Cancel")
    page.wait_for_selector(".dialog", state="detached")
    page.locator(".node.file").nth(1).click()
    page.click(".dialog >> text='Save'")
    page.wait_for_selector(".dialog >> text=is not saved", state="detached")
    page.click(".dialog >> text='Keep mine'")
    page.wait_for_selector("text=Saved")
    assert "# mine" in file.read_text()


def test_a_file_that_becomes_invalid_is_waited_for(editor: Tab, file: Path) -> None:
    page = editor.page
    page.click("text=Run on save")
    file.write_text("scenario: [\n")
    page.wait_for_selector(".node.file.invalid")
    page.wait_for_selector(".problem-item.error")
    file.write_bytes(b"\xff\xfe\x00")
    page.wait_for_selector(".problem-item >> text=UTF-8")
    file.write_text(TEXT)
    page.wait_for_selector(".node.file.passed")
    file.unlink()
    page.wait_for_selector(".node.file", state="detached")


def test_what_stands_in_files_is_never_markup(
    served: Served, new_tab: Callable[..., Tab], file: Path
) -> None:
    bad = "<img src=x onerror=alert(1)><b>bold</b>{{ 7 * 7 }}"
    file.write_text(
        f"scenario: '{bad}'\ntags: ['{bad}']\nsteps:\n"
        f"  - name: '{bad}'\n    call: {{as: a, extension: 341, from: '{bad}'}}\n"
        "  - park: {call: a, slot: 6}\n    expect: {refused: slot-full}\n"
        f"  - wait: '{bad}'\n"
    )
    (file.parent / "<img src=x onerror=alert(2)>.scenario.yaml").write_text("scenario: [")
    served.show(Studio(workspace=Workspace(str(file.parent))))
    tab = new_tab()
    tab.page.locator(".node.file", has_text="a").first.click()
    tab.page.wait_for_selector(".problem-item.error")
    tab.page.keyboard.press("Tab")
    file.write_text(file.read_text().replace(f"  - wait: '{bad}'\n", ""))
    tab.page.wait_for_selector(".node.scenario")
    tab.page.click("text=Run all")
    tab.page.wait_for_selector(".node.scenario.failed, .node.scenario.errored")
    tab.page.locator(".node.scenario").first.click()
    for name in ("Ladder", "Scenario"):
        tab.tab(name)
        assert tab.page.locator("img[onerror], b").count() == 0
    assert "{{ 7 * 7 }}" in tab.page.content()
