import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from msgspec import structs

from scenario_runner.clock import Clock
from scenario_runner.errors import TargetError
from scenario_runner.execution.targets import open_target
from scenario_runner.language.settings import SettingProblem, Settings
from scenario_runner.language.target import Target
from scenario_runner.loading.targets import read_targets
from scenario_runner.masking import Mask
from scenario_runner.pbx import drivers
from scenario_runner.pbx.drivers import Context, Driver
from scenario_runner.pbx.mock import MockSettings
from scenario_runner.pbx.protocol import Connection, Plan, Session, Traits, Watcher
from tests.http.meeting import target


class PigeonSettings(Settings, frozen=True, kw_only=True):
    """A loft of pigeons."""

    grain: str = "wheat"

    def problems(self, target: Target) -> Iterable[SettingProblem]:
        del target
        if self.grain != "wheat":
            yield SettingProblem(("grain",), "pigeons like wheat", "write wheat")


ADDED = structs.replace(target("http://x"), driver="carrier-pigeon", settings=PigeonSettings())


class Pigeon:
    traits = Traits(name="loft", slots=1, park_timeout=1)

    def session(
        self, plan: Plan, watcher: Watcher, clock: Clock
    ) -> AbstractAsyncContextManager[Session]:
        raise NotImplementedError


@asynccontextmanager
async def open_pigeon(
    one: Target, settings: PigeonSettings, context: Context
) -> AsyncIterator[Connection]:
    assert one.driver == "carrier-pigeon"
    assert settings.grain == "wheat"
    context.notice("coo", "the secret is k33p-it")
    yield Pigeon()


PIGEON = Driver("carrier-pigeon", PigeonSettings, open_pigeon)


def add(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry = EntryPoint(name="carrier-pigeon", value=value, group=drivers.GROUP)
    installed = EntryPoints([entry])
    monkeypatch.setattr("importlib.metadata.entry_points", installed.select)


def opened(one: Target, folder: Path, context: Context | None = None) -> Traits:
    async def whole() -> Traits:
        connection: Connection
        async with open_target(one, context or Context(), folder) as connection:
            return connection.traits

    return asyncio.run(whole())


def test_another_package_may_add_a_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    add(monkeypatch, "tests.http.test_opening:PIGEON")
    told: list[str] = []
    mask = Mask()
    mask.add("k33p-it", name="it")
    context = Context(mask=mask, warn=lambda notice: told.append(notice.message))
    assert opened(ADDED, tmp_path, context).name == "loft"
    assert told == ["the secret is ***"]
    assert "carrier-pigeon" in drivers.driver_names()


@pytest.mark.parametrize("value", ["tests.no_such_module:x", "tests.http.test_opening:nothing"])
def test_a_driver_that_can_not_be_loaded_is_told(
    value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add(monkeypatch, value)
    with pytest.raises(TargetError, match="the driver 'carrier-pigeon' can't be loaded"):
        opened(ADDED, tmp_path)


def test_an_entry_point_that_is_no_driver_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add(monkeypatch, "tests.http.test_opening:open_pigeon")
    with pytest.raises(TargetError, match="open_pigeon is not a Driver"):
        opened(ADDED, tmp_path)


def test_settings_that_do_not_fit_are_told_before_anything_is_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add(monkeypatch, "tests.http.test_opening:PIGEON")
    wrong = structs.replace(ADDED, settings=PigeonSettings(grain="rye"))
    with pytest.raises(TargetError, match="grain: pigeons like wheat") as error:
        opened(wrong, tmp_path)
    assert error.value.hint == "write wheat"


def test_a_driver_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(TargetError) as error:
        opened(structs.replace(ADDED, driver="rngme"), tmp_path)
    assert error.value.hint == "did you mean 'ringme'?"


def test_settings_of_another_driver_are_told(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="no settings of the driver ringme"):
        opened(structs.replace(target("http://x"), settings=MockSettings()), tmp_path)


def test_errors_are_raised_with_their_secrets_hidden(tmp_path: Path) -> None:
    mask = Mask()
    mask.add("hidden-name", name="it")
    with pytest.raises(TargetError) as error:
        opened(structs.replace(ADDED, driver="hidden-name"), tmp_path, Context(mask=mask))
    assert str(error.value) == "there is no driver '***'"


@pytest.mark.parametrize("url", ["http://pbx.example.com", "http://127.pbx.example.com:8080"])
def test_credentials_go_to_another_machine_only_encrypted(url: str, tmp_path: Path) -> None:
    async def opened(context: Context) -> None:
        async with open_target(target(url), context, tmp_path):
            pass

    with pytest.raises(TargetError, match="over http:// anybody between here and there") as caught:
        asyncio.run(opened(Context()))
    assert "--insecure" in (caught.value.hint or "")
    told: list[str] = []
    warned = Context(insecure=True, warn=lambda notice: told.append(notice.message))
    asyncio.run(opened(warned))
    assert told[0].startswith("NOTHING IS ENCRYPTED")


def test_a_credential_in_the_targets_file_is_warned_about(tmp_path: Path) -> None:
    file = tmp_path / "scenario-targets.yaml"
    head = "targets:\n  x:\n    driver: ringme\n    client_id: qa\n"
    rest = "    client_secret: {secret}\n    url: {url}\n"

    async def told(secret: str, url: str) -> list[str]:
        file.write_text(head + rest.format(secret=secret, url=url), encoding="utf-8")
        one = read_targets(str(file), drivers).target("x", {"SECRET": "from-outside"}, Mask())
        heard: list[str] = []
        context = Context(warn=lambda notice: heard.append(f"{notice.code}: {notice.message}"))
        async with open_target(one, context, tmp_path / "journal"):
            return heard

    literal = asyncio.run(told("open-sesame", "https://pbx.example.com"))
    written = f"credentials of x are written out: {file}:5:20"
    assert literal == [f"literal-secret: {written}"]
    assert asyncio.run(told("$secret.SECRET", "https://pbx.example.com")) == []
    assert asyncio.run(told("open-sesame", "http://127.0.0.1:1")) == []
