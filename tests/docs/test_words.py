"""Messages, help and pages are plain English: words that nobody would say today stay out."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from scenario_runner.cli import COMMANDS, scenario_runner
from tests.docs.pages import PAGES, ROOT

STIFF = re.compile(
    r"\b(?<!there )is no (?:key|call|duration|number|path|reason|state|driver|fragment|address)\b"
    r"|stands here twice|[Nn]othing is said|[Nn]obody said|whose word|\bheed|left to chance"
    r"|(?<!\{)\b[Mm]end(?:s|ed)?\b"
)
MESSAGES = [
    ROOT / "scenario_runner/loading/codes.md",
    *sorted((ROOT / "tests").rglob("*.err")),
    *sorted((ROOT / "schemas").glob("*.json")),
]


@pytest.mark.parametrize("file", [*PAGES, *MESSAGES], ids=lambda file: file.name)
def test_no_stiff_word_stands_in_a_page_or_message(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert [match[0] for match in STIFF.finditer(text)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_nor_in_the_help_of_a_command(name: str) -> None:
    context = click.Context(scenario_runner)
    command = scenario_runner.get_command(context, name)
    assert command is not None
    said = command.get_help(click.Context(command, parent=context))
    assert STIFF.findall(said) == []
