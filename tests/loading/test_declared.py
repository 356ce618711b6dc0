"""A declaration from elsewhere, such as the settings of a driver, is checked and read alike."""

import json
from typing import Annotated

import pytest
from msgspec import Struct

from scenario_runner.language.kinds import DURATION, SLOT, TEXT, Kind, keys_of, many
from scenario_runner.language.schema import written
from scenario_runner.language.values import Duration
from scenario_runner.loading.names import Names
from scenario_runner.loading.nodes import Mapping, Problems, as_map
from scenario_runner.loading.reader import Reading, declared
from scenario_runner.loading.schema_errors import check
from scenario_runner.loading.yaml import parse
from scenario_runner.references import Expression, Literal


class Lamp(Struct, frozen=True, kw_only=True):
    """What lights up when somebody is parked.

    - host: Where it is.
    - blink: How long it is on and off.
    """

    host: Annotated[str, TEXT(noun="a host name", minLength=1)]
    slot: Annotated[Expression, SLOT]
    blink: Annotated[Duration, DURATION] = Duration(1)


LAMP = Kind(
    name="lamp", noun="a lamp", sentence="A lamp.", schema={"type": "object"}, of=lambda: (Lamp,)
)
LAMPS = many(LAMP, noun="a list of lamps")


def read(text: str) -> tuple[Lamp | None, list[str]]:
    problems = Problems()
    (document,) = parse(text, "lamp.yaml", problems)
    wrong = check(LAMP, document, problems)
    root = document.root
    lamp = None
    if isinstance(root, Mapping) and not wrong:
        reading = Reading("lamp.yaml", problems, Names(problems))
        lamp = declared(Lamp, as_map(root), root.span, reading)
    return lamp, [f"{one.code}: {one.message} ({one.hint})" for one in problems.in_order()]


def test_its_values_are_read() -> None:
    lamp, problems = read("{host: a, slot: 6, blink: 250ms}")
    assert problems == []
    assert lamp is not None
    assert (lamp.host, lamp.blink.value) == ("a", 250_000)
    assert isinstance(lamp.slot, Literal)
    assert lamp.slot.value == 6


def test_what_is_left_out_has_its_default() -> None:
    lamp, _ = read("{host: a, slot: 6}")
    assert lamp is not None
    assert lamp.blink == Duration(1)


def test_what_is_wrong_is_said_in_the_words_of_the_declaration() -> None:
    assert read("{slot: 6, blnk: 1s}")[1] == [
        "missing-key: a lamp lacks 'host' (add host: Where it is.)",
        "unknown-key: unknown key 'blnk' in a lamp (did you mean 'blink'?)",
    ]
    assert read("{host: '', slot: 6, blink: 5}")[1] == [
        "empty-value: 'host' must not be empty (None)",
        "bare-number: 5 has no unit (did you mean 5s?)",
    ]
    assert read("{host: a, slot: 6, blink: soon}")[1] == [
        "bad-duration: 'soon' is not a duration (durations look like 250ms, 5s, 3m, 3m10s or 1h)"
    ]


def test_its_schema_refers_to_what_scenarios_define() -> None:
    schema = json.loads(written("lamps", LAMPS))
    assert schema["$id"] == "lamps.schema.json"
    assert schema["items"]["properties"] == {
        "host": {
            "title": "a host name",
            "description": "Where it is.",
            "type": "string",
            "minLength": 1,
        },
        "slot": {"$ref": "scenario.schema.json#/$defs/slot"},
        "blink": {
            "$ref": "scenario.schema.json#/$defs/duration",
            "description": "How long it is on and off.",
        },
    }
    assert schema["items"]["required"] == ["host", "slot"]
    assert "$defs" not in schema


def test_annotations_that_are_put_off_are_refused() -> None:
    class Late(Struct):
        host: "Annotated[str, TEXT]"

    with pytest.raises(TypeError, match="Late: a module of declarations"):
        keys_of(Late)
