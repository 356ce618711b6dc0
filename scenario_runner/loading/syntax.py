"""Says in plain words what a YAML parser stumbled over, and how to mend it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scenario_runner.loading.problems import Unreadable
from scenario_runner.loading.slips import glued
from scenario_runner.source import Span

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
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
    return Unreadable(
        "control-character",
        f"the character U+{ord(found[0]):04X} can't stand in a text file",
        Span(file, line, column, line, column + 1),
        "is this a YAML file? remove the character, or write it as an escape in double quotes",
    )


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
    return here.fault("syntax", f"this is not YAML: {here.problem}", "look at the indentation")


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

    def fault(self, code: str, message: str, hint: str | None = None) -> Unreadable:
        return self.at(self.row, self.column, self.column + 1).because(code, message, hint)

    def at(self, row: int, start: int, end: int) -> _Place:
        return _Place(Span(self.file, row + 1, start + 1, row + 1, max(end, start + 1) + 1))


class _Place:
    def __init__(self, span: Span) -> None:
        self.span = span

    def because(self, code: str, message: str, hint: str | None = None) -> Unreadable:
        return Unreadable(code, message, self.span, hint)


def _tab(here: _Here) -> Unreadable | None:
    for row in (here.row, here.context_row):
        found = re.match(r"[ -]*(\t+)", here.lines[row])
        if found:
            place = here.at(row, found.start(1), found.end(1))
            return place.because("tab", "a tab can't indent", "indent with two spaces instead")
    return None


def _pasted(here: _Here) -> Unreadable | None:
    for row in (here.row, here.context_row):
        found = _NO_BREAK.search(here.lines[row])
        if found:
            return here.at(row, found.start(), found.start()).because(
                "no-break-space", "a no-break space, which looks like a space and is none",
                "type the space again; pasted text often brings such spaces",
            )  # fmt: skip
        found = _CURLY.search(here.lines[row])
        if found:
            return here.at(row, found.start(), found.start()).because(
                "curly-quotes", f"{found[0]} is a curly quote, which YAML takes for a letter",
                'write straight quotes: "',
            )  # fmt: skip
    return None


def _escape(here: _Here) -> Unreadable | None:
    if "escape" not in here.problem:
        return None
    found = re.match(r"\\?.", here.line[here.column :])
    shown = found[0] if found else "\\"
    shown = shown if shown.startswith("\\") else "\\" + shown
    return here.fault(
        "bad-escape", f"{shown} means nothing inside double quotes",
        "write patterns in single quotes: '\\d+'",
    )  # fmt: skip


def _quote(here: _Here) -> Unreadable | None:
    if "quoted scalar" not in here.context:
        return None
    return here.at(here.context_row, here.context_column, here.context_column).because(
        "unclosed-quote", "this quote is never closed", "put the same quote at the end of the text"
    )


def _star(here: _Here) -> Unreadable | None:
    if "alias" not in here.context and "anchor" not in here.context:
        return None
    word = re.match(r"[*&][^\s,\]}]*", here.lines[here.context_row][here.context_column :])
    shown = word[0] if word else "*"
    end = here.context_column + len(shown)
    return here.at(here.context_row, here.context_column, end).because(
        "bare-star", f"YAML takes {shown} for a pointer to another place",
        f"write '{shown}' in quotes",
    )  # fmt: skip


def _tag(here: _Here) -> Unreadable | None:
    if "tag" not in here.context:
        return None
    return here.at(here.context_row, here.context_column, here.context_column).because(
        "yaml-tag", "YAML tags are not understood", "put text that begins with ! in quotes"
    )


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
    torn = re.search(r"(?<=\s)[\w-]+$", here.line[: here.column])
    if torn and here.row == here.context_row and here.line[here.column : here.column + 1] == ":":
        return here.at(here.row, torn.start(), torn.end()).because(
            "missing-comma", f"a comma is missing before '{torn[0]}'",
            "inside { } a comma stands between one key and the next",
        )  # fmt: skip
    kind = "[" if "sequence" in here.context else "{"
    return here.at(here.context_row, here.context_column, here.context_column).because(
        "unclosed-bracket", f"this {kind} is never closed, or what it holds is not well written",
        f"close it with {'}' if kind == '{' else ']'}; put a comma between what it holds; "
        "put text with special letters in quotes",
    )  # fmt: skip


def _in_flow(here: _Here) -> bool:
    return "flow" in here.context or "flow" in here.problem


def _quoted(here: _Here, row: int, where: tuple[int, int], what: str) -> Unreadable:
    line = here.lines[row]
    start, end = where
    mended = f"{line[:start]}'{line[start:end]}'{line[end:]}".strip()
    return here.at(row, start, end).because(
        "unquoted-in-braces", f"inside {{ }} and [ ], quote text with {what}", f"write {mended}"
    )


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
    place = here.at(here.context_row, start, start + len(word))
    mended = glued(word)
    if mended:
        return place.because(
            "missing-space", f"'{word}' needs a space after its colon", f"write {mended}"
        )
    return place.because(
        "missing-colon", f"'{word[:40]}' is neither 'key: value' nor part of the line above",
        "write a colon and a space after the key",
    )  # fmt: skip


def _glued_above(here: _Here) -> Unreadable | None:
    """`call:customer` in a line of its own is text, and the key in the next line can't follow."""
    for row in (here.row, here.row - 1):
        line = here.lines[row] if row >= 0 else ""
        found = re.match(r"[\s-]*(\w+:[^\s:/].*?)\s*$", line)
        mended = glued(found[1]) if found else None
        if found and mended:
            return here.at(row, found.start(1), found.end(1)).because(
                "missing-space", f"'{found[1]}' needs a space after its colon", f"write {mended}"
            )
        found = re.match(r"[\s-]*(\w+) ?[{\[]", line)
        if found:
            return here.at(row, found.start(1), found.end(1)).because(
                "missing-colon", f"'{found[1]}' has no colon", f"write {found[1]}: and the rest"
            )
    return None


def _second_colon(here: _Here) -> Unreadable | None:
    found = re.match(r"[\s-]*([^:]+): (.*\S)", here.line)
    if found and here.column > found.end(1):
        return here.fault(
            "second-colon", "a second ': ' in one line",
            f'put the text in quotes: {found[1]}: "{found[2]}"',
        )  # fmt: skip
    return here.fault(
        "indentation", "a key can't stand here",
        "a key stands right below the other keys of its step; is it indented too far, "
        "or does the line above lack its colon?",
    )  # fmt: skip


def _start(here: _Here) -> Unreadable | None:
    if "cannot start any token" in here.problem:
        letter = here.line[here.column : here.column + 1]
        return here.fault(
            "quote-needed", f"a value can't begin with {letter}", "put the value in quotes"
        )
    if re.search(r"expected (key|'-' indicator|<)", here.problem):
        return here.fault(
            "indentation", "this line does not fit the ones above",
            "keys of one step stand exactly below each other, and every step begins with '- '",
        )  # fmt: skip
    return None
