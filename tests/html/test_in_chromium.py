"""The HTML report in a real browser: shown, filtered, linked to, used by keys, and silent."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from scenario_runner.events import Exchange, ScenarioFinished, ScenarioStarted, Verdict
from scenario_runner.reporters.failures import curl_line
from scenario_runner.reporters.ladder import build_ladder, to_svg
from tests.html.browser import one_tab
from tests.html.writing import run_of, scenario, written
from tests.ladder.telling import RUN, failed, finished, started, walk_through
from tests.ladder.test_ladder import hostile
from tests.reporters.streams import CASES, stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scenario_runner.events import Event
    from tests.html.browser import Browser


pytestmark = pytest.mark.browser
_UNFOLD = "document.querySelectorAll('details').forEach((fold) => fold.open = true)"


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with one_tab() as browser:
        yield browser


@pytest.fixture
def browser(tab: Browser) -> Iterator[Browser]:
    """Give the browser, and see afterwards that it did not complain nor ask for anything."""
    tab.size(1280, 900)
    tab.scheme("light")
    yield tab
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith(("file:", "data:"))] == []


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of 40 scenarios: number 3 is failed, number 5 is skipped."""
    path = tmp_path_factory.mktemp("html") / "report.html"
    verdicts = [Verdict.PASSED] * 40
    verdicts[3], verdicts[5] = Verdict.FAILED, Verdict.SKIPPED
    written(path, run_of(*verdicts))
    return path


def link(number: int, **more: str) -> str:
    name = f"cases/park-{number}.scenario.yaml::Park a caller in slot {number}"
    return "#" + urlencode({"scenario": name, **more})


def test_the_run_is_summed_up_and_the_gravest_come_first(browser: Browser, report: Path) -> None:
    browser.open(report)
    assert browser.text("#detail h1") == "1 of 40 scenarios not passed"
    assert browser.texts(".row .name")[:3] == [
        "Park a caller in slot 3",
        "Park a caller in slot 5",
        "Park a caller in slot 0",
    ]
    assert browser.texts("#verdicts .chip b") == ["38", "1", "1"]


def test_only_rows_in_sight_are_in_the_document(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "many.html"
    written(path, run_of(*[Verdict.PASSED] * 500))
    browser.open(path)
    assert len(browser.all(".row")) < 40
    browser.run("document.getElementById('list').scrollTop = 1e9")
    last = browser.until("#row-499")
    assert "slot 499" in last.inner_text()
    assert len(browser.all(".row")) < 40


@pytest.mark.parametrize(
    ("address", "count"),
    [
        ("#verdict=failed", "1 of 40 scenarios"),
        ("#verdict=failed%2Cskipped", "2 of 40 scenarios"),
        ("#tag=smoke", "20 of 40 scenarios"),
        ("#text=PARK-1", "11 of 40 scenarios"),
        ("#text=holds+nobody", "1 of 40 scenarios"),
        ("#tag=smoke&text=park-3&verdict=passed", "5 of 40 scenarios"),
        ("#text=nothing+like+it", "0 of 40 scenarios"),
        ("", "40 scenarios"),
    ],
)
def test_filters_stand_in_the_address(
    browser: Browser, report: Path, address: str, count: str
) -> None:
    browser.open(report, address)
    assert browser.text("#count") == count


def test_filters_are_set_by_hand(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.one(".chip[data-verdict=failed]").click()
    browser.until(".chip[data-verdict=failed][aria-pressed=true]")
    assert browser.texts(".row .name") == ["Park a caller in slot 3"]
    browser.one(".chip[data-verdict=failed]").click()
    browser.until(".chip[data-verdict=failed][aria-pressed=false]")
    browser.one("#find").press_sequentially("park-7. slot")
    browser.until(".row:only-child")
    assert browser.run("return location.hash") == "#text=park-7.+slot"
    browser.press("Control+a")
    browser.press("Backspace")
    browser.one("#tag").select_option("slow")
    browser.until("#row-19:last-child")
    assert browser.text("#count") == "20 of 40 scenarios"


def test_a_link_leads_to_a_scenario(browser: Browser, report: Path) -> None:
    browser.open(report, link(3))
    assert browser.text("#detail h1") == "Park a caller in slot 3"
    assert browser.page.title() == "failed: Park a caller in slot 3"
    assert browser.text(".row[aria-selected=true] .name") == "Park a caller in slot 3"
    message = browser.text(".failures .message")
    assert message.startswith("Step 3: slot 6 holds nobody")
    assert browser.texts(".failures dd")[1] == "nobody"


def test_a_link_leads_to_a_step(browser: Browser, report: Path) -> None:
    browser.open(report, link(3, step="cleanup.1"))
    here = browser.one("section.step.here")
    assert here.get_attribute("data-step") == "cleanup.1"
    top = here.evaluate("element => element.getBoundingClientRect().top")
    assert 0 < top < 900
    number = browser.one("section.step[data-step='2'] .number")
    number.click()
    browser.until("section.step.here[data-step='2']")
    assert browser.run("return location.hash").endswith("&step=2")


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("#scenario=gone", "There is no scenario gone in this report."),
        (link(3, step="99"), "There is no step 99 in this scenario."),
    ],
)
def test_a_link_that_leads_nowhere_says_so(
    browser: Browser, report: Path, address: str, text: str
) -> None:
    browser.open(report, address)
    assert text in browser.text("#detail")


def test_yaml_stands_beside_the_verdict_and_the_failed_place_is_marked(
    browser: Browser, report: Path
) -> None:
    browser.open(report, link(3))
    lines = "section.step[data-step='3'] .yaml .line"
    script = "return [...document.querySelectorAll(arguments[0])].map((line) => line.textContent)"
    assert browser.run(script, lines) == [
        "10- name: The slot holds the customer\n",
        "11  slots: {call: customer, slot: $slot}\n",
        "12  expect: {holds: customer}\n",
    ]
    assert browser.text("section.step[data-step='3'] mark") == "holds: custo"
    assert browser.texts("section.step[data-step='3'] .attempts td") == [
        "2 s",
        "✗",
        "slot 6 is empty",
        "×9",
    ]
    held = browser.text("#snapshot")
    assert "customer at 341" in held


def test_exchanges_are_folded_and_tell_everything(browser: Browser, report: Path) -> None:
    browser.open(report, link(0))
    step = browser.one("section.step[data-step='2']")
    assert "valet_park" not in step.inner_text()
    step.evaluate("step => step.querySelectorAll('details').forEach((fold) => fold.open = true)")
    assert "Authorization: Bearer ***" in step.inner_text()
    assert '"result": "OK"' in step.inner_text()
    assert "customer is parked in slot 6" in step.inner_text()


@pytest.mark.parametrize("case", ["walk-through", "failed", "hostile"])
def test_the_curl_line_is_the_one_of_the_console(
    browser: Browser, tmp_path: Path, case: str
) -> None:
    told = {"walk-through": walk_through, "failed": failed, "hostile": hostile}[case]()
    path = tmp_path / "report.html"
    events = chain(run_of(), [started("One")], told, [finished(Verdict.PASSED)])
    written(path, events)
    browser.open(path, "#scenario=park.scenario.yaml")
    shown = browser.run(
        "return [...document.querySelectorAll('#steps .exchange .command pre')]"
        ".map((element) => element.textContent)"
    )
    base = "https://pbx.example.com/"
    lines = [curl_line(event, base) for event in told if isinstance(event, Exchange)]
    assert shown == [line for line in lines if line]


def shapes(svg: ET.Element) -> Iterator[tuple[str, ...]]:
    for shape in svg:
        tag = shape.tag.rpartition("}")[2]
        if tag != "style":
            said = {
                **shape.attrib,
                "text": shape.text or "",
                "full": "".join(t.text or "" for t in shape),
            }
            yield (tag, *(f"{name}={value}" for name, value in sorted(said.items()) if value))


_SHAPES = """
return [...document.querySelectorAll('svg.ladder > *')].map((shape) => {
  const said = Object.fromEntries([...shape.attributes].map(({name, value}) => [name, value]));
  delete said["data-step"];
  const full = shape.querySelector("title")?.textContent || "";
  return [shape.tagName, {...said, text: shape.firstChild?.data || "", full}];
});
"""


def drawn(browser: Browser) -> list[tuple[str, ...]]:
    found: list[tuple[str, dict[str, Any]]] = browser.run(_SHAPES)
    return [
        (tag, *(f"{name}={value}" for name, value in sorted(said.items()) if value))
        for tag, said in found
    ]


def long() -> list[Event]:
    return [event for _ in range(12) for event in walk_through()]


def ladder_events(name: str) -> list[Event]:
    made = {"walk-through": walk_through, "failed": failed, "hostile made": hostile, "long": long}
    if name in made:
        return [started("One"), *made[name](), finished(Verdict.PASSED)]
    events = stream(name)
    first = next(event.scenario for event in events if isinstance(event, ScenarioStarted))
    mine = [event for event in events if getattr(event, "scenario", None) == first]
    end = [place for place, event in enumerate(mine) if isinstance(event, ScenarioFinished)]
    return mine[: end[0] + 1] if end else mine


@pytest.mark.parametrize("name", ["walk-through", "failed", "hostile made", "long", *CASES])
def test_the_page_draws_the_same_ladder_as_the_svg_file(
    browser: Browser, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "report.html"
    events = ladder_events(name)
    written(path, chain([RUN], events))
    begun = next(event for event in events if isinstance(event, ScenarioStarted))
    browser.open(path, "#" + urlencode({"scenario": begun.scenario}))
    assert drawn(browser) == list(shapes(ET.fromstring(to_svg(build_ladder(events)))))


def test_a_click_into_the_ladder_leads_to_the_step(browser: Browser, report: Path) -> None:
    browser.open(report, link(0))
    browser.run("""
        document.querySelector("svg.ladder text[data-step='2']")
            .dispatchEvent(new MouseEvent("click", {bubbles: true}))
    """)
    browser.until("section.step.here[data-step='2']")


def test_keys_are_enough(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.press("/")
    browser.type("park-1")
    browser.until("#row-10:last-child")
    browser.press("Enter")
    assert browser.focused == "list"
    browser.press("ArrowDown")
    browser.press("ArrowDown")
    browser.until("#row-2[aria-selected=true]")
    browser.press("k")
    browser.until("#row-1[aria-selected=true]")
    browser.press("End")
    browser.until("#row-10[aria-selected=true]")
    browser.press("Enter")
    browser.until("h1:focus")
    assert browser.text("h1") == "Park a caller in slot 19"
    browser.press("Escape")
    browser.until(".overview")
    assert browser.focused == "list"


def test_the_way_back_leads_back(browser: Browser, report: Path) -> None:
    browser.open(report, link(3))
    browser.run(f"location.hash = '{link(0)}'")
    browser.until("article[data-scenario*='park-0.']")
    browser.page.go_back()
    browser.until("article[data-scenario*='park-3.']")


def test_earlier_attempts_are_found_from_the_last(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    written(path, chain([RUN], scenario(1, Verdict.FAILED), scenario(1, Verdict.FLAKY, attempt=2)))
    browser.open(path, link(1))
    assert browser.texts(".row .name") == ["Park a caller in slot 1"]
    assert browser.one("#verdicts .chip").get_attribute("data-verdict") == "flaky"
    browser.one(".tries a").click()
    browser.until(".failures")
    assert browser.text(".verdict b") == "failed"
    assert "attempt=1" in browser.run("return location.hash")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["", link(3), link(0)])
def test_a_phone_never_scrolls_sideways(
    browser: Browser, report: Path, address: str, scheme: str
) -> None:
    browser.size(390, 844)
    browser.scheme(scheme)
    browser.open(report, address)
    browser.run(_UNFOLD)
    wide = """
        const pane = document.querySelector(arguments[0]);
        return [pane.scrollWidth, pane.clientWidth, document.documentElement.scrollWidth];
    """
    content, room, page = browser.run(wide, "#detail")
    assert content <= room
    assert page <= 390


def test_a_phone_shows_the_overview_above_the_list(browser: Browser, report: Path) -> None:
    browser.size(390, 844)
    browser.open(report)
    assert browser.one(".overview h1").is_visible()
    assert browser.one("#list").is_visible()
    assert browser.one(".overview .facts").is_visible()
    browser.one(".overview .links a").click()
    browser.until("article[data-scenario*='park-3.'] h1")
    assert not browser.one("#list").is_visible()
    assert browser.run("return scrollY") == 0
    browser.one("#back").click()
    browser.until("#list")
    browser.one("#find").press_sequentially("park-7")
    browser.until("body.filtering")
    assert not browser.one(".overview").is_visible()
    browser.one("#row-0").click()
    browser.until("article[data-scenario*='park-7.'] h1")


def test_the_rows_of_a_matrix_show_what_tells_them_apart(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    events: list[Event] = [RUN]
    for agent in ("342", "343"):
        name = f"First and last [slot=6, agent={agent}]"
        begin = replace(started(name), scenario=name, row=(("slot", "6"), ("agent", agent)))
        events += [begin, replace(finished(Verdict.PASSED), scenario=name)]
    written(path, iter(events))
    browser.open(path)
    assert browser.texts(".row .name") == ["First and last"] * 2
    shown = [text.split(" · ")[0] for text in browser.texts(".row .second")]
    assert shown == ["slot = 6, agent = 342", "slot = 6, agent = 343"]
    browser.one("#find").press_sequentially("343")
    browser.until(".row:only-child")


def test_the_ticket_of_a_known_failure_is_a_link(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    ticket = "https://tracker.example.com/123"
    reason = f"the third step fails ({ticket}), see <b>there</b>"
    written(path, iter([RUN, started("One"), finished(Verdict.XFAILED, reason)]))
    browser.open(path, "#scenario=park.scenario.yaml")
    (link_,) = browser.all(".reason a")
    assert link_.get_attribute("href") == ticket
    assert browser.text(".reason") == reason


def test_an_invalid_file_is_shown_first(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    written(path, iter(stream("invalid")))
    browser.open(path)
    assert browser.text("h1") == "2 files could not be run"
    assert browser.texts(".row .name")[0] == "examples/01_bad.scenario.yaml"
    browser.one("#row-0").click()
    browser.until(".failures")
    assert browser.texts(".failure .message") == [
        "unknown-key: unknown key 'prak' in a step",
        "bare-number: 5 has no unit",
    ]


def test_dark_is_dark(browser: Browser, report: Path) -> None:
    colour = "return getComputedStyle(document.body).backgroundColor"
    browser.open(report)
    light = browser.run(colour)
    browser.scheme("dark")
    assert browser.run(colour) != light


def test_print_shows_every_row_and_every_fold(browser: Browser, report: Path) -> None:
    browser.open(report, link(3))
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert browser.all(".wire:not([open])") == []
    assert len(browser.all(".row")) == 40
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert len(browser.all(".row")) < 40


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_markup_from_outside_stays_text(browser: Browser, tmp_path: Path, scheme: str) -> None:
    path = tmp_path / "report.html"
    events = stream("hostile")
    written(path, iter(events))
    browser.scheme(scheme)
    begun = next(event for event in events if isinstance(event, ScenarioStarted))
    browser.open(path, "#" + urlencode({"scenario": begun.scenario}))
    browser.run(_UNFOLD)
    assert "<b>" in browser.text("h1")
    assert browser.all("#detail h1 b, #detail img, #detail iframe, #detail script") == []
    assert "\u202e" not in browser.run("return document.body.innerText")
