"""The page about FreeSWITCH agrees with the driver."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from scenario_runner.errors import TargetError
from scenario_runner.language.target import Target
from scenario_runner.loading.targets import read_targets
from scenario_runner.masking import Mask
from scenario_runner.pbx import drivers
from scenario_runner.pbx.drivers import Context, find_driver
from scenario_runner.pbx.freeswitch.settings import FreeSwitchSettings
from scenario_runner.pbx.mock import MockSettings
from tests.docs.pages import blocks

PAGE = Path(__file__).parents[2] / "docs" / "freeswitch.md"


@pytest.mark.parametrize("name", ["freeswitch", "office", "fusionpbx"])
def test_the_targets_of_the_page_can_be_opened(name: str, tmp_path: Path) -> None:
    (block,) = [b for b in blocks(PAGE) if b.language == "yaml" and f"\n  {name}:" in b.text]
    file = tmp_path / "scenario-targets.yaml"
    file.write_text(block.text, encoding="utf-8")
    environment = {"ESL_PASSWORD": "word-of-honour"}
    target = read_targets(str(file), drivers).target(name, environment, Mask())
    assert isinstance(target.settings, FreeSwitchSettings)
    assert "word-of-honour" not in repr(target)
    assert "ClueCon" not in repr(target)
    assert target.protected is (name != "freeswitch")

    async def opened() -> None:
        async with find_driver("freeswitch").opened(target, Context()) as connection:
            assert connection.traits.slots == (99 if name == "fusionpbx" else 20)
            assert ("answer" in connection.traits.capabilities) is (name == "freeswitch")

    asyncio.run(opened())


def test_a_target_of_another_driver_is_not_opened() -> None:
    target = Target(name="x", driver="freeswitch", host="", base_url="", settings=MockSettings())

    async def opened() -> None:
        with pytest.raises(TargetError, match="has no settings of the driver freeswitch"):
            async with find_driver("freeswitch").opened(target, Context()):
                pass

    asyncio.run(opened())
