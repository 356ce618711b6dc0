"""One short function for each schema keyword: what is wrong, where, and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scenario_runner.errors import did_you_mean
from scenario_runner.loading.nodes import Leaf, Listing, Mapping, kind_of, node_at, place
from scenario_runner.loading.pitfalls import glued
from scenario_runner.loading.reader import TRUTHS

if TYPE_CHECKING:
    from collections.abc import Callable

    from jsonschema.exceptions import ValidationError

    from scenario_runner.loading.nodes import Node, Problems
    from scenario_runner.references import Path
    from scenario_runner.source import Span


class Complaint:
    """One violation of a schema, and the node it is about."""

    def __init__(self, error: ValidationError, root: Node, path: Path, spoilt: set[int]) -> None:
        self.error = error
        self.spoilt = spoilt
        self.path = path
        self.keyword = str(error.validator)
        self.node = node_at(root, path)
        self.span: Span = place(root, path)
        self.limit: Any = error.validator_value
        self.schema: dict[str, Any] = dict(error.schema) if isinstance(error.schema, dict) else {}
        self.in_key = "propertyNames" in error.schema_path
        if self.in_key and isinstance(self.node, Mapping):
            self.span = self.node.keys[str(error.instance)]

    @property
    def wanted(self) -> str:
        """What is wanted there: `a duration`."""
        return str(self.schema.get("title", "something else"))

    @property
    def subject(self) -> str:
        """What the value is called: its key in quotes, or what its kind is called."""
        named = [step for step in self.path if isinstance(step, str)]
        if named and self.path[-1] == named[-1]:
            return f"'{named[-1]}'"
        return str(self.schema.get("title", "this"))

    def unknown(self) -> list[str]:
        """The keys that the schema does not know."""
        if self.keyword != "additionalProperties" or not isinstance(self.node, Mapping):
            return []
        known = self.schema["properties"]
        return [
            key for key, node in self.node.fields.items()
            if key not in known and id(node) not in self.spoilt
        ]  # fmt: skip

    def meant(self) -> list[str]:
        """The missing keys that an unknown key was probably meant to be."""
        if self.keyword != "additionalProperties" or not isinstance(self.node, Mapping):
            return []
        words = (key.partition(":")[0] for key in self.node.fields)
        known = self.schema["properties"]
        hints = (did_you_mean(word, known) for word in words)
        return [hint.split("'")[1] for hint in hints if hint]

    def missing(self) -> str:
        """The key that is missing."""
        fields = self.node.fields if isinstance(self.node, Mapping) else {}
        message = self.error.message
        return next(
            (key for key in self.limit
             if key not in fields and message.startswith(f"'{key}'")), "",
        )  # fmt: skip


def _unknown_keys(one: Complaint, problems: Problems) -> None:
    known = one.schema["properties"]
    title = str(one.schema.get("title", "a map"))
    keys = one.node.keys if isinstance(one.node, Mapping) else {}
    for key in one.unknown():
        hint = _elsewhere(key, one) or did_you_mean(key, known) or _one_of(known)
        what = _NO_KEY.get(title, f"no key of {title}")
        problems.add("unknown-key", f"'{key}' is {what}", keys[key], hint)


_NO_KEY = {
    "a map": "no key that fits here",
    "a value or a matcher": "no matcher",
    "a map with 'that' and a matcher": "no matcher",
    "a condition": "neither a matcher nor 'that' nor 'target_can'",
    "a map of expectations": "nothing that can be expected",
}
_BESIDE = ("expect", "within", "every", "stays", "save", "when", "timeout", "name", "id", "xfail")


def _elsewhere(key: str, one: Complaint) -> str | None:
    """Say where a key belongs that stands one level too high or too low."""
    known = one.schema["properties"]
    near = did_you_mean(key, known)
    if "equals" in known:
        return near or "a map here is a matcher; to compare with a map write equals: {…}"
    if "where" in known:
        return f"{near + ' ' if near else ''}the event's own fields go under 'where'"
    if key in _BESIDE and len(one.path) > 1 and one.path[0] != "targets":
        return f"'{key}' belongs beside {one.subject}, not inside it"
    return near or _deeper(key, one)


def _deeper(key: str, one: Complaint) -> str | None:
    fields = one.node.fields if isinstance(one.node, Mapping) else {}
    for name, inner in one.schema["properties"].items():
        if key in inner.get("properties", ()) and (name in fields or name == "expect"):
            return f"'{key}' belongs under '{name}', indented further"
    return None


def _one_of(known: dict[str, Any]) -> str:
    return f"known are: {', '.join(known)}"


def _required(one: Complaint, problems: Problems) -> None:
    key = one.missing()
    what = one.schema.get("properties", {}).get(key, {}).get("description", "")
    problems.add(
        "missing-key", f"{one.subject} lacks '{key}'", one.span, f"add {key}: {what}".rstrip(": ")
    )


def _type(one: Complaint, problems: Problems) -> None:
    node = one.node
    mended = glued(node.text) if isinstance(node, Leaf) and node.plain else None
    if mended:
        problems.add("missing-space", f"'{node_text(node)}' needs a space after its colon",
                     one.span, f"write {mended}")  # fmt: skip
        return
    if (
        one.wanted == "a duration"
        and isinstance(node, Leaf)
        and isinstance(node.value, (int, float))
    ):
        problems.add("bare-number", f"{node.text} is no duration: its unit is missing", one.span,
                     f"say {node.text}s")  # fmt: skip
        return
    hint = _mend_type(one)
    if not one.path:
        first = one.schema["required"][0]
        named = one.wanted.endswith(first)
        hint = f"{one.wanted} begins with {'its name: ' if named else ''}'{first}: …'"
    if one.subject.startswith("'"):
        message = f"{one.subject} must be {one.wanted}, this is {kind_of(node)}"
    else:
        message = f"this is {kind_of(node)}, not {one.wanted}"
    problems.add("wrong-type", message, one.span, hint)


def node_text(node: Node) -> str:
    """The text of a single value."""
    return node.text if isinstance(node, Leaf) else ""


def _mend_type(one: Complaint) -> str | None:
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


def _enum(one: Complaint, problems: Problems) -> None:
    known = [str(word) for word in one.limit]
    text = node_text(one.node)
    if known == ["True"]:
        problems.add("wrong-value", "'any' can only be true", one.span,
                     "write any: true, or not: {any: true}")  # fmt: skip
        return
    problems.add(
        "unknown-word", f"'{text}' is not {one.wanted}", one.span,
        did_you_mean(text, known) or f"known are: {', '.join(known)}",
    )  # fmt: skip


def _pattern(one: Complaint, problems: Problems) -> None:
    text = str(one.error.instance)
    if one.wanted == "a path":
        problems.add("bad-path", f"'{text}' does not begin with /", one.span, f"write /{text}")
        return
    sort = "bad-name" if one.wanted == "a name" else "bad-label"
    mended = _name_from(text)
    problems.add(
        sort, f"'{text}' can't be {one.wanted}", one.span,
        f"use letters, digits and _, not beginning with a digit{mended}",
    )  # fmt: skip


def _name_from(text: str) -> str:
    made = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in text)
    made = made.strip("_")
    if not made or made[0].isdigit():
        return ""
    return f": {made}"


def _empty_text(one: Complaint, problems: Problems) -> None:
    problems.add("empty-value", f"{one.subject} must not be empty", one.span, None)


def _too_few(one: Complaint, problems: Problems) -> None:
    least = one.limit
    what = "key" if one.keyword == "minProperties" else "item"
    plural = "" if least == 1 else "s"
    problems.add(
        "too-few", f"{one.subject} needs at least {least} {what}{plural}", one.span,
        one.schema.get("description"),
    )  # fmt: skip


def _too_many(one: Complaint, problems: Problems) -> None:
    problems.add(
        "too-many", f"{one.subject} has at most {one.limit} items", one.span,
        one.schema.get("description"),
    )  # fmt: skip


def _too_small(one: Complaint, problems: Problems) -> None:
    problems.add(
        "out-of-range", f"{one.subject} is {one.limit} or more, "
        f"not {node_text(one.node)}", one.span,
    )  # fmt: skip


def _too_large(one: Complaint, problems: Problems) -> None:
    problems.add(
        "out-of-range", f"{one.subject} is {one.limit:,} or less, "
        f"not {node_text(one.node)}", one.span,
    )  # fmt: skip


COMPLAINTS: dict[str, Callable[[Complaint, Problems], None]] = {
    "additionalProperties": _unknown_keys,
    "required": _required,
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
