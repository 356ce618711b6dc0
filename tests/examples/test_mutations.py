"""Breaking any single expectation of any example turns the run red, at the right line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.examples.breaking import Broken, broken
from tests.examples.running_examples import EXAMPLES, FILES, FRAGMENTS, failures, load_example, run

BROKEN = [(file, one) for file in FILES for one in broken(file.read_text())]
BROKEN_FRAGMENTS = [(file, one) for file in FRAGMENTS for one in broken(file.read_text())]


def _named(value: object) -> str:
    return value.stem if isinstance(value, Path) else str(getattr(value, "title", value))


@pytest.mark.parametrize(("file", "one"), BROKEN, ids=_named)
def test_a_broken_expectation_is_red_at_its_line(file: Path, one: Broken) -> None:
    code, events = run(load_example(one.text, file))
    told = failures(events)
    assert code == 1
    assert (told[0].span.file, told[0].span.line) == (str(file), one.line)


@pytest.mark.parametrize(("fragment", "one"), BROKEN_FRAGMENTS, ids=_named)
def test_a_broken_fragment_is_red_at_both_places(
    fragment: Path, one: Broken, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(EXAMPLES, tmp_path / "examples"))
    (copy / fragment.relative_to(EXAMPLES)).write_text(one.text)
    using = [f for f in copy.glob("*.yaml") if f"parts/{fragment.name}" in f.read_text()]
    for file in using:
        code, events = run(load_example(file.read_text(), file))
        failure = failures(events)[0]
        assert code == 1
        assert Path(failure.span.file).name == fragment.name
        assert failure.span.line == one.line
        assert "use:" in file.read_text().splitlines()[failure.via[0].line - 1]
    assert using


def test_every_expectation_that_the_examples_have_is_broken() -> None:
    """A change of the language or of the examples must not leave the breaking behind."""
    texts = [file.read_text() for file in FILES]
    assert len(BROKEN) >= sum(text.count("expect:") for text in texts) >= 50
