"""JSON Schemas of what may stand in a file, made from the declarations.

Run as a module it writes those that stand in `schemas/` for editors: they share definitions by
`$ref` and say of every key what it means. Those that files are checked with are flat: they have
neither, and a step that holds steps is a dict that contains itself.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from scenario_runner.language.actions import ACTIONS, FRAGMENT
from scenario_runner.language.expectations import ExpectationBase
from scenario_runner.language.facts import ActionBase, Part
from scenario_runner.language.kinds import Kind, Shape, Word, by_word, keys_of, sentences
from scenario_runner.language.scenario import SCENARIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE = Path(__file__).resolve().parent.parent
FOLDERS = (_PACKAGE / "schemas", _PACKAGE.parent / "schemas")
_HOME = "scenario"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
DERIVED = {"scenario": SCENARIO, "fragment": FRAGMENT}


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


def written(name: str, kind: Kind) -> str:
    """Return the text of `NAME.schema.json`, for files of a kind."""
    return json.dumps(_Written(name).whole(kind), indent=2, ensure_ascii=False) + "\n"


@cache
def flat(kind: Kind) -> Schema:
    """Return the schema that files of a kind are checked with."""
    return _Flat().whole(kind)


def places(part: Part) -> tuple[str, ...]:
    """The actions that bring a part back, as messages and pages name them."""
    return tuple(
        f"'{action.word}' {action.which}".strip()
        for action in ACTIONS
        if part in action.facts.parts
    )


def sentence(group: tuple[type[Word], ...]) -> str:
    """Say what a word means to an editor; the group are all declarations of the word."""
    first = group[0]
    if issubclass(first, ActionBase):
        said = [lower(one.sentence()).removesuffix(".") for one in group]
        return f"Action: {', or '.join(said)}."
    if issubclass(first, ExpectationBase):
        return " ".join(
            f"On {' and '.join(where)}: {lower(said)}" if where else said
            for one in group
            if issubclass(one, ExpectationBase)
            for where, said in meanings(one)
        )
    return first.sentence()


def meanings(expectation: type[ExpectationBase]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what must hold, and of which actions; none are named where it is of nearly all."""
    for said in dict.fromkeys(_said(expectation, part) for part in expectation.parts):
        parts = [part for part in expectation.parts if _said(expectation, part) == said]
        if Part.ANSWER in parts or Part.MOMENT in parts:
            yield (), said
        else:
            yield tuple(place for part in parts for place in places(part)), said


def _said(expectation: type[ExpectationBase], part: Part) -> str:
    return expectation.sentences.get(part, expectation.sentence())


def lower(text: str) -> str:
    """Begin a sentence with a small letter."""
    return text[:1].lower() + text[1:]


def value_of(group: tuple[type[Word], ...]) -> Kind:
    """Return the kind of what stands under a word."""
    first, said = group[0], sentence(group)
    keys = keys_of(first)
    if first.kind is not None or first.shape is Shape.VALUE:
        kind = (first.kind or keys[0].kind)(said)
        return replace(kind, shared=first.shared) if not kind.base else kind
    if first.shape is Shape.EACH:
        schema = {"type": "object", "minProperties": 1, "additionalProperties": keys[1].kind}
        return Kind(name="each", noun=first.noun, sentence=said, schema=schema)
    return Kind(
        name="map",
        noun=first.noun,
        sentence=said,
        schema={"type": "object", **first.schema},
        of=lambda: group,
        unknown_key=first.unknown_key,
        other_keys=first.other_keys,
    )


def properties(kind: Kind) -> dict[str, Kind]:
    """Return the kinds of all keys that a map of this kind may have, in their order."""
    found = {word: value_of(group) for word, group in by_word(kind.choices()).items()}
    for declaration in kind.of():
        said = sentences(declaration)
        own: dict[str, Kind] = {}
        for key in keys_of(declaration):
            if key.kind.spread:
                own |= properties(key.kind)
            else:
                own.pop(key.word, None)
                own[key.word] = key.kind
        for word, inner in own.items():
            found.setdefault(word, inner(said[word]) if word in said else inner)
    return found


def explained(kind: Kind) -> str:
    """Return the sentence of a kind, with the words that may be chosen there."""
    if "{words}" not in kind.sentence:
        return kind.sentence
    return kind.sentence.replace("{words}", ", ".join(properties(kind)))


def required(kind: Kind) -> list[str]:
    """Return the keys that must be there, whatever the map turns out to be."""
    each = [[key.word for key in keys_of(one) if key.required] for one in kind.of()]
    return [word for word in each[0] if all(word in one for one in each)] if each else []


class _Builder:
    """Makes the schema of a kind; what is shared is made once."""

    def __init__(self) -> None:
        self.shared: dict[str, dict[str, Any]] = {}

    def schema(self, kind: Kind) -> dict[str, Any]:
        """Return the schema of a kind."""
        if not kind.shared:
            return self._filled(self.named(kind), kind)
        base = kind.base or kind
        if base.shared not in self.shared:
            self.shared[base.shared] = self.named(base)
            self._filled(self.shared[base.shared], base)
        return self.shared_as(kind, base)

    def named(self, kind: Kind) -> dict[str, Any]:
        """Return a schema that says nothing yet but what it is of."""
        raise NotImplementedError

    def shared_as(self, kind: Kind, base: Kind) -> dict[str, Any]:
        """Return a schema that says what that of the base does, in the words of a kind."""
        raise NotImplementedError

    def _filled(self, schema: dict[str, Any], kind: Kind) -> dict[str, Any]:
        schema |= self.keywords(kind)
        keys = properties(kind)
        if keys:
            schema["properties"] = {word: self.schema(inner) for word, inner in keys.items()}
            if required(kind):
                schema["required"] = required(kind)
            schema["additionalProperties"] = False
        return schema

    def keywords(self, kind: Kind) -> dict[str, Any]:
        """Return the keywords of a kind, with schemas for the kinds in them."""
        return {word: self._value(value) for word, value in kind.schema.items()}

    def _value(self, value: Any) -> Any:  # noqa: ANN401 -- any JSON, with kinds in it
        match value:
            case Kind():
                return self.schema(value)
            case dict():
                return {word: self._value(inner) for word, inner in value.items()}
            case list():
                return [self._value(inner) for inner in value]
            case _:
                return value


class _Written(_Builder):
    """Makes a schema for editors: with titles, descriptions, `$ref` and `$defs`.

    What is among the definitions of scenarios is referred to there by all other schemas.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._home = {} if name == _HOME else _Written(_HOME).whole(SCENARIO)["$defs"]

    def whole(self, kind: Kind) -> dict[str, Any]:
        """Return the schema of a file."""
        made = self.schema(kind)
        whole = {"$schema": _DIALECT, "$id": f"{self._name}.schema.json", **made}
        own = {word: part for word, part in self.shared.items() if word not in self._home}
        return {**whole, "$defs": own} if own else whole

    def named(self, kind: Kind) -> dict[str, Any]:
        said = {"title": kind.noun, "description": explained(kind)}
        return {word: text for word, text in said.items() if text}

    def shared_as(self, kind: Kind, base: Kind) -> dict[str, Any]:
        home = f"{_HOME}.schema.json" if base.shared in self._home else ""
        refer = {"$ref": f"{home}#/$defs/{base.shared}"}
        if kind is base:
            return refer
        before = self.named(base)
        said = {word: text for word, text in self.named(kind).items() if text != before.get(word)}
        return {**refer, **said, **self.keywords(kind)}


class Schema(dict[str, Any]):
    """A flat schema; it remembers what it is of."""

    kind: Kind


class _Flat(_Builder):
    """Makes a schema that files are checked with: every keyword in it is one to check.

    What is said of a shared schema is put in at the end, when that is complete: a step contains
    steps.
    """

    def __init__(self) -> None:
        super().__init__()
        self._unfinished: list[tuple[dict[str, Any], str]] = []

    def whole(self, kind: Kind) -> Schema:
        """Return the schema of a file."""
        made = self.schema(kind)
        for schema, shared in self._unfinished:
            for word, value in self.shared[shared].items():
                schema.setdefault(word, value)
        assert isinstance(made, Schema)
        return made

    def named(self, kind: Kind) -> dict[str, Any]:
        made = Schema()
        made.kind = kind
        return made

    def shared_as(self, kind: Kind, base: Kind) -> dict[str, Any]:
        if kind is base:
            return self.shared[base.shared]
        made = self.named(kind)
        made |= self.keywords(kind)
        self._unfinished.append((made, base.shared))
        return made

    def keywords(self, kind: Kind) -> dict[str, Any]:
        return {word: value for word, value in super().keywords(kind).items() if word != "examples"}


def write(folder: Path) -> None:
    """Write the schemas that are derived into a folder."""
    for name, kind in DERIVED.items():
        (folder / f"{name}.schema.json").write_text(written(name, kind), encoding="utf-8")


if __name__ == "__main__":
    write(FOLDERS[1])
