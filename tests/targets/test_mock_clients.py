"""The applications that the built-in mock knows: read with their places, refused, hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.errors import InvalidFiles
from scenario_runner.execution.targets import TargetChoice, choose
from scenario_runner.language.target import Target
from scenario_runner.masking import Mask
from scenario_runner.pbx.mock import MockClient, MockSettings


def target(clients: str, folder: Path, mask: Mask) -> Target:
    file = folder / "targets.yaml"
    file.write_text(f"targets:\n  mock:\n    driver: mock\n    clients: {clients}\n")
    return choose(TargetChoice(file=str(file), name="mock"), mask)


def test_clients_are_read_and_their_secrets_hidden(tmp_path: Path) -> None:
    mask = Mask()
    guest = "{id: guest, secret: not-for-you, access: none}"
    text = f"[{guest}, {{id: 7, secret: seven-of-nine, hourly_limit: 3}}]"
    settings = target(text, tmp_path, mask).settings
    assert isinstance(settings, MockSettings)
    assert settings.clients == (
        MockClient(id="guest", secret="not-for-you", access="none"),
        MockClient(id="7", secret="seven-of-nine", hourly_limit=3),
    )
    assert "not-for-you" not in repr(settings)
    assert "seven-of-nine" not in mask.text("the secret is seven-of-nine")


@pytest.mark.parametrize(
    ("clients", "message", "column"),
    [
        ("[{id: guest}]", "lacks 'secret'", 15),
        ("[{id: guest, secret: s3cret-word, access: some}]", "'some'", 56),
        ("[{id: guest, secret: s3cret-word, hourly_limit: 0}]", "0", 62),
        ("[{id: guest, secret: s3cret-word, limit: 3}]", "'limit'", 48),
        ("guest", "list", 14),
    ],
)
def test_what_is_wrong_is_told_at_its_place(
    clients: str, message: str, column: int, tmp_path: Path
) -> None:
    with pytest.raises(InvalidFiles) as raised:
        target(clients, tmp_path, Mask())
    (problem,) = raised.value.problems
    assert message in problem.message
    assert (problem.span.line, problem.span.column) == (4, column)
