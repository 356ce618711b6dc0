"""Places in text files: a position, a span, and the excerpt with a caret that a message shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

_WIDTH = 100


class Span(Struct, frozen=True, order=True, gc=False):
    """A stretch of a file."""

    file: Annotated[str, Meta(description="The file's path.")]
    line: Annotated[int, Meta(description="The first line, counted from 1.")]
    column: Annotated[int, Meta(description="The first column, counted from 1.")]
    end_line: Annotated[int, Meta(description="The last line.")]
    end_column: Annotated[int, Meta(description="One past the last column.")]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Span("", 0, 0, 0, 0)
"""The place of what no file says; its `file` is empty."""


class Source(Struct, frozen=True, gc=False):
    """The text of a file that spans point into."""

    file: str
    text: str

    def excerpt(self, span: Span, *, before: int = 1, after: int = 0, width: int = _WIDTH) -> str:
        """Return the lines around `span`, the marked line with `>` and carets under the place.

        Of lines longer than `width` the part around the place is shown.
        """
        lines = self.text.splitlines()
        if not lines or span.line > len(lines):
            return ""
        first = max(1, span.line - before)
        last = min(len(lines), span.line + after)
        gutter = len(str(last))
        shown: list[str] = []
        for number in range(first, last + 1):
            mark = ">" if number == span.line else " "
            line, caret = _window(lines[number - 1], span, width, marked=number == span.line)
            shown.append(f"{mark} {number:>{gutter}} | {line}".rstrip())
            if caret:
                shown.append(f"  {'':>{gutter}} | {caret}")
        return "\n".join(shown)


def read_source(file: str) -> Source | None:
    """Read a file whose text is only shown; None where it can't be read."""
    try:
        return Source(file, Path(file).read_text(encoding="utf-8-sig", errors="replace"))
    except OSError:
        return None


def _window(line: str, span: Span, width: int, *, marked: bool) -> tuple[str, str]:
    """Cut a long line down to the part around the span; return it with its caret line."""
    line = line.replace("\t", " ")
    line = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line
    )
    if not marked:
        return (line if len(line) <= width else line[: width - 1] + "…"), ""
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    left = max(0, start - width // 2) if len(line) > width else 0
    shown = line[left : left + width]
    if left:
        shown = "…" + shown[1:]
    if left + width < len(line):
        shown = shown[:-1] + "…"
    carets = max(1, min(end, left + width) - start)
    return shown, " " * (start - left) + "^" * carets
