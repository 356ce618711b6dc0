"""Reads a text as the loader does, and looks at what the reader did not take out."""

from __future__ import annotations

from pathlib import Path

from scenario_runner.language.scenario import SCENARIO
from scenario_runner.loading.fragments import Shelf
from scenario_runner.loading.nodes import Mapping, Problems, Unreadable
from scenario_runner.loading.scenarios import Surroundings, read_scenarios
from scenario_runner.loading.schema_errors import Violations, check
from scenario_runner.loading.yaml import Document, parse

FOLDER = Path(__file__).parents[1] / "invalid"


def documents(text: str) -> list[tuple[Document, Problems]]:
    problems = Problems()
    try:
        return [(one, problems) for one in parse(text, "a.scenario.yaml", problems)]
    except Unreadable:
        return []


def left_over(text: str) -> list[Violations]:
    """Read the documents of a file; return what the reader did not take out."""
    shelf = Shelf(FOLDER)
    shelf.begin("tests/invalid/a.scenario.yaml")
    around = Surroundings(file="tests/invalid/a.scenario.yaml", fragments=shelf, overrides={})
    left = []
    for document, problems in documents(text):
        if isinstance(document.root, Mapping) and not document.root.spoilt:
            wrong = check(SCENARIO, document, problems)
            read_scenarios(document.root, wrong, around, problems)
            left.append(wrong)
    return left
