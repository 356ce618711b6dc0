"""The page of a load run in a real browser: light, dark, narrow, and silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenario_runner.loadtest.html import to_html
from tests.html.browser import one_tab
from tests.load.made import figures, report

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.browser
_WIDE = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
_COLOURS = """
    const page = getComputedStyle(document.body).backgroundColor;
    return [page, ...[...document.querySelectorAll('svg path')].map((one) =>
        getComputedStyle(one).stroke)];
"""


def test_plots_are_drawn_in_light_and_in_dark_and_fit_a_telephone(tmp_path: Path) -> None:
    file = tmp_path / "load.html"
    file.write_text(to_html(report(figures(), "park p99 < 30ms")), encoding="utf-8")
    seen = {}
    with one_tab() as browser:
        for scheme in ("light", "dark"):
            for width in (1280, 360):
                browser.size(width, 900)
                browser.scheme(scheme)
                browser.page.goto(file.as_uri())
                assert not browser.run(_WIDE), width
            seen[scheme] = browser.run(_COLOURS)
            sizes = [one.bounding_box() or {} for one in browser.all("svg")]
            assert len(sizes) == 7
            assert all(size["width"] > 200 and size["height"] > 60 for size in sizes)
        assert browser.complaints == []
        assert {url.partition(":")[0] for url in browser.requests} <= {"file", "data"}
    assert not set(seen["light"]) & set(seen["dark"])
    assert all("rgb" in colour for colour in seen["light"])
