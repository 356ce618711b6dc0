"""Answers whose JSON no program should handle: the scenario is errored, never the run."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from scenario_runner.pbx.ringme.answers import MOST_DEPTH, UnfitJson, read_json
from tests.http.answering import answering, whole
from tests.http.meeting import Met, meet, scenario_deed

if TYPE_CHECKING:
    from pathlib import Path

TWO = """
    scenario: first
    steps: [call: {as: a, extension: 341, from: "+78120000443"}, check: {that: 1, equals: 1}]
    ---
    scenario: second
    steps: [call: {as: a, extension: 341, from: "+78120000443"}, check: {that: 1, equals: 1}]
    """


def nested(depth: int) -> bytes:
    return b'{"code": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (nested(5000), "nests deeper than 100 levels"),
        (nested(MOST_DEPTH + 1), "nests deeper than 100 levels"),
        (b'{"access_token": "\\ud800"}', "half a character"),
        (b'{"access_token": "\xed\xa0\x80"}', "half a character"),
    ],
)
def test_an_unfit_answer_errors_the_scenario_and_not_the_run(
    body: bytes, why: str, tmp_path: Path
) -> None:
    async def met() -> Met:
        async with answering(whole(body, "Content-Type: application/json\r\n")) as url:
            return await meet(url, scenario_deed(TWO), tmp_path)

    found = asyncio.run(met())
    assert found.verdicts == ["errored", "errored"]
    assert all("the answer's JSON can't be used" in message for message in found.messages)
    assert why in found.messages[0]


def test_json_may_nest_to_the_bound() -> None:
    assert json.dumps(read_json(nested(MOST_DEPTH))).encode() == nested(MOST_DEPTH)


def test_brackets_in_text_and_side_by_side_do_not_nest() -> None:
    wide = [["[" * 500, {"a": []}] for _ in range(200)]
    assert read_json(json.dumps(wide).encode()) == wide


def test_both_halves_of_a_character_are_one() -> None:
    assert read_json(b'"\\ud83d\\ude00 \\u0416"') == "\U0001f600 \u0416"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the kind says all
        read_json(body)


def test_unfit_json_is_told_from_none() -> None:
    with pytest.raises(UnfitJson):
        read_json(nested(900))
