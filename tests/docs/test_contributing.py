"""CONTRIBUTING.md, noxfile.py and the hooks name what is there."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest
from ruamel.yaml import YAML

from tests.docs.pages import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
FOLDERS = "scenario_runner|tests|docs|examples"
CODE = re.findall(r"`([^`\n]+)`", PAGE)


def noxfile() -> ast.Module:
    return ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))


def sessions() -> set[str]:
    functions = [node for node in noxfile().body if isinstance(node, ast.FunctionDef)]
    return {f.name for f in functions if any("session" in ast.unparse(d) for d in f.decorator_list)}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=\[]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("path", [c for c in CODE if re.match(rf"({FOLDERS})(/|$)", c)])
def test_every_place_it_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_it_names_every_session_of_nox_and_no_other() -> None:
    assert set(re.findall(r"nox -s (\w+)", PAGE)) == sessions()


def test_it_names_every_marker_of_pytest_and_no_other() -> None:
    markers = {line.split(":")[0] for line in PROJECT["tool"]["pytest"]["ini_options"]["markers"]}
    sentence = PAGE[PAGE.index("Tests are marked") :].split(" where", 1)[0]
    assert set(re.findall(r"`(\w+)`", sentence)) == markers


def test_the_inner_loop_runs_the_parts_that_it_names() -> None:
    (core,) = (n.value for n in noxfile().body
               if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "CORE")  # fmt: skip
    row = PAGE[PAGE.index("| `nox -s fast` ") :].split("\n", 1)[0]
    assert [f"tests/{part}" for part in ast.literal_eval(core)] == re.findall(r"`(tests/\w+)`", row)


def test_the_hooks_are_local_and_run_what_the_light_extra_brings() -> None:
    config = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    tools = {hook["entry"].split()[0] for hook in config["repos"][0]["hooks"]}
    assert tools == {"ruff", "mypy", "lint-imports"}
    assert {"ruff", "mypy", "import-linter", "nox", "pytest"} <= names(EXTRAS["dev"])


def test_the_full_extra_brings_the_light_one_too_and_the_readme_installs_it() -> None:
    assert "scenario-runner[dev,ui]" in EXTRAS["dev-full"]
    assert '-e ".[dev-full]"' in (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_is_new_at_the_top_is_in_the_source_distribution() -> None:
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert all((ROOT / path).exists() for path in included)
    for name in ("CONTRIBUTING.md", "noxfile.py", ".pre-commit-config.yaml", ".ci", "benchmarks"):
        assert name in included
