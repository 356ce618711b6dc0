"""The architecture says how many files a change touches: the counts are those of its own words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.docs.test_walk_through import CHANGES

PACKAGE = ROOT / "scenario_runner"
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (an? [\w ]+) \| (\d+ \| .*) \|$", PAGE, re.MULTILINE))
BESIDE = ("pbx/tracked/", "loading/")
"""Where something of its own is put, or what it stands on; not edited."""


def touched(what: str) -> set[str]:
    """The files and folders that a row names."""
    paths = re.findall(r"`([\w./-]+(?:\.py|\.md|/))`", ROWS[what])
    return {path for path in paths if path not in BESIDE}


@pytest.mark.parametrize("what", ROWS)
def test_as_many_files_are_named_as_are_counted(what: str) -> None:
    assert len(touched(what)) == int(ROWS[what].split()[0]) <= 6
    for path in touched(what):
        assert (PACKAGE / path).exists() or (ROOT / path).exists(), path


def test_an_action_touches_what_the_walk_through_touches() -> None:
    made = {change.file.removeprefix("scenario_runner/") for change in CHANGES}
    assert {re.sub(r"^examples/.*", "examples/", file) for file in made} == touched("an action")


def test_an_expectation_and_a_matcher_are_known_where_it_says_and_nowhere_else() -> None:
    assert users("HeaderIs") == touched("an expectation") - {"examples/"}
    assert users("IsType") == touched("a matcher")


def test_a_command_to_the_pbx_is_carried_out_where_it_says() -> None:
    assert users("ParkCall") - {"api.py"} >= {
        path for path in touched("a command to the PBX") if "dialect" not in path
    }
    for path in ("pbx/asterisk/dialect.py", "pbx/freeswitch/dialect.py"):
        assert re.search(r"def \w*park", (PACKAGE / path).read_text(encoding="utf-8"))


def users(name: str) -> set[str]:
    """The modules of the package that know a name."""
    word = re.compile(rf"\b{name}\b")
    files = {file for file in PACKAGE.rglob("*.py") if word.search(_text(file))}
    return {file.relative_to(PACKAGE).as_posix() for file in files}


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
