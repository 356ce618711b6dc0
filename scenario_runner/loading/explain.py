"""Every code a message can have: what it means, with a wrong and a right example.

The entries stand in `codes.md`: a heading with the code, a title, a paragraph, and two blocks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_ENTRY = re.compile(
    r"^## (?P<code>[a-z0-9-]+)\n\n(?P<title>.+)\n\n(?P<meaning>.+)\n\n"
    r"```yaml\n(?P<wrong>.*?)```\n\n```yaml\n(?P<right>.*?)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code: its title, its meaning, and complete files that have and do not have it."""

    title: str
    meaning: str
    wrong: str
    right: str


def _read(text: str) -> dict[str, Code]:
    sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    found = (_ENTRY.match(section.strip()) for section in sections)
    return {
        entry["code"]: Code(
            title=entry["title"],
            meaning=entry["meaning"],
            wrong=entry["wrong"],
            right=entry["right"],
        )
        for entry in found
        if entry
    }


CODES = _read(Path(__file__).with_name("codes.md").read_text(encoding="utf-8"))
