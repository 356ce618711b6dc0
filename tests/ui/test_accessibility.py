"""Everybody can use the page: axe finds nothing serious, and all of it is reached by keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scenario_runner.ui.studio import Studio
from scenario_runner.ui.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ui.browser import Served, Tab

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parents[2] / "examples"
TABS = ("Ladder", "Scenario", "Recording", "Try it", "Faults", "Rules")


def serious(tab: Tab) -> list[str]:
    """Return what axe finds that is serious or worse, with the places."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(tab.page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {[_told(node) for node in one['nodes']][:4]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def _told(node: dict[str, Any]) -> str:
    why = "; ".join(str(check["message"]) for check in node["any"])
    return f"{node['target']}: {why}"


@pytest.mark.parametrize(
    ("width", "scheme", "tabs"),
    [
        (1280, "light", TABS),
        (390, "dark", TABS),
        (1280, "dark", ("Scenario",)),
        (390, "light", ("Scenario",)),
    ],
    ids=["1280-light", "390-dark", "1280-dark", "390-light"],
)
def test_nothing_serious_is_found(
    new_tab: Callable[..., Tab], served: Served, width: int, scheme: str, tabs: tuple[str, ...]
) -> None:
    """Colours and widths do not depend on each other: two of the four go through all tabs."""
    served.show(Studio(workspace=Workspace(str(EXAMPLES))))
    tab = new_tab(width, scheme)
    assert serious(tab) == []
    tab.call_in()
    tab.slot(6).click()
    tab.page.wait_for_selector(".slot.taken")
    tab.dial_out()
    tab.card("colleague").wait_for()
    for name in tabs:
        tab.tab(name)
        if name == "Scenario":
            tab.page.click(".q-tree >> text=01-park-and")
            tab.page.wait_for_selector(".cm-content >> text=A customer reaches")
            tab.page.click("text=Run this")
            tab.page.wait_for_selector("text=The slot is free again")
        assert serious(tab) == [], name
    tab.page.click("[aria-label='Keys (?)']")
    tab.page.wait_for_selector(".dialog")
    assert serious(tab) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_screen(new_tab: Callable[..., Tab], width: int) -> None:
    tab = new_tab(width)
    tab.call_in(name="a_customer_with_quite_a_long_name_indeed", number="+" + "7" * 40)
    for name in TABS:
        tab.tab(name)
        wide = tab.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, name
