"""Takes Markdown pages apart: fenced blocks, and the notes in HTML comments right before them.

`<!-- file: NAME -->` names the file that a block is; `<!-- steps -->` says that a block is the
steps of a scenario with two calls, customer and colleague; `<!-- exit: N -->` is the exit code of
the scenario or of the commands in the block (0 by default).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = [*(ROOT / name for name in _TOP), *sorted((ROOT / "docs").rglob("*.md"))]
_NOTE = re.compile(r"<!-- (file|steps|exit):? ?(.*?) ?-->")
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_STEPS = """scenario: Steps of a page
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - call: {as: colleague, extension: 342, to: "+74950000200"}
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, the line it begins on, and its notes."""

    page: Path
    line: int
    language: str
    text: str
    notes: dict[str, str]

    def __str__(self) -> str:
        return f"{self.page.name}-{self.line}"

    @property
    def exit_code(self) -> int:
        return int(self.notes.get("exit", "0"))

    @property
    def file(self) -> str:
        return self.notes.get("file", f"{self.page.stem}-{self.line}.scenario.yaml")

    @property
    def is_scenario(self) -> bool:
        return "steps" in self.notes or re.search(r"^scenario:", self.text, re.M) is not None

    @property
    def content(self) -> str:
        """What to write into the block's file."""
        if "steps" not in self.notes:
            return self.text
        return _STEPS + "".join(f"  {line}\n" for line in self.text.splitlines())


@dataclass(frozen=True)
class Command:
    """A command line of a page, and the output shown below it (empty: none is shown)."""

    line: str
    output: str


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        before = text[: match.start()]
        indent = match[1]
        found.append(
            Block(
                page=page,
                line=before.count("\n") + 2,
                language=match[2],
                text=re.sub(f"^{indent}", "", match[3], flags=re.MULTILINE),
                notes=_notes(before),
            )
        )
    return found


def _notes(before: str) -> dict[str, str]:
    lines = []
    for line in reversed(before.rstrip().splitlines()):
        if not _NOTE.fullmatch(line.strip()):
            break
        lines.append(line)
    return {name: value for line in lines for name, value in _NOTE.findall(line)}


def commands(block: Block) -> Iterator[Command]:
    """Yield the commands of a `console` block (after `$ `) or a `sh` block (whole lines)."""
    if block.language == "sh":
        for line in block.text.splitlines():
            yield Command(line, "")
    if block.language == "console":
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            yield Command(line, output.strip("\n"))
