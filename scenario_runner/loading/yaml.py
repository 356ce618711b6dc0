"""Text to trees: YAML events, bounded in depth and size, become nodes with their places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from scenario_runner.errors import Note
from scenario_runner.loading.messages import say
from scenario_runner.loading.nodes import (
    Leaf,
    Listing,
    Mapping,
    Node,
    Problems,
    Unreadable,
    plain_value,
)
from scenario_runner.loading.pitfalls import Slips, glued
from scenario_runner.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenario_runner.loading.messages import Message

# All that YAML does not allow. Said the other way round (all but what it does) this takes ten times
# as long to compile, at each start.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_HALF = re.compile(r"[\ud800-\udfff]")
_NO_BREAK = re.compile("[\u00a0\u2007\u202f\u200b\u2060\ufeff]")
_CURLY = re.compile("[“”„‟]")


def forbidden_letter(text: str, file: str) -> Unreadable | None:
    """Return a fault for the first control character in `text`, if there is one."""
    found = _FORBIDDEN.search(text)
    if not found:
        return None
    before = text[: found.start()]
    line = before.count("\n") + 1
    column = found.start() - (before.rfind("\n") + 1) + 1
    said = say("control-character", character=f"U+{ord(found[0]):04X}")
    return Unreadable(said, Span(file, line, column, line, column + 1))


def syntax_fault(error: MarkedYAMLError, text: str, file: str) -> Unreadable:
    """Return what is wrong with the text, by the parser's word and a look at the line."""
    lines = [*re.split(r"\r\n|[\n\r\u0085\u2028\u2029]", text), ""]
    mark = error.problem_mark or error.context_mark
    row, column = (mark.line, mark.column) if mark else (0, 0)
    row = min(row, len(lines) - 1)
    here = _Here(error, lines, row, column, file)
    for look in (_tab, _pasted, _escape, _quote, _star, _tag, _eaten, _braces, _colon, _start):
        fault = look(here)
        if fault:
            return fault
    return here.fault(say("syntax.parser", problem=here.problem))


class _Here:
    """Where the parser stopped, and its words."""

    def __init__(
        self, error: MarkedYAMLError, lines: list[str], row: int, column: int, file: str
    ) -> None:
        self.problem = error.problem or ""
        self.context = error.context or ""
        self.lines = lines
        self.row = row
        self.column = column
        self.file = file
        start = error.context_mark
        self.context_row = min(start.line, len(lines) - 1) if start else row
        self.context_column = start.column if start else column

    @property
    def line(self) -> str:
        return self.lines[self.row]

    def fault(self, message: Message) -> Unreadable:
        return self.at(self.row, self.column, self.column + 1, message)

    def in_context(self, message: Message, length: int = 0) -> Unreadable:
        start = self.context_column
        return self.at(self.context_row, start, start + length, message)

    def at(self, row: int, start: int, end: int, message: Message) -> Unreadable:
        span = Span(self.file, row + 1, start + 1, row + 1, max(end, start + 1) + 1)
        return Unreadable(message, span)


def _tab(here: _Here) -> Unreadable | None:
    for row in (here.row, here.context_row):
        found = re.match(r"[ -]*(\t+)", here.lines[row])
        if found:
            return here.at(row, found.start(1), found.end(1), say("tab"))
    return None


def _pasted(here: _Here) -> Unreadable | None:
    for row in (here.row, here.context_row):
        found = _NO_BREAK.search(here.lines[row])
        if found:
            return here.at(row, found.start(), found.start(), say("no-break-space"))
        found = _CURLY.search(here.lines[row])
        if found:
            said = say("curly-quotes", letter=found[0], text="")
            return here.at(row, found.start(), found.start(), said)
    return None


def _escape(here: _Here) -> Unreadable | None:
    if "escape" not in here.problem:
        return None
    found = re.match(r"\\?.", here.line[here.column :])
    shown = found[0] if found else "\\"
    shown = shown if shown.startswith("\\") else "\\" + shown
    return here.fault(say("bad-escape.unknown", escape=shown))


def _quote(here: _Here) -> Unreadable | None:
    if "quoted scalar" not in here.context:
        return None
    return here.in_context(say("unclosed-quote"))


def _star(here: _Here) -> Unreadable | None:
    if "alias" not in here.context and "anchor" not in here.context:
        return None
    word = re.match(r"[*&][^\s,\]}]*", here.lines[here.context_row][here.context_column :])
    shown = word[0] if word else "*"
    return here.in_context(say("bare-star", word=shown), len(shown))


def _tag(here: _Here) -> Unreadable | None:
    return here.in_context(say("yaml-tag.any")) if "tag" in here.context else None


_WORD = r"[^\s,\[\]{}'\"]"
_INSIDE = (
    (re.compile(rf"{_WORD}*\$\{{[^}}]*\}}[^,\]}}\s]*"), "${ }"),
    (re.compile(r"\[[^\]]*\](?:\{[^}]*\}|[+*?\\.(][^,}\s]*)"), "[ ]"),
    (re.compile(rf"{_WORD}+\[[^\]]*\][^,\]}}\s]*"), "[ ]"),
    (re.compile(rf"{_WORD}+\{{[^}}]*\}}[^,\]}}\s]*"), "{ }"),
)
_EATEN_INSIDE = re.compile(r"(?:[\[{](?:[^#'\"]|'[^']*'|\"[^\"]*\")*[\s,\[{:])(#[^\s,\]}]+)")


def _eaten(here: _Here) -> Unreadable | None:
    """A # inside braces takes the closing brace with it, so the parser stops further down."""
    if not _in_flow(here):
        return None
    for row in range(here.row, max(-1, min(here.context_row, here.row - 5) - 1), -1):
        found = _EATEN_INSIDE.search(here.lines[row])
        if found:
            return _quoted(here, row, found.span(1), "a # at its start")
    return None


def _braces(here: _Here) -> Unreadable | None:
    if not _in_flow(here):
        return None
    line = here.lines[here.context_row]
    for pattern, what in _INSIDE:
        found = pattern.search(line, here.context_column + 1)
        if found:
            return _quoted(here, here.context_row, found.span(), what)
    torn = _torn(here)
    if torn is not None:
        return here.at(here.row, torn.start(), torn.end(), say("missing-comma", word=torn[0]))
    opening, closing = "[]" if "sequence" in here.context else "{}"
    return here.in_context(say("unclosed-bracket", opening=opening, closing=closing))


def _torn(here: _Here) -> re.Match[str] | None:
    """Find a key without a comma before it, on the line of the brace."""
    if here.row != here.context_row:
        return None
    if here.line[here.column : here.column + 1] == ":":
        return re.search(r"(?<=\s)[\w-]+$", here.line[: here.column])
    if re.search(r"['\"\]}]\s+$", here.line[: here.column]):
        return re.compile(r"[\w-]+(?=\s*:)").match(here.line, here.column)
    return None


def _in_flow(here: _Here) -> bool:
    return "flow" in here.context or "flow" in here.problem


def _quoted(here: _Here, row: int, where: tuple[int, int], what: str) -> Unreadable:
    line = here.lines[row]
    start, end = where
    mended = f"{line[:start]}'{line[start:end]}'{line[end:]}".strip()
    return here.at(row, start, end, say("unquoted-in-braces", what=what, mended=mended))


def _colon(here: _Here) -> Unreadable | None:
    if "mapping values are not allowed" in here.problem:
        return _glued_above(here) or _second_colon(here)
    if "could not find expected ':'" in here.problem:
        return _no_colon(here)
    return None


def _no_colon(here: _Here) -> Unreadable:
    line = here.lines[here.context_row]
    word = line.strip()
    start = len(line) - len(line.lstrip())
    mended = glued(word)
    said = (
        say("missing-space.colon", word=word, mended=mended)
        if mended
        else say("missing-colon.neither", word=word[:40])
    )
    return here.at(here.context_row, start, start + len(word), said)


def _glued_above(here: _Here) -> Unreadable | None:
    """`call:customer` in a line of its own is text, and the key in the next line can't follow."""
    for row in (here.row, here.row - 1):
        line = here.lines[row] if row >= 0 else ""
        found = re.match(r"[\s-]*(\w+:[^\s:/].*?)\s*$", line)
        mended = glued(found[1]) if found else None
        if found and mended:
            said = say("missing-space.colon", word=found[1], mended=mended)
            return here.at(row, found.start(1), found.end(1), said)
        found = re.match(r"[\s-]*(\w+) ?[{\[]", line)
        if found:
            said = say("missing-colon.key", word=found[1])
            return here.at(row, found.start(1), found.end(1), said)
    return None


def _second_colon(here: _Here) -> Unreadable | None:
    found = re.match(r"[\s-]*([^:]+): (.*\S)", here.line)
    if found and here.column > found.end(1):
        return here.fault(say("second-colon", key=found[1], value=found[2]))
    return here.fault(say("indentation.key"))


def _start(here: _Here) -> Unreadable | None:
    if "cannot start any token" in here.problem:
        letter = here.line[here.column : here.column + 1]
        return here.fault(say("quote-needed", letter=letter))
    for row in (here.row, here.row - 1):
        found = re.match(r"\s*(-([a-z]\w*):)(?:\s|$)", here.lines[row]) if row >= 0 else None
        if found:
            said = say("missing-space.dash", word=f"-{found[2]}", mended=f"{found[2]}:")
            return here.at(row, found.start(1), found.end(1), said)
    if re.search(r"expected (key|'-' indicator|<)", here.problem):
        return here.fault(say("indentation.line"))
    return None


DEEPEST = 100
MOST_EXPANDED = 10_000
_LONGEST_FOR_PURE_PARSER = 32_000  # it reads some 16 KB a second


@dataclass(slots=True)
class Document:
    """One YAML document, and whether some node of it is spoilt."""

    root: Node
    spoilt: bool = False


def parse(text: str, file: str, problems: Problems) -> list[Document]:
    """Return the documents in `text`, without an empty last one; raise Unreadable."""
    fault = forbidden_letter(text, file)
    if fault:
        raise fault
    try:
        return _Trees(text, file, problems).read(_fast_events(text))
    except YAMLError as error:
        return _second_opinion(text, file, problems, error)


def _second_opinion(text: str, file: str, problems: Problems, error: YAMLError) -> list[Document]:
    """Ask the pure parser where libyaml refuses, since libyaml also refuses valid files."""
    if len(text) <= _LONGEST_FOR_PURE_PARSER:
        # What was noticed up to the refusal is noticed again.
        noticed = Problems(strict=problems.strict)
        try:
            found = _Trees(text, file, noticed).read(YAML(typ="safe", pure=True).parse(text))
        except (YAMLError, ValueError, IndexError):
            pass
        else:
            problems.found[:] = noticed.found
            return found
    if isinstance(error, MarkedYAMLError):
        raise syntax_fault(error, text, file) from None
    raise Unreadable(say("syntax.gave-up", problem=error), Span(file, 1, 1, 1, 1)) from None


@cache
def _c_parser() -> Callable[[str], Any]:
    parser: Callable[[str], Any] = YAML(typ="safe").Parser
    return parser


def _fast_events(text: str) -> Iterator[Any]:
    """Events of libyaml, one at a time: it must not be asked to compose what is too deep."""
    return iter(_c_parser()(text).get_event, None)


class _Trees:
    """Builds the trees of one text from its events."""

    def __init__(self, text: str, file: str, problems: Problems) -> None:
        self.file = file
        self.problems = problems
        self.slips = Slips(text, problems)
        self.documents: list[Document] = []
        self.spoilt = False
        self.stack: list[Listing | Mapping] = []
        self.keys: list[tuple[str, Span, bool] | None] = []
        self.anchors: dict[str, tuple[Node, int] | None] = {}
        self.open_anchors: list[tuple[str | None, int]] = []
        self.count = 0
        self.shared = False
        self.root: Node | None = None

    def read(self, events: Iterator[Any]) -> list[Document]:
        steps: dict[type, Callable[[Any], None]] = {
            ScalarEvent: self._scalar,
            MappingStartEvent: self._start,
            SequenceStartEvent: self._start,
            MappingEndEvent: self._end,
            SequenceEndEvent: self._end,
            AliasEvent: self._alias,
            DocumentStartEvent: self._begin_document,
            DocumentEndEvent: self._end_document,
        }
        for event in events:
            step = steps.get(type(event))
            if step:
                step(event)
        last = self.documents[-1].root if self.documents else None
        if last and self.slips.is_empty(last):
            self.documents.pop()
        for document in self.documents:
            if self.slips.is_empty(document.root):
                self.problems.report(say("empty-document"), document.root.span)
                document.root.spoilt = document.spoilt = True
        return self.documents

    def _begin_document(self, _: Any) -> None:  # noqa: ANN401 -- an event of ruamel's
        self.anchors = {}
        self.spoilt = False
        self.root = None

    def _end_document(self, _: Any) -> None:  # noqa: ANN401 -- an event of ruamel's
        if self.root is not None:
            self.documents.append(Document(self.root, self.spoilt))

    def _span(self, event: Any) -> Span:  # noqa: ANN401 -- an event of ruamel's
        start, end = event.start_mark, event.end_mark
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _scalar(self, event: Any) -> None:  # noqa: ANN401 -- an event of ruamel's
        text: str = event.value
        plain = not event.style
        span = self._span(event)
        if self.stack and isinstance(self.stack[-1], Mapping) and self.keys[-1] is None:
            self._key(text, span, event)
            return
        node = Leaf(text, plain_value(text) if plain else text, plain, span)
        self._check_halves(text, span, node)
        if plain and self.slips.value(node, self.stack, self.keys):
            self._spoil(node)
        self._check_tag(event, span, node)
        self._remember(event.anchor, node, self.count)
        self._add(node)

    def _key(self, text: str, span: Span, event: Any) -> None:  # noqa: ANN401 -- as above
        top = self.stack[-1]
        self._check_tag(event, span, top)
        self._check_halves(text, span, top)
        odd = self.slips.key(text, span, plain=not event.style)
        if isinstance(top, Mapping) and text in top.keys:
            note = Note(message="the first one is here", span=top.keys[text])
            self.problems.report(say("duplicate-key", key=text), span, note)
        if event.anchor:
            self._remember(event.anchor, Leaf(text, text, plain=True, span=span), self.count)
        self.keys[-1] = (text, span, odd)

    def _start(self, event: Any) -> None:  # noqa: ANN401 -- an event of ruamel's
        span = self._span(event)
        if len(self.stack) >= DEEPEST:
            raise Unreadable(say("too-deep", deepest=DEEPEST), span)
        flow = bool(event.flow_style)
        node = Mapping(span, flow) if isinstance(event, MappingStartEvent) else Listing(span, flow)
        self._check_key_is_text(span)
        self._check_tag(event, span, node)
        if event.anchor:
            self.anchors[event.anchor] = None
        self.open_anchors.append((event.anchor, self.count))
        self.stack.append(node)
        self.keys.append(None)

    def _end(self, event: Any) -> None:  # noqa: ANN401 -- an event of ruamel's
        node = self.stack.pop()
        self.keys.pop()
        node.span = _extent(node, self._span(event))
        anchor, before = self.open_anchors.pop()
        self._remember(anchor, node, before)
        self._add(node)

    def _alias(self, event: Any) -> None:  # noqa: ANN401 -- an event of ruamel's
        span = self._span(event)
        if event.anchor not in self.anchors:
            raise Unreadable(say("bare-star", word=f"*{event.anchor}"), span)
        self._check_key_is_text(span)
        known = self.anchors[event.anchor]
        if known is None:
            raise Unreadable(say("anchor-circle", anchor=event.anchor), span)
        node, size = known
        self.count += size - 1
        self.shared = True
        self._add(node)
        self._check_size(span)

    def _check_size(self, span: Span) -> None:
        if self.shared and self.count > MOST_EXPANDED:
            raise Unreadable(say("too-many-nodes", most=f"{MOST_EXPANDED:,}"), span)

    def _remember(self, anchor: str | None, node: Node, before: int) -> None:
        if anchor:
            self.anchors[anchor] = (node, self.count - before + 1)

    def _check_key_is_text(self, span: Span) -> None:
        if self.stack and isinstance(self.stack[-1], Mapping) and self.keys[-1] is None:
            raise Unreadable(say("bad-key"), span)

    def _check_tag(self, event: Any, span: Span, node: Node) -> None:  # noqa: ANN401 -- as above
        if event.tag:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.problems.report(say("yaml-tag.tag", tag=tag), span)
            self._spoil(node)

    def _check_halves(self, text: str, span: Span, node: Node) -> None:
        """Report an escape that writes half a character, which no text can hold."""
        found = None if text.isascii() else _HALF.search(text)
        if found:
            escape = f"\\u{ord(found[0]):04X}"
            self.problems.report(say("bad-escape.half", escape=escape), span)
            self._spoil(node)

    def _spoil(self, node: Node) -> None:
        """Mark a node whose problem is reported: nobody is to look into it."""
        node.spoilt = self.spoilt = True

    def _add(self, node: Node) -> None:
        self.count += 1
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if isinstance(top, Listing):
            top.items.append(node)
            top.data.append(node.data)
            return
        pending = self.keys[-1]
        self.keys[-1] = None
        if pending and pending[0] not in top.keys:
            key, span, odd = pending
            if odd:
                self._spoil(node)
            top.keys[key] = span
            top.fields[key] = node
            top.data[key] = node.data


def _extent(node: Listing | Mapping, end: Span) -> Span:
    """What to point at: a flow collection whole, a block map at its first key."""
    start = node.span
    if node.flow:
        return Span(start.file, start.line, start.column, end.end_line, end.end_column)
    if isinstance(node, Mapping) and node.keys:
        return next(iter(node.keys.values()))
    return Span(start.file, start.line, start.column, start.line, start.column + 1)
