from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from scenario_runner.errors import render_problem
from scenario_runner.loading.documents import LoadedFile, LoadOptions, load, load_text
from tests.loading.leftovers import left_over

ROOT = Path(__file__).parents[2]
SEED_FILES = [*(ROOT / "examples").glob("*.yaml"), *(ROOT / "tests/invalid").glob("[e-k]*.yaml")]
SEEDS = [file.read_text(encoding="utf-8") for file in sorted(SEED_FILES)]
SIGNS = [
    *"{}[]:,#&*!|>'\"%@`- \n\t$~?\\",
    "- ", ": ", "\n  ", "$x", "${", "&a ", "*a", "!!str ", "<<: ", "null", "true", "---\n", "...\n",
    "\u00a0", "“", "\x00", "1e999", "99999999999999999999", "together:", "steps:", "as: customer",
]  # fmt: skip
EDITS = st.tuples(st.floats(0, 1), st.sampled_from(SIGNS), st.integers(0, 12))
UNFILLED = re.compile(r"(?<!\$)\{(what|key|known|noun|kind|word|name|hint|text|least|most|of)\}")
"""A field of a message without its value; hints show `${name}` as it is."""
OPTIONS = LoadOptions(root=str(ROOT / "examples"))
RUN = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))


def holds_up(text: str) -> None:
    """A text may be refused, but only by problems that can be shown."""
    loaded = load_text(text, str(ROOT / "examples" / "mutated.scenario.yaml"), OPTIONS)
    sources = {source.file: source for source in loaded.sources}
    for problem in loaded.problems:
        assert render_problem(problem, sources)
        assert not UNFILLED.search(f"{problem.message} {problem.hint}".replace(text, ""))
        assert problem.span.line >= 1
        assert problem.span.column >= 1
    errors = [problem for problem in loaded.problems if not problem.warning]
    assert bool(errors) == (not loaded.scenarios)
    assert not any(left_over(text))


@RUN
@given(st.sampled_from(SEEDS), st.lists(EDITS, max_size=4))
def test_mutated_text(seed: str, edits: list[tuple[float, str, int]]) -> None:
    text = seed
    for where, sign, gone in edits:
        at = int(where * len(text))
        text = text[:at] + sign + text[at + gone :]
    holds_up(text)


@RUN
@given(st.sampled_from(SEEDS), st.data())
def test_mutated_structure(seed: str, data: st.DataObject) -> None:
    try:
        documents = list(YAML(typ="safe").load_all(seed))
    except Exception:  # noqa: BLE001 -- a seed that is no YAML is the other test's business
        return
    for document in documents:
        holds_up(written(mutated(document, data)))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 99999) | st.floats(allow_nan=False)
    | st.sampled_from(["", "x", "5s", "$slot", "${a.b}", "$customer.uuid", "customer", "[a"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["call", "slot", "as", "steps", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def mutated(value: Any, data: st.DataObject) -> Any:
    """Replace one value somewhere inside, or give it another key."""
    if not isinstance(value, (dict, list)) or not value or data.draw(st.integers(0, 5)) == 0:
        return data.draw(VALUES)
    if isinstance(value, list):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], mutated(value[at], data), *value[at + 1 :]]
    key = data.draw(st.sampled_from(list(value)))
    new = data.draw(st.sampled_from([key, key, key, *value, "expect", "together", "repeat", "use"]))
    return {**{k: v for k, v in value.items() if k != key}, new: mutated(value[key], data)}


def written(value: Any) -> str:
    out = io.StringIO()
    YAML(typ="safe").dump(value, out)
    return out.getvalue()


@RUN
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    loaded = loaded_bytes(data)
    assert loaded.problems
    assert not loaded.scenarios


@RUN
@given(st.sampled_from(SEEDS), st.floats(0, 1), st.binary(min_size=1, max_size=3))
def test_mutated_bytes(seed: str, where: float, inserted: bytes) -> None:
    raw = seed.encode()
    at = int(where * len(raw))
    loaded = loaded_bytes(raw[:at] + inserted + raw[at:])
    errors = [problem for problem in loaded.problems if not problem.warning]
    assert bool(errors) == (not loaded.scenarios)


def loaded_bytes(data: bytes) -> LoadedFile:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mutated.scenario.yaml"
        file.write_bytes(data)
        (loaded,) = load([str(file)], OPTIONS)
    return loaded
