from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.execution.results import Results
from scenario_runner.execution.run import RunRequest, run_whole
from tests.running import Ran

PARKED = """
fragment: A parked customer
params:
  number: {type: string, default: "+78120000443"}
  slot: {type: integer}
exports: [customer]
steps:
  - call: {as: customer, extension: 341, from: $number}
  - park: {call: customer, slot: $slot}
"""

WAITS = """
fragment: Somebody waits in a slot
params:
  who: {type: call}
  slot: {type: integer}
steps:
  - name: $who.extension waits
    slots: {call: who, slot: $slot}
    expect: {holds: who}
"""

KNOWN = """
fragment: A known fault
params:
  who: {type: call}
steps:
  - calls: {call: who}
    xfail: an issue
    expect: {state: ended}
"""


def run_files(folder: Path, steps: str) -> Ran:
    (folder / "parked.yaml").write_text(PARKED)
    (folder / "waits.yaml").write_text(WAITS)
    (folder / "known.yaml").write_text(KNOWN)
    file = folder / "a.scenario.yaml"
    file.write_text(f"scenario: a\nsteps:\n{steps}")
    ran = Ran(Results())
    run_whole(RunRequest(paths=(str(file),)), ran.events.append)
    return ran


@pytest.mark.parametrize(
    ("exports", "name"),
    [("", "customer"), (", exports: [customer]", "customer"), (", exports: {customer: c}", "c")],
)
def test_what_a_fragment_exports_comes_out_of_it(tmp_path: Path, exports: str, name: str) -> None:
    ran = run_files(
        tmp_path,
        f"""
  - use: {{file: parked.yaml, with: {{slot: 6}}{exports}}}
  - slots: {{call: {name}, slot: 6}}
    expect: {{holds: {name}}}
""",
    )
    assert ran.verdicts == ["passed"], ran.failures


def test_a_call_is_given_by_its_name(tmp_path: Path) -> None:
    ran = run_files(
        tmp_path,
        """
  - use: {file: parked.yaml, with: {slot: 6}, exports: {customer: first}}
  - use: {file: waits.yaml, with: {who: first, slot: 6}}
  - use: {file: waits.yaml, with: {who: first, slot: 7}}
""",
    )
    assert ran.steps["2"] == "passed", ran.failures
    assert ran.steps["3.use.1"] == "failed"
    (failure,) = ran.failures
    assert failure.expected is not None
    assert failure.expected.startswith("who (")
    assert [span.line for span in failure.via] == [6]


def test_a_call_that_never_came_up_is_not_applicable_in_a_cleanup(tmp_path: Path) -> None:
    ran = run_files(
        tmp_path,
        """
  - check: {that: $target.slot_count, equals: 0}
  - call: {as: customer, extension: 341, from: "+7"}
cleanup:
  - use: {file: waits.yaml, with: {who: customer, slot: 6}}
""",
    )
    assert ran.steps["cleanup.1"] == "not applicable"
    assert ran.verdicts == ["failed"]


def test_fragments_run_in_branches_and_rounds(tmp_path: Path) -> None:
    ran = run_files(
        tmp_path,
        """
  - together:
      - use: {file: parked.yaml, with: {slot: 1}, exports: {customer: first}}
      - use: {file: parked.yaml, with: {slot: 2, number: "+72"}, exports: {customer: second}}
  - repeat:
      each: [3, 4]
      as: slot
      steps:
        - use: {file: parked.yaml, with: {slot: $slot, number: "+7$slot"}, exports: {customer: c}}
        - use: {file: waits.yaml, with: {who: c, slot: $slot}}
  - use: {file: waits.yaml, with: {who: first, slot: 1}}
  - use: {file: waits.yaml, with: {who: second, slot: 2}}
  - use: {file: waits.yaml, with: {who: c, slot: 4}}
""",
    )
    assert ran.verdicts == ["passed"], ran.failures
    assert ran.steps["1.b2.1.use.2"] == "passed"
    assert ran.steps["2[2].2.use.1"] == "passed"


@pytest.mark.parametrize(
    ("before", "step", "verdict"),
    [("", "xfailed", "passed"), ("  - hangup: {call: c}\n", "xpassed", "failed")],
)
def test_a_known_fault_inside_a_fragment(
    tmp_path: Path, before: str, step: str, verdict: str
) -> None:
    ran = run_files(
        tmp_path,
        '  - call: {as: c, extension: 341, from: "+7"}\n'
        f"{before}  - use: {{file: known.yaml, with: {{who: c}}}}\n",
    )
    assert step in ran.steps.values()
    assert ran.verdicts == [verdict]
