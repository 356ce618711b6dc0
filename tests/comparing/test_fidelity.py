"""The page about the mock's fidelity tells what was measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scenario_runner.mock_pbx import RULES

from .facts import ABOUT_HTTP, FREESWITCH
from .fidelity import recorded, table, what_it_says

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"


def test_the_page_tells_what_was_measured(golden: Callable[[Path, str], None]) -> None:
    head, _, _ = PAGE.read_text(encoding="utf-8").partition("| rule |")
    golden(PAGE, head + table(recorded()))


def test_every_rule_was_measured_or_is_about_http() -> None:
    rules = {rule.id for rule in RULES}
    assert set(what_it_says(recorded())) | ABOUT_HTTP == rules
    assert set(FREESWITCH) <= rules


def test_nothing_that_was_measured_is_left_without_a_word() -> None:
    data = recorded()
    unexplained = [
        (scenario["name"], difference["what"])
        for scenario in data["scenarios"]
        for difference in scenario["differences"]
        if difference["grade"] == "unexplained"
    ]
    assert unexplained == [("More calls than slots", "outcome")], "the vendor documents a limit"
