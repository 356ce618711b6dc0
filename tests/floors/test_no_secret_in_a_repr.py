"""A secret in a field is in no repr: reprs end in tracebacks, logs and failed asserts."""

from __future__ import annotations

import dataclasses
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest
from msgspec import Struct

import scenario_runner

_SECRET = re.compile(r"password|secret$|^token$|^proxy$")
_OPTIONAL = ("scenario_runner.__main__",)


def _classes() -> Iterator[type]:
    for found in pkgutil.walk_packages(scenario_runner.__path__, "scenario_runner."):
        if found.name not in _OPTIONAL:
            module = _imported(found.name)
            yield from (
                one
                for one in (vars(module).values() if module else ())
                if isinstance(one, type) and one.__module__ == found.name
            )


def _imported(name: str) -> ModuleType | None:
    """Import a module; None where it needs an extra that is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("scenario_runner"):
            raise
        return None


def _fields(kind: type) -> tuple[str, ...]:
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    return tuple(getattr(kind, "__struct_fields__", getattr(kind, "_fields", ())))


HOLDERS = [kind for kind in _classes() if any(map(_SECRET.search, _fields(kind)))]


def test_there_are_such_classes() -> None:
    assert {kind.__name__ for kind in HOLDERS} >= {"RestAccess", "Credentials"}


@pytest.mark.parametrize("kind", HOLDERS, ids=lambda kind: kind.__qualname__)
def test_no_secret_in_a_repr(kind: type) -> None:
    values = {name: "hunter2" if _SECRET.search(name) else name for name in _fields(kind)}
    assert "hunter2" not in repr(_made(kind, values))


def _made(kind: type, values: dict[str, str]) -> object:
    """Make one without its own checks; settings are Structs that hide a secret on being made."""
    if issubclass(kind, (Struct, tuple)):
        return kind(**values)
    made = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made
