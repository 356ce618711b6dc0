from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenario_runner.loading.documents import LoadOptions, load, load_text
from scenario_runner.loading.messages import catalogue

PACKAGE = Path(__file__).parents[2] / "scenario_runner" / "loading"
CODES = catalogue()
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


def test_every_entry_is_read() -> None:
    text = (PACKAGE / "codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^## ([a-z0-9-]+)", text, re.MULTILINE) == list(CODES)


MESSAGES = {
    f"{code}.{word}".removesuffix("."): message
    for code, entry in CODES.items()
    for word, message in entry.messages.items()
}


def calls() -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Every `say` in the loader: the messages it may be about, and the values it is given."""
    for file in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                named = {
                    one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)
                }
                given = {keyword.arg for keyword in node.keywords if keyword.arg}
                yield frozenset(map(str, named)), frozenset(given)


def strings() -> set[str]:
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in PACKAGE.glob("*.py")]
    return {
        one.value
        for tree in trees
        for one in ast.walk(tree)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }


def test_every_message_is_said_somewhere() -> None:
    assert MESSAGES.keys() <= strings()


SHOWN = {"name"}
"""In braces also where a hint shows `${name}` as it is written."""


def fields(text: str | None) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text or ""))


@pytest.mark.parametrize(("named", "given"), sorted(calls(), key=str))
def test_a_message_is_given_a_value_for_each_of_its_fields(
    named: frozenset[str], given: frozenset[str]
) -> None:
    for name in named:
        message = MESSAGES[name]
        wanted = fields(message.text)
        if "hint" not in given:
            wanted |= fields(message.hint) - (SHOWN - given)
        assert wanted <= given <= {*wanted, *fields(message.hint), "hint"}
