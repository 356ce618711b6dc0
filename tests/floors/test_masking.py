from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args, get_type_hints
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from scenario_runner.errors import TargetError
from scenario_runner.events import (
    EVENTS,
    Event,
    Exchange,
    Failure,
    SourceRead,
    StepFinished,
    Verdict,
)
from scenario_runner.masking import Mask
from scenario_runner.printable import encodable
from scenario_runner.source import Span


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(TargetError, match="fewer than 4 letters"):
        Mask().add("abc", name="$secret.X")


@given(st.text(min_size=6, max_size=20).filter(lambda text: "*" not in text))
def test_a_secret_is_hidden_in_every_form(secret: str) -> None:
    mask = Mask()
    try:
        encoded = secret.encode()
    except UnicodeEncodeError:
        return
    mask.add(secret, name="$secret.X")
    for form in (
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(encoded).decode().rstrip("="),
    ):
        assert form not in mask.text(f"before {form} after")


def test_every_text_of_an_event_is_masked() -> None:
    mask = Mask()
    place = Span("hunter2.yaml", 1, 1, 1, 1)
    failure = Failure(key="k", message="hunter2", span=place, via=(place,))
    event = StepFinished(
        scenario="s",
        step="1",
        verdict=Verdict.FAILED,
        at=0,
        took=0,
        summary="hunter2",
        failures=(failure,),
    )
    assert mask.event(event) is event
    mask.add("hunter2", name="$secret.X")
    assert "hunter2" not in repr(mask.event(event))
    assert isinstance(mask.event(event).failures[0].span, Span)


def test_an_overlapping_longer_secret_is_hidden_whole() -> None:
    mask = Mask()
    mask.add("secret", name="a")
    mask.add("secret-and-more", name="b")
    assert mask.text("secret-and-more") == "***"


def test_numbers_stay_numbers() -> None:
    mask = Mask()
    mask.add("1234", name="a")
    exchange = Exchange(
        scenario="s", step="1", protocol="http", sent="1234", received="", outcome="ok", at=1234,
        took=0,
    )  # fmt: skip
    assert mask.event(exchange).at == 1234
    assert mask.event(exchange).sent == "***"


class Nested(Struct, frozen=True):
    text: str
    number: int = 4711


class Outer(Struct, frozen=True):
    nested: Nested
    several: tuple[tuple[str, Nested], ...] = ()
    verdict: Verdict = Verdict.FAILED
    nothing: None = None


def test_a_secret_in_any_struct_is_masked() -> None:
    mask = Mask()
    mask.add("hunter2", name="$secret.X")
    event = Outer(Nested("hunter2"), several=(("hunter2", Nested("is hunter2")),))
    assert mask.event(event) == Outer(Nested("***"), several=(("***", Nested("is ***")),))


class Slotted:
    def __init__(self) -> None:
        self.text = "hunter2"


@pytest.mark.parametrize("unknown", [Slotted(), ["hunter2"], {"a": "hunter2"}, b"hunter2"])
def test_what_the_mask_does_not_know_is_an_error(unknown: object) -> None:
    mask = Mask()
    for _ in range(2):
        with pytest.raises(TypeError, match=f"a {type(unknown).__name__} in an event") as caught:
            mask.event((unknown,))
        assert "hunter2" not in str(caught.value)
        mask.add("hunter2", name="$secret.X")


PIECES = st.sampled_from(
    ["hunter2", "hun", "ter2", '"', "\\", "\n", "\x01", "/", "\u00e9", "\U0001f600", "\ud800", "&"]
)
PHRASES = st.lists(PIECES, max_size=6).map("".join)


@given(PHRASES.filter(lambda text: len(text) >= 4), st.lists(PHRASES, min_size=2, max_size=2))
def test_an_event_is_masked_as_each_of_its_texts_is(secret: str, texts: list[str]) -> None:
    mask = Mask()
    mask.add(secret, name="$secret.X")
    first, second = (mask.text(encodable(text)) for text in texts)
    event = Outer(Nested(texts[0]), several=((texts[1], Nested("")),))
    assert mask.event(event) == Outer(Nested(first), several=((second, Nested("")),))


KNOWN = (str, int, float, bool, type(None))


def kinds(hint: Any) -> Iterator[type]:
    """Every type in a type hint, those of a Struct's fields included."""
    for part in get_args(hint):
        yield from kinds(part)
    if isinstance(hint, type) and issubclass(hint, Struct):
        for field in get_type_hints(hint).values():
            yield from kinds(field)
    elif isinstance(hint, type) and not get_args(hint):
        yield hint


@pytest.mark.parametrize("event", EVENTS.values())
def test_events_have_only_fields_that_the_mask_knows(event: type[Event]) -> None:
    found = set(kinds(event))
    assert found
    assert all(kind in KNOWN or issubclass(kind, Enum) for kind in found)


def test_lone_surrogates_are_replaced_before_an_event_is_told() -> None:
    event = SourceRead(file="caf\u00e9", text="\ud800 and \udc80")
    assert Mask().event(event) == SourceRead(file="caf\u00e9", text="? and ?")
    mask = Mask()
    mask.add("pass\udcffword", name="$secret.X")
    assert mask.event(SourceRead(file="", text="pass\udcffword")).text == "***"
    assert mask.event(SourceRead(file="", text="pass?word")).text == "***"
