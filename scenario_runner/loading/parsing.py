"""Text to trees: YAML events, bounded in depth and size, become nodes with their places."""

from __future__ import annotations

from dataclasses import dataclass, field
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
from scenario_runner.loading.nodes import Leaf, Listing, Mapping, Node, plain_value
from scenario_runner.loading.problems import Problems, Unreadable
from scenario_runner.loading.slips import Slips
from scenario_runner.loading.syntax import forbidden_letter, syntax_fault
from scenario_runner.source import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEEPEST = 100
MOST_EXPANDED = 10_000
_LONGEST_FOR_PURE_PARSER = 32_000  # it reads some 16 KB a second


@dataclass(slots=True)
class Document:
    """One YAML document; `spoilt` are the ids of nodes that already have a problem."""

    root: Node
    spoilt: set[int] = field(default_factory=set)


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
    raise Unreadable("syntax", str(error), Span(file, 1, 1, 1, 1)) from None


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
        self.spoilt: set[int] = set()
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
                self.problems.add(
                    "empty-document", "this document is empty", document.root.span,
                    "remove the line with '---' or write a scenario below it",
                )  # fmt: skip
                document.spoilt.add(id(document.root))
        return self.documents

    def _begin_document(self, _: Any) -> None:  # noqa: ANN401 -- an event of ruamel's
        self.anchors = {}
        self.spoilt = set()
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
        if plain and self.slips.value(node, self.stack, self.keys):
            self.spoilt.add(id(node))
        self._check_tag(event, span, node)
        self._remember(event.anchor, node, self.count)
        self._add(node)

    def _key(self, text: str, span: Span, event: Any) -> None:  # noqa: ANN401 -- as above
        top = self.stack[-1]
        self._check_tag(event, span, top)
        odd = self.slips.key(text, span, plain=not event.style)
        if isinstance(top, Mapping) and text in top.keys:
            self.problems.add(
                "duplicate-key", f"'{text}' stands here twice", span,
                "keep one of the two", Note(message="the first one is here", span=top.keys[text]),
            )  # fmt: skip
        if event.anchor:
            self._remember(event.anchor, Leaf(text, text, plain=True, span=span), self.count)
        self.keys[-1] = (text, span, odd)

    def _start(self, event: Any) -> None:  # noqa: ANN401 -- an event of ruamel's
        span = self._span(event)
        if len(self.stack) >= DEEPEST:
            raise Unreadable(
                "too-deep", f"this is nested deeper than {DEEPEST} levels", span,
                "a scenario needs few levels: look for brackets that are never closed",
            )  # fmt: skip
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
            raise Unreadable(
                "bare-star", f"YAML takes *{event.anchor} for a pointer to another place", span,
                f"write '*{event.anchor}' in quotes",
            )  # fmt: skip
        self._check_key_is_text(span)
        known = self.anchors[event.anchor]
        if known is None:
            raise Unreadable("anchor-circle", f"*{event.anchor} contains itself", span)
        node, size = known
        self.count += size - 1
        self.shared = True
        self._add(node)
        self._check_size(span)

    def _check_size(self, span: Span) -> None:
        if self.shared and self.count > MOST_EXPANDED:
            raise Unreadable(
                "too-many-nodes",
                f"with its anchors written out, this file has more than {MOST_EXPANDED:,} values",
                span, "write the values out, or use vars, matrix or repeat instead of anchors",
            )  # fmt: skip

    def _remember(self, anchor: str | None, node: Node, before: int) -> None:
        if anchor:
            self.anchors[anchor] = (node, self.count - before + 1)

    def _check_key_is_text(self, span: Span) -> None:
        if self.stack and isinstance(self.stack[-1], Mapping) and self.keys[-1] is None:
            raise Unreadable(
                "bad-key", "a key must be plain text", span,
                "quote a value that begins with { or [",
            )  # fmt: skip

    def _check_tag(self, event: Any, span: Span, node: Node) -> None:  # noqa: ANN401 -- as above
        if event.tag:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.problems.add(
                "yaml-tag", f"YAML tags such as {tag} are not understood", span,
                "remove the tag; put text that begins with ! in quotes",
            )  # fmt: skip
            self.spoilt.add(id(node))

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
                self.spoilt.add(id(node))
            top.keys[key] = span
            top.fields[key] = node
            top.data[key] = node.data


def _extent(node: Listing | Mapping, end: Span) -> Span:
    """What to point at: a flow collection whole, a block map at its first key."""
    if node.flow:
        return node.span._replace(end_line=end.end_line, end_column=end.end_column)
    if isinstance(node, Mapping) and node.keys:
        return next(iter(node.keys.values()))
    return node.span._replace(end_line=node.span.line, end_column=node.span.column + 1)
