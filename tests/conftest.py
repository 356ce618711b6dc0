"""Options that all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

collect_ignore_glob = ["*.scenario.yaml", "*.scenario.yml"]
"""Files of cases, often invalid ones: our own pytest plugin is not to collect them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a golden file; with --rewrite-golden the file is written instead."""

    def check(file: Path, text: str) -> None:
        if request.config.getoption("--rewrite-golden"):
            file.write_text(text, encoding="utf-8", newline="")
        assert file.exists(), f"no golden file {file}: run pytest with --rewrite-golden"
        assert text == file.read_bytes().decode()

    return check
