from __future__ import annotations

import re
from pathlib import Path

import pytest

from scenario_runner.loading.documents import LoadOptions, load, load_text
from scenario_runner.loading.explain import CODES

PACKAGE = Path(__file__).parents[2] / "scenario_runner" / "loading"
ABOUT_FILES = ("unreadable", "too-large", "not-utf8")
EXAMPLES = [code for code in CODES if code not in ABOUT_FILES]
PARTS = {
    "parked_customer": """\
fragment: A parked customer
params:
  slot: {type: integer, default: 6}
exports: [customer]
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: $slot}
""",
    "needs_slot": """\
fragment: A customer parked where you like
params:
  slot: {type: integer}
exports: [customer]
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: $slot}
""",
    "not_a_fragment": "scenario: No fragment\n",
    "broken": "fragment: Broken\nexports: [customer]\nsteps:\n  - prak: {call: x}\n",
    "again": "fragment: Again\nexports: [customer]\nsteps:\n  - use: {file: again.yaml}\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    for name, text in PARTS.items():
        (tmp_path / "parts" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def codes_of(text: str, root: Path) -> set[str]:
    loaded = load_text(text, str(root / "example.scenario.yaml"), LoadOptions(root=str(root)))
    return {problem.code for problem in loaded.problems}


@pytest.mark.parametrize("code", [code for code in EXAMPLES if code != "bad-fragment"])
def test_wrong_example_has_exactly_its_code(code: str, root: Path) -> None:
    assert codes_of(CODES[code].wrong, root) == {code}


@pytest.mark.parametrize("code", EXAMPLES)
def test_right_example_has_no_problem(code: str, root: Path) -> None:
    assert codes_of(CODES[code].right, root) == set()


def test_a_fragment_with_problems_is_told_once_and_refused_everywhere(root: Path) -> None:
    files = []
    for name in ("first", "second"):
        file = root / f"{name}.scenario.yaml"
        file.write_text(CODES["bad-fragment"].wrong, encoding="utf-8")
        files.append(str(file))
    first, second = load(files, LoadOptions(root=str(root)))
    assert [problem.code for problem in first.problems] == ["unknown-key"]
    assert [problem.code for problem in second.problems] == ["bad-fragment"]


def test_every_code_in_the_loader_is_explained() -> None:
    source = "".join(file.read_text(encoding="utf-8") for file in PACKAGE.glob("*.py"))
    called = re.findall(
        r"(?:\.problem|\.add|\.warn|\.fault|\.because|Unreadable)\(\s*\"([a-z0-9-]+)\"", source
    )
    assert len(set(called)) > 50
    assert set(called) <= CODES.keys()


def test_every_entry_is_read() -> None:
    text = (PACKAGE / "codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == list(CODES)
