"""Reads the shipped JSON Schemas and applies them; the only user of jsonschema."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

    from scenario_runner.references import Json

_PACKAGE = Path(__file__).resolve().parent.parent
FOLDERS = (_PACKAGE / "schemas", _PACKAGE.parent / "schemas")


def schema_text(name: str) -> str:
    """Return the text of `NAME.schema.json`: the packaged copy, else the checkout's.

    Raises FileNotFoundError for a name that is none; see `schema_names`.
    """
    for folder in FOLDERS:
        file = folder / f"{name}.schema.json"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise FileNotFoundError(f"there is no schema '{name}'")


def schema_names() -> tuple[str, ...]:
    """The names of all shipped schemas, sorted."""
    found = (file for folder in FOLDERS for file in folder.glob("*.schema.json"))
    return tuple(sorted({file.name.removesuffix(".schema.json") for file in found}))


def violations(name: str, data: Json) -> Iterable[ValidationError]:
    """Everything in `data` that the schema does not allow."""
    return _validator(name).iter_errors(data)


@cache
def _validator(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # takes a while: only when a file is loaded

    return Draft202012Validator(_Inliner().schema(name))


class _Inliner:
    """Replaces every `$ref` by what it refers to, so that no look-up is left for validation.

    Schemas that contain themselves (a step within `repeat`) become dicts that do.
    """

    def __init__(self) -> None:
        self._read: dict[str, dict[str, Any]] = {}
        self._known: dict[tuple[str, str], dict[str, Any]] = {}
        self._refers: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def schema(self, name: str) -> dict[str, Any]:
        """Return the schema without any `$ref` and without its definitions."""
        whole = self._whole(name)
        kept = {key: part for key, part in whole.items() if key not in _NAMING}
        copied = self._copy(name, kept, {})
        while self._refers:
            part, target = self._refers.pop()
            self._fill(part, target)
        return copied

    def _whole(self, name: str) -> dict[str, Any]:
        if name not in self._read:
            self._read[name] = json.loads(schema_text(name))
        return self._read[name]

    def _copy(self, name: str, part: dict[str, Any], into: dict[str, Any]) -> dict[str, Any]:
        for key, value in part.items():
            if key == "$ref":
                self._refers.append((into, self._definition(name, value)))
            else:
                into[key] = self._value(name, key, value)
        return into

    def _value(self, name: str, key: str, value: Any) -> Any:  # noqa: ANN401 -- any JSON
        if key == "properties":
            return {inner: self._copy(name, part, {}) for inner, part in value.items()}
        if key in _SUBSCHEMAS and isinstance(value, dict):
            return self._copy(name, value, {})
        if key == "allOf":
            return [self._copy(name, part, {}) for part in value]
        return value

    def _definition(self, name: str, ref: str) -> dict[str, Any]:
        file, _, word = ref.partition("#/$defs/")
        home = file.removesuffix(".schema.json") or name
        if (home, word) not in self._known:
            self._known[home, word] = {}
            self._copy(home, self._whole(home)["$defs"][word], self._known[home, word])
        return self._known[home, word]

    def _fill(self, part: dict[str, Any], target: dict[str, Any]) -> None:
        """Put into `part` what it refers to, after what `target` itself refers to is there."""
        for other in [one for one in self._refers if one[0] is target]:
            self._refers.remove(other)
            self._fill(*other)
        for key, value in target.items():
            part.setdefault(key, value)


_NAMING = ("$schema", "$id", "$defs")
_SUBSCHEMAS = ("items", "additionalProperties", "propertyNames", "if", "then")
