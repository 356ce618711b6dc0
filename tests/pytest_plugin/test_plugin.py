"""Scenario files as pytest's tests: collection, verdicts, what a failure shows."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from scenario_runner import pytest_plugin

pytest_plugins = ["pytester"]

# pytester forgets what a run imported, and our modules would be there twice: import them before.
for module in ("execution.testing", "execution.run", "loading.documents", "reporters.failures"):
    import_module(f"scenario_runner.{module}")

CALLS = """
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - call: {as: colleague, extension: 342, to: "+74950000200"}
  - park: {call: customer, slot: $slot}
"""
GOOD = f"""
scenario: It passes
tags: [smoke, "jira:12", skip, _own]
matrix: {{slot: [6, 7]}}
steps:{CALLS}
  - slots: {{call: colleague, slot: $slot}}
    expect: {{holds: customer}}
"""
BAD = f"""
scenario: It fails
tags: [smoke]
vars: {{slot: 6}}
steps:{CALLS}
  - name: Who is there?
    slots: {{call: colleague, slot: $slot}}
    expect: {{holds: colleague}}
"""
KNOWN = BAD.replace("tags: [smoke]", "xfail: 'issue 17'").replace("It fails", "It is known")
MENDED = KNOWN.replace("holds: colleague", "holds: customer").replace("is known", "is mended")
GREEDY = """
scenario: It wants too much
needs: {slots: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u]}
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
  - check: {that: $a, equals: 1}
"""
ELSEWHERE = """
scenario: It is for another target
when: {target_can: settable-timeout}
steps:
  - call: {as: customer, extension: 341, from: "+78120000443"}
    expect: {refused: any}
"""
FILES = {"good": GOOD, "bad": BAD, "known": KNOWN, "mended": MENDED}
ALL = {**FILES, "greedy": GREEDY, "elsewhere": ELSEWHERE}


def _write(pytester: pytest.Pytester, files: dict[str, str]) -> None:
    for name, text in files.items():
        (pytester.path / f"{name}.scenario.yaml").write_text(text)


def _run(pytester: pytest.Pytester, *words: str) -> pytest.RunResult:
    return pytester.runpytest("-p", "no:randomly", "--strict-markers", *words)


def test_each_verdict_has_its_outcome(pytester: pytest.Pytester) -> None:
    _write(pytester, ALL)
    result = _run(pytester, "-rsx")
    result.assert_outcomes(passed=2, failed=2, xfailed=1, skipped=2)
    result.stdout.fnmatch_lines(
        ["*elsewhere*not applicable*", "*greedy*needs 21 slots*", "*issue 17*"],
    )


def test_a_failure_shows_the_file_and_no_frames_of_python(pytester: pytest.Pytester) -> None:
    _write(pytester, {"bad": BAD})
    text = _run(pytester).stdout.str()
    assert ">  8 |" in text or "expect: {holds: colleague}" in text
    assert "^^^^^^^^^" in text
    assert "expected: colleague (" in text
    assert "scenario-runner run --seed 0 'bad.scenario.yaml::It fails'" in text
    assert "Captured exchanges call" in text
    assert "valet_park" in text
    assert ".py" not in text.partition("FAILURES")[2].partition("short test summary")[0]
    assert "Traceback" not in text


def test_a_known_failure_that_passes_is_told(pytester: pytest.Pytester) -> None:
    _write(pytester, {"mended": MENDED})
    result = _run(pytester)
    result.assert_outcomes(failed=1)
    assert "xpassed" in result.stdout.str()


def test_runxfail_shows_the_known_failure(pytester: pytest.Pytester) -> None:
    _write(pytester, {"known": KNOWN})
    result = _run(pytester, "--runxfail")
    result.assert_outcomes(failed=1)
    assert "expected: colleague (" in result.stdout.str()


def test_an_invalid_file_is_a_collection_error_with_its_problems(
    pytester: pytest.Pytester,
) -> None:
    _write(pytester, {"good": GOOD, "invalid": BAD.replace("park:", "prk:")})
    result = _run(pytester)
    result.assert_outcomes(errors=1)
    text = result.stdout.str()
    assert "did you mean 'park'?" in text
    assert "invalid.scenario.yaml:8:5: unknown-key" in text
    assert "Traceback" not in text
    assert ".py" not in text


def test_ids_are_stable_and_select(pytester: pytest.Pytester) -> None:
    _write(pytester, FILES)
    listed = _run(pytester, "--co", "-q").stdout.lines
    assert listed[1:3] == [
        "good.scenario.yaml::It passes [slot=6]",
        "good.scenario.yaml::It passes [slot=7]",
    ]
    _run(pytester, listed[2]).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("words", "outcomes"),
    [
        (["-m", "smoke"], {"passed": 2, "failed": 1}),
        (["-k", "jira"], {"passed": 2}),
        (["-k", "passes and 7"], {"passed": 1}),
        (["-k", "fails or known"], {"failed": 1, "xfailed": 1}),
        (["-x"], {"failed": 1}),
        (["--scenario-var", "slot=9", "-k", "fails"], {"failed": 1}),
    ],
)
def test_what_selects_tests_selects_scenarios(
    pytester: pytest.Pytester, words: list[str], outcomes: dict[str, int]
) -> None:
    _write(pytester, FILES)
    result = _run(pytester, *words)
    counted = result.parseoutcomes()
    counted.pop("deselected", None)
    assert counted == outcomes


def test_the_last_failed_run_again(pytester: pytest.Pytester) -> None:
    _write(pytester, {"good": GOOD, "bad": BAD})
    _run(pytester, "-p", "cacheprovider").assert_outcomes(passed=2, failed=1)
    _run(pytester, "-p", "cacheprovider", "--lf").assert_outcomes(failed=1)


def test_junit_names_the_file(pytester: pytest.Pytester) -> None:
    _write(pytester, FILES)
    _run(pytester, "--junitxml=out.xml")
    text = (pytester.path / "out.xml").read_text()
    assert 'classname="good.scenario.yaml" name="It passes [slot=6]"' in text
    assert 'type="pytest.xfail" message="issue 17"' in text


def test_xdist_gives_the_same_outcomes(pytester: pytest.Pytester) -> None:
    _write(pytester, FILES)
    result = pytester.runpytest_subprocess("-n2", "--strict-markers")
    result.assert_outcomes(passed=2, failed=2, xfailed=1)
    assert "expected: colleague (" in result.stdout.str()
    assert "Captured exchanges call" in result.stdout.str()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--scenario-var", "slat=1"], "variable 'slat'\n  did you mean 'slot'?"),
        (["--scenario-var", "slot"], "--scenario-var"),
        (["--scenario-target", "nowhere"], "nowhere"),
    ],
)
def test_a_wrong_option_is_told(pytester: pytest.Pytester, words: list[str], message: str) -> None:
    _write(pytester, {"bad": BAD})
    result = _run(pytester, *words)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str() + result.stdout.str()
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_a_wrong_option_is_told_by_workers_too(pytester: pytest.Pytester) -> None:
    _write(pytester, {"bad": BAD})
    result = pytester.runpytest_subprocess("-n1", "--scenario-var", "slat=1")
    result.assert_outcomes(failed=1)
    assert "did you mean 'slot'?" in result.stdout.str()


def test_a_variable_and_the_seed_are_in_the_line_that_repeats(pytester: pytest.Pytester) -> None:
    _write(pytester, {"bad": BAD})
    text = _run(pytester, "--scenario-var", "slot=9", "--scenario-seed", "4").stdout.str()
    assert "scenario-runner run --var slot=9 --seed 4 'bad.scenario.yaml::It fails'" in text


def test_a_python_test_has_a_pbx_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import scenario_runner

        def test_park(scenario_pbx):
            customer = scenario_pbx.call("341", caller="+78120000443")
            colleague = scenario_pbx.call("342", callee="+74950000200")
            scenario_pbx.park(customer, 6)
            assert scenario_pbx.slots(colleague, 6).uuid == customer.uuid

        def test_nobody_is_there(scenario_pbx):
            colleague = scenario_pbx.call("342", callee="+74950000200")
            assert scenario_pbx.slots(colleague, 6).uuid is None
        """
    )
    _run(pytester, "-W", "error").assert_outcomes(passed=2)


def test_the_plugin_imports_nothing_until_a_scenario_is_seen() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import scenario_runner.pytest_plugin; "
        "print(*set(sys.modules) - before)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(found) == {
        "scenario_runner",
        "scenario_runner.pytest_plugin",
        "scenario_runner.version",
    }


def test_nothing_private_of_pytest_is_used() -> None:
    assert "_pytest" not in Path(pytest_plugin.__file__).read_text(encoding="utf-8")
