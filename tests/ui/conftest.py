"""What tests of the live page in a browser share: one Chromium and one server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenario_runner.ui.studio import Studio
from scenario_runner.ui.workspace import Workspace
from tests.chromium import chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.ui.browser import Served, Tab


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a module: while Playwright is there, its event loop runs in the tests' thread.

    So a module whose tests run loops of their own must not use it.
    """
    with chromium() as made:
        yield made


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    pytest.importorskip("nicegui", reason="NOT CHECKED: install the extra ui")
    from tests.ui.browser import Served

    made = Served()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def studio(served: Served, tmp_path: Path) -> Studio:
    """A studio of its own for each test: a fresh lot, and an empty folder of scenarios."""
    return served.show(Studio(workspace=Workspace(str(tmp_path))))


@pytest.fixture
def new_tab(browser: Browser, served: Served, studio: Studio) -> Iterator[Callable[..., Tab]]:
    """Open tabs; see afterwards that none complained, nor asked anybody else for anything."""
    from tests.ui.browser import SIZES, Tab

    del studio
    tabs: list[Tab] = []

    def make(width: int = 1280, scheme: str = "light", path: str = "") -> Tab:
        context = browser.new_context(
            viewport=SIZES[width],
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        context.set_default_timeout(30_000)
        tab = Tab(context.new_page(), served.url)
        tabs.append(tab)
        return tab.open(path)

    yield make
    for tab in tabs:
        tab.page.context.close()
        assert tab.complaints == []
        assert tab.left_the_machine == []


@pytest.fixture
def tab(new_tab: Callable[..., Tab]) -> Tab:
    return new_tab()
