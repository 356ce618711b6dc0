from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scenario_runner.errors import render_problem
from scenario_runner.loading.documents import LoadOptions, load

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "invalid"
CASES = sorted(FOLDER.glob("*.scenario.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.partition(".")[0])
def test_message(
    case: Path, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    (loaded,) = load([str(case.relative_to(ROOT))], LoadOptions(root="tests/invalid"))
    sources = {source.file: source for source in loaded.sources}
    shown = [render_problem(problem, sources) for problem in loaded.problems]
    assert not loaded.scenarios
    assert any(not problem.warning for problem in loaded.problems)
    golden(case.with_name(case.name.replace(".scenario.yaml", ".err")), "\n\n".join(shown) + "\n")


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 60
