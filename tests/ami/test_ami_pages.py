"""The page about Asterisk agrees with the driver and with the Asterisk of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenario_runner.loading.targets import read_targets
from scenario_runner.masking import Mask
from scenario_runner.pbx import drivers
from scenario_runner.pbx.asterisk.connection import Asterisk
from scenario_runner.pbx.asterisk.settings import AsteriskSettings
from scenario_runner.pbx.drivers import Context
from tests.docs.pages import Block, blocks

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "asterisk.md"
CONF = (ROOT / "tests/asterisk/conf/extensions.conf").read_text(encoding="utf-8")
DIALPLAN = [b for b in blocks(PAGE) if b.language == "ini" and "exten =>" in b.text]


@pytest.mark.parametrize("name", ["office", "headless", "freepbx"])
def test_the_targets_of_the_page_can_be_read(name: str, tmp_path: Path) -> None:
    (block,) = [b for b in blocks(PAGE) if b.language == "yaml" and f"\n  {name}:" in b.text]
    file = tmp_path / "scenario-targets.yaml"
    file.write_text(block.text, encoding="utf-8")
    environment = {"AMI_PASSWORD": "word-of-honour"}
    target = read_targets(str(file), drivers).target(name, environment, Mask())
    assert isinstance(target.settings, AsteriskSettings)
    assert "word-of-honour" not in repr(target)
    traits = Asterisk(target, target.settings, Context()).traits
    assert traits.slots == (8 if name == "freepbx" else 20)
    assert target.protected is (name != "headless")
    assert ("answer" in traits.capabilities) is (name == "headless")


@pytest.mark.parametrize("block", DIALPLAN, ids=str)
def test_the_dialplan_of_the_page_is_the_one_that_is_tested(block: Block) -> None:
    for context in block.text.strip().split("\n\n"):
        assert context in CONF
