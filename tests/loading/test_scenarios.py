from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec import Struct

from scenario_runner.language.actions import (
    AwaitEvent,
    Bridge,
    CallById,
    Park,
    Poll,
    Repeat,
    Slots,
    Stays,
    Together,
    Wait,
)
from scenario_runner.language.expectations import Holds
from scenario_runner.language.requests import RawRequest
from scenario_runner.language.values import Duration
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.references import Fields, Items, Literal, Reference, Text
from scenario_runner.source import Span

if TYPE_CHECKING:
    from scenario_runner.errors import Problem
    from scenario_runner.language.actions import Step
    from scenario_runner.language.scenario import Scenario

CALL = '  - call: {as: customer, extension: 341, from: "+78120000443"}\n'
ASK = "  - slots: {call: customer, slot: 6}\n    expect: {empty: true}\n"


def scenarios(text: str, **options: Any) -> tuple[Scenario, ...]:
    loaded = load_text(text, "test.scenario.yaml", LoadOptions(**options))
    errors = [problem for problem in loaded.problems if not problem.warning]
    assert errors == []
    return tuple(loaded.scenarios)


def step(lines: str) -> Step:
    (one,) = scenarios(f"scenario: A\nsteps:\n{CALL}{lines}{ASK}")
    return one.steps[1]


def problems(text: str, **options: Any) -> list[Problem]:
    return list(load_text(text, "test.scenario.yaml", LoadOptions(**options)).problems)


def codes(text: str, **options: Any) -> list[str]:
    return [problem.code for problem in problems(text, **options)]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("6", 6), ("0", 0), ("-5", -5), ("6.5", 6.5), ("true", True), ("false", False),
        ("null", None), ("0701", "0701"), ("+15551234567", "+15551234567"), ("1_000", "1_000"),
        ("12:30", "12:30"), ("1e3", "1e3"), ("0x10", "0x10"), ("0o17", "0o17"), (".5", ".5"),
        ("2024-01-31", "2024-01-31"), ("yes", "yes"), ("on", "on"), ("True", "True"), ("~", "~"),
        ('"6"', "6"), ("'true'", "true"), ("-0", "-0"), (".inf", ".inf"), ("1.", "1."),
        ("7812" * 2000, "7812" * 2000),
    ],
)  # fmt: skip
def test_scalars_are_what_was_typed(written: str, value: object) -> None:
    (one,) = scenarios(
        f"scenario: A\nvars:\n  v: {written}\nsteps:\n  - check: {{that: $v, equals: x}}\n"
    )
    made = one.vars[0].value
    assert isinstance(made, Literal)
    assert made.value == value
    assert type(made.value) is type(value)


def test_places_are_exact() -> None:
    text = "scenario: A\nsteps:\n" + CALL + "  - request: {put: '/x/$customer.uuid/y', text: é}\n"
    (one,) = scenarios(text)
    action = one.steps[1].action
    assert isinstance(action, RawRequest)
    assert isinstance(action.path, Text)
    reference = action.path.parts[1]
    assert isinstance(reference, Reference)
    line = text.splitlines()[reference.span.line - 1]
    assert line[reference.span.column - 1 : reference.span.end_column - 1] == "$customer.uuid"


def test_every_span_lies_in_the_text() -> None:
    text = (
        "scenario: A\nvars:\n  list: [1, {a: $target.name}]\nsteps:\n" + CALL
        + "  - slots: {call: customer, slot: 6}\n    expect: {holds: customer, uuid: {not: x}}\n"
        "    within: 10s\n    save: {who: uuid}\n    when: {that: $list, not: [$who2]}\n"
        "cleanup:\n  - hangup:\n      call: customer\n"
    ).replace("$who2", "$target.slots")  # fmt: skip
    (one,) = scenarios(text)
    lines = text.splitlines()
    spans = list(_spans(one))
    assert len(spans) > 20
    for span in spans:
        assert span.file == "test.scenario.yaml"
        assert lines[span.line - 1][span.column - 1 : span.end_column - 1].strip()


def _spans(value: object) -> list[Span]:
    if isinstance(value, Span):
        return [value]
    if isinstance(value, tuple):
        return [span for item in value for span in _spans(item)]
    if isinstance(value, Struct):
        return [span for name in value.__struct_fields__ for span in _spans(getattr(value, name))]
    return []


def test_polling() -> None:
    line = "  - slots: {call: customer, slot: 6}\n    expect: {holds: customer}\n    "
    assert step(line + "within: 10s\n").repeating == Poll(
        Duration(10_000_000, Span("test.scenario.yaml", 6, 13, 6, 16)), Duration(1_000_000)
    )
    found = step(line + "stays: 1m\n    every: 500ms\n").repeating
    assert isinstance(found, Stays)
    assert (found.during.value, found.every.value) == (60_000_000, 500_000)
    event = step("  - event: {type: hangup}\n    within: 3m10s\n")
    assert event.within is not None
    assert event.within.value == 190_000_000


def test_a_call_by_its_id() -> None:
    park = step('  - park: {call_api_id: "77", extension: 341, slot: 6}\n').action
    assert isinstance(park, Park)
    assert isinstance(park.call, CallById)
    assert park.extension is None


def test_expectations_and_conditions() -> None:
    found = step(
        "  - slots: {call: customer, slot: 6}\n    when: {target_can: events}\n"
        "    expect: {holds: customer}\n    xfail: later\n    id: asked\n    timeout: 5s\n"
    )
    assert isinstance(found.action, Slots)
    assert isinstance(found.expect[0], Holds)
    assert (found.xfail, found.id, found.timeout.value) == ("later", "asked", 5_000_000)


def test_waits_by_reference() -> None:
    text = "scenario: A\nvars: {pause: 5s}\nsteps:\n  - wait: $pause\n" + CALL + ASK
    action = scenarios(text)[0].steps[0].action
    assert isinstance(action, Wait)
    assert isinstance(action.duration.value, Reference)


def test_events_are_noticed() -> None:
    (one,) = scenarios(
        "scenario: A\nsteps:\n" + CALL
        + '  - event: {type: hangup, call: customer, where: {party: {contains: "7"}}}\n'
    )  # fmt: skip
    assert one.uses_events
    action = one.steps[1].action
    assert isinstance(action, AwaitEvent)
    assert action.where[0][0] == "party"


def test_a_random_bridge_wants_to_be_alone() -> None:
    (one,) = scenarios("scenario: A\nsteps:\n" + CALL + "  - bridge: {call: customer}\n")
    assert one.needs.alone
    assert isinstance(one.steps[1].action, Bridge)


def test_numbers_known_before_the_run_are_reserved() -> None:
    (one,) = scenarios(
        "scenario: A\nvars: {first: 6, again: $first, desk: '34${first}'}\nneeds: {slots: [free]}\n"
        "steps:\n" + CALL + "  - call: {as: other, extension: $desk, from: 1}\n"
        "  - park: {call: customer, slot: $again}\n  - park: {call: other, slot: $free}\n"
        "  - repeat:\n      each: [7, 8]\n      as: s\n      steps:\n"
        "        - slots: {call: customer, slot: $s}\n          expect: {empty: true}\n"
    )
    assert one.needs.slots == ("free",)
    assert one.needs.literal_slots == ("6", "7", "8")
    assert one.needs.literal_extensions == ("341", "346")


@pytest.mark.parametrize(
    ("loop", "slots", "alone"),
    [
        ("each: 3-5", ("3", "4", "5"), False),
        ("times: 2", ("1", "2"), False),
        ("each: $target.slots", (), True),
    ],
)
def test_what_a_repeat_counts_through_is_reserved(
    loop: str, slots: tuple[str, ...], alone: bool
) -> None:
    (one,) = scenarios(
        "scenario: A\nsteps:\n" + CALL + f"  - repeat:\n      {loop}\n      as: s\n      steps:\n"
        "        - slots: {call: customer, slot: $s}\n          expect: {empty: true}\n"
    )
    assert one.needs.literal_slots == slots
    assert one.needs.alone is alone


def test_matrix_of_lists() -> None:
    rows = scenarios(
        "scenario: A\nmatrix: {slot: [1, 2], mode: [full, '1']}\nsteps:\n" + CALL
        + "  - slots: {call: customer, slot: $slot}\n    expect: {message: $mode}\n"
    )  # fmt: skip
    titles = ["slot=1, mode=full", "slot=1, mode=1", "slot=2, mode=full", "slot=2, mode=1"]
    assert [row.name for row in rows] == [f"A [{title}]" for title in titles]
    assert rows[2].row == (("slot", "2"), ("mode", "full"))
    assert rows[2].needs.literal_slots == ("2",)
    assert rows[0].steps is rows[3].steps
    assert {binding.name for binding in rows[0].vars} == {"slot", "mode"}


def test_matrix_rows_have_unique_names() -> None:
    long = "x" * 60
    rows = scenarios(
        f"scenario: A\nmatrix:\n  - {{slot: 1}}\n  - {{slot: '1'}}\n  - {{slot: {long}}}\n"
        "  - {slot: [1]}\nsteps:\n" + CALL
        + "  - slots: {call: customer, slot: $slot}\n    expect: {empty: true}\n"
    )  # fmt: skip
    names = [row.name for row in rows]
    assert names == ["A [slot=1]", "A [slot=1 #2]", "A [slot=#3]", "A [slot=#4]"]


def test_overrides_replace_variables() -> None:
    text = (
        "scenario: A\nvars: {slot: 6, other: $slot}\nsteps:\n" + CALL + ASK.replace("6", "$other")
    )
    loaded = load_text(
        text, "a", LoadOptions(overrides=(("slot", [1, {"a": "$x"}]), ("nobody", 1)))
    )
    assert loaded.declared == {"slot", "other"}
    value = loaded.scenarios[0].vars[0].value
    assert isinstance(value, Items)
    assert isinstance(value.items[1], Fields)


def test_together_and_repeat() -> None:
    (one,) = scenarios(
        "scenario: A\nsteps:\n" + CALL
        + "  - together:\n"
        "      - park: {call: customer, slot: 6}\n"
        "      - - wait: 1s\n"
        "        - slots: {call: customer, slot: 6}\n"
        "          save: {who: uuid}\n"
        "    expect: {succeeded: {at_least: 1}}\n"
        "  - repeat:\n      times: 3\n      steps:\n"
        "        - slots: {call: customer, slot: 6}\n"
        "          expect: {uuid: $who}\n"
        "          save: {inner: uuid}\n"
        "  - check: {that: $inner, equals: $who}\n"
    )  # fmt: skip
    together, repeat = one.steps[1].action, one.steps[2].action
    assert isinstance(together, Together)
    assert [len(branch) for branch in together.branches] == [1, 2]
    assert isinstance(repeat, Repeat)


def test_conditions_that_exclude_one_another_may_bind_one_name() -> None:
    def text(first: str, second: str) -> str:
        return (
            "scenario: A\nvars: {mode: full}\nsteps:\n"
            f"  - when: {{that: $mode, {first}}}\n    call: {{as: c, extension: 1, from: 2}}\n"
            f"  - when: {{that: $mode, {second}}}\n    call: {{as: c, extension: 1, to: 2}}\n"
            "  - calls: {call: c}\n    expect: {state: up}\n"
        )

    assert codes(text("equals: full", "equals: half")) == []
    assert codes(text("equals: full", "not: full")) == []
    assert codes(text("one_of: [a, b]", "not: {one_of: [a, b, c]}")) == []
    assert codes(text("equals: full", "one_of: [full, half]")) == ["bound-twice"]
    assert codes(text("equals: full", "equals: full")) == ["bound-twice"]
    assert codes(text("not: a", "not: b")) == ["bound-twice"]


def test_cleanup_sees_everything() -> None:
    assert codes(
        "scenario: A\nsteps:\n" + CALL + ASK + "    save: {who: uuid}\n"
        "cleanup:\n  - check: {that: $who, equals: x}\n  - hangup: {call: customer}\n"
    ) == []  # fmt: skip


def test_several_documents_and_an_empty_last_one() -> None:
    text = "scenario: A\nsteps:\n" + CALL + ASK
    both = scenarios(text + "---\n" + text.replace("A", "B", 1) + "---\n")
    assert [one.name for one in both] == ["A", "B"]


def test_strict_makes_errors_of_warnings() -> None:
    text = "scenario: A\nvars: {slot: 6}\nsteps:\n" + CALL + ASK
    (warning,) = problems(text)
    assert warning.warning
    assert load_text(text, "a", LoadOptions()).scenarios[0].warnings
    (error,) = problems(text, strict=True)
    assert not error.warning
    assert not load_text(text, "a", LoadOptions(strict=True)).scenarios


def test_one_mistake_is_one_problem() -> None:
    text = (
        "scenario: A\nvars: {slot: 6}\nsteps:\n"
        '  - cal: {as: customer, extension: 341, from: "+7"}\n'
        "  - park: {call: customer, slot: $slot}\n    save: {state: status}\n"
        "  - slots: {call: customer, slot: $slot}\n    expect: {holds: customer}\n"
    )
    assert codes(text) == ["unknown-key"]


def test_shared_anchors_are_fine() -> None:
    text = (
        "scenario: A\nsteps:\n" + CALL
        + "  - slots: &ask {call: customer, slot: 6}\n    expect: &free {empty: true}\n"
        "  - slots: *ask\n    expect: *free\n"
    )  # fmt: skip
    assert len(scenarios(text)[0].steps) == 3


def test_an_empty_key_beside_curly_quotes() -> None:
    assert codes("? \n: x\nscenario: “A”\n")


def test_a_long_chain_of_variables_takes_no_time() -> None:
    chain = "".join(f"  v{number}: $v{number + 1}\n" for number in range(3_000))
    text = f"scenario: A\nvars:\n{chain}  v3000: 1\nsteps:\n  - check: {{that: $v0, equals: 1}}\n"
    assert codes(text) == []
    assert "circle" in codes(text.replace("v3000: 1", "v3000: $v2999"))


def test_windows_line_ends_and_a_byte_order_mark() -> None:
    text = "\ufeff" + ("scenario: A\nsteps:\n" + CALL + ASK).replace("\n", "\r\n")
    assert scenarios(text)[0].steps[1].span.line == 4
