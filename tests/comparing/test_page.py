"""A comparison in the HTML report: what is in the file, and what a browser shows of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from scenario_runner.comparing.differences import Comparison, Grade
from scenario_runner.comparing.output import Heard
from scenario_runner.comparing.run import compare, sides
from scenario_runner.execution.options import RunOptions
from scenario_runner.execution.run import RunRequest
from scenario_runner.execution.targets import TargetChoice
from scenario_runner.masking import Mask
from scenario_runner.mock_pbx import PROFILES, Profile
from scenario_runner.reporters.html.report import to_file
from tests.html.reading import Page

RULES = "rules.scenario.yaml"
PLANTED = Profile(name="planted", park_again="move", empty_slot="no-key")
MARKUP = "</script><img src=x onerror=document.title='broken'><b id=broken>"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(Path(__file__).parent / RULES, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(PROFILES, "planted", PLANTED)


def compared() -> tuple[Comparison, Heard]:
    heard = Heard()
    both = sides("mock", "mock:planted", TargetChoice(), Mask())
    request = RunRequest(paths=(RULES,), options=RunOptions(rerun="scenario-runner compare A B"))
    return compare(request, both, 500_000, heard.hear), heard


def with_markup(comparison: Comparison) -> Comparison:
    """Put markup wherever a PBX or a file has a word."""
    return replace(
        comparison,
        a=MARKUP,
        scenarios=tuple(
            replace(
                one,
                name=MARKUP,
                differences=tuple(
                    replace(
                        difference, title=MARKUP, a=MARKUP, b=MARKUP, why=difference.why and MARKUP
                    )
                    for difference in one.differences
                ),
            )
            for one in comparison.scenarios
        ),
    )


def test_the_report_holds_the_comparison_and_both_runs(tmp_path: Path) -> None:
    comparison, heard = compared()
    path = tmp_path / "report.html"
    heard.write(str(path), comparison)
    page = Page(path)
    told = page.facts["comparison"]
    assert (told["a"], told["b"]) == ("mock", "mock:planted")
    assert told["unexplained"] == comparison.count(Grade.UNEXPLAINED)
    assert told["explained"] == comparison.count(Grade.EXPLAINED) > 0
    ids = [one.scenario for one in comparison.scenarios]
    assert [row[0] for row in page.rows] == [f"{side}: {name}" for side in "AB" for name in ids]
    assert page.facts["target"] == "mock, mock:planted"
    assert (page.facts["missing"], page.facts["interrupted"]) == (0, False)
    again = [page.record(row[-1])["rerun"] for row in page.rows]
    assert all(line.startswith("scenario-runner compare A B ") for line in again)
    assert not any("--order" in line for line in again)
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_markup_stays_inside_the_data(tmp_path: Path) -> None:
    comparison, heard = compared()
    path = tmp_path / "report.html"
    heard.write(str(path), with_markup(comparison))
    page = Page(path)
    assert page.facts["comparison"]["a"] == MARKUP
    assert page.text.count("onerror") == page.text.count("&lt;img src=x onerror") > 0
    assert "<img" not in page.text
    assert "Content-Security-Policy" in page.shell


def test_a_report_of_one_run_has_no_comparison(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    to_file(str(path)).close()
    assert Page(path).facts["comparison"] is None


@pytest.mark.browser
def test_the_browser_shows_differences_and_leads_to_both_sides(tmp_path: Path) -> None:
    from tests.html.browser import one_tab

    comparison, heard = compared()
    path = tmp_path / "report.html"
    heard.write(str(path), comparison)
    marked = tmp_path / "marked.html"
    heard.write(str(marked), with_markup(comparison))
    errored = tmp_path / "errored.html"
    lost = replace(comparison.scenarios[0], b="errored", errored=("B",), differences=())
    heard.write(str(errored), replace(comparison, scenarios=(lost,)))
    unexplained = comparison.count(Grade.UNEXPLAINED)
    first = next(one for one in comparison.scenarios if one.differences)
    with one_tab() as browser:
        browser.open(path)
        plural = "s" * (unexplained != 1)
        shown = f"{unexplained} unexplained difference{plural}" if unexplained else None
        assert browser.text("#detail h1") == (shown or "No unexplained difference")
        assert len(browser.all(".compared tr.unexplained")) == unexplained
        assert len(browser.all(".compared tr.explained")) == comparison.count(Grade.EXPLAINED)
        cells = browser.texts(".compared tbody tr:first-child td")
        assert cells[0].startswith(first.name)
        assert cells[2:4] == [first.differences[0].a, first.differences[0].b]
        browser.one(".compared tbody tr a:last-child").click()
        assert browser.until("article.scenario h1").inner_text() == f"B: {first.name}"
        assert browser.one("article.scenario").get_attribute("data-scenario") == (
            f"B: {first.scenario}"
        )
        assert browser.all("section.step.here")
        browser.open(marked)
        assert MARKUP in browser.texts(".compared tbody tr:first-child td")[2]
        assert browser.all("#broken, #detail img") == []
        browser.open(errored)
        assert browser.text("#detail h1") == "1 scenario could not be compared"
        assert "B could not find out" in browser.texts(".compared tbody tr:first-child td")[4]
        assert browser.complaints == []
