from __future__ import annotations

import pytest

from scenario_runner.language.actions import Check
from scenario_runner.language.matchers import (
    AllOf,
    Anything,
    AtLeast,
    AtMost,
    Between,
    Contains,
    Equals,
    IsType,
    Length,
    Matcher,
    Matches,
    Near,
    Not,
    OneOf,
    StartsWith,
)
from scenario_runner.loading.documents import LoadOptions, load_text
from scenario_runner.loading.names import read_path, shape
from scenario_runner.references import Fields, Items, Literal, parse_text
from scenario_runner.source import Span

SPAN = Span("a", 1, 1, 1, 1)
BRIDGE = "  - bridge: {call: customer}\n"


def loaded_codes(lines: str, variables: str = "{}") -> list[str]:
    text = (
        f"scenario: A\nvars: {variables}\nsteps:\n"
        '  - call: {as: customer, extension: 341, from: "+78120000443"}\n' + lines
    )
    return [problem.code for problem in load_text(text, "a", LoadOptions()).problems]


def matcher(written: str) -> Matcher:
    text = f"scenario: A\nsteps:\n  - check: {{that: $target.name, {written}}}\n"
    loaded = load_text(text, "a", LoadOptions())
    assert loaded.problems == ()
    action = loaded.scenarios[0].steps[0].action
    assert isinstance(action, Check)
    return action.matcher.matcher


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("equals: {a: [1]}", Equals),
        ("not: {contains: a}", Not),
        ("contains: {a: 1}", Contains),
        ("starts_with: '+7'", StartsWith),
        ("matches: '[0-9a-f-]{36}'", Matches),
        ("one_of: [1, $target.slots]", OneOf),
        ("at_least: 3", AtLeast),
        ("at_most: 5s", AtMost),
        ("between: [179s, 182s]", Between),
        ("near: {value: $target.park_timeout, within: 1s}", Near),
        ("type: string", IsType),
        ("length: {at_least: 1}", Length),
        ("any: true", Anything),
        ("at_least: 1, at_most: 3", AllOf),
    ],
)
def test_matchers(written: str, kind: type) -> None:
    assert isinstance(matcher(written), kind)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("uuid", ("uuid",)),
        ("body.call_list[0].uuid", ("body", "call_list", 0, "uuid")),
        ("body.call_list.0", ("body", "call_list", 0)),
        ("headers.X-RateLimit-Limit", ("headers", "X-RateLimit-Limit")),
        ("a[", None),
        ("a..b", None),
        ("", None),
        ("a b", None),
    ],
)
def test_paths(path: str, steps: object) -> None:
    assert read_path(path) == steps


@pytest.mark.parametrize(
    ("reference", "codes"),
    [
        ("$map.a", []),
        ("$map.list[1]", []),
        ("$map.other.anything", []),
        ("$map.b", ["unknown-field"]),
        ("$map.list[2]", ["unknown-field"]),
        ("$map.list.first", ["unknown-field"]),
        ("$map.a.b", ["unknown-field"]),
        ("$customer.uuid", []),
    ],
)
def test_paths_into_variables(reference: str, codes: list[str]) -> None:
    lines = f"  - check: {{that: '{reference}', equals: '$map.a $customer.uuid'}}\n"
    assert loaded_codes(lines, "{map: {a: 1, list: [1, 2], other: $target.name}}") == codes


@pytest.mark.parametrize(
    ("expectation", "codes"),
    [
        ("message: {contains: ''}", ["cannot-fail"]),
        ("message: {length: {at_least: 0}}", ["cannot-fail"]),
        ("message: {matches: '.*'}", ["cannot-fail"]),
        ("message: {starts_with: ''}", ["cannot-fail"]),
        ("message: {contains: occupied, length: {at_least: 0}}", []),
        ("message: {length: {at_least: 1}}", []),
        ("body: {slot: {contains: ''}}", ["cannot-fail"]),
        ("body: {list: {length: {at_least: 0}}}", ["cannot-fail"]),
        ("headers: {Retry-After: {starts_with: ''}}", ["cannot-fail"]),
        ("uuid: {matches: '.*'}", ["cannot-fail"]),
        ("status: {at_least: 100}", ["cannot-fail"]),
        ("status: {between: [100, 599]}", ["cannot-fail"]),
        ("status: {at_most: 599}", ["cannot-fail"]),
        ("status: {at_least: 200}", []),
        ("status: {any: true}", ["cannot-fail"]),
        ("refused: {one_of: [none, any]}", ["cannot-fail"]),
        ("refused: {one_of: [none, slot-empty]}", []),
        ("refused: {slot-full: 1}", ["unknown-key"]),
        ("refused: 1", ["unknown-reason"]),
        ("uuid: {any: true}", []),
        ("headers: {Retry-After: {any: true}}", []),
        ("body: {'a b': 1}", ["bad-path"]),
        ("status: ok", ["not-an-amount"]),
        ("status: 20", ["out-of-range"]),
        ("message: {matches: $customer.uuid}", ["bad-pattern"]),
        ("with: customer", ["misplaced-expectation"]),
        ("faster_than: 1s", []),
        ("faster_than: soon", ["bad-duration"]),
        ("empty: $target.name", []),
    ],
)
def test_expectations(expectation: str, codes: list[str]) -> None:
    lines = f"  - slots: {{call: customer, slot: 6}}\n    expect: {{{expectation}}}\n"
    assert loaded_codes(lines) == codes


@pytest.mark.parametrize(
    ("step", "codes"),
    [
        ("check: {that: $customer.uuid, contains: ''}", ["cannot-fail"]),
        ("check: {that: $customer.uuid, length: {at_least: 0}}", ["cannot-fail"]),
        ("check: {that: $customer.uuid, any: true}", []),
        ("event: {type: hangup, where: {CallFlow: {starts_with: ''}}}", ["cannot-fail"]),
        ("when: {that: $target.name, matches: '.*'}, hangup: {call: customer}", ["cannot-fail"]),
        ("calls: {call: customer}, expect: {state: {any: true}}", ["cannot-fail"]),
        (
            (
                "calls: {call: customer}, "
                "expect: {state: {one_of: [ringing, up, parked, bridged, ended]}}"
            ),
            ["cannot-fail"],
        ),
        ("calls: {extension: 341}, expect: {count: {at_least: 0}}", ["cannot-fail"]),
        (
            (
                "together: [hangup: {call: customer}, hangup: {call: customer}], "
                "expect: {succeeded: {at_most: 2}}"
            ),
            ["cannot-fail"],
        ),
        (
            (
                "together: [hangup: {call: customer}, hangup: {call: customer}], "
                "expect: {succeeded: {at_most: 1}}"
            ),
            [],
        ),
    ],
)
def test_what_matches_everything_is_said_to_prove_nothing(step: str, codes: list[str]) -> None:
    assert loaded_codes(f"  - {{{step}}}\n{BRIDGE}") == codes


@pytest.mark.parametrize(
    ("step", "codes"),
    [
        ("hangup: {call: customer, extension: 341}", ["two-of-one"]),
        ("hangup: {call: customer, call_api_id: x, extension: 341}", ["two-of-one"]),
        ("park: {slot: 6}", ["missing-key"]),
        ("calls: {call: customer}, save: {a: slot}", ["unknown-field"]),
        ("slots: {call: customer, slot: 6}, save: {a: 'b['}", ["bad-path"]),
        ("calls: {extension: 341}, expect: {count: -1}", ["out-of-range"]),
        ("bridge: {call: customer}, expect: {with: {one_of: [customer, x]}}", ["unknown-call"]),
        ("wait: 1s, save: {a: status}", ["misplaced-key"]),
        ("wait: $target.name and more", ["bad-duration"]),
        ("answer: {call: customer}, expect: {after: {x: 1s}}", ["unknown-id"]),
        ("repeat: {times: 2, as: x, steps: [{check: {that: $x, at_least: 1}}]}", []),
        ("repeat: {each: 1-3, as: x, steps: [{check: {that: $x, at_least: 1}}]}", []),
        ("repeat: {each: $target.slots, as: x, steps: [{check: {that: $x, at_least: 1}}]}", []),
        ("repeat: {each: 3-1, as: x, steps: [{check: {that: $x, at_least: 1}}]}", ["bad-range"]),
        ("repeat: {each: 1 to 3, as: x, steps: [{check: {that: $x, not: 1}}]}", ["bad-range"]),
        ("repeat: {each: 01-3, as: x, steps: [{check: {that: $x, not: 1}}]}", ["bad-range"]),
        (
            "repeat: {each: 1-100001, as: x, steps: [{check: {that: $x, not: 1}}]}",
            ["too-many-rounds"],
        ),
        ("repeat: {times: $target.slots, steps: [{wait: 1s}]}", ["slot-list"]),
        ("check: {that: $target.slots, at_least: 2}", ["slot-list"]),
        ("check: {that: $customer.uuid, at_most: $target.slots}", ["slot-list"]),
        ("calls: {extension: 341}, expect: {count: $target.slots}", ["slot-list"]),
        ("calls: {extension: 341}, expect: {count: {at_least: $target.slots}}", ["slot-list"]),
        ("slots: {call: customer, slot: $target.slots}", ["slot-list"]),
        ("slots: {call: customer, slot: '$target.slots[0]'}, expect: {empty: true}", []),
        ("when: {target_can: events, that: 1}, answer: {call: customer}", ["two-of-one"]),
        ("request: {post: /x, form: {a: 1}, headers: {Authorization: null}}", []),
        ("calls: {extension: 341}, expect: {includes: customer, excludes: [customer]}", []),
        ('use: {file: "a\\0"}', ["no-such-file"]),
    ],
)
def test_steps(step: str, codes: list[str]) -> None:
    assert loaded_codes(f"  - {{{step}}}\n{BRIDGE}") == codes


def test_shapes_compare_without_places() -> None:
    text = parse_text("a $b.c d", SPAN)
    assert shape(text) == "a $b.c d"
    assert shape(Items((Literal(1, SPAN), text), SPAN)) == "[1,a $b.c d]"
    assert shape(Fields((("x", Literal("1", SPAN)),), SPAN)) == "{x:'1'}"
