"""Slips of the keyboard that YAML takes for something else: each refused with its mend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scenario_runner.loading.messages import say
from scenario_runner.loading.nodes import Leaf, Listing, Mapping, Node
from scenario_runner.references import part_of
from scenario_runner.source import Span

if TYPE_CHECKING:
    from scenario_runner.loading.nodes import Problems


_CURLY = "“”„‟‘’‚‛«»"
_NO_BREAK = "\u00a0\u2007\u202f\u200b\u2060\ufeff"
_SUSPECT = re.compile(rf"[{_CURLY}{_NO_BREAK}]|[ \t]#[^\s#]")
_EATEN = re.compile(r"[ \t]+#[^\s#].*")
_GLUED = re.compile(r"([A-Za-z_][\w-]*):([^\s:/].*)", re.DOTALL)


def glued(text: str) -> str | None:
    """Return `slot: 6` for `slot:6`, None for text without that slip."""
    found = _GLUED.fullmatch(text)
    return f"{found[1]}: {found[2]}" if found else None


class Slips:
    """Looks at plain scalars of one text; a text without anything suspect is looked at once."""

    def __init__(self, text: str, problems: Problems) -> None:
        self._text = text
        self._problems = problems
        self._lines: list[str] = []
        self._suspect = _SUSPECT.search(text) is not None

    def is_empty(self, node: Node) -> bool:
        """Whether nothing at all is written there."""
        return isinstance(node, Leaf) and node.plain and not node.text

    def key(self, text: str, span: Span, *, plain: bool) -> bool:
        """Look at a key; True where it has a problem."""
        return self._suspect and plain and self._letters(text, span)

    def value(
        self,
        node: Leaf,
        stack: list[Listing | Mapping],
        keys: list[tuple[str, Span, bool] | None],
    ) -> bool:
        """Look at a plain value; True where it has a problem."""
        if not node.text:
            return self._empty(node, stack[-1], keys[-1]) if stack else False
        if not self._suspect:
            return False
        return self._letters(node.text, node.span) or self._eaten(node)

    def _line(self, number: int) -> str:
        if not self._lines:
            self._lines = re.split(r"\r\n|[\n\r\u0085\u2028\u2029]", self._text)
        return self._lines[number - 1]

    def _empty(
        self, node: Leaf, top: Listing | Mapping, key: tuple[str, Span, bool] | None
    ) -> bool:
        if key is None:
            self._problems.report(say("empty-value.item"), node.span)
            return True
        name, span, _ = key
        mended = glued(name)
        rest = self._line(span.end_line)[span.end_column - 1 :]
        eaten = re.match(r"['\"]?\s*:\s*(#[^\s#,}\]]*)", rest)
        if mended and top.flow:
            self._problems.report(say("missing-space.colon", word=name, mended=mended), span)
        elif eaten and len(eaten[1]) > 1:
            self._problems.report(say("comment-in-value.only", key=name, comment=eaten[1]), span)
        else:
            code = "empty-value.in-braces" if top.flow else "empty-value.key"
            self._problems.report(say(code, key=name), span)
        return True

    def _letters(self, text: str, span: Span) -> bool:
        if any(letter in text for letter in _NO_BREAK):
            at = next(place for place, letter in enumerate(text) if letter in _NO_BREAK)
            self._problems.report(say("no-break-space"), part_of(span, text, at, at + 1))
            return True
        if text and text[0] in _CURLY:
            said = say("curly-quotes", letter=text[0], text=text.strip(_CURLY) + '"')
            self._problems.report(said, part_of(span, text, 0, 1))
            return True
        return False

    def _eaten(self, node: Leaf) -> bool:
        rest = self._line(node.span.end_line)[node.span.end_column - 1 :]
        found = _EATEN.match(rest)
        if not found:
            return False
        comment, line = found[0].strip(), node.span.end_line
        start = node.span.end_column + len(found[0]) - len(found[0].lstrip())
        span = Span(node.span.file, line, start, line, start + len(comment))
        whole = node.text + found[0].rstrip()
        self._problems.report(say("comment-in-value.rest", comment=comment, whole=whole), span)
        return True
