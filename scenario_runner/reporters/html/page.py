"""The page around the data: its markup, its style sheet, its script, and who may run it."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template

from scenario_runner.reporters.ladder.drawing import ladder_style

_STYLES = ("page.css", "small.css")
_SCRIPTS = (
    "dom.js",
    "store.js",
    "route.js",
    "list.js",
    "ladder.js",
    "steps.js",
    "detail.js",
    "comparison.js",
    "tables.js",
    "overview.js",
    "start.js",
)


@cache
def script() -> str:
    """Return the whole script of the page, in a scope of its own."""
    parts = "\n".join(_read("script", name) for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


@cache
def style() -> str:
    """Return the whole style sheet of the page."""
    return "".join(_read("style", name) for name in _STYLES) + ladder_style()


def head(title: str, summary: str) -> str:
    """Return everything before the data; `summary` is for readers without scripts."""
    return Template(_read("page.html")).substitute(
        title=escape(title),
        summary=escape(summary),
        style=style(),
        style_hash=_hash(style()),
        script_hash=_hash(script()),
    )


def tail() -> str:
    """Return everything after the data."""
    return f"<script>{script()}</script>\n</body>\n</html>\n"


def _read(*path: str) -> str:
    return files(__package__).joinpath(*path).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
