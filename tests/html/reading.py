"""Reads an HTML report as a program: its blocks of data, and the rest of the page."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = re.compile(
    r'<script type="application/octet-stream" id="([a-z]+)-([0-9]+)" data-block="\1">'
    r"([A-Za-z0-9+/=]*)</script>\n"
)


class Page:
    """What is in a report."""

    def __init__(self, file: Path) -> None:
        self.text = file.read_text(encoding="utf-8")
        self.shell = _BLOCK.sub("", self.text)
        self._blocks = {
            (name, int(number)): json.loads(zlib.decompress(b64decode(data)))
            for name, number, data in _BLOCK.findall(self.text)
        }

    @property
    def rows(self) -> list[list[Any]]:
        return [row for (name, _), block in self._blocks.items() if name == "rows" for row in block]

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = self._blocks["facts", 0][0]
        return facts

    def record(self, place: list[int]) -> Any:
        return self._blocks["records", place[0]][place[1]]
