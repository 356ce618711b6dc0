from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scenario_runner.errors import InvalidFiles, UsageError
from scenario_runner.language.actions import Use
from scenario_runner.loading.documents import LoadOptions, load
from scenario_runner.loading.files import find_files, parse_var, read_var_file

if TYPE_CHECKING:
    from pathlib import Path

GOOD = (
    'scenario: A\nsteps:\n  - call: {as: customer, extension: 341, from: "+78120000443"}\n'
    "  - slots: {call: customer, slot: 6}\n    expect: {empty: true}\n"
)


def test_directories_are_searched_in_order(tmp_path: Path) -> None:
    for name in ("b.scenario.yaml", "a/z.scenario.yml", ".git/x.scenario.yaml", "a/notes.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    odd = tmp_path / "a" / "notes.yaml"
    found = find_files([str(tmp_path), str(odd), str(tmp_path / "b.scenario.yaml")])
    assert found == tuple(
        str(tmp_path / name) for name in ("a/z.scenario.yml", "b.scenario.yaml", "a/notes.yaml")
    )


def test_a_missing_path_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "parking.scenario.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        find_files([str(tmp_path / "parkin.scenario.yaml")])
    assert caught.value.hint == "did you mean 'parking.scenario.yaml'?"
    with pytest.raises(UsageError):
        find_files([str(tmp_path / "nowhere" / "a.yaml")])


def test_files_are_loaded_when_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "a.scenario.yaml"
    loaded = load([str(file)], LoadOptions())
    file.write_text(GOOD, encoding="utf-8")
    assert next(loaded).scenarios[0].id == f"{file}::A"


def codes(path: Path) -> list[str]:
    (loaded,) = load([str(path)], LoadOptions())
    assert not loaded.scenarios
    return [problem.code for problem in loaded.problems]


def test_what_is_no_file_of_text(tmp_path: Path) -> None:
    assert codes(tmp_path) == ["unreadable"]
    assert codes(tmp_path / "missing") == ["unreadable"]
    huge = tmp_path / "huge.scenario.yaml"
    with huge.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    assert codes(huge) == ["too-large"]


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="the administrator may read everything"
)
def test_a_file_without_permission(tmp_path: Path) -> None:
    file = tmp_path / "a.scenario.yaml"
    file.write_text(GOOD, encoding="utf-8")
    file.chmod(0)
    assert codes(file) == ["unreadable"]


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("slot=6", "slot", 6),
        ("code=0701", "code", "0701"),
        ("empty=", "empty", ""),
        ("url=http://a=b", "url", "http://a=b"),
        ("on=true", "on", True),
        ("star=*68", "star", "*68"),
    ],
)
def test_variables_of_the_command_line(text: str, name: str, value: object) -> None:
    assert parse_var(text) == (name, value)


@pytest.mark.parametrize("text", ["slot", "=6", "2x=1", "my-slot=1"])
def test_what_is_no_variable(text: str) -> None:
    with pytest.raises(UsageError):
        parse_var(text)


def test_files_of_variables(tmp_path: Path) -> None:
    file = tmp_path / "vars.yaml"
    file.write_text("slot: 6\ncode: 0701\nlist: [1, {a: x}]\n", encoding="utf-8")
    assert read_var_file(str(file)) == (("slot", 6), ("code", "0701"), ("list", [1, {"a": "x"}]))
    for text in ("- 1\n", "", "my-slot: 6\n", "a: 1\n---\nb: 2\n"):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError):
            read_var_file(str(file))
    for text in ("a: [\n", "a: 1\na: 2\n", "a:\n"):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(InvalidFiles):
            read_var_file(str(file))
    with pytest.raises(UsageError):
        read_var_file(str(tmp_path / "missing.yaml"))


PART = """\
fragment: A parked customer
params:
  slot: {type: integer, default: 6}
exports: [customer, who]
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - park: {call: customer, slot: $slot}
  - slots: {call: customer, slot: $slot}
    expect: {holds: customer}
    save: {who: uuid}
"""
USES = """\
scenario: Two parked customers
vars: {second_slot: 8}
steps:
  - use: {file: parts/parked.yaml, exports: {customer: first, who: first_uuid}}
  - use: {file: parts/parked.yaml, with: {slot: $second_slot}, exports: {customer: second}}
  - check: {that: $first_uuid, not: $second.uuid}
  - calls: {call: first}
    expect: {state: parked}
"""


def test_fragments_are_read_once_and_used_twice(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "parked.yaml").write_text(PART, encoding="utf-8")
    file = tmp_path / "a.scenario.yaml"
    file.write_text(USES, encoding="utf-8")
    (loaded,) = load([str(file)], LoadOptions(root=str(tmp_path)))
    assert loaded.problems == ()
    first, second = loaded.scenarios[0].steps[:2]
    assert isinstance(first.action, Use)
    assert isinstance(second.action, Use)
    assert first.action.fragment is second.action.fragment
    assert loaded.scenarios[0].needs.literal_slots == ("6", "8")
    assert [source.file for source in loaded.scenarios[0].sources] == [
        str(file),
        str(tmp_path / "parts" / "parked.yaml"),
    ]


def test_links_do_not_lead_out_of_the_root(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    for folder in (outside, inside):
        folder.mkdir()
    (outside / "parked.yaml").write_text(PART, encoding="utf-8")
    (inside / "parts").symlink_to(outside)
    file = inside / "a.scenario.yaml"
    file.write_text(USES, encoding="utf-8")
    (loaded,) = load([str(file)], LoadOptions(root=str(inside)))
    assert {problem.code for problem in loaded.problems} == {"outside-root"}


def test_importing_the_loader_is_cheap() -> None:
    code = "import sys, scenario_runner.loading; print('jsonschema' in sys.modules, 'ruamel.yaml' in sys.modules)"  # noqa: E501
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]


def test_deep_repeats_are_no_trouble(tmp_path: Path) -> None:
    text, indent = "scenario: A\nsteps:\n", "  "
    for _ in range(24):
        text += f"{indent}- repeat:\n{indent}    times: 1\n{indent}    steps:\n"
        indent += "      "
    text += f"{indent}- check: {{that: $target.name, equals: x}}\n"
    file = tmp_path / "deep.scenario.yaml"
    file.write_text(text, encoding="utf-8")
    (loaded,) = load([str(file)], LoadOptions())
    assert loaded.problems == ()
