from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from scenario_runner.errors import TargetError
from scenario_runner.execution import targets
from scenario_runner.execution.targets import open_target
from scenario_runner.language.target import AddedSettings, MockSettings, Target
from scenario_runner.masking import Mask
from scenario_runner.pbx.drivers import Context
from scenario_runner.pbx.protocol import Connection, Traits
from tests.http.meeting import target

ADDED = replace(target("http://x"), driver="carrier-pigeon", settings=AddedSettings())


class Pigeon:
    traits = Traits(name="loft", slots=1, park_timeout=1)


@asynccontextmanager
async def open_pigeon(one: Target, context: Context) -> AsyncIterator[Pigeon]:
    assert one.driver == "carrier-pigeon"
    context.notice("coo", "the secret is k33p-it")
    yield Pigeon()


def add(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry = EntryPoint(name="carrier-pigeon", value=value, group=targets.GROUP)
    installed = EntryPoints([entry])
    monkeypatch.setattr("importlib.metadata.entry_points", installed.select)


def opened(one: Target, folder: Path, context: Context | None = None) -> Traits:
    async def whole() -> Traits:
        connection: Connection
        async with open_target(one, context or Context(), folder) as connection:
            return connection.traits

    return asyncio.run(whole())


def test_another_package_may_add_a_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    add(monkeypatch, "tests.http.test_opening:open_pigeon")
    told: list[str] = []
    mask = Mask()
    mask.add("k33p-it", name="it")
    context = Context(mask=mask, warn=lambda notice: told.append(notice.message))
    assert opened(ADDED, tmp_path, context).name == "loft"
    assert told == ["the secret is ***"]
    assert "carrier-pigeon" in targets.driver_names()


@pytest.mark.parametrize("value", ["tests.no_such_module:x", "tests.http.test_opening:nothing"])
def test_a_driver_that_can_not_be_loaded_is_told(
    value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add(monkeypatch, value)
    with pytest.raises(TargetError, match="the driver 'carrier-pigeon' can't be loaded"):
        opened(ADDED, tmp_path)


def test_a_driver_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(TargetError) as error:
        opened(replace(ADDED, driver="rngme"), tmp_path)
    assert error.value.hint == "did you mean 'ringme'?"


def test_settings_of_another_driver_are_told(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="no settings of the driver ringme"):
        opened(replace(target("http://x"), settings=MockSettings()), tmp_path)


def test_errors_are_raised_with_their_secrets_hidden(tmp_path: Path) -> None:
    mask = Mask()
    mask.add("hidden-name", name="it")
    with pytest.raises(TargetError) as error:
        opened(replace(ADDED, driver="hidden-name"), tmp_path, Context(mask=mask))
    assert str(error.value) == "there is no driver '***' that opens a connection"
