"""The pages agree with the code: keys, words, exit codes, commands, rules of the mock."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from scenario_runner.cli import COMMANDS, scenario_runner
from scenario_runner.events import PbxReported, Verdict
from scenario_runner.exit_code import Exit
from scenario_runner.language.matchers import MATCHER_WORDS
from scenario_runner.language.vocabulary import CallState, Capability, EventType, Reason
from scenario_runner.loading.messages import catalogue
from scenario_runner.mock_pbx import RULES
from scenario_runner.reporters import reporter_names
from tests.docs.pages import PAGES, ROOT
from tests.docs.tables import TABLES, with_tables
from tests.running import run_steps

REFERENCE = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLUGIN = (ROOT / "scenario_runner/pytest_plugin.py").read_text(encoding="utf-8")
OWN_PAGES = {
    "mock": "docs/mock-server.md",
    "record": "docs/recording.md",
    "ui": "docs/how-to/ui.md",
    "load": "docs/how-to/load.md",
}


def keys(schema: Any) -> Iterator[str]:
    """Every key that a file of this schema may have."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in schema.values():
            yield from keys(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from keys(item)


def keys_of(name: str) -> set[str]:
    return set(keys(json.loads((ROOT / f"schemas/{name}.schema.json").read_text())))


def options_of(name: str) -> Iterator[str]:
    """The options of a command, as they are typed; those that print the help are everywhere."""
    command = scenario_runner.get_command(click.Context(scenario_runner), name)
    assert command is not None
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield from (*parameter.opts, *parameter.secondary_opts)


def said(word: str, text: str) -> bool:
    """Whether the text has the word as code, alone or as a key."""
    return re.search(rf"`[^`\n]*(?<![\w-]){re.escape(word)}(?![\w-])[^`\n]*`", text) is not None


@pytest.mark.parametrize("key", sorted(keys_of("scenario") | keys_of("fragment")))
def test_every_key_of_the_schemas_stands_in_the_reference(key: str) -> None:
    assert said(key, REFERENCE)


@pytest.mark.parametrize(
    "word", [str(w) for kind in (Reason, CallState, EventType, Capability, Verdict) for w in kind]
)
def test_every_word_of_the_language_stands_in_the_reference(word: str) -> None:
    assert said(word, REFERENCE)


def test_every_field_of_the_mocks_events_stands_in_the_reference_and_in_the_schema() -> None:
    ran = run_steps("  - hangup: {call: customer}\n  - event: {type: hangup, call: customer}\n")
    fields = {name for event in ran.of(PbxReported) for name, _ in event.details}
    assert len(fields) > 12
    schema = (ROOT / "schemas/scenario.schema.json").read_text(encoding="utf-8")
    assert {name for name in fields if not said(name, REFERENCE) or name not in schema} == set()


@pytest.mark.parametrize("word", MATCHER_WORDS)
def test_every_matcher_has_a_row_in_the_reference(word: str) -> None:
    assert re.search(rf"^\| `{word}[`:]", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("page", [REFERENCE, README], ids=["reference", "README"])
def test_every_exit_code_has_a_row(page: str) -> None:
    rows = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert rows == {int(code) for code in Exit}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_stands_in_the_readme(command: str) -> None:
    assert re.search(rf"^\| `scenario-runner {command}\b", README, re.MULTILINE)


@pytest.mark.parametrize("command", re.findall(r"^\| `scenario-runner (\w+)", README, re.M))
def test_every_command_of_the_readme_exists(command: str) -> None:
    assert command in COMMANDS


OPTIONS = sorted((name, option) for name in COMMANDS for option in options_of(name))


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_every_option_of_a_command_stands_in_the_reference_or_its_page(
    command: str, option: str
) -> None:
    page = ROOT / OWN_PAGES[command] if command in OWN_PAGES else ROOT / "docs/reference.md"
    assert said(option, page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[a-z][a-z-]+)", REFERENCE))))
def test_every_option_of_the_reference_exists(option: str) -> None:
    assert option in {known for _, known in OPTIONS}


@pytest.mark.parametrize("key", sorted(keys_of("targets") - {"targets", "default", *Reason}))
def test_every_setting_of_a_target_stands_on_a_page(key: str) -> None:
    pages = ("docs/how-to/targets.md", "docs/asterisk.md", "docs/freeswitch.md")
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in pages]
    assert any(said(key, text) or re.search(rf"^ +{key}:", text, re.M) for text in texts)


@pytest.mark.parametrize("option", re.findall(r'"(--scenario-[a-z-]+)"', PLUGIN))
def test_every_option_of_the_pytest_plugin_stands_on_its_page(option: str) -> None:
    assert said(option, (ROOT / "docs/how-to/pytest.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", reporter_names())
def test_every_report_stands_on_the_page_of_reports(name: str) -> None:
    told = {"console": "terminal", "github": "GitHub Actions", "summary": "summary"}
    page = (ROOT / "docs/how-to/reports.md").read_text(encoding="utf-8")
    assert told[name] in page if name in told else said(f"--{name}", page)


def test_every_benchmark_stands_on_the_page_of_performance() -> None:
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `benchmarks/(\w+)\.py`", page, re.MULTILINE))
    there = {file.stem for file in (ROOT / "benchmarks").glob("*.py")}
    assert told == there - {"bare_uvicorn"}  # the yardstick of mock_server


def test_the_floors_are_told_as_they_are() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [re.findall(r"\w+", layer) for layer in contracts["contracts"][0]["layers"]]
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = page[page.index("| floor |") : page.index("## Seams")]
    cells = re.findall(r"^\|([^|]+)\|", table, re.MULTILINE)
    rows = [re.findall(r"`(\w+)`", cell) for cell in cells]
    assert [sorted(row) for row in rows if row] == [sorted(floor) for floor in layers[1:]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_readme_leads_to_every_page(page: Path) -> None:
    assert page.name == "README.md" or f"]({page.relative_to(ROOT).as_posix()})" in README


def test_every_code_stands_in_the_reference() -> None:
    section = REFERENCE[REFERENCE.index("## Codes of problems") :]
    assert set(re.findall(r"^- `([a-z0-9-]+)`", section, re.MULTILINE)) == set(catalogue())


def test_the_tables_of_the_reference_are_those_of_the_language(
    golden: Callable[[Path, str], None],
) -> None:
    golden(ROOT / "docs/reference.md", with_tables(REFERENCE))
    assert set(re.findall(r"<!-- table: (\w+) -->", REFERENCE)) == set(TABLES)


def test_the_rules_of_the_mock_are_told_as_they_are(golden: Callable[[Path, str], None]) -> None:
    page = ROOT / "docs/rules.md"
    head, _, rest = page.read_text(encoding="utf-8").partition("| rule |")
    after = rest.partition("\n\n")[2]
    golden(page, f"{head}{rules_table()}\n{after}")


def rules_table() -> str:
    """Return the table of the mock's rules."""
    rows = ["| rule | what the PBX does | source |", "|---|---|---|"]
    for rule in RULES:
        word = f"documented; assumed: {rule.assumed}" if rule.assumed else rule.source
        rows.append(f"| `{rule.id}` | {rule.says} | {word} |")
    return "\n".join(rows) + "\n"


def test_the_tutorial_walks_through_every_example_in_order() -> None:
    tutorial = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\(\.\./examples/([^/)]+)\)", tutorial)
    assert linked == sorted(file.name for file in (ROOT / "examples").glob("*.yaml"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_plain_text_of_this_project(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"/work\b", text)
    assert "/tmp" not in text
    assert not re.search(r"[ \t]$", text, re.MULTILINE)
