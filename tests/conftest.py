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
    parser.addoption("--slow", action="store_true", help="run the slow tests, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes a minute, unless it is asked for."""
    if not config.getoption("--slow"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=slow)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a golden file; with --rewrite-golden the file is written instead."""

    def check(file: Path, text: str) -> None:
        if request.config.getoption("--rewrite-golden"):
            file.write_text(text, encoding="utf-8", newline="")
        assert file.exists(), f"no golden file {file}: run pytest with --rewrite-golden"
        assert text == file.read_bytes().decode()

    return check


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud, and once for each reason, what was skipped."""
    reasons = {
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    }
    if reasons:
        terminalreporter.section("NOT TESTED", red=True, bold=True)
        for reason in sorted(reasons):
            terminalreporter.line(reason)
