from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.errors import TargetError
from scenario_runner.execution.targets import MOCK, TargetChoice, choose
from scenario_runner.masking import Mask

TEXT = """
default: staging
targets:
  staging:
    driver: ringme
    url: https://pbx.example.com:8443
    client_id: runner
    client_secret: secret
  near: {driver: mock, slots: 3}
  odd: {driver: mock, profile: vendr}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "scenario-targets.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def test_without_a_file_the_target_is_the_mock() -> None:
    assert choose(TargetChoice(), Mask()) is MOCK
    assert choose(TargetChoice(name="mock"), Mask()) is MOCK
    with pytest.raises(TargetError, match="since there is no targets file"):
        choose(TargetChoice(name="staging"), Mask())


def test_the_built_in_mock_is_there_beside_a_file_too(file: str) -> None:
    assert choose(TargetChoice(file=file, name="mock"), Mask()) is MOCK


def test_the_default_of_the_file_is_used(file: str) -> None:
    choice = TargetChoice(file=file, allow_protected=("PBX.example.com",))
    assert choose(choice, Mask()).name == "staging"
    assert choose(TargetChoice(file=file, name="near"), Mask()).slots == (1, 3)


@pytest.mark.parametrize("allowed", [(), ("pbx.example.org",), ("staging",)])
def test_a_protected_target_wants_permission_that_names_its_host(
    file: str, allowed: tuple[str, ...]
) -> None:
    with pytest.raises(TargetError) as error:
        choose(TargetChoice(file=file, allow_protected=allowed), Mask())
    assert error.value.hint == "if it may be called on, add --allow-protected pbx.example.com"


@pytest.mark.parametrize("allowed", ["pbx.example.com", "pbx.example.com:8443"])
def test_permission_names_the_host_with_or_without_port(file: str, allowed: str) -> None:
    assert choose(TargetChoice(file=file, allow_protected=(allowed,)), Mask()).protected


def test_an_unknown_profile_is_told(file: str) -> None:
    with pytest.raises(TargetError) as error:
        choose(TargetChoice(file=file, name="odd"), Mask())
    assert error.value.hint == "did you mean 'vendor'?"
