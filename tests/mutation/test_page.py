"""The tables in the HTML report: what is in the file, and what a browser shows of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.reporters.html.report import Table, TableRow, to_file
from tests.html.reading import Page

SUITE = "suite.scenario.yaml"
MARKUP = "</script><img src=x onerror=document.title='broken'><b id=broken>"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(Path(__file__).parent / SUITE, tmp_path)
    monkeypatch.chdir(tmp_path)


def written(*words: str) -> Path:
    path = Path("report.html")
    line = [*words, SUITE, "--html", str(path)]
    assert exit_code_of(lambda: scenario_runner.main(line, standalone_mode=False)) == 0
    return path.absolute()


def test_the_report_of_mutants_holds_the_run_and_both_tables() -> None:
    page = Page(written("mutate", "--rule", "park.occupies"))
    mutants, rules = page.facts["tables"]
    assert [row["cells"][0] for row in mutants["rows"]] == ["✗ survived"] * 2 + ["✓ killed"] * 4
    assert mutants["title"] == "4 of 6 mutants noticed (66 %): 4 killed, 2 survived"
    assert {row["scenario"] for row in mutants["rows"]} <= {"", *(row[0] for row in page.rows)}
    assert len(rules["rows"]) == 39
    assert rules["rows"][0]["cells"][:2] == ["✓ checked", "park.occupies"]
    assert rules["rows"][2]["cells"][:2] == ["~ met", "slots.reports"]


def test_the_report_of_coverage_holds_the_run_and_the_table() -> None:
    page = Page(written("coverage"))
    (rules,) = page.facts["tables"]
    assert rules["title"] == "12 of 39 rules met (30 %)"
    assert [row[2] for row in page.rows] == ["passed", "passed"]


@pytest.mark.browser
def test_the_browser_shows_the_tables_and_leads_to_the_scenarios(tmp_path: Path) -> None:
    from tests.html.browser import one_tab

    path = written("mutate", "--rule", "park.occupies")
    marked = tmp_path / "marked.html"
    report = to_file(str(marked))
    row = TableRow(tone="bad", cells=(MARKUP, MARKUP), scenario=MARKUP)
    report.add(Table(id="mutants", title=MARKUP, columns=(MARKUP, MARKUP), rows=(row,)))
    report.close()
    with one_tab() as browser:
        browser.open(path)
        assert len(browser.all("#mutants tbody tr")) == 6
        assert len(browser.all("#rules tbody tr")) == 39
        assert browser.text("#mutants tr.good a").startswith(f"{SUITE}:9 holds")
        browser.one("#mutants tr.good a").click()
        assert (
            browser.until("article.scenario h1").inner_text() == "A caller is parked and picked up"
        )
        browser.open(marked)
        assert browser.texts("#mutants tbody td") == [MARKUP, MARKUP]
        assert browser.all("#broken, #detail img") == []
        assert browser.complaints == []
