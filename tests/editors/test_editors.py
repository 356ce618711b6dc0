"""What an editor shows for a scenario file comes from our schemas: asked of a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_runner.cli import COMMANDS
from tests.editors.language_server import LanguageServer, serving

VERSION = "1.25.0"
SCHEMAS = Path(__file__).parents[2] / "schemas"

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
]


def _installed() -> Path:
    """Return the folder where npm installed the server; installed once for all test runs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "scenario-runner-tests" / f"yaml-language-server-{VERSION}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = tempfile.mkdtemp(dir=folder.parent)
        install = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", aside]
        subprocess.run([*install, f"yaml-language-server@{VERSION}"], check=True, timeout=300)
        try:
            Path(aside).rename(folder)
        except OSError:
            shutil.rmtree(aside)  # another worker was faster
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LanguageServer]:
    program = _installed() / "node_modules/yaml-language-server/bin/yaml-language-server"
    with serving(["node", str(program), "--stdio"], tmp_path) as running:
        yield running


def _file(folder: Path, text: str, schema: str = "scenario") -> Path:
    path = folder / f"one.{schema}.yaml"
    modeline = f"# yaml-language-server: $schema={(SCHEMAS / schema).as_uri()}.schema.json\n"
    path.write_text(modeline + text)
    return path


PARKED = """scenario: Park
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: 6}
  - slots: {call: customer, slot: 6}
    expect: {holds: customer}
"""


def test_a_valid_file_has_no_marks(server: LanguageServer, tmp_path: Path) -> None:
    assert server.open(_file(tmp_path, PARKED)) == []


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("- park:", "- prk:", 5),
        ("slot: 6}\n  - slots", "slott: 6}\n  - slots", 5),
        ("expect:", "exspect:", 7),
        ("scenario: Park", "scenario: Park\ntagss: [a]", 3),
    ],
)
def test_a_misspelt_key_is_marked_where_it_stands(
    server: LanguageServer, tmp_path: Path, right: str, wrong: str, line: int
) -> None:
    found = server.open(_file(tmp_path, PARKED.replace(right, wrong)))
    assert line in {problem["range"]["start"]["line"] + 1 for problem in found}


def test_actions_and_keys_of_a_step_are_offered_with_explanations(
    server: LanguageServer, tmp_path: Path
) -> None:
    server.open(_file(tmp_path, PARKED + "  - \n"))
    offered = server.completions(8, 5)
    assert {"call", "park", "slots", "bridge", "hangup", "wait", "together", "use"} <= set(offered)
    assert {"name", "expect", "within", "save"} <= set(offered)
    assert all(offered[word] for word in ("park", "bridge", "expect"))


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (PARKED + "  - park:\n      \n", (9, 7), {"call", "slot", "extension"}),
        ("scenario: Park\n\n", (3, 1), {"description", "tags", "vars", "steps", "cleanup"}),
    ],
)
def test_keys_are_offered_where_they_may_stand(
    server: LanguageServer, tmp_path: Path, text: str, place: tuple[int, int], words: set[str]
) -> None:
    server.open(_file(tmp_path, text))
    assert words <= set(server.completions(*place))


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [(2, 3, "name"), (5, 6, "slot"), (7, 7, "expect"), (7, 15, "slot")],
)
def test_a_key_explains_itself(
    server: LanguageServer, tmp_path: Path, line: int, column: int, words: str
) -> None:
    server.open(_file(tmp_path, PARKED))
    assert words in server.hover(line, column).lower()


def test_a_targets_file_is_served_too(server: LanguageServer, tmp_path: Path) -> None:
    text = "default: mock\ntargets:\n  mock:\n    driver: mock\n    slotz: 20\n"
    found = server.open(_file(tmp_path, text, "targets"))
    assert [problem["range"]["start"]["line"] + 1 for problem in found] == [6]


def test_the_pre_commit_hook_names_a_command_that_is_there() -> None:
    text = (SCHEMAS.parent / ".pre-commit-hooks.yaml").read_text()
    assert "entry: scenario-runner validate --ignore-others\n" in text
    assert "validate" in COMMANDS
