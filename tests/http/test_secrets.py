from __future__ import annotations

import re
from pathlib import Path

import pytest

from scenario_runner.cli import scenario_runner
from scenario_runner.cli.exit_codes import exit_code_of
from scenario_runner.mock_pbx import Client, Profile, fault_from_text
from tests.http.serving import served_mock

SECRETS = {
    "PBX_CLIENT_SECRET": "k33pitsafe/it hidden+always",
    "PBX_PASSWORD": 'pass"word&hiddenthing',
    "PIN": "9876543210-pin",
}
TARGETS = """
default: staging
targets:
  staging:
    driver: ringme
    url: $env.MOCK_URL
    client_id: runner
    client_secret: $secret.PBX_CLIENT_SECRET
    username: admin
    password: $secret.PBX_PASSWORD
    extensions: {"341": 34414, "342": 34415}
    calls: control
    events: {listen: "127.0.0.1:0"}
"""
SCENARIO = """
scenario: Secrets everywhere
vars:
  pin: $secret.PIN
steps:
  - name: Call with $pin
    call: {as: one, extension: 341, to: $pin}
  - request:
      post: /oauth/token
      form:
        grant_type: client_credentials
        client_id: runner
        client_secret: $secret.PBX_CLIENT_SECRET
        x: $pin
    expect: {status: 200}
    save: {token: body.access_token}
  - request:
      get: /extension/34414/current_calls/?pin=$pin
      headers: {authorization: Bearer $token}
    expect: {body: {pin: $pin}}
  - set: {said: $secret.PBX_PASSWORD}
cleanup:
  - check: {that: $said, equals: $pin}
  - park: {call: one, slot: 6}
"""
REPORTS = ("junit", "json", "events", "html", "tap", "ctrf", "markdown")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "scenario-targets.yaml").write_text(TARGETS, encoding="utf-8")
    (tmp_path / "a.scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> int:
    return exit_code_of(lambda: scenario_runner.main(list(words), standalone_mode=False))


def everything(folder: Path, capfd: pytest.CaptureFixture[str]) -> str:
    """All that was written anywhere, but for the files that are input."""
    out, err = capfd.readouterr()
    files = [
        file
        for file in folder.rglob("*")
        if file.is_file() and not file.name.endswith((".scenario.yaml", "targets.yaml"))
    ]
    return "\n".join([out, err, *(file.read_text("utf-8", "replace") for file in files)])


def assert_hidden(text: str) -> None:
    assert text
    for secret in SECRETS.values():
        # Parts, too; shorter ones stand in what is encoded in base64 by chance.
        for word in re.findall(r"[a-z0-9]{8,}", secret):
            assert word not in text, f"{word} of {secret} was written"
        assert secret not in text


def named_reports() -> list[str]:
    from scenario_runner.cli.run import command

    known = {option for parameter in command.params for option in parameter.opts}
    return [f"--{name}" for name in REPORTS if f"--{name}" in known]


@pytest.mark.parametrize(
    "fault",
    ["", "drop-after,on=park", "truncated,on=calls", "oversized,on=park", "not-json,on=token"],
)
def test_no_secret_is_written_anywhere(
    fault: str,
    folder: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reports = named_reports()
    assert len(reports) >= 3
    files = [word for name in reports for word in (name, f"report{name}.txt")]
    faults = (fault_from_text(fault),) if fault else ()
    with served_mock(faults=faults) as url:
        monkeypatch.setenv("MOCK_URL", url)
        assert run("run", "-v", *files, "a.scenario.yaml") in (1, 4)
    text = everything(folder, capfd)
    assert "***" in text
    assert "Secrets everywhere" in text
    assert_hidden(text)
    assert not re.search(r"Bearer (?![*$])\S+", text)


def test_no_secret_is_told_when_the_credentials_are_wrong(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = Profile(clients=(Client(client_id="runner", client_secret="another secret"),))
    with served_mock(profile=profile) as url:
        monkeypatch.setenv("MOCK_URL", url)
        assert run("run", "-v", "a.scenario.yaml") == 4
        assert run("targets", "--check") == 4
        assert run("cleanup") == 0
    text = everything(folder, capfd)
    assert "gives no token: status 401" in text
    assert_hidden(text)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://k33p.98765-pin.invalid:x"])
def test_no_secret_is_told_when_nobody_is_there(
    url: str, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCK_URL", url.replace("k33p.98765-pin", "pbx"))
    assert run("run", "a.scenario.yaml") in (2, 4)
    assert run("targets", "--check") in (2, 3, 4)
    assert_hidden(everything(folder, capfd))
