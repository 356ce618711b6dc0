"""Blocks of JSON inside an HTML page: deflated, in base64, and never in memory for long."""

from __future__ import annotations

import json
import tempfile
import zlib
from binascii import b2a_base64
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scenario_runner.reporters.output import Output

_FULL = 256 * 1024
_LEVEL = 3
_PIECE = 1024 * 1024
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Place(NamedTuple):
    """Where a record is: the number of its block, and its place inside."""

    block: int
    place: int


class Blocks:
    """Takes records of JSON text, and keeps all but the last few in a temporary file.

    Each block is a JSON array of about 256 KiB before it is deflated. Base64 has no letter that
    means something to HTML, so nothing in a record can end the block or start a tag.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._file = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115 -- see `write_to`
        self._number = 0
        self._records: list[str] = []
        self._size = 0

    def add(self, record: str) -> Place:
        """Take a record of JSON text; return where it will be found."""
        if self._size >= _FULL:
            self._put_block()
        self._records.append(record)
        self._size += len(record)
        return Place(self._number, len(self._records) - 1)

    def _put_block(self) -> None:
        data = f"[{','.join(self._records)}]".encode("utf-8", "replace")
        text = b2a_base64(zlib.compress(data, _LEVEL), newline=False).decode()
        name = self._name
        self._file.write(
            f'<script type="application/octet-stream" id="{name}-{self._number}" '
            f'data-block="{name}">{text}</script>\n'
        )
        self._number += 1
        self._records.clear()
        self._size = 0

    def write_to(self, output: Output) -> None:
        """Write all blocks as elements of the page, and forget them."""
        if self._records:
            self._put_block()
        with self._file as file:
            file.seek(0)
            while piece := file.read(_PIECE):
                output.write(piece)


def json_text(value: object) -> str:
    """Return plain values as compact JSON."""
    return _ENCODER.encode(value)
