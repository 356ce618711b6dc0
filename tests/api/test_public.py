"""The public interface: its names and signatures are pinned, and importing it costs nothing."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import scenario_runner
from scenario_runner import api

HERE = Path(__file__).parent
NAMES = sorted(name for name in vars(api) if name[0].isalpha())


def _members(kind: type) -> list[str]:
    members = inspect.getmembers(kind, lambda one: inspect.isfunction(one) or _is_property(one))
    return [f"    {name}{_signature(one)}" for name, one in members if not name.startswith("_")]


def _is_property(one: object) -> bool:
    return isinstance(one, property)


def _signature(one: object) -> str:
    """Write the parameters by name; `=` marks those that need not be given."""
    if not callable(one):
        return ""
    parameters = inspect.signature(one).parameters.values()
    empty = inspect.Parameter.empty
    return f"({', '.join(one.name + '=' * (one.default is not empty) for one in parameters)})"


def _told(name: str) -> list[str]:
    one = getattr(scenario_runner, name)
    if inspect.isclass(one) and issubclass(one, Exception):
        return [f"{name}({one.__mro__[1].__name__})", *_members(one)]
    if inspect.isclass(one) and hasattr(one, "__members__"):
        return [f"{name}: {', '.join(one.__members__)}"]
    if inspect.isclass(one):
        protocol = getattr(one, "_is_protocol", False)
        head = f"{name}: protocol" if protocol else f"{name}{_signature(one)}"
        return [head, *_members(one)]
    return [f"{name}{_signature(one)}" if inspect.isfunction(one) else name]


def test_names_and_signatures_are_pinned(golden: Callable[[Path, str], None]) -> None:
    lines = [line for name in ["__version__", *NAMES] for line in _told(name)]
    golden(HERE / "public.txt", "\n".join(lines) + "\n")


def test_every_name_is_there_and_described() -> None:
    assert set(NAMES) <= set(dir(scenario_runner))
    for name in NAMES:
        one = getattr(scenario_runner, name)
        assert not callable(one) or name in ("Event", "Outcome") or inspect.getdoc(one), name


def test_a_name_that_is_none_is_refused() -> None:
    assert not hasattr(scenario_runner, "lode")


def test_importing_the_package_imports_next_to_nothing() -> None:
    code = "import sys, scenario_runner; print(*(n for n in sys.modules if '.' not in n))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"asyncio", "click", "dataclasses", "httpx", "jsonschema", "rich", "ruamel", "uvicorn"}
    assert not heavy & set(loaded)
