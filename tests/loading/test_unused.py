"""A name counts as used wherever a scenario may read it; one that nothing reads is warned about."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.loading.documents import LoadOptions, load

FRAGMENT = """
fragment: A call
params: {number: {type: string}, slot: {type: integer, default: 1}}
exports: [customer]
steps:
  - call: {as: customer, extension: 341, from: $number}
  - slots: {call: customer, slot: $slot}
"""

SCENARIO = """
scenario: names
vars: {{word: 6}}
steps:
  - call: {{as: a, extension: 341, from: "+7"}}
  - slots: {{call: a, slot: 1}}
    save: {{who: uuid}}
  - check: {{that: $who, not: x}}
{steps}
"""


def warnings(folder: Path, steps: str) -> list[str]:
    (folder / "part.yaml").write_text(FRAGMENT)
    file = folder / "a.scenario.yaml"
    file.write_text(SCENARIO.format(steps=steps))
    (loaded,) = load([str(file)], LoadOptions(root=str(folder)))
    return [f"{problem.code}: {problem.message}" for problem in loaded.problems]


@pytest.mark.parametrize(
    "steps",
    [
        "  - slots: {call: a, slot: $word}",
        "  - slots: {call: a, slot: 1}\n    when: {that: $word, equals: 6}",
        "  - slots: {call: a, slot: 1}\n    when: {that: $who, equals: $word}",
        "  - slots: {call: a, slot: 1}\n    name: slot $word",
        "  - slots: {call: a, slot: 1}\n    within: ${word}s\n    expect: {empty: true}",
        "  - slots: {call: a, slot: 1}\n    expect: {slot: $word}",
        "  - slots: {call: a, slot: 1}\n    expect: {body: {slot: {one_of: [1, $word]}}}",
        "  - use: {file: part.yaml, with: {number: '$word'}}",
        "  - repeat: {times: $word, steps: [{slots: {call: a, slot: 1}}]}",
        (
            "  - use: {file: part.yaml, with: {number: '1', slot: $word}, exports: [customer]}\n"
            "  - slots: {call: customer, slot: 1}"
        ),
        "  - set: {b: $word}\n  - check: {that: $b, equals: 6}",
        "  - request: {get: /x/$word}",
        "  - event: {type: hangup, call: a, where: {CallID: $word}}",
        "cleanup:\n  - slots: {call: a, slot: $word}",
    ],
)
def test_a_name_is_used_wherever_it_is_read(tmp_path: Path, steps: str) -> None:
    assert [text for text in warnings(tmp_path, steps) if "word" in text] == []


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("", "unused-variable: the variable 'word' is never used"),
        (
            "  - slots: {call: a, slot: $word}\n    save: {word2: slot}",
            "unused-capture: the capture 'word2' is never used",
        ),
        (
            "  - call: {as: b, extension: 342, from: '$word'}",
            "unused-call: the call 'b' is never used",
        ),
        (
            "  - use: {file: part.yaml, with: {number: '$word'}, exports: {customer: c}}",
            "unused-export: the export 'c' is never used",
        ),
        ("  - use: {file: part.yaml, with: {number: '$word'}}", None),
        (
            "  - repeat: {each: [1, $word], as: i, steps: [{slots: {call: a, slot: 1}}]}",
            None,
        ),
    ],
)
def test_what_nothing_reads_is_warned_about(tmp_path: Path, steps: str, said: str | None) -> None:
    assert warnings(tmp_path, steps) == ([said] if said else [])
