from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scenario_runner.errors import InvalidFiles, ScenarioRunnerError, TargetError, render_problem
from scenario_runner.language.settings import Address
from scenario_runner.language.target import Target
from scenario_runner.language.vocabulary import Reason
from scenario_runner.loading.files import read_text
from scenario_runner.loading.targets import find_targets, read_targets
from scenario_runner.masking import Mask
from scenario_runner.pbx import drivers
from scenario_runner.pbx.mock import MockSettings
from scenario_runner.pbx.ringme.access import EventSettings, RestAccess, RestProfile
from scenario_runner.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "tests" / "targets" / "invalid").glob("*.yaml"))
ENVIRONMENT = {"PBX_CLIENT_ID": "runner", "PBX_CLIENT_SECRET": "k33p-it", "EMPTY": ""}
RINGME = """
targets:
  staging:
    driver: ringme
    url: https://pbx.example.com:8443/
    client_id: $env.PBX_CLIENT_ID
    client_secret: $secret.PBX_CLIENT_SECRET
    extensions: {"341": 34414, "0342": 34415}
"""


def made(text: str, folder: Path, name: str = "staging", mask: Mask | None = None) -> Target:
    file = folder / "scenario-targets.yaml"
    file.write_text(text, encoding="utf-8")
    return read_targets(str(file), drivers).target(name, ENVIRONMENT, mask or Mask())


def access(target: Target) -> RestAccess:
    assert isinstance(target.settings, RestAccess)
    return target.settings


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_message(
    case: Path, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case.parent)
    monkeypatch.setattr(Path, "absolute", lambda path: Path("/here") / path)
    shown = ""
    try:
        read_targets(case.name, drivers).target("chosen", ENVIRONMENT, Mask())
    except InvalidFiles as error:
        sources = {case.name: Source(case.name, read_text(case, case.name))}
        shown = "\n\n".join(render_problem(problem, sources) for problem in error.problems)
    except ScenarioRunnerError as error:
        shown = f"{error.message}\n  {error.hint}"
    assert shown
    golden(case.with_suffix(".err"), shown + "\n")


def test_a_target_is_read_with_its_variables(tmp_path: Path) -> None:
    mask = Mask()
    target = made(RINGME, tmp_path, mask=mask)
    assert access(target) == RestAccess(
        url="https://pbx.example.com:8443", client_id="runner", client_secret="k33p-it"
    )
    assert target.host == "pbx.example.com:8443"
    assert target.extensions == (("341", "34414"), ("0342", "34415"))
    assert target.protected
    assert mask.text("the secret is k33p-it") == "the secret is ***"
    assert "k33p-it" not in repr(target)


def test_every_setting_has_its_place(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    text = RINGME + (
        "    slots: 5-15\n    park_timeout: 90s\n    calls: wait\n    max_at_once: 2\n"
        "    ca_file: ca.pem\n    proxy: http://proxy:3128\n    username: u\n    password: pass\n"
        "    api_path: /api/v2/\n    token_path: /token\n    protected: false\n"
        "    events: {listen: '[::1]:8090', public_url: https://ci.example.com/hook/}\n"
        "    profile: {empty_slot: not-found, pickup: 20s, event_method: GET}\n"
        "    reasons: {slot-empty: {contains: no parked}, no-capacity: busy}\n"
        "    allow: {numbers: ['+7812'], max_calls: 4, max_duration: 10m, random_bridge: true}\n"
    )
    target = made(text, tmp_path)
    assert access(target) == RestAccess(
        url="https://pbx.example.com:8443",
        client_id="runner",
        client_secret="k33p-it",
        username="u",
        password="pass",
        api_path="/api/v2",
        token_path="/token",
        ca_file=str(tmp_path / "ca.pem"),
        proxy="http://proxy:3128",
        calls="wait",
        events=EventSettings(listen=Address("::1", 8090), public_url="https://ci.example.com/hook"),
        max_at_once=2,
        profile=RestProfile(empty_slot="not-found", pickup=20_000_000, event_method="GET"),
    )
    assert (target.slots, target.park_timeout, target.protected) == ((5, 15), 90_000_000, False)
    assert [reason for reason, _ in target.reasons] == [Reason.SLOT_EMPTY, Reason.NO_CAPACITY]
    allow = target.allow
    assert (allow.max_calls, allow.max_duration, allow.random_bridge) == (4, 600_000_000, True)
    assert allow.numbers is not None
    assert len(allow.numbers) == 1


@pytest.mark.parametrize(
    ("slots", "expected"), [("7", (1, 7)), ("5-15", (5, 15)), ("'3-3'", (3, 3))]
)
def test_slots_are_a_number_or_a_range(
    slots: str, expected: tuple[int, int], tmp_path: Path
) -> None:
    text = f"targets: {{staging: {{driver: mock, slots: {slots}}}}}"
    target = made(text, tmp_path)
    assert target.slots == expected
    assert target.settings == MockSettings()


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [("341-343", ["341", "342", "343"]), ("341", ["341"]), ("[341, 355]", ["341", "355"])],
)
def test_extensions_are_a_range_or_a_list(
    extensions: str, expected: list[str], tmp_path: Path
) -> None:
    target = made(f"targets: {{staging: {{driver: mock, extensions: {extensions}}}}}", tmp_path)
    assert [number for number, _ in target.extensions] == expected


NUMBERED = """
targets:
  staging:
    driver: ringme
    url: http://127.0.0.1:8080
    client_id: a-client
    client_secret: a-secret-of-mine
    extensions: {}
"""


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        ("{341-343: +34073}", (("341", "34414"), ("342", "34415"), ("343", "34416"))),
        ("{341: +34073, 350: 7}", (("341", "34414"), ("350", "7"))),
        ("{341-342: -341}", (("341", "0"), ("342", "1"))),
        ("{a-b: c}", (("a-b", "c"),)),
    ],
)
def test_ids_may_be_numbers_and_an_offset(
    extensions: str, expected: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    target = made(NUMBERED.format(extensions), tmp_path)
    assert target.extensions == expected


@pytest.mark.parametrize("extensions", ["{341-343: 34073}", "{341-343: -342}", "{1-900000: +1}"])
def test_a_range_of_ids_needs_what_is_added(extensions: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidFiles) as caught:
        made(NUMBERED.format(extensions), tmp_path)
    (problem,) = caught.value.problems
    assert "such as 341-360: +34073" in str(problem.hint)


@pytest.mark.parametrize(
    ("url", "protected"),
    [
        ("http://localhost:8080", False),
        ("http://127.0.0.1:8080", False),
        ("http://127.8.0.1", False),
        ("http://[::1]:8080", False),
        ("http://localhost.example.com", True),
        ("http://127.pbx.example.com", True),
        ("http://127.0.0.1.example.com:8080", True),
        ("https://pbx.example.com", True),
        ("http://192.168.0.7", True),
    ],
)
def test_a_host_that_is_not_this_machine_is_protected(
    url: str, protected: bool, tmp_path: Path
) -> None:
    text = RINGME.replace("https://pbx.example.com:8443/", url)
    assert made(text, tmp_path).protected is protected


@pytest.mark.parametrize(
    ("variable", "told"), [("$env.ABSENT", "is not set"), ("$secret.EMPTY", "is empty")]
)
def test_a_variable_that_is_missing_is_named(variable: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(TargetError) as error:
        made(RINGME.replace("$env.PBX_CLIENT_ID", variable), tmp_path)
    assert told in error.value.message
    assert error.value.hint is not None
    assert "scenario-targets.yaml:6" in error.value.hint


def test_variables_of_other_targets_are_not_asked_for(tmp_path: Path) -> None:
    text = RINGME.replace("$env.PBX_CLIENT_ID", "$env.ABSENT") + "  mock: {driver: mock}\n"
    assert made(text, tmp_path, "mock").driver == "mock"


def test_a_secret_too_short_to_be_hidden_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(RINGME, encoding="utf-8")
    with pytest.raises(TargetError, match="can't be masked"):
        read_targets(str(file), drivers).target(
            "staging", ENVIRONMENT | {"PBX_CLIENT_SECRET": "abc"}, Mask()
        )


def test_a_missing_file_or_target_is_told_with_what_is_near(tmp_path: Path) -> None:
    with pytest.raises(TargetError) as error:
        made(RINGME, tmp_path, "stagin")
    assert error.value.hint == "did you mean 'staging'?"
    with pytest.raises(TargetError) as error:
        read_targets(str(tmp_path / "scenario-target.yaml"), drivers)
    assert error.value.hint == "did you mean 'scenario-targets.yaml'?"


def test_the_file_is_found_beside_the_scenarios_or_above(tmp_path: Path) -> None:
    inner = tmp_path / "one" / "two"
    inner.mkdir(parents=True)
    scenario = inner / "a.scenario.yaml"
    scenario.touch()
    file = tmp_path / "one" / "scenario-targets.yaml"
    file.touch()
    assert find_targets([str(scenario)]) == str(file)
    assert find_targets([str(inner)]) == str(file)
    (inner / ".git").mkdir()
    assert find_targets([str(scenario)]) is None
    assert find_targets([]) is None


def test_two_targets_files_are_one_too_many(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "scenario-targets.yaml").touch()
    with pytest.raises(TargetError, match="different targets files"):
        find_targets([str(tmp_path / "one"), str(tmp_path / "two")])
