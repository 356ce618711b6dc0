"""Says which share of the lines of two folders is the same after renaming.

    python -m benchmarks.similarity [FOLDER FOLDER]

By default the drivers of Asterisk and FreeSWITCH, and beside them, as a yardstick, two rooms that
have nothing in common but the language.

A line counts if it says something: imports, comments, docstrings, blank lines and lines without a
name of their own (`else:`, `)`, `return None`) don't. The names of the PBXs and of their protocols
are replaced before lines are compared. *Anywhere* counts the lines of a folder that stand in the
other one, too, each as often as in both; *in order* only those that difflib finds in the same
order in both.
"""

from __future__ import annotations

import ast
import keyword
import re
import sys
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1] / "scenario_runner"
DRIVERS = (ROOT / "pbx/asterisk", ROOT / "pbx/freeswitch")
STRANGERS = (ROOT / "pbx/asterisk", ROOT / "engine")

_RENAMED = (
    (re.compile(r"asterisk|freeswitch", re.IGNORECASE), "Pbx"),
    (re.compile(r"(?<![a-z])(ami|esl)(?![a-z])", re.IGNORECASE), "Wire"),
)
_NAME = re.compile(r"[A-Za-z_]\w*")


class Shares(NamedTuple):
    """The shares of the lines of two folders that are the same, between 0 and 1."""

    anywhere: tuple[float, float]
    in_order: tuple[float, float]


def compare(one: Path, other: Path) -> Shares:
    """Compare the Python modules of two folders."""
    left, right = list(lines_of(one)), list(lines_of(other))
    anywhere = sum((Counter(left) & Counter(right)).values())
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks()
    in_order = sum(block.size for block in blocks)
    return Shares(
        (anywhere / len(left), anywhere / len(right)), (in_order / len(left), in_order / len(right))
    )


def lines_of(folder: Path) -> Iterator[str]:
    """Give the lines of a folder's modules that say something, renamed."""
    for file in sorted(folder.glob("*.py")):
        text = file.read_text(encoding="utf-8")
        left_out = set(_left_out(ast.parse(text)))
        for number, line in enumerate(text.splitlines(), start=1):
            stripped = line.strip()
            if number not in left_out and not stripped.startswith("#") and _says(stripped):
                yield _renamed(stripped)


def _left_out(tree: ast.Module) -> Iterator[int]:
    """Give the numbers of the lines of imports and docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) or _is_docstring(node):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)  # type: ignore[attr-defined]
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield node.lineno


def _is_docstring(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _says(line: str) -> bool:
    return any(not keyword.iskeyword(name) for name in _NAME.findall(line))


def _renamed(line: str) -> str:
    for pattern, name in _RENAMED:
        line = pattern.sub(name, line)
    return line


def main(arguments: list[str]) -> None:
    """Print the shares."""
    pairs = [tuple(map(Path, arguments))] if arguments else [DRIVERS, STRANGERS]
    for one, other in pairs:
        shares = compare(one, other)
        print(f"{one.name} and {other.name}:")
        for what, (left, right) in zip(("anywhere", "in order"), shares, strict=True):
            print(f"  the same {what}: {left:.0%} of {one.name}, {right:.0%} of {other.name}")


if __name__ == "__main__":
    main(sys.argv[1:])
