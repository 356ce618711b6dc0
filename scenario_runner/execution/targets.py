"""The targets that are there without a targets file."""

from __future__ import annotations

from scenario_runner.model.target import MockSettings, Target

MOCK = Target(
    name="mock",
    driver="mock",
    host="in this process",
    base_url="http://127.0.0.1:8080",
    settings=MockSettings(),
)
