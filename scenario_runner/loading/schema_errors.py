"""What jsonschema finds in a document: reported in our words, and kept for the reader.

Only the structure of an error counts: the keyword, its value in the schema, the path, the value in
the file. The English of jsonschema is never looked at.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from scenario_runner.errors import did_you_mean, nearest, suggestion
from scenario_runner.language import actions, matchers
from scenario_runner.language.expectations import EXPECT
from scenario_runner.language.kinds import DURATION, NAME, keys_of
from scenario_runner.language.schema import Schema, explained, flat
from scenario_runner.loading.messages import say
from scenario_runner.loading.nodes import (
    Leaf,
    Listing,
    Mapping,
    kind_of,
    node_at,
    place,
    text_of,
)
from scenario_runner.loading.pitfalls import glued
from scenario_runner.loading.reader import TRUTHS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

    from scenario_runner.language.kinds import Kind
    from scenario_runner.loading.messages import Message
    from scenario_runner.loading.nodes import Node, Problems
    from scenario_runner.loading.yaml import Document
    from scenario_runner.references import Path
    from scenario_runner.source import Span


class Violations:
    """What is wrong at a place of a document (`whole`, or some `unknown` keys), and below it.

    The reader goes down beside the nodes and takes out what it leaves alone for it; in the end
    none is left.
    """

    __slots__ = ("below", "unknown", "whole")

    def __init__(self) -> None:
        self.whole = False
        self.unknown: set[str] = set()
        self.below: dict[str | int, Violations] = {}

    def __bool__(self) -> bool:
        return self.whole or bool(self.unknown) or any(self.below.values())

    def into(self, key: str | int) -> Violations:
        """Return what is wrong below a key or index."""
        return self.below.get(key, _NONE)

    def at(self, path: Path) -> Violations:
        """Return the place where what is wrong at a path is kept."""
        here = self
        for step in path:
            here = here.below.setdefault(step, Violations())
        return here

    def clear(self) -> None:
        """Take out everything, here and below."""
        self.take_own()
        self.below.clear()

    def take_own(self) -> set[str]:
        """Take out what is wrong here, and return the unknown keys."""
        unknown, self.unknown, self.whole = self.unknown, set(), False
        return unknown

    def outside(self, steps_at: tuple[str, ...] | None) -> bool:
        """Whether something is wrong here or below, but for steps that stand at `steps_at`.

        With an empty `steps_at` all that is below is looked at by itself; None: there is no such
        place.
        """
        if steps_at is None or self.whole:
            return bool(self)
        if not steps_at:
            return False
        first, *rest = steps_at
        others = (one for key, one in self.below.items() if key != first)
        return bool(self.unknown) or any(others) or self.into(first).outside(tuple(rest))


_NONE = Violations()


class Violation:
    """One thing that the schema does not allow, and the node it is about."""

    def __init__(self, error: ValidationError, root: Node, path: Path) -> None:
        self.path = path
        self.keyword = str(error.validator)
        self.limit: Any = error.validator_value
        assert isinstance(error.schema, Schema)
        self.schema = error.schema
        self.kind = error.schema.kind
        self.node = node_at(root, path)
        self.span: Span = place(root, path)
        self.text = str(error.instance)
        if "propertyNames" in error.schema_path and isinstance(self.node, Mapping):
            self.span = self.node.keys[self.text]

    @property
    def subject(self) -> str:
        """What the value is called: its key in quotes, or what its kind is called."""
        last = self.path[-1] if self.path else None
        return f"'{last}'" if isinstance(last, str) else self.kind.noun or "this"

    @property
    def known(self) -> dict[str, Any]:
        """The keys that the schema knows."""
        known: dict[str, Any] = self.schema.get("properties", {})
        return known

    @property
    def fields(self) -> dict[str, Node]:
        """The keys that are there."""
        return self.node.fields if isinstance(self.node, Mapping) else {}

    def unknown(self) -> list[str]:
        """The keys that the schema does not know."""
        if self.keyword != "additionalProperties":
            return []
        return [k for k, node in self.fields.items() if k not in self.known and not node.spoilt]


def check(kind: Kind, document: Document, problems: Problems) -> Violations:
    """Report what does not fit a kind of file; return it for the reader, with what is spoilt."""
    root = document.root
    found = Violations()
    if document.spoilt:
        for path in _spoilt(root):
            found.at(path).whole = True
    for path, violations in _by_path(_validator(kind), root).items():
        here = found.at(path)
        for one in violations:
            here.unknown.update(one.unknown())
            here.whole |= one.keyword != "additionalProperties"
        for said, span in _said(violations):
            problems.report(said, span)
    return found


@cache
def _validator(kind: Kind) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # takes a while: only when a file is loaded

    return Draft202012Validator(flat(kind))


def _by_path(validator: Draft202012Validator, root: Node) -> dict[Path, list[Violation]]:
    """The violations by their paths, without those in what is spoilt, which is reported."""
    found: dict[Path, list[Violation]] = {}
    for error in validator.iter_errors(root.data):
        path = tuple(error.absolute_path)
        if not any(node.spoilt for node in _along(root, path)):
            found.setdefault(path, []).append(Violation(error, root, path))
    return found


def _along(root: Node, path: Path) -> Iterator[Node]:
    """The nodes from the root to the end of the path."""
    yield root
    for end in range(1, len(path) + 1):
        yield node_at(root, path[:end])


def _spoilt(root: Node) -> Iterator[Path]:
    """The paths of the nodes that are spoilt."""
    pending: list[tuple[Path, Node]] = [((), root)]
    while pending:
        path, node = pending.pop()
        if node.spoilt:
            yield path
        match node:
            case Mapping():
                pending.extend(((*path, key), inner) for key, inner in node.fields.items())
            case Listing():
                pending.extend(((*path, index), one) for index, one in enumerate(node.items))
            case Leaf():
                continue


def _said(violations: list[Violation]) -> Iterator[tuple[Message, Span]]:
    """What is said of the violations at one path.

    A key that is missing is not asked for where an unknown one was probably meant for it; and all
    missing keys of a map are said at once, though jsonschema names each.
    """
    meant = {
        nearest(key.partition(":")[0], one.known)
        for one in violations
        if one.keyword == "additionalProperties"
        for key in one.fields
    }
    asked: list[Any] = []
    for one in violations:
        if one.keyword != "required":
            yield from SAYING[one.keyword](one)
        elif one.limit not in asked:
            asked.append(one.limit)
            yield from _missing(one, meant)


def _missing(one: Violation, meant: set[str | None]) -> Iterator[tuple[Message, Span]]:
    for key in one.limit:
        if key not in one.fields and key not in meant:
            sentence = explained(one.known[key].kind) if key in one.known else ""
            hint = f"add {key}: {sentence}" if sentence else f"add {key}"
            yield say("missing-key.key", what=one.subject, key=key, hint=hint), one.span


def _unknown_keys(one: Violation) -> Iterator[tuple[Message, Span]]:
    keys = one.node.keys if isinstance(one.node, Mapping) else {}
    where = one.kind.unknown_key or f"in {one.kind.noun or 'a map'}"
    for key in one.unknown():
        hint = _elsewhere(key, one) or suggestion(key, one.known)
        yield say("unknown-key", key=key, where=where, hint=hint), keys[key]


_STEP_KEYS = frozenset(key.word for key in keys_of(actions.Step) if not key.kind.spread)


def _elsewhere(key: str, one: Violation) -> str | None:
    """Say where a key belongs that stands one level too high or too low."""
    if one.kind.is_a(actions.STEP) and (hint := _tried(key)) is not None:
        return hint
    if key.startswith("-") and key[1:] in one.known:
        return f"write '- {key[1:]}': a dash needs a space after it"
    near = did_you_mean(key, one.known)
    if one.known.keys() >= matchers.MATCHER_WORDS.keys():
        return near or "a map here is a matcher; to compare with a map write equals: {…}"
    if one.kind.other_keys:
        return " ".join(filter(None, (near, one.kind.other_keys)))
    if key in _STEP_KEYS and any(isinstance(step, int) for step in one.path):
        return f"'{key}' belongs beside {one.subject}, not inside it"
    return near or _deeper(key, one)


def _tried(key: str) -> str | None:
    """Say what is written for a word of telephony that the language has another one for."""
    word = re.sub("[ _-]", "", key.lower())
    if word in actions.ABSENT:
        return (
            f"this language has no {word}; it parks calls with 'park', and takes them with 'bridge'"
        )
    action = actions.TRIED.get(word)
    return None if action is None else f"write {action.instead}"


def _deeper(key: str, one: Violation) -> str | None:
    for name, inner in one.known.items():
        holds = key in inner.get("properties", ())
        if holds and (name in one.fields or inner.kind.is_a(EXPECT)):
            return f"'{key}' belongs under '{name}', indented further"
    return None


def _type(one: Violation) -> Iterator[tuple[Message, Span]]:
    node = one.node
    noun = one.kind.noun or "something else"
    mended = glued(node.text) if isinstance(node, Leaf) and node.plain else None
    dashed = _dashed(node) if "array" in one.schema.get("type", ()) else None
    if dashed is not None:
        word, span = dashed
        yield say("missing-space.dash", word=word, mended=f"{word[1:]}:"), span
    elif mended:
        yield say("missing-space.colon", word=text_of(node), mended=mended), one.span
    elif one.kind.is_a(DURATION) and _is_number(node):
        yield say("bare-number", number=text_of(node)), one.span
    else:
        code = "wrong-type.key" if one.subject.startswith("'") else "wrong-type.here"
        hint = _mend_type(one) if one.path else _beginning(one)
        yield say(code, what=one.subject, noun=noun, kind=kind_of(node), hint=hint), one.span


def _dashed(node: Node) -> tuple[str, Span] | None:
    """Return the first key that begins with the dash of an item."""
    if not isinstance(node, Mapping):
        return None
    return next(((key, span) for key, span in node.keys.items() if key.startswith("-")), None)


def _is_number(node: Node) -> bool:
    return isinstance(node, Leaf) and isinstance(node.value, (int, float))


def _beginning(one: Violation) -> str:
    """Say how a whole file begins."""
    first = one.schema["required"][0]
    name = "its name: " if one.known[first].get("type") == "string" else ""
    return f"{one.kind.noun} begins with {name}'{first}: …'"


def _mend_type(one: Violation) -> str | None:
    types = one.schema.get("type", ())
    match one.node:
        case Leaf():
            return _mend_leaf(one.node, types)
        case Listing() if "object" in types:
            return "remove the dash: this is a map of keys, not a list"
        case Mapping() if "array" in types:
            return "begin every item with '- '"
        case Listing(flow=True) | Mapping(flow=True):
            return "put text that begins with [ or { in quotes"
        case _:
            return None


def _mend_leaf(node: Leaf, types: list[str]) -> str | None:
    if "boolean" in types and node.text.lower() in TRUTHS:
        return f"write {TRUTHS[node.text.lower()]}"
    if "array" in types:
        return f"write it in brackets: [{node.text}]"
    if node.value is None:
        return "leave the key out, or give it a value"
    if "string" in types:
        return f'put it in quotes: "{node.text}"'
    return None


def _enum(one: Violation) -> Iterator[tuple[Message, Span]]:
    if one.limit == [True]:
        yield say("wrong-value"), one.span
        return
    known = [str(word) for word in one.limit]
    text, noun = text_of(one.node), one.kind.noun or "something else"
    hint = suggestion(text, known)
    yield say("unknown-word", word=text, noun=noun, hint=hint), one.span


def _pattern(one: Violation) -> Iterator[tuple[Message, Span]]:
    if str(one.limit).startswith(("^/", "^[/")):
        yield say("bad-path.slash", text=one.text), one.span
        return
    code = "bad-name" if one.kind.is_a(NAME) else "bad-label"
    yield say(code, text=one.text, noun=one.kind.noun, mended=_name_from(one.text)), one.span


def _name_from(text: str) -> str:
    made = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in text)
    made = made.strip("_")
    if not made or made[0].isdigit():
        return ""
    return f": {made}"


def _empty_text(one: Violation) -> Iterator[tuple[Message, Span]]:
    yield say("empty-value.text", what=one.subject), one.span


def _too_few(one: Violation) -> Iterator[tuple[Message, Span]]:
    thing = "key" if one.keyword == "minProperties" else "item"
    things = thing if one.limit == 1 else f"{thing}s"
    hint = explained(one.kind) or None
    yield say("too-few", what=one.subject, least=one.limit, things=things, hint=hint), one.span


def _too_many(one: Violation) -> Iterator[tuple[Message, Span]]:
    hint = explained(one.kind) or None
    yield say("too-many", what=one.subject, most=one.limit, hint=hint), one.span


def _too_small(one: Violation) -> Iterator[tuple[Message, Span]]:
    number = text_of(one.node)
    yield say("out-of-range.least", what=one.subject, least=one.limit, number=number), one.span


def _too_large(one: Violation) -> Iterator[tuple[Message, Span]]:
    number = text_of(one.node)
    yield say("out-of-range.most", what=one.subject, most=f"{one.limit:,}", number=number), one.span


SAYING: dict[str, Callable[[Violation], Iterator[tuple[Message, Span]]]] = {
    "additionalProperties": _unknown_keys,
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "minLength": _empty_text,
    "minItems": _too_few,
    "minProperties": _too_few,
    "maxItems": _too_many,
    "minimum": _too_small,
    "maximum": _too_large,
}
"""What is said of a keyword that does not hold; `required` is about several violations at once."""
