"""The tables of the reference, made from the declarations of the language.

On the page each stands between `<!-- table: NAME -->` and `<!-- end of the table -->`; what stands
around them is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum

from msgspec import Struct

from scenario_runner.language.actions import ACTION_WORDS, Fragment, Step
from scenario_runner.language.expectations import EXPECTATIONS
from scenario_runner.language.facts import ActionBase, Part
from scenario_runner.language.kinds import Key, Kind, Shape, keys_of, sentences
from scenario_runner.language.matchers import MATCHER_WORDS
from scenario_runner.language.scenario import Scenario
from scenario_runner.language.schema import explained, lower, meanings, properties, required

Row = tuple[str, ...]


def marked(text: str) -> str:
    """Write what is meant literally as code: in quotes, in braces, names and options."""
    out, at = "", 0
    while at < len(text):
        end = _end_of_code(text, at)
        if end is None:
            out += text[at]
            at += 1
        else:
            out += f"`{text[at:end].strip(chr(39))}`"
            at = end
    return out


_LITERAL = re.compile(r"'[^']+'|\$\w+|--[a-z-]+(?: [A-Z]+=[A-Z]+)?")


def _end_of_code(text: str, at: int) -> int | None:
    word = _LITERAL.match(text, at)
    if word and (at == 0 or not text[at - 1].isalnum()):
        return word.end()
    if text[at] != "{":
        return None
    depth = 0
    for end in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return end + 1
    return None


def phrase(text: str) -> str:
    """Write a sentence as a cell: without its capital and its full stop."""
    return marked(lower(text).removesuffix("."))


def keys_table(declaration: type[Struct]) -> Iterator[Row]:
    """The keys of a map that is no action."""
    whole = Kind(name="", of=lambda: (declaration,))
    yield ("key", "meaning")
    own = {key.word for key in keys_of(declaration) if not key.kind.spread}
    for word, kind in properties(whole).items():
        if word in own:
            end = "; required" if word in required(whole) else ""
            yield (f"`{word}`", phrase(explained(kind)) + end)


def actions_table() -> Iterator[Row]:
    """The actions with their fields."""
    yield ("action", "fields", "does")
    for word, group in ACTION_WORDS.items():
        does = ", or ".join(phrase(one.sentence()) for one in group)
        yield (f"`{word}`", ", or ".join(", ".join(_fields(one)) for one in group), does)


def _fields(action: type[ActionBase]) -> Iterator[str]:
    if action.shape is Shape.VALUE:
        yield keys_of(action)[0].kind.noun
        return
    told: set[str] = set()
    for key in keys_of(action):
        if key.word not in told:
            text, words = _field(key, action)
            told |= words
            yield text


def _field(key: Key, action: type[ActionBase]) -> tuple[str, set[str]]:
    for keys, rule in action.alternatives:
        if key.word in keys:
            end = "?" if rule else ""
            return " or ".join(f"`{word}{end}`" for word in keys), set(keys)
    if key.kind.spread and key.word == "matcher":
        return "a matcher", {key.word}
    needed = key.required or (key.kind.spread and key.word == "call")
    return f"`{key.word}{'' if needed else '?'}`", {key.word}


def fields_table() -> Iterator[Row]:
    """What the fields of actions mean that mean something else in each."""
    yield ("field", "of", "meaning")
    for word, group in ACTION_WORDS.items():
        for one in group:
            kinds = {key.word: key.kind for key in keys_of(one)}
            for field, said in sentences(one).items():
                yield (f"`{field}`", f"`{word}`", phrase(said) + _words(kinds[field].enum, said))


def expectations_table() -> Iterator[Row]:
    """The keys of `expect`."""
    yield ("key", "on", "holds if")
    without = [f"`{word}`" for word, (one, *_) in ACTION_WORDS.items() if not one.facts.parts]
    for expectation in EXPECTATIONS:
        for where, said in meanings(expectation):
            on = ", ".join(map(marked, where))
            if not where:
                asks = Part.ANSWER in expectation.parts
                on = "what asks the PBX" if asks else f"all but {' and '.join(without)}"
            yield (f"`{expectation.word}`", on, phrase(said))


def matchers_table() -> Iterator[Row]:
    """The matchers."""
    yield ("matcher", "holds if")
    for word, (matcher, *_) in MATCHER_WORDS.items():
        known = next((key.kind.enum for key in keys_of(matcher)), None)
        yield (f"`{word}`", phrase(matcher.sentence()) + _words(known, ""))


def _words(known: type[Enum] | None, said: str) -> str:
    """Add the words that a value may be, unless all of them are said already."""
    words = [word.value for word in known or () if f"'{word.value}'" not in said]
    return f": {', '.join(f'`{word}`' for word in words)}" if words else ""


TABLES: dict[str, Callable[[], Iterator[Row]]] = {
    "scenario": lambda: keys_table(Scenario),
    "step": lambda: keys_table(Step),
    "fragment": lambda: keys_table(Fragment),
    "actions": actions_table,
    "fields": fields_table,
    "expectations": expectations_table,
    "matchers": matchers_table,
}
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of the table -->)", re.DOTALL)


def table(name: str) -> str:
    """Write a table in Markdown."""
    head, *rows = TABLES[name]()
    lines = [f"| {' | '.join(line)} |\n" for line in (head, *rows)]
    lines.insert(1, "|---" * len(head) + "|\n")
    return "".join(lines)


def with_tables(page: str) -> str:
    """Return a page with its tables as they should be."""
    return _TABLE.sub(lambda found: f"{found[1]}{table(found[2])}{found[3]}", page)
